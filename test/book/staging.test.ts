import t from 'tap'
import {
  Book,
  Instrument,
  OperationBatch,
  orderIdFromUuid,
  Side,
  uuidFromOrderId,
} from '../../lib/index.js'
import type { CodedError } from '../../lib/index.js'
import { EntryType, Staging } from '../../lib/native/binding.js'
import type { StagingArea } from '../../lib/native/staging.js'
import { FakeEngine, type Recorded } from './fake-engine.js'

const aapl = new Instrument({
  index: 7,
  name: 'AAPL',
  priceScale: 2,
  quantityScale: 0,
  kind: 'orders',
})

interface Setting {
  engine: FakeEngine
  area: StagingArea
  book: Book
  last: () => Recorded
}

const setting = (): Setting => {
  const engine = new FakeEngine()
  const area = engine.area()
  return {
    engine,
    area,
    book: new Book(aapl, area, () => undefined),
    last: () => engine.calls.at(-1)?.[0] ?? (t.fail('no call') as never),
  }
}

const failureOf = (work: () => unknown): CodedError => {
  try {
    work()
  } catch (error) {
    return error as CodedError
  }
  throw new Error('it was accepted')
}

const uuid = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'

t.test('each operation stages the lanes that its kind has', async (t) => {
  const { book, last } = setting()
  const staged = (...lanes: (keyof typeof Staging)[]): number[] => {
    const { lanes: values } = last()
    return lanes.map((lane) => values[Staging[lane]] ?? NaN)
  }
  t.equal(book.add(17, Side.Sell, 10_025, 5, 99), 1, 'an operation returns its sequence')
  t.strictSame(staged('kind', 'instrument', 'orderId', 'side', 'price', 'quantity', 'timestamp'), [
    EntryType.Add,
    7,
    17,
    1,
    10_025,
    5,
    99,
  ])
  t.equal(book.reduce(17, 2), 2)
  t.strictSame(staged('kind', 'orderId', 'quantity', 'timestamp'), [EntryType.Reduce, 17, 2, 0])
  t.equal(book.execute(17, 1, 3), 3)
  t.strictSame(staged('kind', 'orderId', 'quantity', 'timestamp'), [EntryType.Execute, 17, 1, 3])
  t.equal(book.replace(17, 18, 10_026, 4), 4)
  t.strictSame(staged('kind', 'orderId', 'newOrderId', 'price', 'quantity'), [
    EntryType.Replace,
    17,
    18,
    10_026,
    4,
  ])
  t.equal(book.cancel(18, 5), 5)
  t.strictSame(staged('kind', 'orderId', 'timestamp'), [EntryType.Cancel, 18, 5])
  book.setLevel(Side.Buy, 100, 0)
  t.strictSame(staged('kind', 'side', 'price', 'quantity'), [EntryType.SetLevel, 0, 100, 0])
  book.trade(Side.Sell, 101, 2)
  t.strictSame(staged('kind', 'side', 'price', 'quantity'), [EntryType.Trade, 1, 101, 2])
  book.setStatus(1, 8)
  t.strictSame(staged('kind', 'quantity', 'timestamp'), [EntryType.Status, 1, 8])
  book.clear(9)
  t.strictSame(staged('kind', 'instrument', 'timestamp'), [EntryType.Clear, 7, 9])
})

t.test('bigint ids and timestamps are staged as raw words', async (t) => {
  const { book, last } = setting()
  const id = orderIdFromUuid(uuid)
  t.equal(uuidFromOrderId(id), uuid)
  book.add(id, Side.Buy, 1, 1, 2n ** 63n + 1n)
  const { lanes, words } = last()
  t.equal(lanes[Staging.kind], EntryType.Add | Staging.rawIds | Staging.rawTime)
  t.equal(words[Staging.orderId], 0x8796a5b4c3d2e1f0n)
  t.equal(words[Staging.orderIdHigh], 0x0f1e2d3c4b5a6978n)
  t.equal(words[Staging.timestamp], 2n ** 63n + 1n)
  t.equal(lanes[Staging.price], 1)
  book.replace(5, id, 2, 3)
  const replaced = last()
  t.equal(replaced.lanes[Staging.kind], EntryType.Replace | Staging.rawIds)
  t.equal(replaced.words[Staging.orderId], 5n, 'one wide id makes both raw')
  t.equal(replaced.words[Staging.orderIdHigh], 0n)
  t.equal(replaced.words[Staging.newOrderId], 0x8796a5b4c3d2e1f0n)
  t.equal(replaced.words[Staging.newOrderIdHigh], 0x0f1e2d3c4b5a6978n)
  book.cancel(6)
  t.equal(last().lanes[Staging.kind], EntryType.Cancel, 'the flags do not stick')
})

t.test('arguments of a wrong type never reach the engine', async (t) => {
  const { book, engine } = setting()
  const text = '12' as never
  const cases: [() => unknown, string][] = [
    [() => book.add(1, Side.Buy, text, 1), 'ERR_PINNACLE_INVALID_PRICE'],
    [() => book.add(1, Side.Buy, 1, text), 'ERR_PINNACLE_INVALID_QUANTITY'],
    [() => book.add(1, 'buy' as never, 1, 1), 'ERR_PINNACLE_INVALID_SIDE'],
    [() => book.add(text, Side.Buy, 1, 1), 'ERR_PINNACLE_INVALID_ORDER_ID'],
    [() => book.add(1, Side.Buy, 1n as never, 1), 'ERR_PINNACLE_INVALID_PRICE'],
    [() => book.add(1, Side.Buy, 1, 1, text), 'ERR_PINNACLE_INVALID_TIMESTAMP'],
    [() => book.add(1, Side.Buy, 1, undefined as never), 'ERR_PINNACLE_INVALID_QUANTITY'],
    [() => book.reduce(1, text), 'ERR_PINNACLE_INVALID_QUANTITY'],
    [() => book.execute(1, null as never), 'ERR_PINNACLE_INVALID_QUANTITY'],
    [() => book.cancel(undefined as never), 'ERR_PINNACLE_INVALID_ORDER_ID'],
    [() => book.replace(1, text, 1, 1), 'ERR_PINNACLE_INVALID_ORDER_ID'],
    [() => book.replace(1, 2, text, 1), 'ERR_PINNACLE_INVALID_PRICE'],
    [() => book.setLevel(Side.Buy, text, 1), 'ERR_PINNACLE_INVALID_PRICE'],
    [() => book.trade(Side.Buy, 1, {} as never), 'ERR_PINNACLE_INVALID_QUANTITY'],
    [() => book.setStatus(text), 'ERR_PINNACLE_INVALID_QUANTITY'],
  ]
  for (const [work, code] of cases) {
    const error = failureOf(work)
    t.equal(error.code, code)
    t.ok(error instanceof TypeError, error.message)
  }
  for (const work of [
    () => book.cancel(-1n),
    () => book.cancel(2n ** 128n),
    () => book.replace(1.5, 2n, 1, 1),
    () => book.add(1, Side.Buy, 1, 1, -1n),
    () => book.add(1, Side.Buy, 1, 1, 2n ** 64n),
  ]) {
    t.ok(failureOf(work) instanceof RangeError)
  }
  t.equal(engine.calls.length, 0)
})

t.test('a refusal says what the operation was about', async (t) => {
  const { book, engine } = setting()
  engine.answer = () => 1
  const duplicate = failureOf(() => book.add(17, Side.Buy, 100, 5))
  t.equal(duplicate.code, 'ERR_PINNACLE_DUPLICATE_ORDER')
  t.match(duplicate.message, 'add of AAPL refused: order 17 is already in the book')
  t.match(duplicate.details, { operation: 'add', instrument: 'AAPL', orderId: 17, price: 100 })
  engine.answer = () => 4
  const price = failureOf(() => book.add(17, Side.Buy, NaN, 5))
  t.equal(price.code, 'ERR_PINNACLE_INVALID_PRICE')
  t.ok(price instanceof RangeError)
  t.match(price.message, 'not NaN')
})

t.test('a closed engine may take its memory back', async (t) => {
  const { book, engine } = setting()
  engine.apply = () => undefined
  structuredClone(engine.staging, { transfer: [engine.staging] })
  t.equal(failureOf(() => book.cancel(1)).code, 'ERR_PINNACLE_CLOSED')
})

const batchOf = (
  s: Setting,
  options?: ConstructorParameters<typeof OperationBatch>[3],
): OperationBatch =>
  new OperationBatch(
    s.area,
    (index) => (index === 7 ? 'AAPL' : '?'),
    () => undefined,
    options,
  )

t.test('a batch stages the same lanes as single operations, in order', async (t) => {
  const single = setting()
  const batched = setting()
  const id = orderIdFromUuid(uuid)
  const batch = batchOf(batched)
  const { book } = batched
  for (const round of [0, 1]) {
    single.engine.calls.length = 0
    single.book.add(1, 0, 100, 5)
    single.book.add(id, 1, 101, 5, 77n)
    single.book.reduce(1, 2, 3)
    single.book.execute(1, 1)
    single.book.replace(1, 2, 99, 4)
    single.book.replace(2, id, 98, 4)
    single.book.cancel(2)
    single.book.setLevel(1, 5, 6)
    single.book.trade(0, 7, 8)
    single.book.setStatus(1)
    single.book.clear()
    batch.add(book, 1, 0, 100, 5).add(book, id, 1, 101, 5, 77n).reduce(book, 1, 2, 3)
    // A single operation in between must not disturb what the batch holds.
    book.add(1234, 1, 4321, 9)
    batch.execute(book, 1, 1).replace(book, 1, 2, 99, 4).replace(book, 2, id, 98, 4)
    batch
      .cancel(book, 2)
      .setLevel(book, 1, 5, 6)
      .trade(book, 0, 7, 8)
      .setStatus(book, 1)
      .clear(book)
    t.equal(batch.size, 11)
    const result = batch.commit()
    t.strictSame(result, { taken: 11, lastSequence: 12 * (round + 1), refused: [] })
    t.equal(batch.size, 0)
    const call = batched.engine.calls.at(-1) ?? []
    const relevant: Record<number, (keyof typeof Staging)[]> = {
      [EntryType.Add]: ['orderId', 'side', 'price', 'quantity', 'timestamp'],
      [EntryType.Reduce]: ['orderId', 'quantity', 'timestamp'],
      [EntryType.Execute]: ['orderId', 'quantity', 'timestamp'],
      [EntryType.Replace]: ['orderId', 'newOrderId', 'price', 'quantity', 'timestamp'],
      [EntryType.Cancel]: ['orderId', 'timestamp'],
      [EntryType.SetLevel]: ['side', 'price', 'quantity', 'timestamp'],
      [EntryType.Trade]: ['side', 'price', 'quantity', 'timestamp'],
      [EntryType.Status]: ['quantity', 'timestamp'],
      [EntryType.Clear]: ['timestamp'],
    }
    single.engine.calls.forEach(([expected], index) => {
      const kind = expected?.lanes[Staging.kind] ?? 0
      const names: (keyof typeof Staging)[] = [
        'kind',
        'instrument',
        ...(relevant[kind & 0xff] ?? []),
        ...(kind & Staging.rawIds ? (['orderIdHigh'] as const) : []),
        ...(kind & Staging.rawIds && (kind & 0xff) === EntryType.Replace
          ? (['newOrderIdHigh'] as const)
          : []),
      ]
      for (const name of names) {
        const lane = Staging[name]
        t.equal(
          call[index]?.words[lane],
          expected?.words[lane],
          `${name} of operation ${String(index)}`,
        )
      }
    })
  }
})

t.test('a small batch is copied as whole as a large one', async (t) => {
  for (const size of [1, 8, 9, 100, 1024]) {
    const s = setting()
    const batch = batchOf(s)
    for (let i = 0; i < size; i++) batch.add(s.book, i, 0, 1000 + i, 1 + i)
    t.equal(batch.commit().taken, size)
    const call = s.engine.calls.at(-1) ?? []
    t.ok(
      call.length === size &&
        call.every(
          ({ lanes }, i) => lanes[Staging.orderId] === i && lanes[Staging.price] === 1000 + i,
        ),
    )
  }
})

t.test('a batch stops at a refusal, says where, and is empty afterwards', async (t) => {
  const s = setting()
  const batch = batchOf(s)
  s.engine.answer = (index) => (index === 2 ? 1 : 0)
  for (let i = 0; i < 5; i++) batch.add(s.book, 40 + i, 0, 100, 1)
  const error = failureOf(() => batch.commit())
  t.equal(error.code, 'ERR_PINNACLE_DUPLICATE_ORDER')
  t.match(error.message, 'add of AAPL refused (operation 2 of the batch): order 42')
  t.match(error.details, { index: 2, taken: 2, orderId: 42 })
  t.equal(batch.size, 0)
})

t.test('with skipRefused a batch goes on and reports what was refused', async (t) => {
  const s = setting()
  const batch = batchOf(s, { skipRefused: true })
  s.engine.answer = (index) => (index === 0 || index === 3 ? 2 : 0)
  for (let i = 0; i < 5; i++) batch.cancel(s.book, 2n ** 100n + BigInt(i))
  const result = batch.commit()
  t.equal(result.taken, 3)
  t.equal(result.lastSequence, 3)
  t.strictSame(
    result.refused.map(({ index, error }) => [index, error.code, error.details?.orderId]),
    [
      [0, 'ERR_PINNACLE_UNKNOWN_ORDER', 2n ** 100n],
      [3, 'ERR_PINNACLE_UNKNOWN_ORDER', 2n ** 100n + 3n],
    ],
  )
  t.equal(s.engine.lanes[Staging.skipRefused], 1)
})

t.test('autoCommit commits by itself, a full batch without it refuses', async (t) => {
  const s = setting()
  const automatic = batchOf(s, { autoCommit: 3 })
  for (let i = 0; i < 7; i++) automatic.add(s.book, i, 0, 1, 1)
  t.strictSame(
    s.engine.calls.map((call) => call.length),
    [3, 3],
  )
  t.equal(automatic.size, 1)
  automatic.discard()
  t.strictSame(automatic.commit(), { taken: 0, lastSequence: 0, refused: [] })
  const manual = batchOf(s)
  for (let i = 0; i < 1024; i++) manual.add(s.book, i, 0, 1, 1)
  t.equal(failureOf(() => manual.add(s.book, 1, 0, 1, 1)).code, 'ERR_PINNACLE_BUSY')
  t.equal(manual.size, 1024, 'the refused one was not staged')
  for (const wrong of [0, 1025, 1.5, '3' as never]) {
    t.equal(
      failureOf(() => batchOf(s, { autoCommit: wrong })).code,
      'ERR_PINNACLE_INVALID_ARGUMENT',
    )
  }
})

t.test('a batch takes no book of another persistence, and nothing else than a book', async (t) => {
  const s = setting()
  const batch = batchOf(s)
  for (const stranger of [setting().book, undefined, null, 'AAPL', {}]) {
    t.equal(
      failureOf(() => batch.cancel(stranger as never, 1)).code,
      'ERR_PINNACLE_INVALID_ARGUMENT',
    )
  }
  t.equal(
    failureOf(() => batch.add(s.book, 1, 0, '5' as never, 1)).code,
    'ERR_PINNACLE_INVALID_PRICE',
  )
  t.equal(failureOf(() => batch.cancel(s.book, -1n)).code, 'ERR_PINNACLE_INVALID_ORDER_ID')
  t.equal(batch.size, 0, 'what was refused is not staged')
})

t.test('an append wakes who sleeps, once', async (t) => {
  const { book, area } = setting()
  let woken = 0
  area.onAppend(() => woken++)
  const forget = area.onAppend(() => woken++)
  forget()
  book.clear()
  book.clear()
  t.equal(woken, 1)
  t.equal(area.sleepers, 0)
})

t.test('order ids convert to UUIDs and back; anything else is refused', async (t) => {
  t.equal(uuidFromOrderId(0n), '00000000-0000-0000-0000-000000000000')
  t.equal(uuidFromOrderId(2n ** 128n - 1n), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  t.equal(orderIdFromUuid(uuid.toUpperCase()), orderIdFromUuid(uuid))
  for (const wrong of ['', uuid.slice(1), `${uuid}0`, uuid.replace('f', 'g'), 5 as never]) {
    t.equal(failureOf(() => orderIdFromUuid(wrong)).code, 'ERR_PINNACLE_INVALID_ORDER_ID')
  }
  t.equal(failureOf(() => uuidFromOrderId(2n ** 128n)).code, 'ERR_PINNACLE_INVALID_ORDER_ID')
})
