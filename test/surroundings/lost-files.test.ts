import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { PersistenceManager } from '../../lib/index.js'
import { node } from '../children.js'
import { removeLive } from '../removing.js'
import { open } from '../persistence/setup.js'

const openOnce = fileURLToPath(new URL('./open-once.js', import.meta.url))

const lost = { code: 'ERR_PINNACLE_DIRECTORY_LOST' }

/**
 * Appends and waits for durability, one of which must be refused: the append, if a sync or a segment in the
 * background has noticed the loss already.
 */
async function expectRefusal(
  t: Test,
  manager: PersistenceManager,
  payload: Uint8Array,
): Promise<void> {
  try {
    manager.append(1, payload)
  } catch (error) {
    t.match(error, lost)
    return
  }
  await t.rejects(manager.durable(), lost)
}

t.test(
  'a second writer is refused although LOCK was removed, and leaves no file behind',
  async (t) => {
    const dataDirectory = join(t.testdir(), 'data')
    const manager = await open(dataDirectory)
    manager.append(1, new Uint8Array([1]))
    await manager.durable()
    rmSync(join(dataDirectory, 'LOCK'))
    const second = spawnSync(...node(openOnce, dataDirectory), { encoding: 'utf8' })
    t.equal(second.stdout, 'ERR_PINNACLE_LOCKED\n', second.stderr)
    t.notOk(existsSync(join(dataDirectory, 'LOCK')))
    // The first one notices as well, since a version before this one would lock a new LOCK only.
    await expectRefusal(t, manager, new Uint8Array([2]))
    await t.rejects(manager.close(), lost)
    await using again = await open(dataDirectory)
    t.ok(again.appendedFrontier >= 1, 'and its lock is free')
  },
)

const losses: Record<string, (directory: string) => void> = {
  'is removed': (directory) => {
    removeLive(directory)
  },
  'is renamed': (directory) => {
    renameSync(directory, `${directory}-2`)
  },
  'is recreated': (directory) => {
    removeLive(directory)
    mkdirSync(join(directory, 'journal'), { recursive: true })
    writeFileSync(join(directory, 'LOCK'), '')
  },
}

for (const [what, happen] of Object.entries(losses)) {
  for (const durability of ['appended', 'interval', 'durable'] as const) {
    t.test(`a writer whose directory ${what} fails with a code (${durability})`, async (t) => {
      const dataDirectory = join(t.testdir(), 'data')
      const manager = await open(dataDirectory, { durability, journalSyncIntervalMs: 1 })
      const failure = once(manager, 'failure')
      const payload = new Uint8Array(1000)
      manager.append(1, payload)
      const acknowledged = await manager.durable()
      happen(dataDirectory)
      if (durability === 'durable') t.throws(() => manager.append(1, payload), lost)
      else await expectRefusal(t, manager, payload)
      t.equal(manager.durableFrontier, acknowledged)
      t.throws(() => manager.append(1, payload), lost, 'nothing more is accepted')
      t.throws(() => manager.syncNow(), lost)
      // (The journal's threads do not keep a process alive.)
      const alive = setTimeout(() => undefined, 60_000)
      t.match(await failure, [lost], 'also if no caller waits for durability')
      clearTimeout(alive)
      await t.rejects(manager.durable(), lost)
      await t.rejects(manager.close(), lost)
    })
  }
}

t.test('a writer that never syncs notices the loss with its next segment', async (t) => {
  const dataDirectory = join(t.testdir(), 'data')
  const manager = await open(dataDirectory, { durability: 'appended' })
  removeLive(dataDirectory)
  const payload = new Uint8Array(10_000)
  t.throws(() => {
    for (let index = 0; index < 100; index++) manager.append(1, payload)
  }, lost)
  t.ok(manager.appendedFrontier < 40, 'within the segments that were ready')
  await t.rejects(manager.close(), lost)
})
