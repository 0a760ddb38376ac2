import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import type { CompactionReport, TakenSnapshot } from '../../lib/index.js'
import { fingerprint, flow, open } from '../persistence/setup.js'

const flipByte = (path: string, at: number): void => {
  const bytes = readFileSync(path)
  const index = at < 0 ? bytes.length + at : at
  bytes[index] = (bytes[index] ?? 0) ^ 0x10
  writeFileSync(path, bytes)
}

t.test('snapshots are listed newest first, verified and rotated by keepSnapshots', async (t) => {
  const manager = await open(t.testdir(), { keepSnapshots: 2 })
  const { snapshots } = manager
  t.strictSame(snapshots.list(), [])
  const taken: number[] = []
  for (let round = 1; round <= 4; round++) {
    flow(manager, 200, round)
    const info = await snapshots.take()
    t.equal(info.sequence, manager.appendedFrontier)
    t.ok(info.orders > 0 && info.bytes > 0 && info.instruments === 3)
    taken.push(info.sequence)
  }
  const list = snapshots.list()
  t.strictSame(
    list.map(({ sequence }) => sequence),
    taken.slice(-2).reverse(),
  )
  for (const { path, sequence } of list) t.equal((await snapshots.verify(path)).sequence, sequence)
  const report = await snapshots.rotate(1)
  t.strictSame(
    report.kept.map(({ sequence }) => sequence),
    taken.slice(-1),
  )
  t.strictSame(
    report.removed.map(({ sequence }) => sequence),
    taken.slice(-2, -1),
  )
  t.equal(snapshots.list().length, 1)
  await t.rejects(snapshots.rotate(0), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' })
  await manager.close()
})

t.test('a loaded snapshot holds the books of its sequence, beside the live ones', async (t) => {
  const manager = await open(t.testdir())
  flow(manager, 300)
  const then = fingerprint(manager)
  const { path } = await manager.snapshot()
  flow(manager, 300, 2)
  const live = fingerprint(manager)
  const loaded = await manager.snapshots.load(path)
  t.equal(loaded.info.sequence, then.appended)
  t.equal(loaded.books.sequence, then.appended)
  t.equal(loaded.state, null)
  t.equal(loaded.books.book('AAPL').digest(), then.books.AAPL?.digest)
  t.throws(() => loaded.books.book('AAPK'), { code: 'ERR_PINNACLE_UNKNOWN_INSTRUMENT' })
  loaded.books.close()
  t.strictSame(fingerprint(manager), live)
  await manager.close()
})

t.test('a damaged snapshot is found by verify and passed over by recovery', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  flow(manager, 300)
  await manager.snapshot()
  flow(manager, 300, 2)
  const damaged = await manager.snapshot()
  flow(manager, 50, 3)
  const before = fingerprint(manager)
  await manager.close()
  flipByte(damaged.path, -20)
  const again = await open(directory)
  t.strictSame(fingerprint(again), before)
  t.equal(again.recovery.damagedSnapshots.length, 1)
  t.ok(again.recovery.snapshotSequence < damaged.sequence)
  await t.rejects(again.snapshots.verify(damaged.path), { code: 'ERR_PINNACLE_SNAPSHOT_CORRUPT' })
  const report = await again.snapshots.rotate(1)
  t.equal(report.damaged.length, 1, 'a damaged one counts for nothing')
  t.equal(report.kept.length, 1)
  t.equal(report.removed.length, 0)
  await again.close()
})

t.test('a new snapshot drives no sound one away to make room for a rotten one', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory, { keepSnapshots: 2 })
  const taken: TakenSnapshot[] = []
  manager.on('snapshot', (info) => taken.push(info))
  for (let round = 1; round <= 2; round++) {
    flow(manager, 300, round)
    await manager.snapshot()
  }
  const [oldest, rotten] = taken
  flipByte(rotten?.path ?? '', 4500)
  flow(manager, 300, 3)
  const newest = await manager.snapshot()
  t.same(
    manager.snapshots.list().map(({ sequence }) => sequence),
    [newest.sequence, rotten?.sequence, oldest?.sequence],
  )
  t.match(newest.damagedSnapshots, [{ path: rotten?.path, reason: /checksum/ }])
  t.strictSame(taken[2], newest, 'the event says it too')
  t.same(oldest?.damagedSnapshots, [])
  const before = fingerprint(manager)
  await manager.close()
  flipByte(newest.path, 4500)
  const again = await open(directory, { keepSnapshots: 2 })
  t.equal(again.recovery.snapshotSequence, oldest?.sequence)
  t.strictSame(fingerprint(again), before)
  await again.close()
})

t.test('rotation counts and removes no snapshot that is damaged, renamed or foreign', async (t) => {
  const parent = t.testdir()
  const other = await open(join(parent, 'other'))
  flow(other, 2000)
  const foreign = await other.snapshot()
  await other.close()
  const manager = await open(join(parent, 'data'), { keepSnapshots: 3 })
  const taken: TakenSnapshot[] = []
  for (let round = 1; round <= 3; round++) {
    flow(manager, 300, round)
    taken.push(await manager.snapshot())
  }
  const [first, second, third] = taken as [TakenSnapshot, TakenSnapshot, TakenSnapshot]
  const snapshots = dirname(first.path)
  flipByte(third.path, 4500)
  copyFileSync(first.path, join(snapshots, '00000000000000009000.snapshot'))
  copyFileSync(foreign.path, join(snapshots, basename(foreign.path)))
  const report = await manager.snapshots.rotate(1)
  t.match(report.kept, [{ path: second.path, orders: second.orders, bytes: second.bytes }])
  t.match(report.removed, [{ path: first.path, sequence: first.sequence }])
  t.match(report.damaged, [
    { snapshot: { sequence: 9000 }, reason: /holds snapshot \d+ and was renamed/ },
    { snapshot: { sequence: foreign.sequence }, reason: /belongs to another journal/ },
    { snapshot: { path: third.path }, reason: /checksum/ },
  ])
  t.equal(manager.snapshots.list().length, 4)
  await manager.close()
  await t.rejects(manager.snapshots.rotate(1), { code: 'ERR_PINNACLE_CLOSED' })
})

t.test('compaction trusts no snapshot by its name, and its event says which', async (t) => {
  const manager = await open(t.testdir(), { keepSnapshots: 2, compactionThreshold: '1GiB' })
  const reports: CompactionReport[] = []
  manager.on('compaction', (report) => reports.push(report))
  for (let round = 1; round <= 4; round++) flow(manager, 1000, round)
  const first = await manager.snapshot()
  for (let round = 5; round <= 8; round++) flow(manager, 1000, round)
  const second = await manager.snapshot()
  flipByte(first.path, 4500)
  flipByte(second.path, 4500)
  const none = await manager.compact({ force: true })
  t.match(none, { removed: 0, recycled: 0, oldestSequence: 1 })
  t.match(none.reason, /none of the 2 snapshots verifies/)
  t.match(none.damagedSnapshots, [{ path: first.path }, { path: second.path }])
  t.strictSame(reports.at(-1), none)
  flipByte(second.path, 4500)
  const some = await manager.compact({ force: true })
  t.ok(some.removed + some.recycled > 0)
  t.match(some.damagedSnapshots, [{ path: first.path, reason: /checksum/ }])
  t.equal(some.damagedSnapshots.length, 1)
  await manager.close()
})

t.test('a directory with a damaged and a renamed snapshot is listed whole', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  flow(manager, 300)
  const good = await manager.snapshot()
  const snapshots = dirname(good.path)
  copyFileSync(good.path, join(snapshots, '00000000000000009000.snapshot'))
  writeFileSync(join(snapshots, '00000000000000008000.snapshot'), 'rotten from its first byte')
  t.match(manager.snapshots.list(), [
    { sequence: 9000, bytes: 0 },
    { sequence: 8000, bytes: 0 },
    { sequence: good.sequence, bytes: good.bytes },
  ])
  await t.rejects(manager.snapshots.verify(join(snapshots, '00000000000000009000.snapshot')), {
    code: 'ERR_PINNACLE_SNAPSHOT_CORRUPT',
    message: new RegExp(`holds snapshot ${String(good.sequence)} and was renamed`),
  })
  await manager.close()
})

t.test('a file that is not a snapshot is a coded error', async (t) => {
  const directory = t.testdir({
    other: 'not a snapshot at all, though long enough to be looked at',
  })
  const manager = await open(directory)
  await t.rejects(manager.snapshots.verify(`${directory}/none`), { code: 'ERR_PINNACLE_NOT_FOUND' })
  await t.rejects(manager.snapshots.verify(`${directory}/other`), { code: /^ERR_PINNACLE_/ })
  await t.rejects(manager.snapshots.load(''), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' })
  await t.rejects(manager.snapshots.load(5 as never), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' })
  await manager.close()
})

t.test('compaction frees what no kept snapshot needs, and the books still come back', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory, { keepSnapshots: 1, compactionThreshold: '1GiB' })
  for (let round = 1; round <= 5; round++) flow(manager, 3000, round)
  const idle = await manager.compact()
  t.equal(idle.removed + idle.recycled, 0)
  t.not(idle.reason, '', 'it says why it did nothing')
  await manager.snapshot()
  const report = await manager.compact({ force: true })
  t.ok(report.removed + report.recycled > 0)
  t.ok(report.oldestSequence > 1)
  const before = fingerprint(manager)
  await t.rejects(manager.bookAt('AAPL', { sequence: 10 }), { code: 'ERR_PINNACLE_OUT_OF_REACH' })
  await manager.close()
  const again = await open(directory)
  t.strictSame(fingerprint(again), before)
  await again.close()
})
