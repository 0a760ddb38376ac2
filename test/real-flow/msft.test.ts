// NASDAQ MSFT, LOBSTER with 50 levels. Truth: the order-book row after every message.
import { join } from 'node:path'
import t from 'tap'
import { Side } from '../../lib/book/side.js'
import { compareBooks } from '../../lib/order-flow/compare-books.js'
import { openFlowFile } from '../../lib/order-flow/file-source.js'
import { parseLobsterOrderbookRow } from '../../lib/order-flow/lobster-csv.js'
import { ReferenceBook } from '../../lib/order-flow/reference-book.js'
import { PersistenceManager } from '../../lib/persistence/persistence-manager.js'
import { killAndResume } from '../order-flow/killing.js'
import { operationsOf } from '../order-flow/operations.js'
import { apply, differenceOf, sizesText, sourceEntries } from './applying.js'
import { linesOf, orderFlow, skipWithout } from './data.js'

const skip = skipWithout('msft/message_50.csv', 'msft/orderbook_50.csv')
const file = join(orderFlow, 'msft', 'message_50.csv')
const openingBook = join(orderFlow, 'msft', 'orderbook_50.csv')
const options = { instrument: 'MSFT', openingBook }
const levels = 50
const rows = 1_949

/** Bids and asks of every row after row 0. */
function truth(): string[] {
  return linesOf('msft/orderbook_50.csv')
    .slice(1)
    .map((line) => {
      const all = parseLobsterOrderbookRow(line)
      const side = (wanted: Side): string =>
        all
          .filter((level) => level.side === wanted)
          .map(({ price, quantity }) => `${String(price)} ${String(quantity)}`)
          .join('|')
      return `${side(Side.Buy)} / ${side(Side.Sell)}`
    })
}

const shown = (book: Parameters<typeof sizesText>[0]): string =>
  `${sizesText(book, Side.Buy, levels)} / ${sizesText(book, Side.Sell, levels)}`

t.test('seeded from row 0, all 50 levels are equal on 1,949 of 1,949 rows', { skip }, async (t) => {
  const states = truth()
  t.equal(states.length, rows)
  const source = await openFlowFile(file, options)
  const operations = await operationsOf(source)
  const counts = source.counts()
  const opening = counts?.openingLevels ?? 0
  t.equal(operations.length, opening + rows, 'each level of row 0, and each message after it')
  await using manager = await PersistenceManager.open({
    dataDirectory: t.testdir(),
    snapshotIntervalMin: 0,
    durability: 'appended',
    instruments: [{ name: 'MSFT', priceScale: 4, quantityScale: 0 }],
  })
  const book = manager.book('MSFT')
  const reference = new ReferenceBook()
  const wrong: number[] = []
  for (const [index, operation] of operations.entries()) {
    apply(book, operation)
    reference.apply(operation)
    if (index < opening) continue
    const state = states[index - opening]
    if (shown(book) !== state || shown(reference) !== state) wrong.push(index - opening + 1)
  }
  t.same(wrong, [])
  t.match(compareBooks(book, reference), { equal: true })
  // 37 messages are about orders born before the file; row 0 already contains one of them, message 0.
  t.match(counts, { fromOpeningBook: 36, unknownOrders: 0, inconsistent: 0, brokenLines: 0 })
})

t.test(
  'without an opening book the same orders are counted and not applied',
  { skip },
  async (t) => {
    const source = await openFlowFile(file, { instrument: 'MSFT' })
    const operations = await operationsOf(source)
    t.equal(operations.length, rows + 1)
    t.match(source.counts(), { unknownOrders: 37, fromOpeningBook: 0, openingLevels: 0 })
  },
)

t.test('killed at ten random points and resumed, every row is still equal', { skip }, async (t) => {
  const dataDirectory = t.testdir()
  const operations = await operationsOf(await openFlowFile(file, options))
  const killed = await killAndResume(
    {
      source: { kind: 'file', file, options },
      config: {
        dataDirectory,
        segmentSize: '128KiB',
        snapshotIntervalMin: 0,
        compactionThreshold: '1GiB',
      },
      portion: 8,
      batchSize: 5,
      markEvery: 200,
      snapshotEvery: 150,
    },
    operations.length,
    10,
  )
  t.equal(killed.kills, 10, `killed at ${killed.points.join(', ')}`)
  const entries = await sourceEntries(dataDirectory)
  t.equal(entries.length, operations.length, 'one entry for each event')
  const different = operations.flatMap((operation, index) => {
    const difference = differenceOf(entries[index], operation)
    return difference === '' ? [] : [`event ${String(index)}: ${difference}`]
  })
  t.same(different, [])
  await using manager = await PersistenceManager.open({ dataDirectory, snapshotIntervalMin: 0 })
  const states = truth()
  const opening = operations.length - rows
  const wrong: number[] = []
  for (const [row, state] of states.entries()) {
    const sequence = entries[opening + row]?.sequence ?? 0
    const book = await manager.bookAt('MSFT', { sequence })
    if (shown(book) !== state) wrong.push(row + 1)
    book.close()
  }
  t.same(wrong, [], 'every row, rebuilt from snapshots and journal')
  t.equal(shown(manager.book('MSFT')), states.at(-1))
})
