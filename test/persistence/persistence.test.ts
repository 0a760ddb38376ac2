import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { inspect, Side, type RecoveryProgress, type SnapshotInfo } from '../../lib/index.js'
import { fingerprint, flow, open } from './setup.js'

t.test('books come back as they were after a close', async (t) => {
  const directory = t.testdir()
  const first = await open(directory)
  t.equal(first.recovery.created, true)
  flow(first, 3000)
  first.book('BTC-USD').add(2n ** 127n + 5n, Side.Buy, 6_000_000, 12_345_678)
  first.book('ETH-USD').setLevel(Side.Sell, 300_000, 5)
  const before = fingerprint(first)
  await first.close()
  const second = await open(directory)
  t.strictSame(fingerprint(second), before)
  t.equal(second.recovery.created, false)
  t.equal(second.recovery.tail, 'clean')
  t.equal(second.recovery.lastSequence, before.appended)
  t.match(second.book('BTC-USD').order(2n ** 127n + 5n), { quantity: 12_345_678, side: 0 })
  t.strictSame(second.book('ETH-USD').bestAsk(), { price: 300_000, quantity: 5, orders: 1 })
  await second.close()
})

t.test(
  'an open after a fresh snapshot reads its segment, however long the journal is',
  async (t) => {
    const read: number[] = []
    for (const operations of [20_000, 80_000]) {
      const directory = t.testdir()
      const first = await open(directory, { compactionThreshold: '4GiB' })
      flow(first, operations)
      await first.snapshot()
      await first.close()
      const second = await open(directory, { compactionThreshold: '4GiB' })
      const { recovery } = second
      t.equal(recovery.snapshotSequence, recovery.lastSequence)
      t.ok(recovery.firstSequence === 1, 'nothing was compacted away')
      // The snapshot's segment, and the later ones that are ready and empty.
      t.ok(recovery.segmentsRead <= 3, `${String(recovery.segmentsRead)} segments`)
      read.push(recovery.bytesRead)
      await second.close()
    }
    t.ok(Math.max(...read) < 4 * 64 * 1024, `${read.join(' and ')} bytes`)
  },
)

t.test('a book reads as price-time priority says', async (t) => {
  const manager = await open(t.testdir())
  const book = manager.book('AAPL')
  t.equal(book, manager.book('AAPL'), 'a book is made once')
  t.equal(book.bestBid(), null)
  book.add(1, Side.Buy, book.instrument.ticks('100.25'), 10)
  book.add(2, Side.Buy, 10_025, 20)
  book.add(3, Side.Buy, 10_024, 30)
  book.add(4, Side.Sell, 10_026, 40)
  t.strictSame(book.depth(Side.Buy), [
    { price: 10_025, quantity: 30, orders: 2 },
    { price: 10_024, quantity: 30, orders: 1 },
  ])
  t.strictSame(book.bestAsk(), { price: 10_026, quantity: 40, orders: 1 })
  t.strictSame(book.queuePosition(2), { ordersAhead: 1, quantityAhead: 10 })
  t.equal(book.queuePosition(99), null)
  t.strictSame(
    book.levelOrders(Side.Buy, 10_025).map((order) => order.id),
    [1n, 2n],
  )
  t.strictSame(book.levelOrders(Side.Buy, 1), [])
  book.reduce(1, 4)
  t.strictSame(book.order(1), { id: 1n, side: 0, price: 10_025, quantity: 6 })
  book.execute(1, 6)
  t.equal(book.order(1), null)
  book.replace(2, 5, 10_024, 7)
  t.strictSame(book.queuePosition(5), { ordersAhead: 1, quantityAhead: 30 })
  book.trade(Side.Sell, 10_025, 3)
  book.setStatus(0)
  const info = book.info()
  t.match(info, {
    orders: 3,
    bidLevels: 1,
    askLevels: 1,
    status: 0,
    tradeCount: 2,
    lastTradePrice: 10_025,
  })
  t.equal(info.tradedQuantity, 9)
  t.equal(info.lastSequence, manager.appendedFrontier)
  book.clear()
  t.match(book.info(), { orders: 0, bidLevels: 0, askLevels: 0 })
  await manager.close()
})

t.test('a batch on several books gives what single operations give', async (t) => {
  const directory = t.testdir({ one: {}, two: {} })
  const one = await open(`${directory}/one`)
  const two = await open(`${directory}/two`)
  const batch = two.batch({ autoCommit: 100 })
  for (let i = 1; i <= 950; i++) {
    const name = i % 2 ? 'AAPL' : 'BTC-USD'
    const id = i % 3 ? i : 2n ** 90n + BigInt(i)
    one.book(name).add(id, i % 5 ? 0 : 1, 1000 + (i % 40), i, i)
    batch.add(two.book(name), id, i % 5 ? 0 : 1, 1000 + (i % 40), i, i)
    if (i % 7 === 0) {
      one.book(name).cancel(id, i)
      batch.cancel(two.book(name), id, i)
    }
  }
  const result = batch.commit()
  t.equal(result.lastSequence, two.appendedFrontier)
  t.strictSame(fingerprint(two), fingerprint(one))
  const skipping = two.batch({ skipRefused: true })
  skipping.cancel(two.book('AAPL'), 123_456).add(two.book('AAPL'), 123_456, 0, 5, 5)
  skipping.add(two.book('AAPL'), 123_456, 0, 5, 5).cancel(two.book('AAPL'), 123_456)
  const mixed = skipping.commit()
  t.equal(mixed.taken, 2)
  t.strictSame(
    mixed.refused.map(({ index, error }) => [index, error.code]),
    [
      [0, 'ERR_PINNACLE_UNKNOWN_ORDER'],
      [2, 'ERR_PINNACLE_DUPLICATE_ORDER'],
    ],
  )
  t.strictSame(fingerprint(two).books, {
    ...fingerprint(one).books,
    AAPL: { ...fingerprint(one).books.AAPL, lastSequence: two.appendedFrontier },
  })
  await one.close()
  await two.close()
})

t.test('durable() resolves once a group commit has covered the sequence', async (t) => {
  const manager = await open(t.testdir())
  flow(manager, 50)
  const sequence = manager.appendedFrontier
  const syncsBefore = manager.stats().syncs
  const frontiers = await Promise.all([
    manager.durable(sequence - 3),
    manager.durable(sequence),
    manager.durable(sequence - 1),
    manager.durable(),
  ])
  t.ok(frontiers.every((frontier) => frontier >= sequence - 3))
  t.ok(manager.durableFrontier >= sequence)
  t.ok(manager.stats().syncs - syncsBefore <= 2, 'one commit for all of them')
  await t.rejects(manager.durable(sequence + 1), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' })
  flow(manager, 20, 2)
  t.equal(manager.syncNow(), manager.appendedFrontier)
  await manager.close()
})

t.test(
  'close() makes everything durable and settles what waits; it may be called again',
  async (t) => {
    const directory = t.testdir()
    const manager = await open(directory)
    flow(manager, 20)
    const waiting = manager.durable()
    const closedEvents: unknown[] = []
    manager.on('closed', () => closedEvents.push(1))
    const closing = manager.close()
    t.equal(manager.close(), closing)
    await closing
    t.equal(await waiting, manager.appendedFrontier)
    t.equal(manager.durableFrontier, manager.appendedFrontier)
    t.equal(closedEvents.length, 1)
    await t.rejects(manager.durable(1), { code: 'ERR_PINNACLE_CLOSED' })
    await t.rejects(manager.snapshot(), { code: 'ERR_PINNACLE_CLOSED' })
    await t.rejects(manager.compact(), { code: 'ERR_PINNACLE_CLOSED' })
    await t.rejects(manager.bookAt('AAPL', { sequence: 1 }), { code: 'ERR_PINNACLE_CLOSED' })
    t.throws(() => manager.stats(), { code: 'ERR_PINNACLE_CLOSED' })
    t.throws(() => manager.syncNow(), { code: 'ERR_PINNACLE_CLOSED' })
    t.throws(() => manager.book('AAPL').add(1, 0, 1, 1), { code: 'ERR_PINNACLE_CLOSED' })
    t.throws(() => manager.append(1, new Uint8Array(8)), { code: 'ERR_PINNACLE_CLOSED' })
  },
)

t.test(
  'a closed manager holds no file, open or mapped',
  { skip: process.platform === 'linux' ? false : 'it reads /proc' },
  async (t) => {
    const root = t.testdir()
    for (const writePath of ['window', 'mapped'] as const) {
      const directory = join(root, writePath)
      const manager = await open(directory, { writePath })
      flow(manager, 100)
      const isOurs = (name: string): boolean => name.includes(directory) || /\.window\b/.test(name)
      const mapped = (): string[] =>
        readFileSync('/proc/self/maps', 'utf8').split('\n').filter(isOurs)
      const opened = (): string[] =>
        readdirSync('/proc/self/fd')
          .map((name) => {
            try {
              return readlinkSync(`/proc/self/fd/${name}`)
            } catch {
              return '' // that of the listing itself
            }
          })
          .filter(isOurs)
      t.ok(mapped().length > 0)
      t.ok(opened().length > 0)
      await manager.close()
      t.strictSame(mapped(), [])
      t.strictSame(opened(), [])
    }
  },
)

t.test('await using closes', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  await manager[Symbol.asyncDispose]()
  t.equal(manager.closed, true)
  await (await open(directory)).close()
})

t.test('instruments are defined at open and later, once', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  t.strictSame(
    manager.instruments().map(({ index, name, kind }) => [index, name, kind]),
    [
      [1, 'AAPL', 'orders'],
      [2, 'BTC-USD', 'orders'],
      [3, 'ETH-USD', 'levels'],
    ],
  )
  const definition = { name: 'MSFT', priceScale: 4, quantityScale: 0 }
  const defined = manager.defineInstrument(definition)
  t.equal(defined.index, 4)
  const appended = manager.appendedFrontier
  t.equal(manager.defineInstrument(definition), defined)
  t.equal(manager.appendedFrontier, appended, 'the same again journals nothing')
  manager.book('MSFT').add(1, 0, defined.ticks('12.3456'), 1)
  await manager.close()
  const again = await open(directory)
  t.match(again.instrument('MSFT'), { index: 4, priceScale: 4, kind: 'orders' })
  t.equal(
    again.appendedFrontier,
    appended + 1,
    'opening with the same instruments journals nothing',
  )
  await again.close()
})

t.test('events report recovery, snapshots and compaction', async (t) => {
  const directory = t.testdir()
  const first = await open(directory)
  flow(first, 4000)
  await first.close()
  const progress: RecoveryProgress[] = []
  const told: string[] = []
  const manager = await open(
    directory,
    { compactionThreshold: 0, keepSnapshots: 1 },
    {
      listeners: {
        recoveryProgress: (step) => progress.push(step),
        recovered: (report) => told.push(`recovered ${String(report.lastSequence)}`),
        snapshot: (info) => told.push(`snapshot ${String(info.sequence)}`),
      },
    },
  )
  t.ok(progress.length > 0)
  t.ok(progress.every(({ done, total }) => done >= 0 && done <= total))
  const compaction = new Promise((resolve) => manager.once('compaction', resolve))
  const sequence = manager.appendedFrontier
  const info = await manager.snapshot()
  t.equal(info.sequence, sequence)
  await compaction
  t.strictSame(told, [`recovered ${String(sequence)}`, `snapshot ${String(sequence)}`])
  await manager.close()
  t.match(await open(directory).then(async (m) => (await m.close(), m.recovery)), {
    snapshotSequence: sequence,
    lastSequence: sequence,
  })
})

t.test('snapshots asked for at once share a run, and none is older than the request', async (t) => {
  const manager = await open(t.testdir())
  flow(manager, 500)
  const at = manager.appendedFrontier
  const first = manager.snapshot()
  const second = manager.snapshot()
  manager.book('AAPL').add(9_999_999, 0, 1, 1)
  const infos: SnapshotInfo[] = await Promise.all([first, second, manager.snapshot()])
  t.equal(infos[0]?.sequence, at)
  t.equal(infos[1]?.sequence, at + 1)
  t.equal(infos[1], infos[2])
  await manager.close()
})

t.test('the timer takes snapshots while there is something new', async (t) => {
  const manager = await open(t.testdir(), { snapshotIntervalMin: 0.01 })
  // The timer alone keeps neither a process nor this test alive.
  const alive = setInterval(() => undefined, 1000)
  t.teardown(() => {
    clearInterval(alive)
  })
  const next = (): Promise<SnapshotInfo> =>
    new Promise((resolve) => manager.once('snapshot', resolve))
  flow(manager, 10)
  t.equal((await next()).sequence, manager.appendedFrontier)
  const { snapshots } = manager.stats()
  await new Promise((resolve) => setTimeout(resolve, 1300))
  t.equal(manager.stats().snapshots, snapshots, 'nothing new, no snapshot')
  manager.book('AAPL').clear()
  t.equal((await next()).sequence, manager.appendedFrontier)
  await manager.close()
})

t.test('a past book is rebuilt at a sequence and at a time, the live one stays', async (t) => {
  const manager = await open(t.testdir())
  const book = manager.book('AAPL')
  const digests = new Map<number, bigint>()
  for (let i = 1; i <= 300; i++) {
    const sequence = book.add(i, i % 2 ? 0 : 1, 1000 + (i % 20), i, 1000 * i)
    digests.set(sequence, book.digest())
    if (i === 150) await manager.snapshot()
  }
  const live = fingerprint(manager)
  const [firstSequence = 0] = digests.keys()
  for (const back of [0, 1, 149, 150, 151, 299]) {
    const sequence = firstSequence + back
    const past = await manager.bookAt('AAPL', { sequence })
    t.equal(past.digest(), digests.get(sequence), `as of ${String(sequence)}`)
    t.equal(past.sequence, sequence)
    past.close()
    const byTime = await manager.bookAt('AAPL', { timestamp: BigInt(1000 * (back + 1) + 999) })
    t.equal(byTime.digest(), digests.get(sequence), 'as of the time before the next entry')
    byTime.close()
  }
  t.strictSame(fingerprint(manager), live)
  await t.rejects(manager.bookAt('AAPL', { sequence: manager.appendedFrontier + 1 }), {
    code: 'ERR_PINNACLE_OUT_OF_REACH',
  })
  await t.rejects(manager.bookAt('AAPL', {} as never), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' })
  await t.rejects(manager.bookAt('AAPL', { sequence: -1 }), {
    code: 'ERR_PINNACLE_INVALID_SEQUENCE',
  })
  await t.rejects(manager.bookAt('APPL', { sequence: 1 }), {
    code: 'ERR_PINNACLE_UNKNOWN_INSTRUMENT',
    message: /did you mean "AAPL"/,
  })
  const books = await manager.booksAt({ sequence: firstSequence })
  t.equal(books.book('AAPL').info().orders, 1)
  t.equal(books.instruments().length, 3)
  books.close()
  await manager.close()
})

t.test('stats count what was done', async (t) => {
  const manager = await open(t.testdir())
  const before = manager.stats()
  flow(manager, 2000)
  t.throws(() => manager.book('AAPL').cancel(424_242))
  await manager.durable()
  const stats = manager.stats()
  t.equal(stats.entries - before.entries, 2000)
  t.equal(stats.refused - before.refused, 1)
  t.equal(stats.bytesAppended - before.bytesAppended, 2000 * 64)
  t.equal(stats.appendedFrontier, manager.appendedFrontier)
  t.equal(stats.durableFrontier, stats.appendedFrontier)
  t.equal(stats.appliedFrontier, stats.appendedFrontier)
  t.equal(stats.failed, null)
  t.equal(stats.pendingDurable, 0)
  t.ok(stats.syncs > before.syncs)
  t.ok(
    stats.appendNs.count > 0 && stats.appendNs.p50 > 0 && stats.appendNs.p99 <= stats.appendNs.max,
  )
  t.ok(stats.syncNs.count > 0 && stats.syncEntries.max >= 1)
  for (const { buckets, count } of [stats.appendNs, stats.syncNs, stats.syncEntries]) {
    t.equal(
      buckets.counts.reduce((sum, inBucket) => sum + inBucket, 0),
      count,
    )
  }
  const callsMs = Array.from({ length: 50 }, () => {
    const begun = performance.now()
    manager.stats()
    return performance.now() - begun
  })
  t.ok(Math.min(...callsMs) < 0.5, `a call takes ${String(Math.min(...callsMs))} ms`)
  t.ok(stats.journalBytes >= 2000 * 64 && stats.bookMemoryBytes > 0)
  await manager.close()
})

t.test('inspect says what a directory holds and changes nothing, open or not', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  flow(manager, 2500)
  await manager.snapshot()
  await manager.durable()
  const whileOpen = await inspect(directory)
  t.equal(whileOpen.locked, true)
  await manager.close()
  const report = await inspect(directory)
  t.equal(report.locked, false)
  t.match(report.journalId, /^[0-9a-f]{32}$/)
  t.equal(report.recovery.tail, 'clean')
  t.equal(report.recovery.lastSequence, manager.appendedFrontier)
  t.equal(report.snapshots.length, 1)
  t.match(report.snapshots[0], { valid: true, sequence: manager.appendedFrontier })
  t.ok(report.segments.length >= 2 && report.segments.every(({ state }) => state !== 'corrupt'))
})
