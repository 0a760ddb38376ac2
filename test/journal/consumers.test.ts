import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  Consumers,
  Journal,
  PersistenceManager,
  type JournalEntry,
  type OvertakenConsumer,
} from '../../lib/index.js'
import { removeLive } from '../removing.js'

const payload = new Uint8Array(1000)

function open(dataDirectory: string, more: object = {}): Promise<PersistenceManager> {
  return PersistenceManager.open({
    dataDirectory,
    segmentSize: '64KiB',
    snapshotIntervalMin: 0,
    compactionThreshold: 0,
    keepSnapshots: 1,
    durability: 'appended',
    ...more,
  })
}

function fill(manager: PersistenceManager, count: number): void {
  for (let index = 0; index < count; index++) manager.append(1, payload)
}

async function take(
  entries: AsyncGenerator<JournalEntry, void, undefined>,
  count = Infinity,
): Promise<number[]> {
  const sequences: number[] = []
  for await (const { sequence } of entries) {
    sequences.push(sequence)
    if (sequences.length === count) break
  }
  return sequences
}

t.test('a consumer goes on after what it committed, in whatever process', async (t) => {
  const dataDirectory = t.testdir()
  await using manager = await open(dataDirectory)
  fill(manager, 20)
  {
    await using consumer = await manager.journal.consumers.open('archive')
    t.equal(consumer.position, 0)
    t.same(await take(consumer.entries(), 5), [1, 2, 3, 4, 5])
    t.equal(await consumer.commit(5), 5)
    t.same(await take(consumer.entries(), 2), [6, 7], 'each iteration begins after the position')
    await t.rejects(consumer.commit(4), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' })
    await t.rejects(consumer.commit(20), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' })
    t.equal(consumer.position, 5)
    await t.rejects(Consumers.of(dataDirectory).open('archive'), { code: 'ERR_PINNACLE_LOCKED' })
  }
  const elsewhere = Consumers.of(dataDirectory)
  t.match(await elsewhere.list(), [{ name: 'archive', sequence: 5, open: false, problem: '' }])
  await using again = await elsewhere.open('archive', { from: 1 })
  t.equal((await take(again.entries())).length, 15, '`from` is for a new one only')
  t.match(await elsewhere.list(), [{ name: 'archive', open: true }])
})

t.test('commits that come together share a write, and each is answered', async (t) => {
  await using manager = await open(t.testdir())
  fill(manager, 100)
  await using consumer = await manager.journal.consumers.open('a')
  await take(consumer.entries())
  const answers = await Promise.allSettled(
    [3, 50, 1000, 7, 20].map((sequence) => consumer.commit(sequence)),
  )
  t.match(answers, [
    { status: 'fulfilled' },
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'ERR_PINNACLE_INVALID_SEQUENCE' } },
    { status: 'fulfilled' },
    { status: 'fulfilled' },
  ])
  t.equal(consumer.position, 50)
})

t.test('a commit that another one has passed is covered by it', async (t) => {
  await using manager = await open(t.testdir())
  fill(manager, 100)
  await using consumer = await manager.journal.consumers.open('a')
  await take(consumer.entries())
  // The first is under way when the second comes.
  const answers = [50, 3, 60, 59].map((sequence) => consumer.commit(sequence))
  t.same(await Promise.all(answers), [50, 60, 60, 60])
  await t.rejects(consumer.commit(3), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' })
})

t.test('what a filter leaves out can be committed, once all before it was taken', async (t) => {
  await using manager = await open(t.testdir())
  fill(manager, 2000)
  manager.append(2, payload)
  fill(manager, 1000)
  await using consumer = await manager.journal.consumers.open('filtered')
  t.same(await take(consumer.entries({ types: ['trade'] })), [])
  t.equal(consumer.given, 3001)
  t.equal(await consumer.commit(consumer.given), 3001)
  fill(manager, 10)
  t.same(await take(consumer.entries({ to: 3005, types: ['trade'] })), [])
  t.equal(consumer.given, 3005, 'not beyond what was asked for')
  await t.rejects(consumer.commit(3006), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' })
  t.same(await take(consumer.entries(), 1), [3002])
  t.equal(consumer.given, 3002, 'of a chunk only what was taken')
})

t.test('a reset excludes everything else, and close waits for it', async (t) => {
  const dataDirectory = t.testdir()
  await using manager = await open(dataDirectory)
  fill(manager, 100)
  const consumer = await manager.journal.consumers.open('a')
  await take(consumer.entries())
  await consumer.commit(90)
  const busy = { code: 'ERR_PINNACLE_BUSY' }
  const moved = consumer.reset(10)
  await Promise.all([
    t.rejects(consumer.reset(20), busy),
    t.rejects(consumer.commit(95), busy),
    t.rejects(take(consumer.entries()), busy),
  ])
  await consumer.close()
  await using again = await manager.journal.consumers.open('a')
  await moved
  t.equal(again.position, 10)
  await again.reset(20)
  t.same(await take(again.entries(), 2), [21, 22])
})

t.test('a consumer follows a writer, and one iteration runs at a time', async (t) => {
  await using manager = await open(t.testdir())
  fill(manager, 3)
  await using consumer = await manager.journal.consumers.open('live')
  const stop = new AbortController()
  const seen: number[] = []
  const following = (async () => {
    for await (const { sequence } of consumer.entries({ follow: true, signal: stop.signal })) {
      seen.push(sequence)
      await consumer.commit(sequence)
      if (sequence === 6) stop.abort()
    }
  })()
  await t.rejects(take(consumer.entries()), { code: 'ERR_PINNACLE_BUSY' })
  await t.rejects(consumer.reset(0), { code: 'ERR_PINNACLE_BUSY' })
  fill(manager, 3)
  await t.rejects(following, { name: 'AbortError' })
  t.same(seen, [1, 2, 3, 4, 5, 6])
  t.equal(consumer.position, 6)
  await consumer.close()
  await consumer.close()
  await t.rejects(consumer.entries().next(), { code: 'ERR_PINNACLE_CLOSED' })
  await t.rejects(consumer.commit(6), { code: 'ERR_PINNACLE_CLOSED' })
})

t.test(
  'compaction waits for a consumer, up to the limit; then both sides are informed',
  async (t) => {
    const dataDirectory = t.testdir()
    const manager = await open(dataDirectory, { consumerLimit: '256KiB' })
    const overtaken: OvertakenConsumer[] = []
    manager.on('consumerOvertaken', (consumer) => overtaken.push(consumer))
    await using consumer = await manager.journal.consumers.open('slow')
    fill(manager, 200)
    await take(consumer.entries(), 150)
    await consumer.commit(150)
    await manager.snapshot()
    const kept = await manager.compact({ force: true })
    t.match(kept, { slowestConsumer: 'slow', overtaken: { length: 0 } })
    t.ok(kept.oldestSequence <= 150 && kept.oldestSequence > 1, 'what it consumed is freed')
    t.ok(kept.bytesKeptForConsumers > 0)
    t.equal((await take(consumer.entries())).length, 50)
    fill(manager, 1000)
    await manager.snapshot()
    await manager.compact({ force: true })
    t.match(overtaken, [{ name: 'slow', sequence: 150 }])
    t.ok((overtaken[0]?.oldestSequence ?? 0) > 151)
    const told: unknown = await take(consumer.entries()).catch((error: unknown) => error)
    t.match(told, { code: 'ERR_PINNACLE_OUT_OF_REACH', message: /from \d+ on/ })
    const oldest = Number(/from (\d+) on/.exec(String(told))?.[1])
    t.ok(oldest >= (overtaken[0]?.oldestSequence ?? 0), 'it is not waited for any longer')
    await consumer.reset(oldest - 1)
    t.equal((await take(consumer.entries(), 1))[0], oldest, 'it goes on where it says')
    await consumer.close()
    await manager.journal.consumers.remove('slow')
    t.same(await manager.journal.consumers.list(), [])
    await t.rejects(manager.journal.consumers.remove('slow'), { code: 'ERR_PINNACLE_NOT_FOUND' })
    await manager.snapshot()
    t.equal((await manager.compact({ force: true })).bytesKeptForConsumers, 0)
    await manager.close()
  },
)

t.test(
  'bad names, sequences and directories are refused with a code, and make nothing',
  async (t) => {
    const dataDirectory = t.testdir()
    await using manager = await open(dataDirectory)
    const { consumers } = manager.journal
    for (const name of ['', '.', '../x', 'a/b', 'a'.repeat(65), 'ü']) {
      await t.rejects(consumers.open(name), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' }, name)
      await t.rejects(consumers.remove(name), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' }, name)
    }
    await t.rejects(consumers.open(7 as never), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' })
    for (const from of [0, -1, 1.5, NaN, 2 ** 53]) {
      await t.rejects(consumers.open('a', { from }), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' })
    }
    t.same(await consumers.list(), [])
    await t.rejects(Consumers.of(join(dataDirectory, 'nowhere')).open('a'), {
      code: 'ERR_PINNACLE_NOT_FOUND',
    })
    t.same(await Consumers.of(join(dataDirectory, 'nowhere')).list(), [])
    await using consumer = await consumers.open('a')
    await t.rejects(consumer.commit(1), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' }, 'not read')
    for (const sequence of [-1, 0.5, NaN, 2 ** 53]) {
      await t.rejects(consumer.reset(sequence), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' })
      await t.rejects(consumer.commit(sequence), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' })
    }
  },
)

const losses: Record<string, (directory: string) => Promise<void> | void> = {
  'is removed': (directory) => {
    removeLive(directory)
  },
  'is renamed': (directory) => {
    renameSync(directory, `${directory}-2`)
  },
  'is recreated by another writer': async (directory) => {
    removeLive(directory)
    mkdirSync(directory)
    const other = await open(directory)
    fill(other, 300)
    await other.close()
  },
}

for (const [what, happen] of Object.entries(losses)) {
  t.test(
    `a follower whose directory ${what} gets an error, and does not wait for ever`,
    async (t) => {
      const dataDirectory = join(t.testdir(), 'data')
      const manager = await open(dataDirectory)
      fill(manager, 100)
      const follower = Journal.read(dataDirectory, { follow: true })
      for (let index = 0; index < 100; index++) await follower.next()
      await manager.close()
      const lost = { code: 'ERR_PINNACLE_DIRECTORY_LOST', message: /before entry 101/ }
      const told = t.rejects(follower.next(), lost)
      await happen(dataDirectory)
      await told
    },
  )
}
