import assert from 'node:assert/strict'
import t from 'tap'
import fc from 'fast-check'
import { Side } from '../../lib/book/side.js'
import { formatDecimal } from '../../lib/decimal/decimal.js'
import {
  isDatabentoHeader,
  parseDatabentoEvent,
  parseDatabentoHeader,
} from '../../lib/order-flow/databento-csv.js'
import { decimalField, orderIdField, unsignedField } from '../../lib/order-flow/fields.js'
import { LineProblem } from '../../lib/order-flow/flow-error.js'
import { formatTimestamp, parseTimestamp } from '../../lib/order-flow/iso-time.js'
import { parseLobsterMessage, parseLobsterOrderbookRow } from '../../lib/order-flow/lobster-csv.js'

const safe = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

t.test(
  'an unsigned field is read exactly, and anything else is a problem of the line',
  async (t) => {
    fc.assert(fc.property(safe, (value) => unsignedField(String(value), 'size') === value))
    const notDigits = fc.string().filter((text) => !/^\d{1,16}$/.test(text))
    fc.assert(
      fc.property(notDigits, (text) => {
        assert.throws(() => unsignedField(text, 'size'), LineProblem)
      }),
    )
    t.throws(() => unsignedField('9007199254740992', 'size'), /2\^53 - 1/)
    t.equal(unsignedField('9007199254740991', 'size'), Number.MAX_SAFE_INTEGER)
  },
)

t.test('a decimal field is exact at every scale', async (t) => {
  fc.assert(
    fc.property(safe, fc.integer({ min: 0, max: 15 }), (value, scale) => {
      assert.equal(decimalField(formatDecimal(value, scale), scale, 'price'), value)
      // Zeros beyond the scale change nothing.
      if (scale > 0)
        assert.equal(decimalField(`${formatDecimal(value, scale)}00`, scale, 'price'), value)
    }),
    { numRuns: 300 },
  )
  t.throws(() => decimalField('5.511', 2, 'price'), /more than 2 decimal places/)
  for (const text of [
    '',
    '.5',
    '-1.0',
    '1e3',
    '1.2.3',
    'NaN',
    '1,0',
    ' 1',
    '99999999999999999999.0',
  ]) {
    t.throws(() => decimalField(text, 2, 'price'), LineProblem, text)
  }
})

t.test('order ids up to 2^64 - 1 are exact', async (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (id) => {
      const read = orderIdField(String(id), 'order id')
      assert.equal(BigInt(read), id)
      assert.equal(typeof read, id <= BigInt(Number.MAX_SAFE_INTEGER) ? 'number' : 'bigint')
    }),
    { numRuns: 200 },
  )
  t.throws(() => orderIdField('18446744073709551616', 'order id'), /below 2\^64/)
  t.throws(() => orderIdField('-1', 'order id'), LineProblem)
})

t.test('timestamps are exact to the nanosecond, both ways', async (t) => {
  t.equal(parseTimestamp('2025-07-17T13:39:39.996436857Z', 'ts'), 1_752_759_579_996_436_857n)
  t.equal(parseTimestamp('1752759579996436857', 'ts'), 1_752_759_579_996_436_857n)
  t.equal(parseTimestamp('1970-01-01T00:00:00.5Z', 'ts'), 500_000_000n)
  const ns = fc.bigInt({ min: 0n, max: 7_000_000_000_000_000_000n })
  fc.assert(fc.property(ns, (value) => parseTimestamp(formatTimestamp(value), 'ts') === value))
  for (const text of [
    '',
    '2025-02-30T00:00:00Z',
    '2025-07-17T24:00:00Z',
    '2025-07-17 13:00:00',
    '2025-07-17T13:00:00+01:00',
    '2025-07-17T13:39:39.9964368570Z',
  ]) {
    t.throws(() => parseTimestamp(text, 'ts'), LineProblem, text)
  }
})

t.test('a LOBSTER message is read field by field', async (t) => {
  t.same(parseLobsterMessage('34200.01399412,3,16085616,100,310400,-1'), {
    timestampNs: 34_200_013_994_120,
    type: 3,
    orderId: 16_085_616,
    quantity: 100,
    price: 310_400,
    side: Side.Sell,
  })
  t.match(parseLobsterMessage('36023,7,0,0,-1,-1'), { type: 7, price: -1 })
  t.match(parseLobsterMessage('36323,7,0,0,0,-1'), { type: 7, price: 0 })
  const broken: [string, RegExp][] = [
    ['', /6 fields, found 1/],
    ['34200.0,1,1,100,310400', /6 fields, found 5/],
    ['34200.0,1,1,100,310400,1,9', /6 fields, found 7/],
    ['x,1,1,100,310400,1', /time/],
    ['34200.0000000001,1,1,100,310400,1', /9 decimal places/],
    ['34200.0,6,1,100,310400,1', /type must be/],
    ['34200.0,0,1,100,310400,1', /type must be/],
    ['34200.0,1,one,100,310400,1', /order id/],
    ['34200.0,1,1,0,310400,1', /size must be at least 1/],
    ['34200.0,1,1,-5,310400,1', /size/],
    ['34200.0,1,1,100,31.04,1', /price/],
    ['34200.0,1,1,100,310400,0', /direction/],
    ['36023,7,0,0,2,-1', /halt/],
  ]
  for (const [line, problem] of broken) t.throws(() => parseLobsterMessage(line), problem, line)
})

t.test(
  'no line whatever makes the parsers do anything but read it or name a problem',
  async (t) => {
    const columns = parseDatabentoHeader('ts_event,action,side,price,size,order_id,symbol')
    const field = fc.oneof(
      fc.string(),
      fc.constantFrom('1', '-1', '34200.5', 'A', 'B', 'N', '', '5.51', '7'),
    )
    const line = fc.array(field, { maxLength: 9 }).map((fields) => fields.join(','))
    const tame = (parse: () => unknown): boolean => {
      try {
        parse()
        return true
      } catch (error) {
        return error instanceof LineProblem
      }
    }
    fc.assert(
      fc.property(line, (text) => tame(() => parseLobsterMessage(text))),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(line, (text) => tame(() => parseLobsterOrderbookRow(text))),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(line, (text) => tame(() => parseDatabentoEvent(text, columns, 4))),
      {
        numRuns: 2000,
      },
    )
    t.pass()
  },
)

t.test('any valid LOBSTER message is read as it was written', async (t) => {
  const message = fc.record({
    timestampNs: fc.integer({ min: 0, max: 86_400_000_000_000 }),
    type: fc.integer({ min: 1, max: 5 }),
    orderId: fc.integer({ min: 0, max: 2 ** 40 }),
    quantity: fc.integer({ min: 1, max: 1e9 }),
    price: fc.integer({ min: 0, max: 9_999_999_999 }),
    side: fc.constantFrom(Side.Buy, Side.Sell),
  })
  fc.assert(
    fc.property(message, (m) => {
      const direction = m.side === Side.Buy ? 1 : -1
      const time = formatDecimal(m.timestampNs, 9)
      assert.deepEqual(
        parseLobsterMessage([time, m.type, m.orderId, m.quantity, m.price, direction].join(',')),
        { ...m },
      )
    }),
  )
  t.pass()
})

t.test('an order-book row gives its levels best first, and no level if it is empty', async (t) => {
  const row = '309900,3788,309500,300,310500,100,-9999999999,0,9999999999,0,-9999999999,0'
  t.same(parseLobsterOrderbookRow(row), [
    { side: Side.Sell, price: 309_900, quantity: 3788 },
    { side: Side.Sell, price: 310_500, quantity: 100 },
    { side: Side.Buy, price: 309_500, quantity: 300 },
  ])
  t.throws(() => parseLobsterOrderbookRow('1,2,3'), /four fields a level/)
  t.throws(() => parseLobsterOrderbookRow('100,5,90,5,100,5,80,5'), /best first/)
  t.throws(() => parseLobsterOrderbookRow('100,5,90,5,110,5,95,5'), /best first/)
  t.throws(() => parseLobsterOrderbookRow('100,0,90,5'), /must have a size/)
})

t.test(
  'Databento columns are found by name, prices are exact, integers for prices are refused',
  async (t) => {
    const header = 'ts_recv,ts_event,action,side,price,size,order_id,symbol'
    t.ok(isDatabentoHeader(header))
    t.notOk(isDatabentoHeader('34200.0,1,1,100,310400,1'))
    const columns = parseDatabentoHeader(header)
    const event = '0,2025-07-17T08:05:03.360677248Z,A,B,5.510000000,100,817593,ARL'
    t.same(parseDatabentoEvent(event, columns, 4), {
      timestampNs: 1_752_739_503_360_677_248n,
      action: 'A',
      side: Side.Buy,
      price: 55_100,
      quantity: 100,
      orderId: 817_593,
      symbol: 'ARL',
    })
    const withField = (index: number, value: string): string =>
      event
        .split(',')
        .map((field, at) => (at === index ? value : field))
        .join(',')
    t.throws(() => parseDatabentoEvent(withField(4, '5510000000'), columns, 4), /pretty_px/)
    t.throws(
      () => parseDatabentoEvent(withField(4, '5.510010000'), columns, 4),
      /more than 4 decimal places/,
    )
    t.throws(() => parseDatabentoEvent(withField(3, 'N'), columns, 4), /side/)
    t.throws(() => parseDatabentoEvent(withField(2, 'X'), columns, 4), /action/)
    t.throws(() => parseDatabentoEvent(withField(2, 'AC'), columns, 4), /action/)
    t.throws(() => parseDatabentoEvent(withField(5, '0'), columns, 4), /size/)
    t.throws(() => parseDatabentoEvent(withField(7, ''), columns, 4), /symbol/)
    t.throws(
      () => parseDatabentoEvent(`${event},9`, columns, 4),
      /8 fields as in the header, found 9/,
    )
    t.throws(() => parseDatabentoHeader('ts_event,action'), /no column "side"/)
    t.throws(() => parseDatabentoHeader(`${header},price`), /twice/)
  },
)

t.test(
  'any valid Databento event is read as it was written, in any order of columns',
  async (t) => {
    const names = ['ts_event', 'action', 'side', 'price', 'size', 'order_id', 'symbol', 'ts_recv']
    const event = fc.record({
      timestampNs: fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }),
      action: fc.constantFrom('A', 'C', 'M', 'T', 'F'),
      side: fc.constantFrom(Side.Buy, Side.Sell),
      price: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      quantity: fc.integer({ min: 1, max: 1e9 }),
      orderId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      symbol: fc.stringMatching(/^[A-Z.]{1,8}$/),
    })
    const order = fc.shuffledSubarray(names, { minLength: names.length })
    fc.assert(
      fc.property(event, order, (e, columns) => {
        const fields: Record<string, string> = {
          ts_event: formatTimestamp(e.timestampNs),
          action: e.action,
          side: e.side === Side.Buy ? 'B' : 'A',
          price: formatDecimal(e.price, 4),
          size: String(e.quantity),
          order_id: String(e.orderId),
          symbol: e.symbol,
          ts_recv: 'whatever',
        }
        const header = parseDatabentoHeader(columns.join(','))
        const { orderId, ...read } = parseDatabentoEvent(
          columns.map((name) => fields[name]).join(','),
          header,
          4,
        )
        const { orderId: written, ...expected } = e
        assert.equal(BigInt(orderId), written)
        assert.deepEqual(read, expected)
      }),
    )
    t.pass()
  },
)
