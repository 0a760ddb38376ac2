/**
 * Frames in each exchange's shape, with values of our own: one of every kind that an adapter knows. The
 * fuzzer mutates them, the tests break them field by field, and the benchmark parses them.
 */

export const orderA = '11111111-2222-4333-8444-555555555555'
const orderB = '66666666-7777-4888-9999-aaaaaaaaaaaa'

const line = (value: unknown): string => JSON.stringify(value)

export const coinbaseFrames = {
  ticker:
    '{"channel":"ticker","timestamp":"2026-03-04T05:06:07.123456789Z","sequence_num":41,"events":[{"type":"update",' +
    '"tickers":[{"type":"ticker","product_id":"BTC-USD","price":"70123.45","volume_24_h":"1234.56789012",' +
    '"low_24_h":"69000","high_24_h":"71000.5","low_52_w":"50000.01","high_52_w":"100000",' +
    '"price_percent_chg_24_h":"-1.25","best_bid":"70123.44","best_ask":"70123.46","best_bid_quantity":"0.5",' +
    '"best_ask_quantity":"0.25000000"}]}]}',
  levels: line({
    channel: 'l2_data',
    timestamp: '2026-03-04T05:06:07.2Z',
    sequence_num: 42,
    events: [
      {
        type: 'update',
        product_id: 'BTC-USD',
        updates: [
          {
            side: 'bid',
            event_time: '2026-03-04T05:06:07.150001Z',
            price_level: '70123.44',
            new_quantity: '0',
          },
          {
            side: 'offer',
            event_time: '2026-03-04T05:06:07.150002Z',
            price_level: '70123.5',
            new_quantity: '1.75',
          },
        ],
      },
    ],
  }),
  snapshot: line({
    channel: 'l2_data',
    timestamp: '2026-03-04T05:06:07Z',
    sequence_num: 43,
    events: [
      {
        type: 'snapshot',
        product_id: 'ETH-USD',
        updates: [
          {
            side: 'bid',
            event_time: '1970-01-01T00:00:00Z',
            price_level: '2000.01',
            new_quantity: '3',
          },
          {
            side: 'offer',
            event_time: '1970-01-01T00:00:00Z',
            price_level: '2000.02',
            new_quantity: '4.5',
          },
        ],
      },
    ],
  }),
  trades: line({
    channel: 'market_trades',
    timestamp: '2026-03-04T05:06:07.3Z',
    sequence_num: 44,
    events: [
      {
        type: 'update',
        trades: [
          {
            product_id: 'ETH-USD',
            trade_id: '702',
            price: '2000.02',
            size: '0.1',
            time: '2026-03-04T05:06:07.290000002Z',
            side: 'SELL',
          },
          {
            product_id: 'ETH-USD',
            trade_id: '701',
            price: '2000.01',
            size: '0.2',
            time: '2026-03-04T05:06:07.290000001Z',
            side: 'BUY',
          },
        ],
      },
    ],
  }),
  heartbeats: line({
    channel: 'heartbeats',
    timestamp: '2026-03-04T05:06:08Z',
    sequence_num: 45,
    events: [{ current_time: '2026-03-04 05:06:08 +0000 UTC m=+1.5', heartbeat_counter: 77 }],
  }),
  subscriptions: line({
    channel: 'subscriptions',
    timestamp: '2026-03-04T05:06:08Z',
    sequence_num: 46,
    events: [{ subscriptions: { ticker: ['BTC-USD'], heartbeats: ['heartbeats'] } }],
  }),
  candles: line({
    channel: 'candles',
    timestamp: '2026-03-04T05:06:08Z',
    sequence_num: 47,
    events: [{ type: 'update', candles: [] }],
  }),
  error: line({ type: 'error', message: 'no such product', reason: 'XXX-USD' }),
} as const

export const coinbaseExchangeFrames = {
  subscriptions: line({
    type: 'subscriptions',
    channels: [
      { name: 'full', product_ids: ['BTC-USD'] },
      { name: 'heartbeat', product_ids: ['BTC-USD'] },
    ],
  }),
  ticker: line({
    type: 'ticker',
    sequence: 900,
    product_id: 'BTC-USD',
    price: '70123.45',
    open_24h: '69000',
    volume_24h: '1234.56789012',
    low_24h: '68000.1',
    high_24h: '71000.5',
    volume_30d: '45678.9',
    best_bid: '70123.44',
    best_bid_size: '0.5',
    best_ask: '70123.46',
    best_ask_size: '0.25',
    side: 'buy',
    time: '2026-03-04T05:06:07.123456Z',
    trade_id: 5001,
    last_size: '0.003',
  }),
  snapshot: line({
    type: 'snapshot',
    product_id: 'ETH-USD',
    asks: [['2000.02', '4.5']],
    bids: [
      ['2000.01', '3'],
      ['2000.00', '2.5'],
    ],
    time: '2026-03-04T05:06:07.2Z',
  }),
  levels: line({
    type: 'l2update',
    product_id: 'ETH-USD',
    changes: [
      ['buy', '2000.01', '0.00000000'],
      ['sell', '2000.03', '7.25'],
    ],
    time: '2026-03-04T05:06:07.25Z',
  }),
  received: line({
    type: 'received',
    time: '2026-03-04T05:06:07.3Z',
    product_id: 'BTC-USD',
    sequence: 901,
    order_id: orderA,
    size: '1.5',
    price: '70000',
    side: 'buy',
    order_type: 'limit',
  }),
  open: line({
    type: 'open',
    time: '2026-03-04T05:06:07.300001Z',
    product_id: 'BTC-USD',
    sequence: 902,
    order_id: orderA,
    price: '70000',
    remaining_size: '1.5',
    side: 'buy',
  }),
  match: line({
    type: 'match',
    trade_id: 5002,
    sequence: 903,
    maker_order_id: orderA,
    taker_order_id: orderB,
    time: '2026-03-04T05:06:07.300002Z',
    product_id: 'BTC-USD',
    size: '0.5',
    price: '70000',
    side: 'buy',
  }),
  change: line({
    type: 'change',
    reason: 'modify_order',
    time: '2026-03-04T05:06:07.300003Z',
    sequence: 904,
    order_id: orderA,
    side: 'buy',
    product_id: 'BTC-USD',
    old_size: '1',
    new_size: '0.75',
    old_price: '70000',
    new_price: '70001',
  }),
  done: line({
    type: 'done',
    time: '2026-03-04T05:06:07.300004Z',
    product_id: 'BTC-USD',
    sequence: 905,
    price: '70001',
    order_id: orderA,
    reason: 'canceled',
    side: 'buy',
    remaining_size: '0.75',
  }),
  lastMatch: line({
    type: 'last_match',
    trade_id: 5000,
    maker_order_id: orderB,
    taker_order_id: orderA,
    side: 'sell',
    size: '0.01',
    price: '70123.4',
    product_id: 'BTC-USD',
    sequence: 899,
    time: '2026-03-04T05:06:06Z',
  }),
  heartbeat: line({
    type: 'heartbeat',
    last_trade_id: 5002,
    product_id: 'BTC-USD',
    sequence: 905,
    time: '2026-03-04T05:06:08.000001Z',
  }),
  status: line({ type: 'status', products: [{ id: 'BTC-USD' }], currencies: [] }),
  error: line({ type: 'error', message: 'Failed to subscribe', reason: 'no such product' }),
} as const

/** Numbers as the exchange prints them: with trailing zeros. */
export const krakenFrames = {
  status:
    '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","connection_id":12345678901234567890}]}',
  subscribed:
    '{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"},"success":true,' +
    '"time_in":"2026-03-04T05:06:07.000001Z","time_out":"2026-03-04T05:06:07.000002Z"}',
  snapshot:
    '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":70000.1,"qty":0.50000000},' +
    '{"price":70000.0,"qty":1.25000000}],"asks":[{"price":70000.2,"qty":0.00100000}],"checksum":1102912484,' +
    '"timestamp":"2026-03-04T05:06:07.100000Z"}]}',
  levels:
    '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":70000.1,"qty":0.00000000}],' +
    '"asks":[{"price":70000.3,"qty":2.00000000}],"checksum":449434459,"timestamp":"2026-03-04T05:06:07.200001Z"}]}',
  ticker:
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":70000.1,"bid_qty":0.50000000,' +
    '"ask":70000.2,"ask_qty":0.00100000,"last":70000.2,"volume":1234.56780000,"vwap":69990.5,"low":69000.0,' +
    '"high":71000.0,"change":-123.4,"change_pct":-0.18,"timestamp":"2026-03-04T05:06:07.300000Z"}]}',
  trades:
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":70000.2,"qty":0.00050000,' +
    '"ord_type":"limit","trade_id":801,"timestamp":"2026-03-04T05:06:07.400001Z"},{"symbol":"BTC/USD","side":"sell",' +
    '"price":70000.0,"qty":0.10000000,"ord_type":"market","trade_id":802,"timestamp":"2026-03-04T05:06:07.400002Z"}]}',
  heartbeat: '{"channel":"heartbeat"}',
  refused:
    '{"error":"Currency pair not supported XXX/USD","method":"subscribe","success":false,"symbol":"XXX/USD",' +
    '"time_in":"2026-03-04T05:06:07.000001Z","time_out":"2026-03-04T05:06:07.000002Z"}',
  pong: '{"method":"pong","req_id":1,"time_in":"2026-03-04T05:06:07Z","time_out":"2026-03-04T05:06:07Z"}',
} as const

export const binanceFrames = {
  trade: line({
    stream: 'btcusdt@trade',
    data: {
      e: 'trade',
      E: 1772600767123,
      s: 'BTCUSDT',
      t: 9001,
      p: '70000.10000000',
      q: '0.00500000',
      T: 1772600767122,
      m: true,
      M: true,
    },
  }),
  levels: line({
    stream: 'btcusdt@depth@100ms',
    data: {
      e: 'depthUpdate',
      E: 1772600767200,
      s: 'BTCUSDT',
      U: 5001,
      u: 5004,
      b: [['70000.00000000', '0.00000000']],
      a: [['70000.20000000', '1.50000000']],
    },
  }),
  ticker: line({
    stream: 'btcusdt@ticker',
    data: {
      e: '24hrTicker',
      E: 1772600767300,
      s: 'BTCUSDT',
      p: '-12.50000000',
      P: '-0.018',
      w: '69990.10000000',
      x: '69999.00000000',
      c: '70000.10000000',
      Q: '0.00500000',
      b: '70000.00000000',
      B: '2.00000000',
      a: '70000.20000000',
      A: '1.50000000',
      o: '70012.60000000',
      h: '71000.00000000',
      l: '69000.00000000',
      v: '1234.50000000',
      q: '86415000.00000000',
      O: 1772514367300,
      C: 1772600767300,
      F: 8001,
      L: 9001,
      n: 1001,
    },
  }),
  book: line({
    stream: 'btcusdt@depth5@100ms',
    data: {
      lastUpdateId: 5004,
      bids: [['69999.00000000', '1.00000000']],
      asks: [['70000.20000000', '1.50000000']],
    },
  }),
  bestPrices: line({
    stream: 'btcusdt@bookTicker',
    data: { u: 5005, s: 'BTCUSDT', b: '69999.0', B: '1.0', a: '70000.2', A: '1.5' },
  }),
  answer: line({ result: null, id: 1 }),
  error: line({ error: { code: 2, msg: 'Invalid request: unknown variant' }, id: 3 }),
} as const

export const framesByExchange: Readonly<Record<string, readonly string[]>> = {
  coinbase: Object.values(coinbaseFrames),
  'coinbase-exchange': Object.values(coinbaseExchangeFrames),
  kraken: Object.values(krakenFrames),
  binance: Object.values(binanceFrames),
}
