import assert from 'node:assert/strict'
import t from 'tap'
import fc from 'fast-check'
import { Side } from '../../lib/book/side.js'
import {
  FlowKind,
  emptyOperation,
  type FlowOperation,
} from '../../lib/order-flow/flow-operation.js'
import { FlowGenerator, GeneratedFlow } from '../../lib/order-flow/generator.js'
import { Random } from '../../lib/order-flow/random.js'
import { ReferenceBook } from '../../lib/order-flow/reference-book.js'
import { operationsOf } from './operations.js'

function generate(seed: number, events: number): FlowOperation[] {
  const generator = new FlowGenerator({ seed })
  return Array.from({ length: events }, () => {
    const operation = emptyOperation()
    generator.next(operation)
    return operation
  })
}

t.test('the same seed gives the same flow, another seed another', async (t) => {
  t.same(generate(7, 5_000), generate(7, 5_000))
  t.notSame(generate(7, 100), generate(8, 100))
})

t.test('the flow can be resumed at any event', async (t) => {
  const whole = generate(3, 4_000)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_999 }), (at) => {
      const generator = new FlowGenerator({ seed: 3 })
      generator.skip(at)
      const operation = emptyOperation()
      generator.next(operation)
      assert.deepEqual(operation, whole[at])
    }),
    { numRuns: 20 },
  )
  t.pass()
})

t.test('every event is one that a book takes, and the books stay realistic', async (t) => {
  const generator = new FlowGenerator({ seed: 11 })
  const books = generator.instruments.map(() => new ReferenceBook())
  const kinds = new Map<FlowKind, number>()
  const operation = emptyOperation()
  let lastTimestampNs = 0
  let crossed = 0
  let notAtBest = 0
  for (let event = 0; event < 60_000; event++) {
    generator.next(operation)
    const book = books[operation.instrument]
    if (operation.kind === FlowKind.Execute && event % 64 === 0) {
      const [best] = book?.depth(operation.side, 1) ?? []
      const [front] = book?.levelOrders(operation.side, operation.price) ?? []
      if (best?.price !== operation.price || front?.id !== operation.orderId) notAtBest++
    }
    book?.apply(operation) // throws if the event makes no sense
    kinds.set(operation.kind, (kinds.get(operation.kind) ?? 0) + 1)
    if (Number(operation.timestampNs) <= lastTimestampNs) t.fail('time does not advance')
    lastTimestampNs = Number(operation.timestampNs)
    if (event % 500 === 0) {
      const [bid] = book?.depth(Side.Buy, 1) ?? []
      const [ask] = book?.depth(Side.Sell, 1) ?? []
      if (bid !== undefined && ask !== undefined && bid.price >= ask.price) crossed++
    }
  }
  t.equal(crossed, 0)
  t.equal(notAtBest, 0)
  for (const kind of [
    FlowKind.Add,
    FlowKind.Reduce,
    FlowKind.Cancel,
    FlowKind.Execute,
    FlowKind.Replace,
  ]) {
    t.ok((kinds.get(kind) ?? 0) > 1_000, `kind ${kind} is frequent`)
  }
  for (const [index, book] of books.entries()) {
    t.equal(book.orderCount, generator.liveOrders(index))
    t.ok(
      book.orderCount > 1_000 && book.orderCount < 4_000,
      `${String(book.orderCount)} orders live`,
    )
    t.ok(book.depth(Side.Buy).length > 20)
  }
})

t.test(
  'as a source it has as many events as asked for, and says what lives at the end',
  async (t) => {
    const source = new GeneratedFlow({ seed: 5, events: 2_500 })
    const operations = await operationsOf(source)
    t.same(operations, generate(5, 2_500))
    const books = source.instruments.map(() => new ReferenceBook())
    for (const operation of operations) books[operation.instrument]?.apply(operation)
    t.same(
      books.map((book) => book.orderCount),
      source.instruments.map((_, index) => source.liveOrders(index)),
    )
  },
)

t.test(
  'random numbers are of 32 bits, below their bound, and not the same for near seeds',
  async (t) => {
    const left = new Random(1)
    const right = new Random(2)
    let same = 0
    const buckets = new Array<number>(16).fill(0)
    for (let draw = 0; draw < 16_000; draw++) {
      const value = left.uint32()
      if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) t.fail(`drew ${String(value)}`)
      if (value === right.uint32()) same++
      const bucket = left.below(16)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
    }
    t.ok(same < 5)
    t.equal(buckets.length, 16)
    for (const hits of buckets) t.ok(hits > 850 && hits < 1150, `${String(hits)} of about 1,000`)
  },
)
