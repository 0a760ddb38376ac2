// Kraken: exact digits of JSON numbers, books that their checksums prove, subscriptions that add up.
import { crc32 } from 'node:zlib'
import t from 'tap'
import { Side } from '../../../lib/book/side.js'
import { KrakenBook } from '../../../lib/market-data/adapters/kraken-book.js'
import { KrakenAdapter } from '../../../lib/market-data/adapters/kraken.js'
import type { FeedUpdate, LevelChange, ParsedFrame } from '../../../lib/market-data/feed-update.js'
import { acceptedBreaks, type FieldKind } from './malformed.js'
import { NaiveBook } from './naive-books.js'
import { krakenFrames as own } from './own-frames.js'
import { framesOf, skipWithout } from './recordings.js'
import { UpdateBooks } from './update-books.js'

/** 2026-03-04T05:06:07Z in nanoseconds. */
const baseNs = 1_772_600_767_000_000_000n

function updatesOf(parsed: ParsedFrame): FeedUpdate[] {
  return parsed.kind === 'updates' ? parsed.updates : []
}

function withBook(): KrakenAdapter {
  const adapter = new KrakenAdapter()
  adapter.parse(own.subscribed)
  adapter.parse(own.snapshot)
  return adapter
}

t.test('each kind of frame becomes its updates, with the digits as printed', async (t) => {
  const adapter = new KrakenAdapter()
  t.same(updatesOf(adapter.parse(own.subscribed)), [
    { type: 'subscriptions', channels: { book: ['BTC/USD'] } },
  ])
  t.same(updatesOf(adapter.parse(own.snapshot)), [
    {
      type: 'book-snapshot',
      product: 'BTC/USD',
      exchangeTimeNs: baseNs + 100_000_000n,
      levels: [
        { side: Side.Buy, price: '70000.1', size: '0.50000000' },
        { side: Side.Buy, price: '70000.0', size: '1.25000000' },
        { side: Side.Sell, price: '70000.2', size: '0.00100000' },
      ],
    },
  ])
  t.same(updatesOf(adapter.parse(own.levels)), [
    {
      type: 'levels',
      product: 'BTC/USD',
      exchangeTimeNs: baseNs + 200_001_000n,
      changes: [
        { side: Side.Buy, price: '70000.1', size: '0.00000000' },
        { side: Side.Sell, price: '70000.3', size: '2.00000000' },
      ],
    },
  ])
  t.same(updatesOf(adapter.parse(own.ticker)), [
    {
      type: 'ticker',
      product: 'BTC/USD',
      exchangeTimeNs: baseNs + 300_000_000n,
      price: '70000.2',
      bidPrice: '70000.1',
      bidSize: '0.50000000',
      askPrice: '70000.2',
      askSize: '0.00100000',
      volume: '1234.56780000',
    },
  ])
  t.same(updatesOf(adapter.parse(own.trades)), [
    {
      type: 'trade',
      product: 'BTC/USD',
      exchangeTimeNs: baseNs + 400_001_000n,
      tradeId: '801',
      side: Side.Buy,
      price: '70000.2',
      size: '0.00050000',
    },
    {
      type: 'trade',
      product: 'BTC/USD',
      exchangeTimeNs: baseNs + 400_002_000n,
      tradeId: '802',
      side: Side.Sell,
      price: '70000.0',
      size: '0.10000000',
    },
  ])
  t.same(updatesOf(adapter.parse(own.heartbeat)), [{ type: 'other', channel: 'heartbeat' }])
  t.same(updatesOf(adapter.parse(own.status)), [{ type: 'other', channel: 'status' }])
  t.same(updatesOf(adapter.parse(own.pong)), [{ type: 'other', channel: 'pong' }])
  t.same(updatesOf(adapter.parse(own.refused)), [
    {
      type: 'server-error',
      message: 'Currency pair not supported XXX/USD',
      reason: 'subscribe XXX/USD',
    },
  ])
})

t.test('digits beyond a double are kept', async (t) => {
  const long = '12345678901234567.12345678901234567890'
  const [ticker] = updatesOf(new KrakenAdapter().parse(own.ticker.replace('70000.1', long)))
  t.match(ticker, { type: 'ticker', bidPrice: long })
})

t.test('a wrong checksum discards the book until the next snapshot', async (t) => {
  const adapter = withBook()
  t.match(updatesOf(adapter.parse(own.levels.replace('449434459', '449434458'))), [
    {
      type: 'book-mismatch',
      product: 'BTC/USD',
      reason: "the exchange's checksum is 449434458, that of the book received so far 449434459",
    },
  ])
  t.same(
    updatesOf(adapter.parse(own.levels)),
    [{ type: 'other', channel: 'book', product: 'BTC/USD' }],
    'nothing more is reported of it',
  )
  t.match(updatesOf(adapter.parse(own.snapshot)), [{ type: 'book-snapshot' }])
  t.match(updatesOf(adapter.parse(own.levels)), [{ type: 'levels' }])
  t.match(
    updatesOf(new KrakenAdapter().parse(own.snapshot.replace('1102912484', '1'))),
    [{ type: 'book-mismatch' }],
    'a snapshot is checked as well',
  )
})

t.test('a frame that is malformed changes no book', async (t) => {
  const adapter = withBook()
  t.equal(adapter.parse(own.levels.replace('2.00000000', '-2.0')).kind, 'malformed')
  t.match(updatesOf(adapter.parse(own.levels)), [{ type: 'levels' }], 'the checksum holds')
})

t.test(
  'levels pushed below the depth are removed, though the exchange does not say so',
  async (t) => {
    const book = new KrakenBook(10)
    const changes: LevelChange[] = []
    for (let tick = 0; tick < 10; tick++) {
      book.set({ side: Side.Buy, price: `${String(100 + tick)}.5`, size: '1' })
      book.set({ side: Side.Sell, price: `${String(200 + tick)}.5`, size: '1' })
    }
    book.trim(changes)
    t.same(changes, [])
    book.set({ side: Side.Buy, price: '99.5', size: '1' })
    book.set({ side: Side.Sell, price: '150.5', size: '1' })
    book.trim(changes)
    t.same(changes, [
      { side: Side.Buy, price: '99.5', size: '0' },
      { side: Side.Sell, price: '209.5', size: '0' },
    ])
    t.equal(book.levels(Side.Buy).length, 10)
    t.same(book.levels(Side.Sell)[0], { price: '150.5', size: '1' })
    book.set({ side: Side.Sell, price: '150.50', size: '0.000' })
    t.same(book.levels(Side.Sell)[0], { price: '200.5', size: '1' }, 'prices go by value')
  },
)

t.test('a wrong field makes the frame malformed and is named', async (t) => {
  // Digits in quotes count as digits: an older version of the protocol had them so.
  const cases: [string, Record<string, FieldKind>][] = [
    [
      own.levels,
      {
        type: 'side',
        data: 'list',
        'data[0]': 'object',
        'data[0].symbol': 'product',
        'data[0].bids': 'list',
        'data[0].asks': 'list',
        'data[0].asks[0]': 'object',
        'data[0].asks[0].price': 'price',
        'data[0].bids[0].qty': 'decimal',
        'data[0].checksum': 'integer',
        'data[0].timestamp': 'optionalTime',
      },
    ],
    [
      own.trades,
      {
        data: 'list',
        'data[1]': 'object',
        'data[1].symbol': 'product',
        'data[1].side': 'side',
        'data[1].price': 'price',
        'data[0].qty': 'decimal',
        'data[0].trade_id': 'integer',
        'data[0].timestamp': 'time',
      },
    ],
    [
      own.ticker,
      {
        data: 'list',
        'data[0].symbol': 'product',
        'data[0].last': 'price',
        'data[0].bid': 'optionalPrice',
        'data[0].bid_qty': 'optionalDecimal',
        'data[0].ask': 'optionalPrice',
        'data[0].ask_qty': 'optionalDecimal',
        'data[0].volume': 'optionalDecimal',
      },
    ],
    [own.subscribed, { result: 'object', 'result.channel': 'side' }],
    [own.status, { data: 'list' }],
  ]
  for (const [frame, fields] of cases) t.same(acceptedBreaks(withBook, frame, fields), [])
  t.match(withBook().parse(own.levels.replace('449434459', '4294967296')), {
    kind: 'malformed',
    reason: /^data\[0\]\.checksum must be /,
  })
  t.match(withBook().parse(own.levels.replace('BTC/USD', 'XBTUSD')), {
    kind: 'malformed',
    reason: /^data\[0\]\.symbol must be a pair/,
  })
  for (const bid of ['1e5', '--1', '01', '1.', '.5', 'NaN']) {
    const frame = own.ticker.replace('"bid":70000.1', `"bid":${bid}`)
    t.equal(new KrakenAdapter().parse(frame).kind, 'malformed', bid)
  }
  t.same(new KrakenAdapter().parse('{"channel":"level4"}'), {
    kind: 'unknown',
    channel: 'level4',
    sequences: [],
  })
  t.equal(new KrakenAdapter().parse('{"method":"dance","success":true}').kind, 'unknown')
})

t.test('subscriptions are one message a channel, and confirmations add up', async (t) => {
  const adapter = new KrakenAdapter({ depth: 25 })
  t.same(
    adapter
      .subscribe({ products: ['BTC/USD', 'ETH/USD'], channels: ['book', 'trade'] })
      .map((text) => JSON.parse(text) as unknown),
    [
      {
        method: 'subscribe',
        params: { channel: 'book', symbol: ['BTC/USD', 'ETH/USD'], depth: 25 },
      },
      {
        method: 'subscribe',
        params: { channel: 'trade', symbol: ['BTC/USD', 'ETH/USD'], snapshot: false },
      },
    ],
  )
  const answer = (method: string, channel: string, symbol: string): FeedUpdate | undefined =>
    updatesOf(
      adapter.parse(JSON.stringify({ method, result: { channel, symbol }, success: true })),
    )[0]
  answer('subscribe', 'book', 'BTC/USD')
  answer('subscribe', 'book', 'ETH/USD')
  t.same(answer('subscribe', 'trade', 'ETH/USD'), {
    type: 'subscriptions',
    channels: { book: ['BTC/USD', 'ETH/USD'], trade: ['ETH/USD'] },
  })
  t.same(answer('unsubscribe', 'book', 'BTC/USD'), {
    type: 'subscriptions',
    channels: { book: ['ETH/USD'], trade: ['ETH/USD'] },
  })
  t.throws(() => adapter.subscribe({ products: ['BTC/USD'], channels: ['books'] }), {
    code: 'ERR_PINNACLE_FEED_INVALID_SUBSCRIPTION',
  })
  t.throws(() => new KrakenAdapter({ depth: 11 as 10 }), {
    code: 'ERR_PINNACLE_FEED_INVALID_SUBSCRIPTION',
  })
})

const recording = 'other-exchanges/kraken_live-btc-eth.ndjson'

t.test('a real recording', { skip: skipWithout(recording) }, async (t) => {
  const frames = framesOf(recording)
  const adapter = new KrakenAdapter()
  const parsed = frames.map((frame) => adapter.parse(frame))

  t.test('every frame is understood and every checksum holds', async (t) => {
    t.same(
      parsed.filter(({ kind }) => kind !== 'updates'),
      [],
    )
    const count = new Map<string, number>()
    for (const { type } of parsed.flatMap(updatesOf)) count.set(type, (count.get(type) ?? 0) + 1)
    t.equal(count.get('book-snapshot'), 2)
    t.equal(count.get('levels'), 2960)
    t.equal(count.get('book-mismatch'), undefined)
  })

  t.test('one altered digit is found by the checksum', async (t) => {
    const altered = new KrakenAdapter()
    let found = 0
    for (const [index, frame] of frames.entries()) {
      const text = index === 1000 ? frame.replace(/("qty":\d+\.\d*)[1-9]/, '$10') : frame
      if (index === 1000) t.not(text, frame)
      const [update] = updatesOf(altered.parse(text))
      if (update?.type === 'book-mismatch') found++
    }
    t.equal(found, 1)
  })

  // Independent: a pattern extracts the digits from the text, the books are maps, the checksum is zlib's.
  t.test(
    'the books of the updates equal a plain reconstruction with a checksum of its own',
    async (t) => {
      interface Levels {
        symbol: string
        bids: { price: string; qty: string }[]
        asks: { price: string; qty: string }[]
        checksum: string
      }
      const books = new UpdateBooks()
      const naive = new Map<string, Map<string, string>[]>()
      let compared = 0
      for (const [index, frame] of frames.entries()) {
        const told = parsed[index]
        if (!frame.includes('"channel":"book","type"') || told?.kind !== 'updates') continue
        books.take(told.updates)
        const quoted = frame
          .replace(/:(\d+(?:\.\d+)?)/g, ':"$1"')
          .replace(/"\d\d"(:\d\d)?(?=[:.])/g, '')
        const start = quoted.indexOf('"symbol"') - 1
        const body = quoted.slice(start, quoted.indexOf(',"timestamp"')) + '}'
        const { symbol, bids, asks, checksum } = JSON.parse(body) as Levels
        if (frame.includes('"snapshot"')) naive.set(symbol, [new Map(), new Map()])
        const sides = naive.get(symbol) ?? []
        for (const [side, changes] of [bids, asks].entries()) {
          for (const { price, qty } of changes) {
            if (Number(qty) === 0) sides[side]?.delete(price)
            else sides[side]?.set(price, qty)
          }
          const best = [...(sides[side] ?? [])]
            .sort(([left], [right]) => (side === 0 ? -1 : 1) * (Number(left) - Number(right)))
            .slice(0, 10)
          sides[side] = new Map(best)
        }
        const digits = (text: string): string => text.replace('.', '').replace(/^0+/, '')
        const levels = [...(sides[1] ?? []), ...(sides[0] ?? [])]
        const sum = crc32(levels.map(([price, qty]) => digits(price) + digits(qty)).join(''))
        if (String(sum) !== checksum)
          t.fail(`the plain checksum of frame ${String(index)} is wrong`)
        const book = new NaiveBook()
        for (const [side, map] of sides.entries()) {
          for (const [price, qty] of map) book.set(side === 0, price, qty)
        }
        if (books.text(symbol) !== book.text()) t.fail(`${symbol} after frame ${String(index)}`)
        compared++
      }
      t.equal(compared, 2962)
    },
  )
})
