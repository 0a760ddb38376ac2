/**
 * Coinbase Advanced Trade (wss://advanced-trade-ws.coinbase.com).
 *
 * `sequence_num` counts every message of a connection, of any channel and product, from 0: a missing number
 * means that something of any product is missing (scope ''). The exchange gives a trade's `side` as the
 * maker's; here it is the aggressor's. The exchange lists the trades of a message newest first; here the
 * oldest comes first. The first message of `market_trades` repeats up to 100 earlier trades, so after a
 * reconnect some have been seen: their trade ids tell.
 *
 * A ticker has no time of its own and takes the message's; so do level changes whose `event_time` is the
 * epoch.
 */
import { Side } from '../../book/side.js'
import type { FeedAdapter, FeedSubscription } from '../feed-adapter.js'
import type {
  FeedSequence,
  FeedUpdate,
  LevelChange,
  ParsedFrame,
  TickerUpdate,
  TradeUpdate,
} from '../feed-update.js'
import { checkSubscription } from './adapter-error.js'
import { CoinbaseTickerScan } from './coinbase-ticker-scan.js'
import { ExchangeTime } from './exchange-time.js'
import {
  bad,
  countOf,
  decimalOf,
  FramePlace,
  idOf,
  type JsonObject,
  listOf,
  objectOf,
  parseFrame,
  priceOf,
  productOf,
  textOf,
} from './frame-checks.js'
import { readTickerNumbers, type TickerFields } from './ticker-numbers.js'

const name = 'coinbase'
const channels = [
  'ticker',
  'ticker_batch',
  'level2',
  'market_trades',
  'heartbeats',
  'candles',
  'status',
  'user',
  'futures_balance_summary',
]
const withoutProducts = ['heartbeats', 'user', 'futures_balance_summary']

const tickerFields: TickerFields = {
  bidPrice: 'best_bid',
  bidSize: 'best_bid_quantity',
  askPrice: 'best_ask',
  askSize: 'best_ask_quantity',
  volume: 'volume_24_h',
}

/**
 * Coinbase Advanced Trade. Channels: ticker, ticker_batch, level2, market_trades, heartbeats, candles, status,
 * user, futures_balance_summary; numbers count the messages of a connection.
 */
export class CoinbaseAdapter implements FeedAdapter {
  readonly name = name
  readonly defaultUrl = 'wss://advanced-trade-ws.coinbase.com'
  readonly channels = channels
  /** Without heartbeats the exchange closes the connection of quiet products after about a minute. */
  readonly impliedChannels = ['heartbeats']
  readonly authenticatedChannels = ['user', 'futures_balance_summary']
  readonly sequenceRule = 'contiguous'
  readonly sequenceRestartsOnConnect = true

  readonly #place = new FramePlace()
  readonly #time = new ExchangeTime()
  readonly #tickers = new CoinbaseTickerScan(this.#time)

  bookKind(): 'levels' {
    return 'levels'
  }

  subscribe(subscription: FeedSubscription, signed?: Readonly<Record<string, string>>): string[] {
    return requests('subscribe', subscription, signed)
  }

  unsubscribe(subscription: FeedSubscription, signed?: Readonly<Record<string, string>>): string[] {
    return requests('unsubscribe', subscription, signed)
  }

  parse(frame: string): ParsedFrame {
    return this.#tickers.scan(frame) ?? parseFrame(frame, this.#place, this.#interpret)
  }

  readonly #interpret = (message: JsonObject): ParsedFrame => {
    if (message.channel === undefined) return withoutChannel(message)
    const channel = textOf(message.channel, 'channel')
    switch (channel) {
      case 'ticker':
      case 'ticker_batch':
      case 'l2_data':
      case 'market_trades':
      case 'heartbeats':
      case 'subscriptions':
        return {
          kind: 'updates',
          channel,
          sequences: sequencesOf(message),
          updates: this.#updates(channel, message),
        }
      case 'candles':
      case 'status':
      case 'user':
      case 'futures_balance_summary':
        listOf(message.events, 'events')
        return {
          kind: 'updates',
          channel,
          sequences: sequencesOf(message),
          updates: [{ type: 'other', channel }],
        }
      default:
        return {
          kind: 'unknown',
          channel,
          sequences: message.sequence_num === undefined ? [] : sequencesOf(message),
        }
    }
  }

  #updates(channel: string, message: JsonObject): FeedUpdate[] {
    const messageTimeNs = this.#time.of(message.timestamp, 'timestamp')
    const events = listOf(message.events, 'events')
    const updates: FeedUpdate[] = []
    this.#place.enter('events')
    for (let index = 0; index < events.length; index++) {
      this.#place.at(index)
      const event = objectOf(events[index], '')
      switch (channel) {
        case 'l2_data':
          updates.push(this.#levels(event, messageTimeNs))
          break
        case 'market_trades':
          this.#trades(event, updates)
          break
        case 'heartbeats':
          updates.push({
            type: 'heartbeat',
            exchangeTimeNs: messageTimeNs,
            counter: heartbeatCounter(event),
          })
          break
        case 'subscriptions':
          updates.push({ type: 'subscriptions', channels: this.#subscriptions(event) })
          break
        default:
          this.#tickerList(event, messageTimeNs, updates)
      }
    }
    this.#place.leave()
    return updates
  }

  #tickerList(event: JsonObject, exchangeTimeNs: bigint, updates: FeedUpdate[]): void {
    const tickers = listOf(event.tickers, 'tickers')
    this.#place.enter('tickers')
    for (let index = 0; index < tickers.length; index++) {
      this.#place.at(index)
      const ticker = objectOf(tickers[index], '')
      const update: TickerUpdate = {
        type: 'ticker',
        product: productOf(ticker.product_id, 'product_id'),
        exchangeTimeNs,
        price: priceOf(ticker.price, 'price'),
      }
      readTickerNumbers(ticker, tickerFields, update)
      updates.push(update)
    }
    this.#place.leave()
  }

  #levels(event: JsonObject, messageTimeNs: bigint): FeedUpdate {
    const { type } = event
    if (type !== 'snapshot' && type !== 'update') throw bad('type', '"snapshot" or "update"', type)
    const product = productOf(event.product_id, 'product_id')
    const items = listOf(event.updates, 'updates')
    const changes: LevelChange[] = []
    let latestNs = 0n
    let lastTime: unknown
    this.#place.enter('updates')
    for (let index = 0; index < items.length; index++) {
      this.#place.at(index)
      const item = objectOf(items[index], '')
      // Changes of one event nearly always share their time.
      if (item.event_time !== lastTime || index === 0) {
        const timeNs = this.#time.of(item.event_time, 'event_time')
        if (timeNs > latestNs) latestNs = timeNs
        lastTime = item.event_time
      }
      changes.push({
        side: levelSide(item.side),
        price: priceOf(item.price_level, 'price_level'),
        size: decimalOf(item.new_quantity, 'new_quantity'),
      })
    }
    this.#place.leave()
    const exchangeTimeNs = latestNs === 0n ? messageTimeNs : latestNs
    return type === 'snapshot'
      ? { type: 'book-snapshot', product, exchangeTimeNs, levels: changes }
      : { type: 'levels', product, exchangeTimeNs, changes }
  }

  #trades(event: JsonObject, updates: FeedUpdate[]): void {
    const trades = listOf(event.trades, 'trades')
    this.#place.enter('trades')
    for (let index = trades.length - 1; index >= 0; index--) {
      this.#place.at(index)
      const trade = objectOf(trades[index], '')
      const update: TradeUpdate = {
        type: 'trade',
        product: productOf(trade.product_id, 'product_id'),
        exchangeTimeNs: this.#time.of(trade.time, 'time'),
        tradeId: idOf(trade.trade_id, 'trade_id'),
        side: aggressorSide(trade.side),
        price: priceOf(trade.price, 'price'),
        size: decimalOf(trade.size, 'size'),
      }
      updates.push(update)
    }
    this.#place.leave()
  }

  #subscriptions(event: JsonObject): Record<string, string[]> {
    const entries = Object.entries(objectOf(event.subscriptions, 'subscriptions'))
    // fromEntries defines properties: a channel called __proto__ stays a name.
    return Object.fromEntries(
      entries.map(([channel, list]): [string, string[]] => {
        const products = listOf(list, `subscriptions.${textOf(channel, 'subscriptions')}`)
        return [
          channel,
          products.map((product, index) =>
            textOf(product, `subscriptions.${channel}[${String(index)}]`),
          ),
        ]
      }),
    )
  }
}

/** The exchange takes one message per channel. */
function requests(
  type: 'subscribe' | 'unsubscribe',
  subscription: FeedSubscription,
  signed: Readonly<Record<string, string>> = {},
): string[] {
  checkSubscription(name, subscription, channels, withoutProducts)
  return subscription.channels.map((channel) =>
    JSON.stringify({ ...signed, type, product_ids: subscription.products, channel }),
  )
}

function withoutChannel(message: JsonObject): ParsedFrame {
  const type = textOf(
    message.type ?? message.channel,
    message.type === undefined ? 'channel' : 'type',
  )
  if (type !== 'error') return { kind: 'unknown', channel: type, sequences: [] }
  const text = textOf(message.message, 'message')
  return {
    kind: 'updates',
    channel: 'error',
    sequences: [],
    updates: [
      message.reason === undefined
        ? { type: 'server-error', message: text }
        : { type: 'server-error', message: text, reason: textOf(message.reason, 'reason') },
    ],
  }
}

function sequencesOf(message: JsonObject): FeedSequence[] {
  const number = countOf(message.sequence_num, 'sequence_num')
  return [{ scope: '', first: number, last: number }]
}

function levelSide(value: unknown): Side {
  if (value === 'bid') return Side.Buy
  if (value === 'offer') return Side.Sell
  throw bad('side', '"bid" or "offer"', value)
}

/** The exchange names the maker's side; the taker of a sell order buys. */
function aggressorSide(value: unknown): Side {
  if (value === 'SELL') return Side.Buy
  if (value === 'BUY') return Side.Sell
  throw bad('side', '"BUY" or "SELL"', value)
}

const digits = /^\d{1,15}$/

/** A number, or its digits as text: the exchange documents both. */
function heartbeatCounter(event: JsonObject): number {
  const value = event.heartbeat_counter
  return countOf(
    typeof value === 'string' && digits.test(value) ? Number(value) : value,
    'heartbeat_counter',
  )
}
