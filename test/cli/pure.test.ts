import assert from 'node:assert/strict'
import { InvalidArgumentError } from 'commander'
import fc from 'fast-check'
import pc from 'picocolors'
import t from 'tap'
import {
  countArgument,
  listArgument,
  numberArgument,
  pointArgument,
  sequenceArgument,
  speedArgument,
} from '../../lib/cli/arguments.js'
import { barOf, drawDepth } from '../../lib/cli/depth-drawing.js'
import { entryObject, tableHead, tableRow } from '../../lib/cli/entry-text.js'
import { exitCodeOf } from '../../lib/cli/exit-codes.js'
import { toJson } from '../../lib/cli/output.js'
import {
  bytes,
  count,
  milliseconds,
  nanoseconds,
  printable,
  rate,
  table,
  width,
} from '../../lib/cli/text.js'
import { formatDecimal } from '../../lib/decimal/decimal.js'
import { formatTimestamp } from '../../lib/order-flow/iso-time.js'

const plain = pc.createColors(false)

t.test('option values are taken exactly, and whatever else is typed is refused', async (t) => {
  const parsers = [countArgument, sequenceArgument, numberArgument, pointArgument, speedArgument]
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const parse of parsers) {
        try {
          parse(text)
        } catch (error) {
          assert.ok(error instanceof InvalidArgumentError)
        }
      }
    }),
    { numRuns: 1000 },
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (value) => {
      assert.equal(sequenceArgument(String(value)), value)
      assert.deepEqual(pointArgument(String(value)), { sequence: value })
      assert.deepEqual(pointArgument(`seq:${String(value)}`), { sequence: value })
      assert.deepEqual(pointArgument(`ns:${String(value)}`), { timestamp: BigInt(value) })
    }),
  )
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 7_000_000_000_000_000_000n }), (ns) => {
      assert.deepEqual(pointArgument(formatTimestamp(ns)), { timestamp: ns })
    }),
  )
  t.equal(speedArgument('full'), 'full')
  t.equal(speedArgument('0.5x'), 0.5)
  t.same(listArgument('add,trade', ['cancel']), ['cancel', 'add', 'trade'])
  for (const text of ['0', '-1', '1.5', '9007199254740993', '']) {
    t.throws(() => sequenceArgument(text), InvalidArgumentError, text)
  }
  for (const text of ['0x', '-2x', '60', 'fast'])
    t.throws(() => speedArgument(text), InvalidArgumentError, text)
  for (const text of ['2025-02-30T00:00:00Z', 'ns:', 'ns:18446744073709551616', 'yesterday', '0']) {
    t.throws(() => pointArgument(text), InvalidArgumentError, text)
  }
  t.throws(() => listArgument('add,,trade', undefined), InvalidArgumentError)
})

t.test('numbers read as people write them', async (t) => {
  t.equal(count(1234567), '1,234,567')
  t.equal(bytes(0), '0 B')
  t.equal(bytes(64 * 1024), '64.0 KiB')
  t.equal(nanoseconds(22), '22 ns')
  t.equal(nanoseconds(1_530), '1.53 µs')
  t.equal(milliseconds(12.34), '12.3 ms')
  t.equal(milliseconds(61_000), '1m 01s')
  t.equal(milliseconds(7_260_000), '2h 01m')
  t.equal(rate(5_000, 2), '2.50 M/s')
  t.equal(rate(0, 0), '0.00/s')
  t.equal(printable('a\u001b[2Jb\n'), 'a·[2Jb·')
})

t.test('a table aligns what is seen, not the colours in it', async (t) => {
  const red = pc.createColors(true).red
  const lines = table(
    [
      ['name', 'n'],
      [red('A'), '100'],
      ['LONGER', '7'],
    ],
    'lr',
  )
  t.same(lines.map(width), [11, 11, 11])
})

t.test('the exit code tells usage, corruption and other errors apart', async (t) => {
  t.equal(exitCodeOf('ERR_PINNACLE_CONFIG_RANGE'), 2)
  t.equal(exitCodeOf('ERR_PINNACLE_USAGE'), 2)
  t.equal(exitCodeOf('ERR_PINNACLE_CORRUPT'), 4)
  t.equal(exitCodeOf('ERR_PINNACLE_LOCKED'), 1)
})

t.test('JSON keeps integers beyond 2^53 and bytes', async (t) => {
  t.equal(
    toJson({ id: 2n ** 70n, payload: new Uint8Array([1, 2, 255]), n: 5 }),
    '{"id":"1180591620717411303424","payload":"AQL/","n":5}',
  )
})

t.test('a bar is as long as its part, and never empty for something', async (t) => {
  t.equal(barOf(0, 100, 10), '')
  t.equal(barOf(100, 100, 4), '████')
  t.equal(barOf(50, 100, 5), '██▌')
  t.equal(barOf(1, 1_000_000, 10), '▏')
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (left, right) => {
      const whole = Math.max(left, right)
      const longer = barOf(Math.max(left, right), whole, 20)
      const shorter = barOf(Math.min(left, right), whole, 20)
      assert.ok(shorter.length <= longer.length && longer.length <= 20)
    }),
  )
})

t.test('a book is drawn with asks above bids and the spread between them', async (t) => {
  const formats = {
    formatPrice: (ticks: number) => formatDecimal(ticks, 2),
    formatQuantity: (lots: number) => formatDecimal(lots, 0),
  }
  const level = (
    price: number,
    quantity: number,
  ): { price: number; quantity: number; orders: number } => ({
    price,
    quantity,
    orders: 1,
  })
  const bids = [level(999, 50), level(998, 100)]
  const asks = [level(1001, 25), level(1002, 100)]
  t.same(drawDepth({ bids, asks, ...formats }, plain, 4), [
    '  price  quantity  orders',
    '  10.02       100       1  ████',
    '  10.01        25       1  █',
    '  ── spread 0.02 (2 ticks)',
    '   9.99        50       1  ██',
    '   9.98       100       1  ████',
  ])
  const middle = (best: Partial<{ bids: typeof bids; asks: typeof asks }>): string | undefined =>
    drawDepth({ bids: [], asks: [], ...best, ...formats }, plain)
      .find((line) => /──|empty/.test(line))
      ?.trim()
  t.equal(middle({}), '(the book is empty)')
  t.equal(middle({ bids }), '── no asks')
  t.equal(middle({ asks }), '── no bids')
  t.equal(middle({ bids, asks: [level(999, 1)] }), '── locked')
  t.equal(middle({ bids, asks: [level(990, 1)] }), '── crossed by 0.09 (9 ticks)')
})

t.test(
  'an entry is a row with decimals of its instrument, and its detail is printable',
  async (t) => {
    const instruments = new Map([[1, { name: 'A\u001bB', priceScale: 2, quantityScale: 0 }]])
    const row = tableRow(
      {
        type: 'add',
        sequence: 7,
        timestampNs: 5n,
        instrument: 1,
        givenTime: true,
        orderId: 9n,
        side: 1,
        price: 1025,
        quantity: 3,
      },
      instruments,
    )
    t.match(row, /7 +5 +A·B +add +sell +10\.25 +3 +order 9$/)
    const hole = {
      type: 'hole',
      sequence: 30,
      timestampNs: 5n,
      instrument: 0,
      givenTime: false,
      firstSequence: 14,
      snapshotSequence: 0,
      entriesLeftOut: 0,
    } as const
    t.match(tableRow(hole, instruments), /30 +5 +hole +entries 14 to 30 are lost$/)
    t.match(
      tableRow({ ...hole, snapshotSequence: 20, entriesLeftOut: 3 }, instruments),
      /lost, 3 of them intact but refused by the books; up to 20 a snapshot has their effect$/,
    )
    t.match(entryObject(hole, instruments), { type: 'hole', firstSequence: 14 })
    t.match(tableHead(), /sequence +timestamp +instrument +type/)
    const places = [undefined, 'first', 'middle', 'last'] as const
    const rows = places.map((transaction) =>
      tableRow({ ...hole, type: 'clear', ...(transaction ? { transaction } : {}) }, instruments),
    )
    const column = tableHead().indexOf('sequence') + 'sequence'.length + 2
    t.same(
      rows.map((text) => text[column]),
      [' ', '┌', '│', '└'],
    )
  },
)
