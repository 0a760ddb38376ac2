// Coinbase Exchange: the meaning of its frames; its order-level events and the order books they make.
import t from 'tap'
import { Side } from '../../../lib/book/side.js'
import { orderIdFromUuid, uuidFromOrderId } from '../../../lib/book/order-id.js'
import { CoinbaseExchangeAdapter } from '../../../lib/market-data/adapters/coinbase-exchange.js'
import type { FeedUpdate, ParsedFrame } from '../../../lib/market-data/feed-update.js'
import { acceptedBreaks, type FieldKind } from './malformed.js'
import { coinbaseExchangeFrames as own, orderA } from './own-frames.js'
import { framesOf, skipWithout, textOf } from './recordings.js'
import { UpdateOrderBook } from './update-order-book.js'

/** 2026-03-04T05:06:07Z in nanoseconds. */
const baseNs = 1_772_600_767_000_000_000n

const parse = (frame: string): ParsedFrame => new CoinbaseExchangeAdapter().parse(frame)

function updatesOf(parsed: ParsedFrame): FeedUpdate[] {
  return parsed.kind === 'updates' ? parsed.updates : []
}

/** An adapter that knows that this connection has `full` of BTC-USD. */
function withFull(): CoinbaseExchangeAdapter {
  const adapter = new CoinbaseExchangeAdapter()
  adapter.parse(own.subscriptions)
  return adapter
}

t.test('each kind of frame becomes its updates, with exact text and times', async (t) => {
  t.same(updatesOf(parse(own.ticker)), [
    {
      type: 'ticker',
      product: 'BTC-USD',
      exchangeTimeNs: baseNs + 123_456_000n,
      price: '70123.45',
      bidPrice: '70123.44',
      bidSize: '0.5',
      askPrice: '70123.46',
      askSize: '0.25',
      volume: '1234.56789012',
    },
  ])
  t.same(updatesOf(parse(own.snapshot)), [
    {
      type: 'book-snapshot',
      product: 'ETH-USD',
      exchangeTimeNs: baseNs + 200_000_000n,
      levels: [
        { side: Side.Buy, price: '2000.01', size: '3' },
        { side: Side.Buy, price: '2000.00', size: '2.5' },
        { side: Side.Sell, price: '2000.02', size: '4.5' },
      ],
    },
  ])
  t.same(updatesOf(parse(own.levels)), [
    {
      type: 'levels',
      product: 'ETH-USD',
      exchangeTimeNs: baseNs + 250_000_000n,
      changes: [
        { side: Side.Buy, price: '2000.01', size: '0.00000000' },
        { side: Side.Sell, price: '2000.03', size: '7.25' },
      ],
    },
  ])
  t.same(updatesOf(parse(own.heartbeat)), [
    {
      type: 'heartbeat',
      product: 'BTC-USD',
      exchangeTimeNs: baseNs + 1_000_001_000n,
      counter: 905,
    },
  ])
  t.same(updatesOf(parse(own.subscriptions)), [
    { type: 'subscriptions', channels: { full: ['BTC-USD'], heartbeat: ['BTC-USD'] } },
  ])
  t.same(updatesOf(parse(own.status)), [{ type: 'other', channel: 'status' }])
  t.same(updatesOf(parse(own.error)), [
    { type: 'server-error', message: 'Failed to subscribe', reason: 'no such product' },
  ])
  t.match(parse(own.lastMatch), {
    channel: 'matches',
    sequences: { length: 0 },
    updates: [{ type: 'trade', tradeId: '5000', side: Side.Buy }],
  })
})

t.test(
  'order-level events carry the order, its 128-bit id and the number of the product',
  async (t) => {
    const adapter = withFull()
    const order = { type: 'order', product: 'BTC-USD', orderId: orderA, side: Side.Buy }
    t.same(adapter.parse(own.received), {
      kind: 'updates',
      channel: 'full',
      sequences: [{ scope: 'BTC-USD', first: 901, last: 901 }],
      updates: [{ type: 'other', channel: 'full', product: 'BTC-USD' }],
    })
    t.same(updatesOf(adapter.parse(own.open)), [
      {
        ...order,
        exchangeTimeNs: baseNs + 300_001_000n,
        event: 'open',
        price: '70000',
        size: '1.5',
      },
    ])
    t.same(adapter.parse(own.match), {
      kind: 'updates',
      channel: 'full',
      sequences: [{ scope: 'BTC-USD', first: 903, last: 903 }],
      updates: [
        {
          type: 'trade',
          product: 'BTC-USD',
          exchangeTimeNs: baseNs + 300_002_000n,
          tradeId: '5002',
          side: Side.Sell,
          price: '70000',
          size: '0.5',
        },
        {
          ...order,
          exchangeTimeNs: baseNs + 300_002_000n,
          event: 'match',
          price: '70000',
          size: '0.5',
          tradeId: '5002',
        },
      ],
    })
    t.same(updatesOf(adapter.parse(own.change)), [
      {
        ...order,
        exchangeTimeNs: baseNs + 300_003_000n,
        event: 'change',
        price: '70001',
        size: '0.75',
      },
    ])
    t.same(updatesOf(adapter.parse(own.done)), [
      { ...order, exchangeTimeNs: baseNs + 300_004_000n, event: 'done' },
    ])
    t.equal(uuidFromOrderId(orderIdFromUuid(orderA)), orderA)
    t.equal(orderIdFromUuid(orderA), 0x11111111222243338444555555555555n)
  },
)

t.test(
  'a change of the size alone keeps its price; one of a market order is of no effect',
  async (t) => {
    const samePrice = JSON.stringify({ ...JSON.parse(own.change), new_price: '70000' })
    t.notHas(updatesOf(withFull().parse(samePrice))[0], { price: '70000' })
    const funds = own.change.replace('"new_size":"0.75"', '"new_funds":"5"')
    t.same(updatesOf(withFull().parse(funds)), [
      { type: 'other', channel: 'full', product: 'BTC-USD' },
    ])
  },
)

t.test('matches are counted only if all events of the product come', async (t) => {
  const adapter = new CoinbaseExchangeAdapter()
  t.match(adapter.parse(own.match), {
    channel: 'matches',
    sequences: { length: 0 },
    updates: { length: 1 },
  })
  adapter.parse(own.open)
  t.match(
    adapter.parse(own.match),
    { channel: 'full', sequences: { length: 1 }, updates: { length: 2 } },
    'an order that opened reveals `full`',
  )
  adapter.parse(
    '{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}',
  )
  t.match(
    adapter.parse(own.match),
    { channel: 'matches', sequences: { length: 0 }, updates: { length: 1 } },
    'until the list of subscriptions says otherwise',
  )
  const ofUser = JSON.stringify({ ...JSON.parse(own.open), user_id: 'u', profile_id: 'p' })
  t.match(
    adapter.parse(ofUser),
    { channel: 'user', sequences: { length: 0 }, updates: [{ type: 'other' }] },
    'events of a user alone are kept raw',
  )
  t.match(withFull().parse(ofUser), { channel: 'full', sequences: { length: 1 } })
})

t.test('a wrong field makes the frame malformed and is named', async (t) => {
  const event: Record<string, FieldKind> = {
    product_id: 'product',
    sequence: 'count',
    time: 'time',
    order_id: 'uuid',
    side: 'side',
  }
  const cases: [string, Record<string, FieldKind>][] = [
    [
      own.ticker,
      {
        type: 'text',
        product_id: 'product',
        price: 'price',
        time: 'optionalTime',
        best_bid: 'optionalPrice',
        best_bid_size: 'optionalDecimal',
        best_ask: 'optionalPrice',
        best_ask_size: 'optionalDecimal',
        volume_24h: 'optionalDecimal',
      },
    ],
    [
      own.levels,
      {
        product_id: 'product',
        time: 'time',
        changes: 'list',
        'changes[1]': 'list',
        'changes[1][0]': 'side',
        'changes[1][1]': 'price',
        'changes[0][2]': 'decimal',
      },
    ],
    [
      own.snapshot,
      {
        product_id: 'product',
        time: 'optionalTime',
        bids: 'list',
        asks: 'list',
        'bids[1]': 'list',
        'bids[1][0]': 'price',
        'asks[0][1]': 'decimal',
      },
    ],
    [own.received, event],
    [own.open, { ...event, price: 'price', remaining_size: 'decimal' }],
    [own.done, event],
    [own.change, { ...event, new_size: 'decimal', new_price: 'optionalPrice' }],
    [
      own.match,
      {
        product_id: 'product',
        sequence: 'count',
        time: 'time',
        maker_order_id: 'uuid',
        side: 'side',
        trade_id: 'id',
        price: 'price',
        size: 'decimal',
      },
    ],
    [own.lastMatch, { product_id: 'product', time: 'time', side: 'side', trade_id: 'id' }],
    [own.heartbeat, { product_id: 'product', time: 'time', sequence: 'count' }],
    [own.subscriptions, { channels: 'list', 'channels[0]': 'object', 'channels[0].name': 'text' }],
    [own.status, { products: 'list' }],
    [own.error, { message: 'text' }],
  ]
  for (const [frame, fields] of cases) {
    t.same(acceptedBreaks(withFull, frame, fields), [])
  }
  t.same(parse('{"type":"auction"}'), {
    kind: 'unknown',
    channel: 'auction',
    sequences: [],
  })
  t.match(parse('{"channel":"ticker"}'), { kind: 'malformed', reason: /^type is missing/ })
})

t.test('an exchange that invents products for ever fills no memory', async (t) => {
  const adapter = new CoinbaseExchangeAdapter()
  const open = (product: string): ParsedFrame => adapter.parse(own.open.replace('BTC-USD', product))
  for (let number = 0; number < 4096; number++) open(`P${String(number)}-USD`)
  t.equal(open('P1-USD').kind, 'updates')
  t.match(open('ONE-MORE'), {
    kind: 'malformed',
    reason: /^product_id must be one of at most 4096/,
  })
})

t.test('subscriptions are one message; order books and signatures go by channel', async (t) => {
  const adapter = new CoinbaseExchangeAdapter()
  const [text = ''] = adapter.subscribe(
    { products: ['BTC-USD'], channels: ['full', 'heartbeat'] },
    { signature: 's' },
  )
  t.same(JSON.parse(text), {
    signature: 's',
    type: 'subscribe',
    product_ids: ['BTC-USD'],
    channels: ['full', 'heartbeat'],
  })
  t.same(adapter.subscribe({ products: [], channels: ['status'] }), [
    '{"type":"subscribe","channels":["status"]}',
  ])
  t.throws(() => adapter.subscribe({ products: ['BTC-USD'], channels: ['fulll'] }), {
    code: 'ERR_PINNACLE_FEED_INVALID_SUBSCRIPTION',
  })
  t.equal(adapter.bookKind(['ticker', 'full']), 'orders')
  t.equal(adapter.bookKind(['level2_batch']), 'levels')
  t.match(adapter.bookSnapshotUrl('BTC-USD', ['full']), /\/products\/BTC-USD\/book\?level=3$/)
  t.equal(adapter.bookSnapshotUrl('BTC-USD', ['level2']), undefined)
})

t.test('the book that is fetched says up to which number it goes', async (t) => {
  const adapter = new CoinbaseExchangeAdapter()
  const body = { sequence: 900, bids: [['70000', '1.5', orderA]], asks: [] }
  t.same(adapter.parseBookSnapshot('BTC-USD', JSON.stringify(body)), {
    kind: 'updates',
    channel: 'full',
    sequences: [],
    updates: [
      {
        type: 'order-snapshot',
        product: 'BTC-USD',
        exchangeTimeNs: 0n,
        sequence: 900,
        orders: [{ side: Side.Buy, price: '70000', size: '1.5', orderId: orderA }],
      },
    ],
  })
  t.same(
    [
      '',
      '<html>',
      '{"message":"NotFound"}',
      JSON.stringify({ ...body, sequence: -1 }),
      JSON.stringify({ ...body, bids: [['70000', '1.5', 'x']] }),
    ].map((text) => adapter.parseBookSnapshot('BTC-USD', text).kind),
    Array<string>(5).fill('malformed'),
  )
})

t.test('order-level events make an order book', async (t) => {
  await using book = await UpdateOrderBook.create(t.testdir(), { priceScale: 2, quantityScale: 8 })
  const adapter = withFull()
  const feed = (frame: string): void => book.take(updatesOf(adapter.parse(frame)))
  feed(own.open)
  t.same(book.orders(), [`${orderA} buy 70000.00 1.50000000`])
  feed(own.match)
  t.same(book.orders(), [`${orderA} buy 70000.00 1.00000000`])
  feed(own.change)
  t.same(book.orders(), [`${orderA} buy 70001.00 0.75000000`])
  feed(own.change.replace('"new_size":"0.75"', '"new_size":"0"'))
  t.same(book.orders(), [], 'a change to nothing takes the order off')
  feed(own.done)
  feed(own.match)
  t.same(book.orders(), [], 'events of an order that is not on the book are of no effect')
})

const synthetic = 'coinbase/tracebook_synthetic/coinbase_btcusd_full.jsonl'
const syntheticSnapshot = 'coinbase/tracebook_synthetic/coinbase_btcusd_l3_snapshot.json'

t.test(
  'a session with its fetched book ends in the book that it must',
  { skip: skipWithout(synthetic, syntheticSnapshot) },
  async (t) => {
    await using book = await UpdateOrderBook.create(t.testdir(), {
      priceScale: 2,
      quantityScale: 8,
    })
    const adapter = new CoinbaseExchangeAdapter()
    const snapshot = adapter.parseBookSnapshot('BTC-USD', textOf(syntheticSnapshot))
    const [whole] = updatesOf(snapshot)
    if (whole?.type !== 'order-snapshot') throw new Error('no order snapshot')
    book.take([whole])
    const after = whole.sequence ?? 0
    const numbers: number[] = []
    for (const frame of framesOf(synthetic)) {
      const parsed = adapter.parse(frame)
      if (parsed.kind !== 'updates') throw new Error(frame)
      const [number] = parsed.sequences
      if (!number || number.last <= after) continue
      numbers.push(number.last)
      book.take(parsed.updates)
    }
    t.same(numbers, [101, 102, 103, 104, 105, 106, 107, 108, 109])
    t.same(
      book.orders(),
      ['11111111-1111-4111-8111-111111111111 buy 100.00 2.00000000'],
      'of the seller 0.4 and 0.6 were taken, the buyer at 99 came and went',
    )
  },
)

const full = 'coinbase/full-2017/full_channel_btcusd_ethusd.jsonl'

t.test('real frames of `full`', { skip: skipWithout(full) }, async (t) => {
  const adapter = new CoinbaseExchangeAdapter()
  const numbers = new Map<string, number[]>()
  const events: string[] = []
  for (const frame of framesOf(full)) {
    const parsed = adapter.parse(frame)
    if (parsed.kind !== 'updates') throw new Error(frame)
    for (const { scope, last } of parsed.sequences) {
      numbers.set(scope, [...(numbers.get(scope) ?? []), last])
    }
    for (const update of parsed.updates) {
      events.push(update.type === 'order' ? update.event : update.type)
      if (update.type === 'order')
        t.equal(uuidFromOrderId(orderIdFromUuid(update.orderId)), update.orderId)
    }
  }
  for (const [product, list] of numbers) {
    t.same(
      list,
      list.map((_, index) => (list[0] ?? 0) + index),
      `${product} is contiguous`,
    )
  }
  t.same([...numbers.keys()], ['BTC-USD', 'ETH-USD'])
  const count = (event: string): number => events.filter((one) => one === event).length
  t.same([count('open'), count('done'), count('other'), count('heartbeat')], [7, 8, 7, 1])
})

t.test(
  'frames in the shape of the documents are understood',
  { skip: skipWithout('coinbase/frames/error_messages.jsonl') },
  async (t) => {
    const folder = 'coinbase/frames/coinbase-pro-node'
    const files: [string, string][] = [
      ['ws__empty-subscriptions', 'subscriptions'],
      ['ws__ticker__subscribe-success', 'subscriptions'],
      ['ws__ticker__unsubscribe-error', 'server-error'],
      ['ws__ticker__BTC-USD', 'ticker'],
      ['ws__level2__snapshot', 'book-snapshot'],
      ['ws__level2__l2update', 'levels'],
      ['ws__matches__BTC-USD', 'trade'],
      ['ws__heartbeat__ETH-EUR', 'heartbeat'],
      ['ws__status__status', 'other'],
      ['ws__full__received-limit', 'other'],
      ['ws__full__open', 'order'],
      ['ws__full__change', 'order'],
      ['ws__full__done', 'order'],
      ['ws__full__activate', 'other'],
    ]
    for (const [file, type] of files) {
      t.equal(updatesOf(parse(textOf(`${folder}/${file}.json`)))[0]?.type, type, file)
    }
    for (const frame of framesOf('coinbase/frames/error_messages.jsonl')) {
      t.match(updatesOf(parse(frame)), [{ type: 'server-error' }])
    }
    const level3 = textOf(`${folder}/rest__products__BTC-USD__book__level-3.json`)
    t.match(new CoinbaseExchangeAdapter().parseBookSnapshot('BTC-USD', level3), {
      kind: 'updates',
      updates: [{ type: 'order-snapshot' }],
    })
  },
)
