/**
 * Messages to parse, in each exchange's shape with values of our own: a thousand different ones of each kind.
 */
import { Side } from '../lib/book/side.js'
import { KrakenBook } from '../lib/market-data/adapters/kraken-book.js'
import type { LevelChange } from '../lib/market-data/feed-update.js'
import { Random } from '../lib/order-flow/random.js'

/** `levels`: ten changes of a level book. `trades`: one trade per message. */
export const messageKinds = ['ticker', 'levels', 'trades'] as const
export type MessageKind = (typeof messageKinds)[number]

const count = 1000
const changes = 10

class Market {
  readonly #random = new Random(7)
  #number = 0

  get number(): number {
    return this.#number
  }

  next(): void {
    this.#number++
  }

  price(): string {
    return `${String(69_000 + this.#random.below(2000))}.${String(this.#random.below(100)).padStart(2, '0')}`
  }

  /** One of `100` to `111`. */
  twelve(): string {
    return String(100 + this.#random.below(12))
  }

  size(): string {
    return `${String(this.#random.below(3))}.${String(this.#random.below(100_000_000)).padStart(8, '0')}`
  }

  /** A time within a minute, with `digits` decimal places. */
  time(digits: number): string {
    const fraction = String(this.#random.below(10 ** digits)).padStart(digits, '0')
    const second = String(Math.floor((this.#number * 60) / count) % 60).padStart(2, '0')
    return `2026-03-04T05:06:${second}.${fraction}Z`
  }

  ms(): number {
    return 1_772_600_760_000 + this.#number * 60
  }

  isBid(): boolean {
    return this.#random.below(2) === 0
  }
}

const list = <Item>(length: number, make: () => Item): Item[] =>
  Array.from({ length }, () => make())

type Maker = (market: Market) => string
const json = (value: unknown): string => JSON.stringify(value)

const coinbase: Record<MessageKind, Maker> = {
  ticker: (m) =>
    json({
      channel: 'ticker',
      timestamp: m.time(9),
      sequence_num: m.number,
      events: [
        {
          type: 'update',
          tickers: [
            {
              type: 'ticker',
              product_id: 'BTC-USD',
              price: m.price(),
              volume_24_h: '2867.54532609',
              low_24_h: '64675.22',
              high_24_h: '65252.99',
              low_52_w: '57717.55',
              high_52_w: '126296',
              price_percent_chg_24_h: '0.09601107287722',
              best_bid: m.price(),
              best_ask: m.price(),
              best_bid_quantity: m.size(),
              best_ask_quantity: m.size(),
            },
          ],
        },
      ],
    }),
  levels: (m) => {
    const time = m.time(6)
    return json({
      channel: 'l2_data',
      timestamp: m.time(9),
      sequence_num: m.number,
      events: [
        {
          type: 'update',
          product_id: 'BTC-USD',
          updates: list(changes, () => ({
            side: m.isBid() ? 'bid' : 'offer',
            event_time: time,
            price_level: m.price(),
            new_quantity: m.size(),
          })),
        },
      ],
    })
  },
  trades: (m) =>
    json({
      channel: 'market_trades',
      timestamp: m.time(9),
      sequence_num: m.number,
      events: [
        {
          type: 'update',
          trades: [
            {
              product_id: 'BTC-USD',
              trade_id: String(1_000_000_000 + m.number),
              price: m.price(),
              size: m.size(),
              time: m.time(6),
              side: m.isBid() ? 'BUY' : 'SELL',
            },
          ],
        },
      ],
    }),
}

const coinbaseExchange: Record<MessageKind, Maker> = {
  ticker: (m) =>
    json({
      type: 'ticker',
      sequence: 47_000_000_000 + m.number,
      product_id: 'BTC-USD',
      price: m.price(),
      open_24h: '64675.22',
      volume_24h: '2867.54532609',
      low_24h: '64675.22',
      high_24h: '65252.99',
      volume_30d: '189345.88890495',
      best_bid: m.price(),
      best_bid_size: m.size(),
      best_ask: m.price(),
      best_ask_size: m.size(),
      side: m.isBid() ? 'buy' : 'sell',
      time: m.time(6),
      trade_id: 800_000_000 + m.number,
      last_size: m.size(),
    }),
  levels: (m) =>
    json({
      type: 'l2update',
      product_id: 'BTC-USD',
      changes: list(changes, () => [m.isBid() ? 'buy' : 'sell', m.price(), m.size()]),
      time: m.time(6),
    }),
  trades: (m) =>
    json({
      type: 'match',
      trade_id: 800_000_000 + m.number,
      maker_order_id: '11111111-2222-4333-8444-555555555555',
      taker_order_id: '66666666-7777-4888-9999-aaaaaaaaaaaa',
      side: m.isBid() ? 'buy' : 'sell',
      size: m.size(),
      price: m.price(),
      product_id: 'BTC-USD',
      sequence: 47_000_000_000 + m.number,
      time: m.time(6),
    }),
}

/**
 * Changes among a dozen prices per side, with the checksum of the resulting book, which the adapter compares.
 * The first message is a snapshot, so that the list can be parsed repeatedly.
 */
function krakenLevels(): Maker {
  const book = new KrakenBook(10)
  let isFirst = true
  return (m) => {
    const type = isFirst ? 'snapshot' : 'update'
    isFirst = false
    const made: LevelChange[] = []
    const take = (side: Side): string =>
      list(changes / 2, () => {
        const price = `${side === Side.Buy ? '69' : '70'}${m.twelve()}.5`
        const change = { side, price, size: m.size() }
        book.set(change)
        made.push(change)
        return `{"price":${price},"qty":${change.size}}`
      }).join()
    const sides = `"bids":[${take(Side.Buy)}],"asks":[${take(Side.Sell)}]`
    book.trim(made)
    return (
      `{"channel":"book","type":"${type}","data":[{"symbol":"BTC/USD",${sides},` +
      `"checksum":${String(book.checksum())},"timestamp":"${m.time(6)}"}]}`
    )
  }
}

/** Prices and sizes are JSON numbers with trailing zeros. */
const kraken: Record<MessageKind, Maker> = {
  ticker: (m) =>
    `{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":${m.price()},"bid_qty":${m.size()},` +
    `"ask":${m.price()},"ask_qty":${m.size()},"last":${m.price()},"volume":2867.54532609,"vwap":65000.1,` +
    `"low":64675.2,"high":65252.9,"change":-12.5,"change_pct":-0.02,"timestamp":"${m.time(6)}"}]}`,
  levels: krakenLevels(),
  trades: (m) =>
    `{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"${m.isBid() ? 'buy' : 'sell'}",` +
    `"price":${m.price()},"qty":${m.size()},"ord_type":"limit","trade_id":${String(64_000_000 + m.number)},` +
    `"timestamp":"${m.time(6)}"}]}`,
}

const binance: Record<MessageKind, Maker> = {
  ticker: (m) =>
    json({
      stream: 'btcusdt@ticker',
      data: {
        e: '24hrTicker',
        E: m.ms(),
        s: 'BTCUSDT',
        p: '-12.50000000',
        P: '-0.018',
        w: '69990.10000000',
        x: '69999.00000000',
        c: m.price(),
        Q: m.size(),
        b: m.price(),
        B: m.size(),
        a: m.price(),
        A: m.size(),
        o: '70012.60000000',
        h: '71000.00000000',
        l: '69000.00000000',
        v: '1234.50000000',
        q: '86415000.00000000',
        O: m.ms() - 86_400_000,
        C: m.ms(),
        F: 8001,
        L: 9001 + m.number,
        n: 1001 + m.number,
      },
    }),
  levels: (m) =>
    json({
      stream: 'btcusdt@depth@100ms',
      data: {
        e: 'depthUpdate',
        E: m.ms(),
        s: 'BTCUSDT',
        U: 97_000_000_000 + m.number * changes,
        u: 97_000_000_009 + m.number * changes,
        b: list(changes / 2, () => [m.price(), m.size()]),
        a: list(changes / 2, () => [m.price(), m.size()]),
      },
    }),
  trades: (m) =>
    json({
      stream: 'btcusdt@trade',
      data: {
        e: 'trade',
        E: m.ms(),
        s: 'BTCUSDT',
        t: 6_000_000_000 + m.number,
        p: m.price(),
        q: m.size(),
        T: m.ms(),
        m: m.isBid(),
        M: true,
      },
    }),
}

const makers: Readonly<Record<string, Record<MessageKind, Maker>>> = {
  coinbase,
  'coinbase-exchange': coinbaseExchange,
  kraken,
  binance,
}

export function messagesOf(exchange: string, kind: MessageKind): string[] {
  const make = makers[exchange]?.[kind]
  if (make === undefined) throw new Error(`there are no ${kind} messages of ${exchange}`)
  const market = new Market()
  // A concatenated string is a tree inside; a received one is flat.
  const flat = (text: string): string => Buffer.from(text).toString('latin1')
  return list(count, () => {
    market.next()
    return flat(make(market))
  })
}
