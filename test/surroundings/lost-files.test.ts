import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { node } from '../children.js'
import { open } from '../persistence/setup.js'

const openOnce = fileURLToPath(new URL('./open-once.js', import.meta.url))

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
    manager.append(1, new Uint8Array([2]))
    await t.rejects(manager.durable(), { code: 'ERR_PINNACLE_DIRECTORY_LOST' })
    await t.rejects(manager.close(), { code: 'ERR_PINNACLE_DIRECTORY_LOST' })
    await using again = await open(dataDirectory)
    t.ok(again.appendedFrontier >= 1, 'and its lock is free')
  },
)

const losses: Record<string, (directory: string) => void> = {
  'is removed': (directory) => {
    rmSync(directory, { recursive: true })
  },
  'is renamed': (directory) => {
    renameSync(directory, `${directory}-2`)
  },
  'is made anew': (directory) => {
    rmSync(directory, { recursive: true })
    mkdirSync(join(directory, 'journal'), { recursive: true })
    writeFileSync(join(directory, 'LOCK'), '')
  },
}

for (const [what, happen] of Object.entries(losses)) {
  for (const durability of ['appended', 'interval', 'durable'] as const) {
    t.test(`a writer whose directory ${what} fails with a code (${durability})`, async (t) => {
      const dataDirectory = join(t.testdir(), 'data')
      const failures: Error[] = []
      const manager = await open(dataDirectory, { durability, journalSyncIntervalMs: 1 })
      manager.on('failure', (error) => failures.push(error))
      const payload = new Uint8Array(1000)
      manager.append(1, payload)
      const acknowledged = await manager.durable()
      happen(dataDirectory)
      const lost = { code: 'ERR_PINNACLE_DIRECTORY_LOST' }
      if (durability === 'durable') t.throws(() => manager.append(1, payload), lost)
      else manager.append(1, payload)
      await t.rejects(manager.durable(), lost)
      t.equal(manager.durableFrontier, acknowledged)
      t.throws(() => manager.append(1, payload), lost, 'nothing more is accepted')
      t.throws(() => manager.syncNow(), lost)
      t.match(failures, [lost])
      await t.rejects(manager.close(), lost)
    })
  }
}

t.test('a writer that never syncs notices the loss with its next segment', async (t) => {
  const dataDirectory = join(t.testdir(), 'data')
  const manager = await open(dataDirectory, { durability: 'appended' })
  rmSync(dataDirectory, { recursive: true })
  const payload = new Uint8Array(10_000)
  t.throws(
    () => {
      for (let index = 0; index < 100; index++) manager.append(1, payload)
    },
    { code: 'ERR_PINNACLE_DIRECTORY_LOST' },
  )
  t.ok(manager.appendedFrontier < 40, 'within the segments that were ready')
  await t.rejects(manager.close(), { code: 'ERR_PINNACLE_DIRECTORY_LOST' })
})
