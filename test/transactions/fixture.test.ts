/**
 * Data directories of the version that introduced transactions: each is read and continued.
 * test/fixtures/transactions/make.mjs made them, with a plain record of their contents.
 */
import { cpSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'

import { inspect, PersistenceManager, Side, verdictOf, type BookSet } from '../../lib/index.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import { fixture } from '../fixtures.js'

type Level = [price: number, orders: [id: string, quantity: number][]]

interface Expected {
  tail: 'clean' | 'torn'
  last: number
  snapshots: number[]
  segments: number
  /** First and last entry of each transaction with several entries. */
  transactions: [first: number, last: number][]
  types: string[]
  bids: Level[]
  asks: Level[]
  levels: [price: number, quantity: number][]
}

const fixtures = fixture('transactions')
const all = JSON.parse(readFileSync(path.join(fixtures, 'expected.json'), 'utf8')) as Record<
  string,
  Expected
>

/** Books in the form of the record. */
function booksOf(books: PersistenceManager | BookSet): Pick<Expected, 'bids' | 'asks' | 'levels'> {
  const orders = books.book('AAPL')
  const side = (which: Side): Level[] =>
    orders
      .depth(which, 100)
      .map(({ price }) => [
        price,
        orders.levelOrders(which, price).map(({ id, quantity }) => [String(id), quantity]),
      ])
  const levels = books.book('ETH-USD')
  return {
    bids: side(Side.Buy),
    asks: side(Side.Sell),
    levels: [Side.Buy, Side.Sell].flatMap((which) =>
      levels.depth(which, 100).map(({ price, quantity }): [number, number] => [price, quantity]),
    ),
  }
}

function placeOf(sequence: number, { transactions }: Expected): string | undefined {
  const within = transactions.find(([first, last]) => first <= sequence && sequence <= last)
  if (within === undefined) return undefined
  if (sequence === within[0]) return 'first'
  return sequence === within[1] ? 'last' : 'middle'
}

async function assertEntries(
  t: Test,
  manager: PersistenceManager,
  expected: Expected,
): Promise<void> {
  const entries: unknown[] = []
  for await (const { sequence, type, transaction } of manager.journal.entries({
    to: expected.last,
  })) {
    entries.push([sequence, type, transaction])
  }
  t.strictSame(
    entries,
    expected.types.map((type, index) => [index + 1, type, placeOf(index + 1, expected)]),
  )
}

for (const [name, expected] of Object.entries(all)) {
  t.test(`a directory with transactions is read, and goes on: ${name}`, async (t) => {
    const dataDirectory = t.testdir()
    cpSync(path.join(fixtures, name), dataDirectory, { recursive: true })
    const report = await inspect(dataDirectory)
    t.equal(verdictOf(report), expected.tail)
    t.match(report.recovery, { tail: expected.tail, lastSequence: expected.last })
    t.equal(report.segments.filter(({ entries }) => entries > 0).length, expected.segments)
    const pure = verifyPure(dataDirectory)
    t.equal(pure.verdict, expected.tail)
    t.equal(Number(pure.journal.lastSequence), expected.last)

    const open = (): Promise<PersistenceManager> =>
      PersistenceManager.open({ dataDirectory, segmentSize: '64KiB', snapshotIntervalMin: 0 })
    const manager = await open()
    const { bids, asks, levels } = expected
    t.strictSame(booksOf(manager), { bids, asks, levels })
    t.equal(manager.recovery.snapshotSequence, expected.snapshots.at(-1) ?? 0)
    await assertEntries(t, manager, expected)
    for (const [first, last] of expected.transactions) {
      await t.rejects(manager.booksAt({ sequence: first }), {
        code: 'ERR_PINNACLE_INSIDE_TRANSACTION',
      })
      const past = await manager.booksAt({ sequence: last })
      t.equal(past.sequence, last)
      past.close()
    }

    manager.transaction(() => {
      manager.book('AAPL').add(77, Side.Buy, 90, 1)
      manager.append(1, Buffer.from('after'))
    })
    const after = booksOf(manager)
    await manager.close()
    const again = await open()
    t.equal(again.recovery.lastSequence, expected.last + 2)
    t.strictSame(booksOf(again), after)
    await assertEntries(t, again, expected)
    await again.close()
    t.match(verifyPure(dataDirectory), {
      verdict: 'clean',
      journal: { lastSequence: BigInt(expected.last + 2) },
    })
  })
}
