// NASDAQ AMZN, a full day of LOBSTER level 1. Truth: row i - 1 and message i explain row i.
import { join } from 'node:path'
import t from 'tap'
import type { BookView } from '../../lib/book/book-view.js'
import { Side } from '../../lib/book/side.js'
import { compareBooks } from '../../lib/order-flow/compare-books.js'
import { openFlowFile } from '../../lib/order-flow/file-source.js'
import { FlowPositions } from '../../lib/order-flow/flow-positions.js'
import { runFlow } from '../../lib/order-flow/flow-run.js'
import { ReferenceBook } from '../../lib/order-flow/reference-book.js'
import { PersistenceManager } from '../../lib/persistence/persistence-manager.js'
import { killAndResume } from '../order-flow/killing.js'
import { operationsOf } from '../order-flow/operations.js'
import { apply, differenceOf, sourceEntries, type Depthful } from './applying.js'
import { orderFlow, skipWithout } from './data.js'
import { Transitions, transitionsOf, type Transition } from './transitions.js'

// Eleven writers read the whole day, one after another.
t.setTimeout(110_000)

const skip = skipWithout('amzn/message_1.csv', 'amzn/orderbook_1.csv')
const directory = join(orderFlow, 'amzn')
const transitions = 57_514

/**
 * Whether the book after the message shows row i. If the message took the whole best level, the file
 * continues with a deeper level that row i - 1 never showed. Then the book's side is empty, and the row's
 * level must be worse than the one that was taken.
 */
function explains(book: Depthful | BookView, { before, after }: Transition): boolean {
  return [Side.Buy, Side.Sell].every((side) => {
    const [best] = book.depth(side, 1)
    const row = after.find((level) => level.side === side)
    const old = before.find((level) => level.side === side)
    if (best !== undefined) return row?.price === best.price && row.quantity === best.quantity
    if (row === undefined || old === undefined) return row === undefined
    return side === Side.Buy ? row.price < old.price : row.price > old.price
  })
}

t.test('all 57,514 transitions are explained', { skip }, async (t) => {
  await using manager = await PersistenceManager.open({
    dataDirectory: t.testdir(),
    snapshotIntervalMin: 0,
    durability: 'appended',
    instruments: [{ name: 'AMZN', priceScale: 4, quantityScale: 0 }],
  })
  const book = manager.book('AMZN')
  const wrong: number[] = []
  let explained = 0
  for (const transition of transitionsOf(directory)) {
    for (const operation of transition.operations) apply(book, operation)
    if (explains(book, transition)) explained++
    else wrong.push(transition.row)
  }
  t.same(wrong.slice(0, 10), [])
  t.equal(explained, transitions)
})

t.test(
  'killed at ten random points and resumed, every transition is still explained',
  { skip },
  async (t) => {
    const dataDirectory = t.testdir()
    const operations = await operationsOf(new Transitions(directory))
    const killed = await killAndResume(
      {
        source: { kind: 'transitions', directory },
        config: {
          dataDirectory,
          segmentSize: '4MiB',
          snapshotIntervalMin: 0,
          compactionThreshold: '1GiB',
        },
        portion: 64,
        batchSize: 32,
        markEvery: 10_000,
        snapshotEvery: 40_000,
      },
      operations.length,
      10,
    )
    t.equal(killed.kills, 10, `killed at ${killed.points.join(', ')}`)
    const entries = await sourceEntries(dataDirectory)
    t.equal(entries.length, operations.length, 'one entry for each event')
    let different = 0
    for (const [index, operation] of operations.entries()) {
      if (differenceOf(entries[index], operation) !== '') different++
    }
    t.equal(different, 0, 'each entry is that of its event')

    // Every transition of the journal in the reference; every 500th rebuilt from the data directory.
    await using manager = await PersistenceManager.open({ dataDirectory, snapshotIntervalMin: 0 })
    const reference = new ReferenceBook()
    let explained = 0
    let rebuilt = 0
    let index = 0
    for (const transition of transitionsOf(directory)) {
      for (const operation of transition.operations) reference.apply(operation)
      index += transition.operations.length
      if (explains(reference, transition)) explained++
      if (transition.row % 500 !== 0) continue
      const book = await manager.bookAt('AMZN', { sequence: entries[index - 1]?.sequence ?? 0 })
      if (explains(book, transition) && compareBooks(book, reference).equal) rebuilt++
      book.close()
    }
    t.equal(explained, transitions)
    t.equal(rebuilt, Math.floor(transitions / 500))
    t.match(compareBooks(manager.book('AMZN'), reference), { equal: true })
  },
)

t.test(
  'the whole day in one run counts what a level-1 file can not explain, and loses no event',
  { skip },
  async (t) => {
    const file = join(directory, 'message_1.csv')
    const options = { instrument: 'AMZN', openingBook: join(directory, 'orderbook_1.csv') }
    const positions = new FlowPositions()
    await using manager = await PersistenceManager.open({
      dataDirectory: t.testdir(),
      snapshotIntervalMin: 0,
      stateMachine: positions,
    })
    const { counts, complete, events } = await runFlow(
      manager,
      positions,
      await openFlowFile(file, options),
    )
    t.ok(complete)
    const reference = new ReferenceBook()
    const operations = await operationsOf(await openFlowFile(file, options))
    for (const operation of operations) reference.apply(operation)
    t.equal(events, operations.length)
    t.match(compareBooks(manager.book('AMZN'), reference), { equal: true })
    if (counts === undefined) throw new Error('a complete run has counts')
    const { adds, cancels, executions, trades, halts, openingLevels, unknownOrders } = counts
    t.equal(adds + cancels + executions + trades + halts + openingLevels + unknownOrders, events)
    t.equal(counts.inconsistent + counts.brokenLines, 0)
    // 7,467 messages are about orders whose entry the file lacks.
    t.equal(counts.fromOpeningBook + unknownOrders, 7_467)
  },
)
