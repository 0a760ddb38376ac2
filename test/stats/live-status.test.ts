// The status that a writer publishes, and how other processes read it.
import { readFileSync, rmSync } from 'node:fs'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import {
  liveCounters,
  liveStatus,
  PersistenceManager,
  type LiveStatus,
  type WritePath,
} from '../../lib/index.js'
import { fork } from '../children.js'
import { documentOf, pinnacle } from '../cli/running.js'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const paths: WritePath[] = process.platform === 'linux' ? ['window', 'mapped'] : ['mapped']

/** The status, once `is` holds: the writer reports ten times a second. */
async function statusOnce(
  dataDirectory: string,
  is: (status: LiveStatus) => boolean,
  options = {},
): Promise<LiveStatus> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      const status = liveStatus(dataDirectory, options)
      if (is(status)) return status
    } catch {
      // Before the first report.
    }
    await delay(20)
  }
  return liveStatus(dataDirectory, options)
}

for (const writePath of paths) {
  t.test(`a writer publishes frontiers, counters and latencies (${writePath})`, async (t) => {
    const dataDirectory = join(t.testdir(), 'data')
    const manager = await PersistenceManager.open({ dataDirectory, writePath })
    for (let i = 0; i < 5000; i++) manager.append(1, new Uint8Array(32))
    await manager.durable()
    const status = await statusOnce(
      dataDirectory,
      ({ durableFrontier }) => durableFrontier === 5000,
    )
    t.match(status, {
      health: 'alive',
      reason: '',
      pid: process.pid,
      appendedFrontier: 5000,
      writtenFrontier: 5000,
      durableFrontier: 5000,
      writtenWaitMs: 0,
      durableWaitMs: 0,
    })
    const stats = manager.stats()
    for (const { name } of liveCounters()) {
      t.type(status.counters[name], 'number', name)
      t.ok(name in stats, `stats() has ${name}`)
    }
    t.equal(status.counters['windowBytes'], stats.windowBytes)
    t.ok(status.appendNs.count >= 5000 / 256 - 1 && status.appendNs.p50 > 0)
    t.equal(status.syncNs.count, status.counters['syncs'])
    t.ok(Number(status.beatNs - status.openedNs) >= 0)
    await manager.close()
    if (writePath === 'mapped') t.equal(liveStatus(dataDirectory).health, 'none')
    else t.throws(() => liveStatus(dataDirectory), { code: 'ERR_PINNACLE_NOT_FOUND' })
  })

  t.test(`a writer whose journal failed says why (${writePath})`, async (t) => {
    const dataDirectory = join(t.testdir(), 'data')
    const manager = await PersistenceManager.open({ dataDirectory, writePath })
    manager.on('failure', () => undefined)
    manager.append(1, new Uint8Array(32))
    await manager.durable()
    const journal = join(dataDirectory, 'journal')
    for (const name of readdirSync(journal)) rmSync(join(journal, name), { force: true })
    manager.append(1, new Uint8Array(32))
    await t.rejects(manager.durable(), { code: 'ERR_PINNACLE_DIRECTORY_LOST' })
    const status = await statusOnce(dataDirectory, ({ health }) => health === 'failed')
    t.equal(status.health, 'failed')
    t.match(status.reason, /removed or renamed/)
    t.equal((await pinnacle(['stats', dataDirectory])).code, 8)
    await t.rejects(manager.close(), { code: 'ERR_PINNACLE_DIRECTORY_LOST' })
  })

  t.test(`a stopped process is stalled, and a killed one is none (${writePath})`, async (t) => {
    const dataDirectory = join(t.testdir(), 'data')
    const script = fileURLToPath(new URL('idle-writer.js', import.meta.url))
    const child = fork(script, [dataDirectory, writePath])
    await once(child, 'message')
    const alive = await statusOnce(dataDirectory, ({ health }) => health === 'alive')
    t.match(alive, { health: 'alive', pid: child.pid })
    const ran = await pinnacle(['stats', dataDirectory, '--json'])
    t.equal(ran.code, 0)
    t.match(documentOf(ran), { health: 'alive', pid: child.pid, appendedFrontier: 1 })
    child.kill('SIGSTOP')
    const options = { stalledAfterMs: 300 }
    const stalled = await statusOnce(dataDirectory, ({ health }) => health === 'stalled', options)
    t.equal(stalled.health, 'stalled')
    t.match(stalled.reason, /has not reported for/)
    t.equal((await pinnacle(['stats', dataDirectory, '--stalled-after', '0.3'])).code, 7)
    child.kill('SIGKILL')
    child.kill('SIGCONT')
    await once(child, 'exit')
    const none = await statusOnce(dataDirectory, ({ health }) => health === 'none')
    t.equal(none.health, 'none')
    t.equal((await pinnacle(['stats', dataDirectory])).code, 9)
  })
}

t.test('pinnacle stats --watch prints rates until it is interrupted', async (t) => {
  const dataDirectory = join(t.testdir(), 'data')
  await using manager = await PersistenceManager.open({ dataDirectory })
  manager.append(1, new Uint8Array(32))
  await statusOnce(dataDirectory, ({ health }) => health === 'alive')
  const appending = setInterval(() => manager.append(1, new Uint8Array(32)), 5)
  let interrupted = false
  const ran = await pinnacle(['stats', dataDirectory, '--watch', '--interval', '0.3'], {
    onOutput: (child, stdout) => {
      // Once: a second one, for the next piece of its output, would kill it.
      if (interrupted || !/entries .*\/s/.test(stdout)) return
      interrupted = true
      child.kill('SIGINT')
    },
  })
  clearInterval(appending)
  t.equal(ran.code, 0)
  t.match(ran.stdout, /entries +\d+ entries +\d+\/s/)
})

t.test('what can not be a status is refused with a code', async (t) => {
  const directory = t.testdir()
  t.throws(() => liveStatus(join(directory, 'none')), { code: 'ERR_PINNACLE_NOT_FOUND' })
  t.throws(() => liveStatus(''), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' })
  t.throws(() => liveStatus(directory, { stalledAfterMs: 0 }), {
    code: 'ERR_PINNACLE_INVALID_ARGUMENT',
  })
})

t.test('docs/operations.md has every counter', async (t) => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
  for (const { name, kind, what } of liveCounters()) {
    t.ok(page.includes(`\`${name}\``), name)
    t.ok(['counter', 'gauge'].includes(kind) && what !== '')
  }
})
