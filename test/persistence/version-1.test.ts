/**
 * Data directories of version 0.1.0, in format version 1: each is read and continued.
 * test/fixtures/version-1/make.mjs made them, with a plain record of their contents.
 */
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import {
  inspect,
  PersistenceManager,
  Side,
  type BookSet,
  type InstrumentDefinition,
  type JournalEntry,
  type StateMachine,
  type UserEntry,
} from '../../lib/index.js'
import type { PureBook } from '../../lib/pure-reader/book.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'

interface ExpectedLevel {
  price: number
  /** In queue order; without an id in a book of levels. */
  orders: [id: string | null, quantity: number][]
}

interface ExpectedBook {
  bids: ExpectedLevel[]
  asks: ExpectedLevel[]
  status: number | null
  tradeCount: number
  tradedQuantity: number
  lastTradePrice: number | null
  lastSequence: number
}

type ExpectedBooks = Record<string, ExpectedBook>

interface Expected {
  first: number
  last: number
  tail: 'clean' | 'torn'
  snapshots: { sequence: number; books: ExpectedBooks }[]
  users: { count: number; sum: number }
  counts: Record<string, number>
  sha256: string
  instruments: Required<InstrumentDefinition>[]
  books: ExpectedBooks
}

const fixtures = path.join(process.cwd(), 'test/fixtures/version-1')
const allExpected = JSON.parse(
  readFileSync(path.join(fixtures, 'expected.json'), 'utf8'),
) as Record<string, Expected>

/** The state machine of the fixture `state`: the sum of the first 4 bytes of each payload. */
class Sum implements StateMachine {
  sum = 0
  restores = 0
  apply({ payload }: UserEntry): void {
    this.sum += valueOf(payload)
  }
  snapshot(): Uint8Array {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleLE(this.sum)
    return bytes
  }
  restore(bytes: Uint8Array): void {
    this.restores++
    this.sum = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true)
  }
}

function valueOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getInt32(0, true)
}

function payloadOf(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

/** An entry in the form of make.mjs. */
function lineOf(entry: JournalEntry): string {
  const { sequence, type, instrument, givenTime, timestampNs } = entry
  return [sequence, type, instrument, fieldsOf(entry), givenTime ? timestampNs : '-'].join(' ')
}

function fieldsOf(entry: JournalEntry): string {
  switch (entry.type) {
    case 'instrument':
      return [entry.name, entry.priceScale, entry.quantityScale, entry.kind].join(' ')
    case 'add':
      return [entry.orderId, entry.side, entry.price, entry.quantity].join(' ')
    case 'reduce':
    case 'execute':
      return [entry.orderId, entry.quantity].join(' ')
    case 'cancel':
      return String(entry.orderId)
    case 'replace':
      return [entry.orderId, entry.newOrderId, entry.price, entry.quantity].join(' ')
    case 'setLevel':
    case 'trade':
      return [entry.side, entry.price, entry.quantity].join(' ')
    case 'status':
      return String(entry.status)
    case 'user':
      return [entry.userType, Buffer.from(entry.payload).toString('hex')].join(' ')
    default:
      return '-'
  }
}

async function assertEntries(
  t: Test,
  manager: PersistenceManager,
  expected: Expected,
): Promise<void> {
  const lines: string[] = []
  const counts: Record<string, number> = {}
  const users = { count: 0, sum: 0 }
  if (expected.last > 0) {
    for await (const entry of manager.journal.entries({ to: expected.last })) {
      lines.push(lineOf(entry))
      counts[entry.type] = (counts[entry.type] ?? 0) + 1
      if (entry.type !== 'user') continue
      users.count++
      users.sum += valueOf(entry.payload)
    }
  }
  if (expected.first <= 1) {
    t.strictSame(counts, expected.counts, 'as many entries of each type')
    t.strictSame(users, expected.users, 'the user entries')
  }
  const sha256 = createHash('sha256').update(lines.join('\n')).digest('hex')
  t.equal(sha256, expected.sha256, `entries ${String(expected.first)} to ${String(expected.last)}`)
}

/** A live book, or one of a snapshot, in the form of the record. */
function bookOf(books: PersistenceManager | BookSet, name: string): ExpectedBook {
  const book = books.book(name)
  const withIds = book.instrument.kind === 'orders'
  const levels = (side: Side): ExpectedLevel[] =>
    book.depth(side, 1_000).map(({ price }) => ({
      price,
      orders: book
        .levelOrders(side, price)
        .map(({ id, quantity }) => [withIds ? String(id) : null, quantity]),
    }))
  const { status, tradeCount, tradedQuantity, lastTradePrice, lastSequence } = book.info()
  const rest = { status, tradeCount, tradedQuantity, lastTradePrice, lastSequence }
  return { bids: levels(Side.Buy), asks: levels(Side.Sell), ...rest }
}

function booksOf(books: PersistenceManager | BookSet, expected: ExpectedBooks): ExpectedBooks {
  return Object.fromEntries(Object.keys(expected).map((name) => [name, bookOf(books, name)]))
}

function pureLevels(book: PureBook, sell: boolean, withIds: boolean): ExpectedLevel[] {
  return book.levels(sell).map(({ price, orders }) => ({
    price: Number(price),
    orders: orders.map(({ id, quantity }) => [withIds ? String(id) : null, Number(quantity)]),
  }))
}

function assertPure(t: Test, directory: string, expected: Expected): void {
  const report = verifyPure(directory)
  t.equal(report.verdict, expected.tail)
  t.equal(Number(report.journal.lastSequence), expected.last)
  t.strictSame(
    report.snapshots.map(({ problem }) => problem),
    expected.snapshots.map(() => ''),
  )
  for (const [index, { name, kind }] of expected.instruments.entries()) {
    const book = report.books?.books[index]
    if (!book) {
      t.fail(`there is no book of ${name}`)
      continue
    }
    const { bids, asks } = expected.books[name] as ExpectedBook
    t.strictSame(pureLevels(book, false, kind === 'orders'), bids, `bids of ${name}`)
    t.strictSame(pureLevels(book, true, kind === 'orders'), asks, `asks of ${name}`)
  }
}

async function assertInspected(t: Test, directory: string, expected: Expected): Promise<void> {
  const report = await inspect(directory)
  t.equal(report.recoveryError, null)
  t.match(report.recovery, { tail: expected.tail, lastSequence: expected.last })
  t.strictSame(
    report.snapshots
      .map(({ sequence, valid }) => ({ sequence, valid }))
      .sort((left, right) => left.sequence - right.sequence),
    expected.snapshots.map(({ sequence }) => ({ sequence, valid: true })),
  )
}

const open = (directory: string, sum: Sum | undefined): Promise<PersistenceManager> =>
  PersistenceManager.open({
    dataDirectory: directory,
    segmentSize: '64KiB',
    snapshotIntervalMin: 0,
    compactionThreshold: '4GiB',
    expectedOrders: 64,
    ...(sum ? { stateMachine: sum } : {}),
  })

/** More entries than one segment of 64 KiB holds. */
const moreThanASegment = 1_000

for (const name of ['books', 'state', 'compacted', 'torn', 'empty']) {
  const expected = allExpected[name] as Expected

  t.test(`a directory of version 1 is read, and goes on: ${name}`, async (t) => {
    const directory = t.testdir()
    cpSync(path.join(fixtures, name), directory, { recursive: true })
    await assertInspected(t, directory, expected)
    assertPure(t, directory, expected)

    const sum = name === 'state' ? new Sum() : undefined
    const manager = await open(directory, sum)
    t.match(manager.recovery, {
      created: false,
      tail: expected.tail,
      firstSequence: expected.first,
      lastSequence: expected.last,
      snapshotSequence: expected.snapshots.at(-1)?.sequence ?? 0,
    })
    t.equal(manager.appendedFrontier, expected.last)
    t.strictSame(
      manager.instruments().map(({ name, priceScale, quantityScale, kind }) => ({
        name,
        priceScale,
        quantityScale,
        kind,
      })),
      expected.instruments,
    )
    t.strictSame(booksOf(manager, expected.books), expected.books)
    if (sum) t.match(sum, { sum: expected.users.sum, restores: 1 })
    await assertEntries(t, manager, expected)
    for (const snapshot of manager.snapshots.list()) {
      const { books } = await manager.snapshots.load(snapshot.path)
      const taken = expected.snapshots.find(({ sequence }) => sequence === snapshot.sequence)
      t.strictSame(booksOf(books, taken?.books ?? {}), taken?.books, snapshot.path)
      books.close()
    }

    const segmentBefore = manager.stats().segmentIndex
    const next = expected.last + 1
    const index = manager.defineInstrument({ name: 'MSFT', priceScale: 2, quantityScale: 0 }).index
    t.equal(index, expected.instruments.length + 1)
    t.equal(manager.book('MSFT').add(2n ** 127n, Side.Sell, 30_000, 5), next + 1)
    const [first] = expected.instruments
    if (first) t.equal(manager.book(first.name).add(2n ** 126n, Side.Buy, 1, 6), next + 2)
    const { sequence } = await manager.snapshot()
    t.equal(sequence, manager.appendedFrontier)
    for (let i = 1; i <= moreThanASegment; i++) manager.append(7, payloadOf(i))
    const books: ExpectedBooks = { ...expected.books, MSFT: bookOf(manager, 'MSFT') }
    if (first) books[first.name] = bookOf(manager, first.name)
    const last = manager.appendedFrontier
    t.equal(last, sequence + moreThanASegment)
    t.ok(manager.stats().segmentIndex > segmentBefore, 'it went on in a new segment')
    await manager.close()

    const added = (moreThanASegment * (moreThanASegment + 1)) / 2
    const again = sum ? new Sum() : undefined
    const reopened = await open(directory, again)
    t.match(reopened.recovery, { tail: 'clean', lastSequence: last, snapshotSequence: sequence })
    t.equal(reopened.recovery.firstSequence, expected.first || 1)
    t.strictSame(booksOf(reopened, books), books)
    if (again) t.match(again, { sum: expected.users.sum + added, restores: 1 })
    await assertEntries(t, reopened, expected)
    let addedAgain = 0
    for await (const entry of reopened.journal.entries({ from: sequence, types: ['user'] })) {
      if (entry.type === 'user') addedAgain += valueOf(entry.payload)
    }
    t.equal(addedAgain, added)
    await reopened.close()
    t.match(verifyPure(directory), { verdict: 'clean', journal: { lastSequence: BigInt(last) } })
  })
}

t.test('an older snapshot of version 1, or none, leads to the same books', async (t) => {
  const expected = allExpected['books'] as Expected
  const directory = t.testdir()
  cpSync(path.join(fixtures, 'books'), directory, { recursive: true })
  for (const [index, { sequence }] of [...expected.snapshots.entries()].reverse()) {
    rmSync(path.join(directory, 'snapshots', `${String(sequence).padStart(20, '0')}.snapshot`))
    const older = expected.snapshots[index - 1]?.sequence ?? 0
    const manager = await open(directory, undefined)
    t.equal(manager.recovery.snapshotSequence, older)
    t.strictSame(booksOf(manager, expected.books), expected.books)
    await manager.close()
    assertPure(t, directory, {
      ...expected,
      snapshots: expected.snapshots.filter(({ sequence }) => sequence <= older),
    })
  }
})
