// Binance: ranges of update ids, whole and partial books, requests that are answered by number.
import t from 'tap'
import { Side } from '../../../lib/book/side.js'
import { BinanceAdapter } from '../../../lib/market-data/adapters/binance.js'
import { SequenceTracker } from '../../../lib/market-data/client/sequence-tracker.js'
import type { FeedUpdate, ParsedFrame } from '../../../lib/market-data/feed-update.js'
import { acceptedBreaks, type FieldKind } from './malformed.js'
import { NaiveBook } from './naive-books.js'
import { binanceFrames as own } from './own-frames.js'
import { framesOf, skipWithout, textOf } from './recordings.js'
import { UpdateBooks } from './update-books.js'

const parse = (frame: string): ParsedFrame => new BinanceAdapter().parse(frame)

function updatesOf(parsed: ParsedFrame): FeedUpdate[] {
  return parsed.kind === 'updates' ? parsed.updates : []
}

t.test('each kind of frame becomes its updates', async (t) => {
  const trade = {
    type: 'trade',
    product: 'BTCUSDT',
    exchangeTimeNs: 1_772_600_767_122_000_000n,
    tradeId: '9001',
    side: Side.Sell,
    price: '70000.10000000',
    size: '0.00500000',
  }
  t.same(parse(own.trade), { kind: 'updates', channel: 'trade', sequences: [], updates: [trade] })
  t.same(updatesOf(parse(own.trade.replace('"m":true', '"m":false'))), [
    { ...trade, side: Side.Buy },
  ])
  t.same(parse(own.levels), {
    kind: 'updates',
    channel: 'depth',
    sequences: [{ scope: 'BTCUSDT', first: 5001, last: 5004 }],
    updates: [
      {
        type: 'levels',
        product: 'BTCUSDT',
        exchangeTimeNs: 1_772_600_767_200_000_000n,
        changes: [
          { side: Side.Buy, price: '70000.00000000', size: '0.00000000' },
          { side: Side.Sell, price: '70000.20000000', size: '1.50000000' },
        ],
      },
    ],
  })
  t.same(updatesOf(parse(own.ticker)), [
    {
      type: 'ticker',
      product: 'BTCUSDT',
      exchangeTimeNs: 1_772_600_767_300_000_000n,
      price: '70000.10000000',
      bidPrice: '70000.00000000',
      bidSize: '2.00000000',
      askPrice: '70000.20000000',
      askSize: '1.50000000',
      volume: '1234.50000000',
    },
  ])
  t.same(updatesOf(parse(own.book)), [
    {
      type: 'book-snapshot',
      product: 'BTCUSDT',
      exchangeTimeNs: 0n,
      sequence: 5004,
      levels: [
        { side: Side.Buy, price: '69999.00000000', size: '1.00000000' },
        { side: Side.Sell, price: '70000.20000000', size: '1.50000000' },
      ],
    },
  ])
  t.same(updatesOf(parse(own.bestPrices)), [
    { type: 'other', channel: 'bookTicker', product: 'BTCUSDT' },
  ])
  t.same(updatesOf(parse(own.error)), [
    { type: 'server-error', message: 'Invalid request: unknown variant', reason: 'code 2' },
  ])
  const { data } = JSON.parse(own.trade) as { data: unknown }
  t.same(parse(JSON.stringify(data)), parse(own.trade), 'a stream that is not combined')
})

t.test('answers confirm the request of their number, and add up', async (t) => {
  const adapter = new BinanceAdapter()
  t.same(
    updatesOf(adapter.parse(own.answer)),
    [{ type: 'other', channel: 'response' }],
    'an answer to no request of this adapter says nothing',
  )
  const [first = ''] = adapter.subscribe({
    products: ['BTCUSDT', 'ETHUSDT'],
    channels: ['trade', 'depth'],
  })
  t.same(JSON.parse(first), {
    method: 'SUBSCRIBE',
    params: ['btcusdt@trade', 'ethusdt@trade', 'btcusdt@depth@100ms', 'ethusdt@depth@100ms'],
    id: 1,
  })
  const [second = ''] = adapter.unsubscribe({ products: ['ETHUSDT'], channels: ['depth'] })
  t.match(JSON.parse(second), { method: 'UNSUBSCRIBE', params: ['ethusdt@depth@100ms'], id: 2 })
  t.same(updatesOf(adapter.parse(own.answer)), [
    {
      type: 'subscriptions',
      channels: { trade: ['BTCUSDT', 'ETHUSDT'], depth: ['BTCUSDT', 'ETHUSDT'] },
    },
  ])
  t.same(updatesOf(adapter.parse('{"result":null,"id":2}')), [
    { type: 'subscriptions', channels: { trade: ['BTCUSDT', 'ETHUSDT'], depth: ['BTCUSDT'] } },
  ])
  t.throws(() => adapter.subscribe({ products: ['BTCUSDT'], channels: ['depth', 'depth20'] }), {
    code: 'ERR_PINNACLE_FEED_INVALID_SUBSCRIPTION',
    message: /depth and depth20/,
  })
  t.throws(() => adapter.subscribe({ products: [], channels: ['trade'] }), {
    code: 'ERR_PINNACLE_FEED_INVALID_SUBSCRIPTION',
  })
  t.match(adapter.bookSnapshotUrl('BTCUSDT', ['depth']), /symbol=BTCUSDT/)
  t.equal(adapter.bookSnapshotUrl('BTCUSDT', ['depth20']), undefined)
})

t.test('a wrong field makes the frame malformed and is named', async (t) => {
  const cases: [string, Record<string, FieldKind>][] = [
    [
      own.trade,
      {
        stream: 'text',
        data: 'object',
        'data.s': 'product',
        'data.t': 'id',
        'data.p': 'price',
        'data.q': 'decimal',
        'data.T': 'count',
        'data.m': 'flag',
      },
    ],
    [
      own.levels,
      {
        'data.s': 'product',
        'data.E': 'count',
        'data.U': 'count',
        'data.u': 'count',
        'data.b': 'list',
        'data.a': 'list',
        'data.a[0]': 'list',
        'data.b[0][0]': 'price',
        'data.a[0][1]': 'decimal',
      },
    ],
    [
      own.ticker,
      {
        'data.s': 'product',
        'data.E': 'count',
        'data.c': 'price',
        'data.b': 'optionalPrice',
        'data.B': 'optionalDecimal',
        'data.a': 'optionalPrice',
        'data.A': 'optionalDecimal',
        'data.v': 'optionalDecimal',
      },
    ],
    [own.book, { 'data.lastUpdateId': 'count', 'data.bids': 'list', 'data.asks[0][0]': 'price' }],
  ]
  // Errors name fields as the documents do, without the wrapper that names the stream.
  const told = (path: string): string => path.replace(/^data\./, '')
  for (const [frame, fields] of cases) {
    t.same(
      acceptedBreaks(() => new BinanceAdapter(), frame, fields, told),
      [],
    )
  }
  t.match(parse(own.levels.replace('"u":5004', '"u":5000')), {
    kind: 'malformed',
    reason: /^u must be no less than U/,
  })
  t.match(parse(own.trade.replace('"T":1772600767122', '"T":9007199254740991')), {
    kind: 'malformed',
    reason: /^T must be milliseconds/,
  })
  t.equal(parse('{"stream":"x@kline","data":{"e":"kline"}}').kind, 'unknown')
  t.equal(parse('{"id":7}').kind, 'unknown')
  t.equal(parse('{"error":"no"}').kind, 'malformed')
})

const recording = 'other-exchanges/binance_live-btc-eth.ndjson'
const wholeBook = 'other-exchanges/binance_rest-depth-btc.json'

t.test('a real recording', { skip: skipWithout(recording, wholeBook) }, async (t) => {
  const frames = framesOf(recording)
  const adapter = new BinanceAdapter()
  const parsed = frames.map((frame) => adapter.parse(frame))

  t.test('every frame is understood, and the ranges of update ids are contiguous', async (t) => {
    t.equal(parsed.filter(({ kind }) => kind !== 'updates').length, 0)
    const tracker = new SequenceTracker('ranges')
    const verdicts = new Map<string, number>()
    for (const frame of parsed) {
      for (const sequence of frame.kind === 'updates' ? frame.sequences : []) {
        const { kind } = tracker.accept(sequence)
        verdicts.set(kind, (verdicts.get(kind) ?? 0) + 1)
      }
    }
    t.same([...verdicts], [['next', 900]])
  })

  t.test('trades are what a plain reading of the JSON says', async (t) => {
    const expected = frames
      .map((frame) => (JSON.parse(frame) as { data: Record<string, unknown> }).data)
      .filter((data) => data['e'] === 'trade')
      .map((data) => ({
        type: 'trade',
        product: data['s'],
        exchangeTimeNs: BigInt(data['T'] as number) * 1_000_000n,
        tradeId: String(data['t']),
        side: data['m'] === true ? Side.Sell : Side.Buy,
        price: data['p'],
        size: data['q'],
      }))
    t.equal(expected.length, 1163)
    t.same(
      parsed.flatMap(updatesOf).filter(({ type }) => type === 'trade'),
      expected,
    )
  })

  t.test('the books of the updates equal a plain reconstruction', async (t) => {
    const books = new UpdateBooks()
    const naive = new Map<string, NaiveBook>()
    for (const [index, frame] of frames.entries()) {
      const told = parsed[index]
      const { data } = JSON.parse(frame) as {
        data: { e: string; s: string; b: [string, string][]; a: [string, string][] }
      }
      if (data.e !== 'depthUpdate' || told?.kind !== 'updates') continue
      books.take(told.updates)
      const book = naive.get(data.s) ?? new NaiveBook()
      naive.set(data.s, book)
      for (const [price, size] of data.b) book.set(true, price, size)
      for (const [price, size] of data.a) book.set(false, price, size)
      if (books.text(data.s) !== book.text()) t.fail(`${data.s} after frame ${String(index)}`)
    }
    t.same([...naive.keys()].sort(), ['BTCUSDT', 'ETHUSDT'])
  })

  t.test('a fetched book is understood and says up to which update it goes', async (t) => {
    const body = textOf(wholeBook)
    const plain = JSON.parse(body) as { lastUpdateId: number; bids: unknown[]; asks: unknown[] }
    const [book] = updatesOf(adapter.parseBookSnapshot('BTCUSDT', body))
    if (book?.type !== 'book-snapshot') throw new Error('no book')
    t.equal(book.sequence, plain.lastUpdateId)
    t.equal(book.levels.length, plain.bids.length + plain.asks.length)
  })
})
