// An operation as a value is staged as the batch's own methods stage it.
import t from 'tap'
import { operations, operationOfEntryType, type BookOperation } from '../../lib/book/operation.js'
import { PersistenceManager, Side, type Book, type OperationBatch } from '../../lib/index.js'
import { EntryType } from '../../lib/native/binding.js'

const wide = 2n ** 100n
const side = Side.Sell

/** Every kind with what it does, in an order that both books take. */
const staged: [BookOperation, (batch: OperationBatch, book: Book) => unknown][] = [
  [
    { kind: 'add', orderId: 1, side, price: 100, quantity: 50, timestampNs: 7 },
    (batch, book) => batch.add(book, 1, side, 100, 50, 7),
  ],
  [
    { kind: 'add', orderId: wide, side: Side.Buy, price: 90, quantity: 5, timestampNs: 8n },
    (batch, book) => batch.add(book, wide, Side.Buy, 90, 5, 8n),
  ],
  [
    { kind: 'reduce', orderId: 1, quantity: 3, timestampNs: 9 },
    (batch, book) => batch.reduce(book, 1, 3, 9),
  ],
  [
    { kind: 'execute', orderId: 1, quantity: 4, timestampNs: 10 },
    (batch, book) => batch.execute(book, 1, 4, 10),
  ],
  [
    { kind: 'replace', orderId: 1, newOrderId: 2, price: 101, quantity: 6, timestampNs: 11 },
    (batch, book) => batch.replace(book, 1, 2, 101, 6, 11),
  ],
  [
    { kind: 'trade', side, price: 102, quantity: 7, timestampNs: 12 },
    (batch, book) => batch.trade(book, side, 102, 7, 12),
  ],
  [{ kind: 'status', quantity: 3, timestampNs: 13 }, (batch, book) => batch.setStatus(book, 3, 13)],
  [
    { kind: 'cancel', orderId: wide, timestampNs: 14 },
    (batch, book) => batch.cancel(book, wide, 14),
  ],
  [{ kind: 'clear', timestampNs: 15 }, (batch, book) => batch.clear(book, 15)],
]
const level: BookOperation = { kind: 'setLevel', side, price: 5, quantity: 6, timestampNs: 16 }

const instruments = [
  { name: 'VALUES', priceScale: 0, quantityScale: 0 },
  { name: 'CALLS', priceScale: 0, quantityScale: 0 },
  { name: 'LEVELS', priceScale: 0, quantityScale: 0, kind: 'levels' as const },
]

t.test('an operation as a value is journaled as the method of its kind journals it', async (t) => {
  await using manager = await PersistenceManager.open({ dataDirectory: t.testdir(), instruments })
  const batch = manager.batch()
  const [values, calls, levels] = instruments.map(({ name }) => manager.book(name)) as [
    Book,
    Book,
    Book,
  ]
  for (const [operation, call] of staged) {
    batch.stage(values, operation)
    call(batch, calls)
  }
  batch.stage(levels, level)
  batch.setLevel(levels, side, 5, 6, 16)
  t.equal(batch.commit().taken, 2 * staged.length + 2)
  const entries: unknown[] = []
  for await (const entry of manager.journal.entries({ from: instruments.length + 1 })) {
    entries.push({ ...entry, sequence: 0, instrument: 0 })
  }
  for (let at = 0; at < entries.length; at += 2) t.same(entries[at], entries[at + 1])
  const kinds = [...staged.map(([{ kind }]) => kind), level.kind]
  t.same(new Set(kinds), new Set(Object.keys(operations)), 'every kind was staged')
  t.throws(() => batch.stage(values, { kind: 'add', orderId: 3, side, quantity: 1 }), {
    code: 'ERR_PINNACLE_INVALID_PRICE',
  })
  t.throws(() => batch.stage(values, { kind: 'cancel' }), {
    code: 'ERR_PINNACLE_INVALID_ORDER_ID',
  })
  t.equal(batch.size, 0)
})

t.test('each operation has an entry type of its own', async (t) => {
  for (const facts of Object.values(operations)) {
    t.equal(operationOfEntryType(facts.entryType), facts)
  }
  t.equal(operationOfEntryType(EntryType.Hole), undefined)
})
