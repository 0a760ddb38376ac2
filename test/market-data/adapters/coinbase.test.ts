// Coinbase Advanced Trade: the meaning of its frames, to the digit; malformed frames; a real recording.
import t from 'tap'
import { Side } from '../../../lib/book/side.js'
import { CoinbaseTickerScan } from '../../../lib/market-data/adapters/coinbase-ticker-scan.js'
import { CoinbaseAdapter } from '../../../lib/market-data/adapters/coinbase.js'
import { ExchangeTime } from '../../../lib/market-data/adapters/exchange-time.js'
import type { FeedUpdate, ParsedFrame } from '../../../lib/market-data/feed-update.js'
import { acceptedBreaks, type FieldKind } from './malformed.js'
import { NaiveBook } from './naive-books.js'
import { coinbaseFrames } from './own-frames.js'
import { framesOf, skipWithout } from './recordings.js'
import { UpdateBooks } from './update-books.js'

const parse = (frame: string): ParsedFrame => new CoinbaseAdapter().parse(frame)

/** Blanks do not change the meaning, but the ticker scan does not accept the text. */
const bySlowPath = (frame: string): ParsedFrame => parse(` ${frame}`)

/** 2026-03-04T05:06:07Z in nanoseconds. */
const baseNs = 1_772_600_767_000_000_000n

t.test(
  'each kind of frame becomes its updates, with exact text and times to the nanosecond',
  async (t) => {
    t.same(parse(coinbaseFrames.ticker), {
      kind: 'updates',
      channel: 'ticker',
      sequences: [{ scope: '', first: 41, last: 41 }],
      updates: [
        {
          type: 'ticker',
          product: 'BTC-USD',
          exchangeTimeNs: baseNs + 123_456_789n,
          price: '70123.45',
          bidPrice: '70123.44',
          bidSize: '0.5',
          askPrice: '70123.46',
          askSize: '0.25000000',
          volume: '1234.56789012',
        },
      ],
    })
    t.same(parse(coinbaseFrames.levels), {
      kind: 'updates',
      channel: 'l2_data',
      sequences: [{ scope: '', first: 42, last: 42 }],
      updates: [
        {
          type: 'levels',
          product: 'BTC-USD',
          exchangeTimeNs: baseNs + 150_002_000n,
          changes: [
            { side: Side.Buy, price: '70123.44', size: '0' },
            { side: Side.Sell, price: '70123.5', size: '1.75' },
          ],
        },
      ],
    })
    t.same(
      parse(coinbaseFrames.snapshot),
      {
        kind: 'updates',
        channel: 'l2_data',
        sequences: [{ scope: '', first: 43, last: 43 }],
        updates: [
          {
            type: 'book-snapshot',
            product: 'ETH-USD',
            exchangeTimeNs: baseNs,
            levels: [
              { side: Side.Buy, price: '2000.01', size: '3' },
              { side: Side.Sell, price: '2000.02', size: '4.5' },
            ],
          },
        ],
      },
      'changes of the epoch take the time of the message',
    )
    t.same(
      parse(coinbaseFrames.trades),
      {
        kind: 'updates',
        channel: 'market_trades',
        sequences: [{ scope: '', first: 44, last: 44 }],
        updates: [
          {
            type: 'trade',
            product: 'ETH-USD',
            exchangeTimeNs: baseNs + 290_000_001n,
            tradeId: '701',
            side: Side.Sell,
            price: '2000.01',
            size: '0.2',
          },
          {
            type: 'trade',
            product: 'ETH-USD',
            exchangeTimeNs: baseNs + 290_000_002n,
            tradeId: '702',
            side: Side.Buy,
            price: '2000.02',
            size: '0.1',
          },
        ],
      },
      'the oldest trade comes first, the side is who took',
    )
    const updatesOf = (frame: string): FeedUpdate[] => {
      const parsed = parse(frame)
      return parsed.kind === 'updates' ? parsed.updates : []
    }
    t.same(updatesOf(coinbaseFrames.heartbeats), [
      { type: 'heartbeat', exchangeTimeNs: baseNs + 1_000_000_000n, counter: 77 },
    ])
    t.same(updatesOf(coinbaseFrames.subscriptions), [
      { type: 'subscriptions', channels: { ticker: ['BTC-USD'], heartbeats: ['heartbeats'] } },
    ])
    t.same(updatesOf(coinbaseFrames.candles), [{ type: 'other', channel: 'candles' }])
    t.same(updatesOf(coinbaseFrames.error), [
      { type: 'server-error', message: 'no such product', reason: 'XXX-USD' },
    ])
  },
)

t.test(
  'the ticker scan says what JSON.parse says, and takes only what it says the same of',
  async (t) => {
    const scan = new CoinbaseTickerScan(new ExchangeTime())
    const { ticker } = coinbaseFrames
    t.same(scan.scan(ticker), bySlowPath(ticker))
    const replaced: [string, string][] = [
      ['70123.45', '0'],
      ['70123.45', '00.5'],
      ['70123.45', '1e5'],
      ['"-1.25"', '"1.25"'],
      ['"-1.25"', '"--1.25"'],
      ['"-1.25"', '""'],
      ['"update"', '"snapshot"'],
      ['"update"', '"delete"'],
      ['BTC-USD', 'BTC\\u002dUSD'],
      ['BTC-USD', 'BTC"USD'],
      ['BTC-USD', ''],
      [':41,', ':041,'],
      [':41,', ':-1,'],
      [':41,', ':9007199254740993,'],
      [':41,', ':999999999999999,'],
      ['.123456789Z', 'Z'],
      ['.123456789Z', '.1234567891Z'],
      ['2026-03-04', '2026-02-30'],
      ['2026-03-04', '0001-01-01'],
      ['"0.25000000"', '""'],
      ['"0.25000000"', '"0.2500000x"'],
      ['}]}]}', '}]}]} '],
      ['}]}]}', '}]}]}x'],
      ['}]}]}', '}]}]'],
      ['"69000"', 'null'],
      ['"price"', '"prize"'],
    ]
    let scanned = 0
    for (const [from, to] of replaced) {
      const frame = ticker.replace(from, to)
      t.not(frame, ticker)
      const fast = scan.scan(frame)
      if (fast) scanned++
      if (fast) t.same(fast, bySlowPath(frame), `${from} replaced by ${to}`)
      t.same(
        { ...parse(frame), reason: '' },
        { ...bySlowPath(frame), reason: '' },
        `${from} replaced by ${to}: the adapter as a whole`,
      )
    }
    t.equal(scanned, 5, 'the harmless changes are scanned')
    for (let length = 0; length < ticker.length; length++) {
      if (scan.scan(ticker.slice(0, length))) t.fail(`scanned ${String(length)} characters`)
    }
  },
)

t.test('a wrong field makes the frame malformed and is named', async (t) => {
  const cases: [string, Record<string, FieldKind>][] = [
    [
      coinbaseFrames.ticker,
      {
        timestamp: 'time',
        sequence_num: 'count',
        events: 'list',
        'events[0].tickers': 'list',
        'events[0].tickers[0].product_id': 'product',
        'events[0].tickers[0].price': 'price',
        'events[0].tickers[0].best_bid': 'optionalPrice',
        'events[0].tickers[0].best_ask': 'optionalPrice',
        'events[0].tickers[0].best_bid_quantity': 'optionalDecimal',
        'events[0].tickers[0].best_ask_quantity': 'optionalDecimal',
        'events[0].tickers[0].volume_24_h': 'optionalDecimal',
      },
    ],
    [
      coinbaseFrames.levels,
      {
        timestamp: 'time',
        sequence_num: 'count',
        events: 'list',
        'events[0]': 'object',
        'events[0].type': 'side',
        'events[0].product_id': 'product',
        'events[0].updates': 'list',
        'events[0].updates[1]': 'object',
        'events[0].updates[1].side': 'side',
        'events[0].updates[1].event_time': 'time',
        'events[0].updates[1].price_level': 'price',
        'events[0].updates[0].new_quantity': 'decimal',
      },
    ],
    [
      coinbaseFrames.trades,
      {
        timestamp: 'time',
        sequence_num: 'count',
        'events[0].trades': 'list',
        'events[0].trades[0]': 'object',
        'events[0].trades[0].product_id': 'product',
        'events[0].trades[0].trade_id': 'id',
        'events[0].trades[0].price': 'price',
        'events[0].trades[0].size': 'decimal',
        'events[0].trades[1].time': 'time',
        'events[0].trades[1].side': 'side',
      },
    ],
    [
      coinbaseFrames.heartbeats,
      { sequence_num: 'count', 'events[0]': 'object', timestamp: 'time' },
    ],
    [
      coinbaseFrames.subscriptions,
      { 'events[0].subscriptions': 'object', 'events[0].subscriptions.ticker[0]': 'text' },
    ],
    [coinbaseFrames.candles, { events: 'list', sequence_num: 'count' }],
    [coinbaseFrames.error, { message: 'text' }],
  ]
  for (const [frame, fields] of cases) {
    t.same(
      acceptedBreaks(() => new CoinbaseAdapter(), frame, fields),
      [],
    )
  }
  for (const counter of [undefined, null, '', -1, 0.5, '1e3', {}]) {
    const parsed = parse(
      coinbaseFrames.heartbeats.replace(
        '77',
        counter === undefined ? '"x"' : JSON.stringify(counter),
      ),
    )
    t.match(parsed, { kind: 'malformed', reason: /^events\[0\]\.heartbeat_counter / })
  }
})

t.test(
  'text that is not a frame is malformed, a frame of an unknown channel is unknown',
  async (t) => {
    for (const text of [
      '',
      ' ',
      '{',
      'null',
      '[]',
      '7',
      '"ticker"',
      '{"channel":',
      '\u0000',
      '{}',
    ]) {
      t.equal(parse(text).kind, 'malformed', JSON.stringify(text))
    }
    for (const value of [undefined, null, 7, {}, Buffer.from('{}')]) {
      const parsed = parse(value as string)
      t.match(parsed, { kind: 'malformed', reason: /^a frame must be text, not / })
    }
    t.same(parse('{"channel":"auctions","sequence_num":9,"events":[]}'), {
      kind: 'unknown',
      channel: 'auctions',
      sequences: [{ scope: '', first: 9, last: 9 }],
    })
    t.same(parse('{"channel":"__proto__"}'), {
      kind: 'unknown',
      channel: '__proto__',
      sequences: [],
    })
    t.same(parse('{"type":"hello"}'), { kind: 'unknown', channel: 'hello', sequences: [] })
    t.match(parse('{"channel":"auctions","sequence_num":"9"}'), {
      kind: 'malformed',
      reason: /^sequence_num must be /,
    })
  },
)

t.test('names of the prototype stay names', async (t) => {
  const parsed = parse(
    coinbaseFrames.subscriptions.replace('"ticker"', '"__proto__"').replace('BTC-USD', 'toString'),
  )
  if (parsed.kind !== 'updates' || parsed.updates[0]?.type !== 'subscriptions')
    throw new Error('no subscriptions')
  t.same(Object.keys(parsed.updates[0].channels), ['__proto__', 'heartbeats'])
  t.equal(Object.getPrototypeOf(parsed.updates[0].channels), Object.prototype)
  t.equal(({} as Record<string, unknown>)['0'], undefined)
})

t.test(
  'subscriptions name one channel each, with the signature; wrong ones are refused',
  async (t) => {
    const adapter = new CoinbaseAdapter()
    t.same(
      adapter
        .subscribe({ products: ['BTC-USD'], channels: ['ticker', 'level2'] }, { jwt: 'a.b.c' })
        .map((text) => JSON.parse(text) as unknown),
      [
        { jwt: 'a.b.c', type: 'subscribe', product_ids: ['BTC-USD'], channel: 'ticker' },
        { jwt: 'a.b.c', type: 'subscribe', product_ids: ['BTC-USD'], channel: 'level2' },
      ],
    )
    t.match(adapter.unsubscribe({ products: ['BTC-USD'], channels: ['ticker'] }), [/"unsubscribe"/])
    t.throws(() => adapter.subscribe({ products: ['BTC-USD'], channels: ['tickers'] }), {
      code: 'ERR_PINNACLE_FEED_INVALID_SUBSCRIPTION',
      message: /"tickers"/,
    })
    t.throws(() => adapter.subscribe({ products: [], channels: ['level2'] }), {
      code: 'ERR_PINNACLE_FEED_INVALID_SUBSCRIPTION',
    })
  },
)

const recording = 'coinbase/advanced-trade-2026/COINBASE.jsonl'

interface RecordedLevel {
  side: string
  price_level: string
  new_quantity: string
}
interface RecordedMessage {
  channel: string
  timestamp: string
  sequence_num: number
  events: {
    type: string
    product_id: string
    updates: RecordedLevel[]
    trades: Record<string, string>[]
    tickers: Record<string, string>[]
  }[]
}

/** Nanoseconds by way of Date and the decimals: slow and independent. */
function nanosecondsOf(time: string): bigint {
  const [whole = '', fraction = ''] = time.replace('Z', '').split('.')
  return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

t.test('a real recording', { skip: skipWithout(recording) }, async (t) => {
  const frames = framesOf(recording)
    .map((text) => JSON.parse(text) as { t: string; data: string })
    .filter((row) => row.t === 'recv')
    .map((row) => row.data)
  const messages = frames.map((frame) => JSON.parse(frame) as RecordedMessage)
  const adapter = new CoinbaseAdapter()
  const parsed = frames.map((frame) => adapter.parse(frame))

  t.test('every frame is understood, and their numbers are contiguous', async (t) => {
    t.equal(frames.length, 1030)
    t.same(
      parsed.filter(({ kind }) => kind !== 'updates'),
      [],
    )
    t.same(
      parsed.map((frame) => (frame.kind === 'updates' ? frame.sequences : [])),
      frames.map((_, index) => [{ scope: '', first: index, last: index }]),
    )
  })

  t.test('tickers and trades are what a plain reading of the JSON says', async (t) => {
    const expected = messages.flatMap(({ channel, timestamp, events }) =>
      events.flatMap((event): FeedUpdate[] => {
        if (channel === 'ticker') {
          return event.tickers.map((ticker) => ({
            type: 'ticker',
            product: ticker['product_id'] ?? '',
            exchangeTimeNs: nanosecondsOf(timestamp),
            price: ticker['price'] ?? '',
            bidPrice: ticker['best_bid'] ?? '',
            bidSize: ticker['best_bid_quantity'] ?? '',
            askPrice: ticker['best_ask'] ?? '',
            askSize: ticker['best_ask_quantity'] ?? '',
            volume: ticker['volume_24_h'] ?? '',
          }))
        }
        if (channel !== 'market_trades') return []
        return event.trades.toReversed().map((trade) => ({
          type: 'trade',
          product: trade['product_id'] ?? '',
          exchangeTimeNs: nanosecondsOf(trade['time'] ?? ''),
          tradeId: trade['trade_id'] ?? '',
          side: trade['side'] === 'SELL' ? Side.Buy : Side.Sell,
          price: trade['price'] ?? '',
          size: trade['size'] ?? '',
        }))
      }),
    )
    const said = parsed
      .flatMap((frame) => (frame.kind === 'updates' ? frame.updates : []))
      .filter(({ type }) => type === 'ticker' || type === 'trade')
    t.equal(said.filter(({ type }) => type === 'ticker').length, 160)
    t.ok(said.filter(({ type }) => type === 'trade').length > 59)
    t.same(said, expected)
  })

  t.test('the ticker scan takes every ticker and says what the general path says', async (t) => {
    const scan = new CoinbaseTickerScan(new ExchangeTime())
    const tickers = frames.filter((_, index) => messages[index]?.channel === 'ticker')
    t.equal(tickers.length, 160)
    t.same(
      tickers.map((frame) => scan.scan(frame)),
      tickers.map((frame) => bySlowPath(frame)),
    )
  })

  t.test('trades come by rising id', async (t) => {
    const last = new Map<string, bigint>()
    for (const frame of parsed) {
      for (const update of frame.kind === 'updates' ? frame.updates : []) {
        if (update.type !== 'trade') continue
        const before = last.get(update.product) ?? 0n
        if (BigInt(update.tradeId) <= before) t.fail(`${update.tradeId} after ${String(before)}`)
        last.set(update.product, BigInt(update.tradeId))
      }
    }
    t.equal(last.size, 2)
  })

  t.test(
    'the books of the updates equal a plain reconstruction all along and at the end',
    async (t) => {
      const books = new UpdateBooks()
      const naive = new Map<string, NaiveBook>()
      let changes = 0
      let compared = 0
      for (const [index, message] of messages.entries()) {
        const frame = parsed[index]
        if (message.channel !== 'l2_data' || frame?.kind !== 'updates') continue
        for (const event of message.events) {
          const book = naive.get(event.product_id) ?? new NaiveBook()
          naive.set(event.product_id, book)
          if (event.type === 'snapshot') book.clear()
          for (const level of event.updates) {
            book.set(level.side === 'bid', level.price_level, level.new_quantity)
            changes++
          }
        }
        books.take(frame.updates)
        // Sorting whole books dominates the time.
        if (index % 100 !== 0 && index < messages.length - 2) continue
        for (const [product, book] of naive) {
          if (books.text(product) !== book.text()) t.fail(`${product} after frame ${String(index)}`)
          compared++
        }
      }
      t.equal(changes, 74_193)
      t.ok(compared > 10)
      for (const [product, book] of naive) {
        t.ok(book.bids.size > 1000 && book.asks.size > 1000, `${product} is deep`)
        t.equal(books.text(product), book.text(), product)
      }
    },
  )
})
