/**
 * Instruments with signed prices, through the whole API; and unsigned ones, which refuse negative prices as
 * ever.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import {
  booksAt,
  formatDecimal,
  inspect,
  isPinnacleError,
  Journal,
  parseDecimal,
  PersistenceManager,
  Side,
  type InstrumentDefinition,
  type JournalEntry,
} from '../../lib/index.js'
import { readSnapshot } from '../../lib/pure-reader/snapshot.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import { open } from './setup.js'

const most = Number.MAX_SAFE_INTEGER
const signed: InstrumentDefinition[] = [
  { name: 'CL', priceScale: 2, quantityScale: 0, signedPrices: true },
  { name: 'CL-SPREAD', priceScale: 2, quantityScale: 0, kind: 'levels', signedPrices: true },
  { name: 'PLAIN', priceScale: 2, quantityScale: 0 },
]

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return isPinnacleError(error) ? error.code : `no code: ${String(error)}`
  }
  return ''
}

/** Books with prices on both sides of zero, over several segments, with a snapshot in the middle. */
async function written(t: Test): Promise<string> {
  const dataDirectory = path.join(t.testdir(), 'data')
  const manager = await open(dataDirectory, { instruments: signed, keepSnapshots: 2 })
  const crude = manager.book('CL')
  const spread = manager.book('CL-SPREAD')
  for (let i = 1; i <= 2000; i++) {
    crude.add(i, i % 2 === 0 ? Side.Buy : Side.Sell, (i % 41) - 20, 1 + (i % 7))
    if (i % 5 === 0) crude.replace(i, i, (i % 23) - 3763, 3)
    if (i % 3 === 0) crude.cancel(i)
    spread.setLevel(i % 2 === 0 ? Side.Buy : Side.Sell, (i % 9) - 4, i % 4)
    if (i === 1000) await manager.snapshot()
  }
  crude.trade(Side.Buy, -3763, 1)
  spread.trade(Side.Sell, -1, 1)
  manager.book('PLAIN').add(1, Side.Buy, 5, 5)
  await manager.close()
  return dataDirectory
}

t.test('decimals', async (t) => {
  t.test('a negative price converts exactly, and zero has no sign', async (t) => {
    t.equal(parseDecimal('-37.63', 2), -3763)
    t.equal(formatDecimal(-3763, 2), '-37.63')
    t.equal(formatDecimal(-1, 2), '-0.01')
    for (const zero of ['-0', '-0.00', '-0.000']) t.ok(Object.is(parseDecimal(zero, 2), 0), zero)
    t.throws(() => parseDecimal('-37.635', 2), { code: 'ERR_PINNACLE_DECIMAL_PRECISION' })
    t.throws(() => parseDecimal('-90071992547409.92', 2), { code: 'ERR_PINNACLE_DECIMAL_OVERFLOW' })
    t.equal(parseDecimal('-90071992547409.91', 2), -most)
  })

  t.test('what parseDecimal gives is what the operations take', async (t) => {
    const manager = await open(path.join(t.testdir(), 'data'), { instruments: signed })
    const book = manager.book('CL')
    book.add(1, Side.Buy, book.instrument.ticks('-37.63'), 10)
    t.equal(book.bestBid()?.price, -3763)
    t.equal(book.instrument.formatPrice(book.bestBid()?.price ?? 0), '-37.63')
    book.trade(Side.Buy, book.instrument.ticks('-0.00'), 1)
    t.ok(Object.is(book.info().lastTradePrice, 0))
    book.add(2, Side.Sell, -0, 1)
    t.ok(Object.is(book.order(2)?.price, 0))
    await manager.close()
  })
})

t.test('books', async (t) => {
  t.test('levels are best first across zero, and an empty side has no best price', async (t) => {
    const manager = await open(path.join(t.testdir(), 'data'), { instruments: signed })
    const book = manager.book('CL')
    t.equal(book.bestBid(), null)
    t.equal(book.bestAsk(), null)
    t.equal(book.info().lastTradePrice, null)
    for (const [id, price] of [-2, -1, 0, 1].entries()) book.add(id + 1, Side.Buy, price, 1)
    for (const [id, price] of [-1, 7, -3763].entries()) book.add(id + 11, Side.Sell, price, 1)
    t.same(
      book.depth(Side.Buy).map(({ price }) => price),
      [1, 0, -1, -2],
    )
    t.same(
      book.depth(Side.Sell).map(({ price }) => price),
      [-3763, -1, 7],
    )
    t.same([...book.depthColumns(Side.Sell).prices], [-3763, -1, 7])
    t.same(book.levelOrders(Side.Buy, -1), [{ id: 2n, side: Side.Buy, price: -1, quantity: 1 }])
    t.same(book.levelOrders(Side.Buy, -5), [])
    t.match(book.queuePosition(2), { ordersAhead: 0 })
    book.execute(13, 1)
    t.equal(book.info().lastTradePrice, -3763)
    t.equal(book.bestAsk()?.price, -1)
    await manager.close()
  })

  t.test('the whole range is taken, and nothing beyond it', async (t) => {
    const manager = await open(path.join(t.testdir(), 'data'), { instruments: signed })
    const book = manager.book('CL')
    book.add(1, Side.Buy, -most, 1)
    book.add(2, Side.Sell, most, 1)
    t.equal(book.bestBid()?.price, -most)
    for (const price of [-most - 1, most + 1, -1.5, NaN, -Infinity]) {
      t.equal(
        codeOf(() => book.add(3, Side.Buy, price, 1)),
        'ERR_PINNACLE_INVALID_PRICE',
        String(price),
      )
    }
    const spread = manager.book('CL-SPREAD')
    spread.setLevel(Side.Buy, -1, 5)
    spread.setLevel(Side.Sell, -1, 6)
    t.match(spread.bestBid(), { price: -1, quantity: 5 })
    spread.setLevel(Side.Buy, -1, 0)
    t.equal(spread.bestBid(), null)
    t.match(spread.bestAsk(), { price: -1, quantity: 6 })
    await manager.close()
  })

  t.test('a batch takes negative prices too', async (t) => {
    const manager = await open(path.join(t.testdir(), 'data'), { instruments: signed })
    const batch = manager.batch({ skipRefused: true })
    const book = manager.book('CL')
    batch.add(book, 1, Side.Buy, -5, 1).replace(book, 1, 2, -7, 2).trade(book, Side.Buy, -6, 1)
    batch.setLevel(manager.book('CL-SPREAD'), Side.Sell, -2, 4)
    batch.add(manager.book('PLAIN'), 1, Side.Buy, -5, 1)
    const { taken, refused } = batch.commit()
    t.equal(taken, 4)
    t.match(refused, [{ index: 4, error: { code: 'ERR_PINNACLE_INVALID_PRICE' } }])
    t.equal(book.bestBid()?.price, -7)
    await manager.close()
  })
})

t.test('an instrument without signed prices refuses them as ever', async (t) => {
  const manager = await open(path.join(t.testdir(), 'data'), { instruments: signed })
  const plain = manager.book('PLAIN')
  const before = manager.appendedFrontier
  for (const work of [
    () => plain.add(1, Side.Buy, -1, 1),
    () => plain.trade(Side.Buy, -1, 1),
    () => plain.levelOrders(Side.Buy, -1),
  ]) {
    t.equal(codeOf(work), 'ERR_PINNACLE_INVALID_PRICE')
  }
  t.equal(manager.appendedFrontier, before)
  t.strictSame(
    manager.instruments().map(({ signedPrices }) => signedPrices),
    [true, true, false],
  )
  await manager.close()
})

t.test('recovery and reading', async (t) => {
  t.test(
    'books are the same after an open, at a moment before, and after compaction',
    async (t) => {
      const dataDirectory = await written(t)
      let manager = await open(dataDirectory, { instruments: signed })
      const crude = manager.book('CL').depth(Side.Buy, 100)
      const digest = manager.book('CL').digest()
      const spread = manager.book('CL-SPREAD').digest()
      t.equal(manager.book('CL').info().lastTradePrice, -3763)
      t.equal(manager.book('CL-SPREAD').info().lastTradePrice, -1)
      const past = await booksAt(dataDirectory, { sequence: 1500 })
      t.ok((past.book('CL').bestAsk()?.price ?? 0) < 0)
      past.close()
      await manager.snapshot()
      await manager.compact()
      await manager.close()
      manager = await open(dataDirectory, { instruments: signed })
      t.same(manager.book('CL').depth(Side.Buy, 100), crude)
      t.equal(manager.book('CL').digest(), digest)
      t.equal(manager.book('CL-SPREAD').digest(), spread)
      await manager.close()
    },
  )

  t.test('entries have their negative prices, and the definition says that they may', async (t) => {
    const dataDirectory = await written(t)
    const entries: JournalEntry[] = []
    for await (const entry of Journal.read(dataDirectory)) entries.push(entry)
    t.match(entries[0], { type: 'instrument', name: 'CL', signedPrices: true })
    t.notOk('signedPrices' in (entries[2] ?? {}), 'absent if prices are not signed')
    t.match(entries[3], { type: 'add', price: -19 })
    const replaced = entries.find(({ type }) => type === 'replace')
    t.match(replaced, { price: 5 - 3763 })
    t.match(entries.at(-3), { type: 'trade', price: -3763 })
  })

  t.test('both readers see the same books', async (t) => {
    const dataDirectory = await written(t)
    const report = verifyPure(dataDirectory)
    t.same(report.problems, [])
    t.equal(report.verdict, 'clean')
    const manager = await open(dataDirectory, { instruments: signed })
    for (const [index, { name }] of signed.entries()) {
      for (const side of [Side.Buy, Side.Sell]) {
        const pure = report.books?.books[index]?.levels(side === Side.Sell) ?? []
        t.same(
          pure.map(({ price, orders }) => [Number(price), orders.length]),
          manager
            .book(name)
            .depth(side, 1000)
            .map(({ price, orders }) => [price, orders]),
          `${name} ${String(side)}`,
        )
      }
    }
    const newest = manager.snapshots.list()[0]?.path ?? ''
    const bytes = readFileSync(newest)
    t.equal(bytes.readBigUInt64LE(16), 4n, 'the snapshot names the feature')
    t.equal(readSnapshot(bytes).books.books[0]?.signedPrices, true)
    await manager.close()
    t.equal((await inspect(dataDirectory)).recovery.tail, 'clean')
  })
})

t.test('definitions', async (t) => {
  t.test('another definition than the journaled one is a mismatch', async (t) => {
    const dataDirectory = path.join(t.testdir(), 'data')
    const manager = await open(dataDirectory, { instruments: signed })
    t.throws(
      () =>
        manager.defineInstrument({ ...(signed[2] as InstrumentDefinition), signedPrices: true }),
      { code: 'ERR_PINNACLE_INSTRUMENT_MISMATCH', message: /without signedPrices/ },
    )
    manager.defineInstrument({ ...(signed[2] as InstrumentDefinition), signedPrices: false })
    await manager.close()
    const [{ name, priceScale, quantityScale }] = signed as [InstrumentDefinition]
    await t.rejects(open(dataDirectory, { instruments: [{ name, priceScale, quantityScale }] }), {
      code: 'ERR_PINNACLE_INSTRUMENT_MISMATCH',
      message: /with signedPrices/,
    })
  })

  t.test('signedPrices must be true or false', async (t) => {
    const wrong = { name: 'A', priceScale: 2, quantityScale: 0, signedPrices: 'yes' }
    await t.rejects(
      PersistenceManager.open({
        dataDirectory: path.join(t.testdir(), 'data'),
        instruments: [wrong as unknown as InstrumentDefinition],
      }),
      { message: /instruments\[0\]\.signedPrices must be true or false, not "yes"/ },
    )
  })
})
