/**
 * Coinbase Exchange (wss://ws-feed.exchange.coinbase.com).
 *
 * `sequence` counts the order-level events of a product. Only the channel `full` has all of them; `ticker`,
 * `matches` and `heartbeat` quote numbers of that count and skip most. So a number becomes a sequence (scope:
 * the product) only for events of `full`. The adapter learns from the frames which products have `full`:
 * `subscriptions` lists them, and an order's event without a user's fields comes only from `full`. (`user`
 * sends the events of one's own orders in the same shape; they are kept raw.)
 *
 * The exchange gives a match's `side` as the maker's; here a `trade` has the aggressor's and an order's event
 * the maker's. The stream of `full` starts without a book: bookSnapshotUrl() has it, with the number it
 * reaches.
 */
import { Side } from '../../book/side.js'
import type { FeedAdapter, FeedSubscription } from '../feed-adapter.js'
import type {
  FeedSequence,
  FeedUpdate,
  LevelChange,
  OrderUpdate,
  ParsedFrame,
  RestingOrder,
  TickerUpdate,
  TradeUpdate,
} from '../feed-update.js'
import { checkSubscription } from './adapter-error.js'
import { ExchangeTime } from './exchange-time.js'
import {
  bad,
  countOf,
  decimalOf,
  FramePlace,
  idOf,
  type JsonObject,
  listOf,
  optionalPriceOf,
  parseFrame,
  priceOf,
  productOf,
  textOf,
  uuidOf,
} from './frame-checks.js'
import { KnownProducts } from './known-products.js'
import { subscriptionsOf } from './subscription-list.js'
import { TickerTemplate } from './ticker-template.js'
import { readTickerNumbers, type TickerFields } from './ticker-numbers.js'

const name = 'coinbase-exchange'
const channels = [
  'ticker',
  'ticker_batch',
  'level2',
  'level2_batch',
  'matches',
  'full',
  'heartbeat',
  'status',
  'user',
]
const withoutProducts = ['status']
const restUrl = 'https://api.exchange.coinbase.com'
const noSequences: FeedSequence[] = []

/** A ticker as the exchange prints it. */
const tickerParts = [
  ['{"type":"ticker","sequence":', 'integer'],
  [',"product_id":"', 'product'],
  ['","price":"', 'price'],
  ['","open_24h":"', 'decimal'],
  ['","volume_24h":"', 'volume'],
  ['","low_24h":"', 'decimal'],
  ['","high_24h":"', 'decimal'],
  ['","volume_30d":"', 'decimal'],
  ['","best_bid":"', 'bidPrice'],
  ['","best_bid_size":"', 'bidSize'],
  ['","best_ask":"', 'askPrice'],
  ['","best_ask_size":"', 'askSize'],
  ['","side":"', 'word'],
  ['","time":"', 'time'],
  ['","trade_id":', 'integer'],
  [',"last_size":"', 'decimal'],
] as const

const tickerFields: TickerFields = {
  bidPrice: 'best_bid',
  bidSize: 'best_bid_size',
  askPrice: 'best_ask',
  askSize: 'best_ask_size',
  volume: 'volume_24h',
}

/**
 * Coinbase Exchange. Channels: ticker, ticker_batch, level2, level2_batch, matches, full, heartbeat, status,
 * user; `full` gives books by order.
 */
export class CoinbaseExchangeAdapter implements FeedAdapter {
  readonly name = name
  readonly defaultUrl = 'wss://ws-feed.exchange.coinbase.com'
  readonly channels = channels
  readonly impliedChannels = ['heartbeat']
  readonly authenticatedChannels = ['level2', 'full', 'user']
  readonly sequenceRule = 'contiguous'
  /** A product's count continues across connections: after a reconnect the numbers show what was missed. */
  readonly sequenceRestartsOnConnect = false

  readonly #place = new FramePlace()
  readonly #time = new ExchangeTime()
  readonly #tickers = new TickerTemplate(tickerParts, '"}', this.#time)
  /** Products whose order-level events all arrive on this connection. */
  readonly #full = new KnownProducts<true>()

  bookKind(wanted: readonly string[]): 'levels' | 'orders' {
    return wanted.includes('full') ? 'orders' : 'levels'
  }

  subscribe(subscription: FeedSubscription, signed?: Readonly<Record<string, string>>): string[] {
    return request('subscribe', subscription, signed)
  }

  unsubscribe(subscription: FeedSubscription, signed?: Readonly<Record<string, string>>): string[] {
    return request('unsubscribe', subscription, signed)
  }

  bookSnapshotUrl(product: string, wanted: readonly string[]): string | undefined {
    return wanted.includes('full')
      ? `${restUrl}/products/${encodeURIComponent(product)}/book?level=3`
      : undefined
  }

  parseBookSnapshot(product: string, body: string): ParsedFrame {
    return parseFrame(body, this.#place, (book) => {
      const orders: RestingOrder[] = []
      this.#restingOrders(book.bids, 'bids', Side.Buy, orders)
      this.#restingOrders(book.asks, 'asks', Side.Sell, orders)
      const sequence = countOf(book.sequence, 'sequence')
      const exchangeTimeNs = this.#time.optionalOf(book.time, 'time')
      return {
        kind: 'updates',
        channel: 'full',
        sequences: noSequences,
        updates: [{ type: 'order-snapshot', product, exchangeTimeNs, orders, sequence }],
      }
    })
  }

  parse(frame: string): ParsedFrame {
    const ticker = typeof frame === 'string' ? this.#tickers.read(frame) : undefined
    if (ticker) return only('ticker', ticker)
    return parseFrame(frame, this.#place, this.#interpret)
  }

  readonly #interpret = (message: JsonObject): ParsedFrame => {
    const type = textOf(message.type, 'type')
    switch (type) {
      case 'ticker':
        return only('ticker', this.#ticker(message))
      case 'l2update':
        return only('level2', this.#levels(message))
      case 'snapshot':
        return only('level2', this.#snapshot(message))
      case 'match':
        return this.#match(message)
      case 'last_match':
        return only('matches', this.#trade(message))
      case 'received':
      case 'open':
      case 'done':
      case 'change':
        return this.#orderEvent(type, message)
      case 'activate': {
        const product = productOf(message.product_id, 'product_id')
        return only('user', { type: 'other', channel: 'user', product })
      }
      case 'heartbeat':
        return only('heartbeat', {
          type: 'heartbeat',
          product: productOf(message.product_id, 'product_id'),
          exchangeTimeNs: this.#time.of(message.time, 'time'),
          counter: countOf(message.sequence, 'sequence'),
        })
      case 'subscriptions':
        return only('subscriptions', {
          type: 'subscriptions',
          channels: this.#subscriptions(message),
        })
      case 'status':
        listOf(message.products, 'products')
        return only('status', { type: 'other', channel: 'status' })
      case 'error':
        return only('error', serverError(message))
      default:
        return { kind: 'unknown', channel: type, sequences: noSequences }
    }
  }

  #ticker(message: JsonObject): TickerUpdate {
    const update: TickerUpdate = {
      type: 'ticker',
      product: productOf(message.product_id, 'product_id'),
      // A product's first ticker has no time before its first trade.
      exchangeTimeNs: this.#time.optionalOf(message.time, 'time'),
      price: priceOf(message.price, 'price'),
    }
    readTickerNumbers(message, tickerFields, update)
    return update
  }

  #levels(message: JsonObject): FeedUpdate {
    const product = productOf(message.product_id, 'product_id')
    const exchangeTimeNs = this.#time.of(message.time, 'time')
    const items = listOf(message.changes, 'changes')
    const changes: LevelChange[] = []
    this.#place.enter('changes')
    for (let index = 0; index < items.length; index++) {
      this.#place.at(index)
      const item = listOf(items[index], '')
      changes.push({
        side: sideOf(item[0], '[0]'),
        price: priceOf(item[1], '[1]'),
        size: decimalOf(item[2], '[2]'),
      })
    }
    this.#place.leave()
    return { type: 'levels', product, exchangeTimeNs, changes }
  }

  #snapshot(message: JsonObject): FeedUpdate {
    const product = productOf(message.product_id, 'product_id')
    const exchangeTimeNs = this.#time.optionalOf(message.time, 'time')
    const levels: LevelChange[] = []
    this.#side(message.bids, 'bids', Side.Buy, levels)
    this.#side(message.asks, 'asks', Side.Sell, levels)
    return { type: 'book-snapshot', product, exchangeTimeNs, levels }
  }

  #side(value: unknown, list: string, side: Side, levels: LevelChange[]): void {
    const items = listOf(value, list)
    this.#place.enter(list)
    for (let index = 0; index < items.length; index++) {
      this.#place.at(index)
      const item = listOf(items[index], '')
      levels.push({ side, price: priceOf(item[0], '[0]'), size: decimalOf(item[1], '[1]') })
    }
    this.#place.leave()
  }

  #restingOrders(value: unknown, list: string, side: Side, orders: RestingOrder[]): void {
    const items = listOf(value, list)
    this.#place.enter(list)
    for (let index = 0; index < items.length; index++) {
      this.#place.at(index)
      const item = listOf(items[index], '')
      orders.push({
        side,
        price: priceOf(item[0], '[0]'),
        size: decimalOf(item[1], '[1]'),
        orderId: uuidOf(item[2], '[2]'),
      })
    }
    this.#place.leave()
  }

  #trade(message: JsonObject): TradeUpdate {
    return {
      type: 'trade',
      product: productOf(message.product_id, 'product_id'),
      exchangeTimeNs: this.#time.of(message.time, 'time'),
      tradeId: idOf(message.trade_id, 'trade_id'),
      // The taker of a sell order buys.
      side: sideOf(message.side, 'side') === Side.Sell ? Side.Buy : Side.Sell,
      price: priceOf(message.price, 'price'),
      size: decimalOf(message.size, 'size'),
    }
  }

  #match(message: JsonObject): ParsedFrame {
    const trade = this.#trade(message)
    const { product, exchangeTimeNs, price, size, tradeId } = trade
    const orderId = uuidOf(message.maker_order_id, 'maker_order_id')
    const sequence = countOf(message.sequence, 'sequence')
    if (!this.#full.has(product)) return only('matches', trade)
    const execution: OrderUpdate = {
      type: 'order',
      product,
      exchangeTimeNs,
      event: 'match',
      orderId,
      side: trade.side === Side.Buy ? Side.Sell : Side.Buy,
      price,
      size,
      tradeId,
    }
    return {
      kind: 'updates',
      channel: 'full',
      sequences: [{ scope: product, first: sequence, last: sequence }],
      updates: [trade, execution],
    }
  }

  #orderEvent(type: 'received' | 'open' | 'done' | 'change', message: JsonObject): ParsedFrame {
    const product = productOf(message.product_id, 'product_id')
    const sequence = countOf(message.sequence, 'sequence')
    const update = this.#order(type, product, message)
    if (!this.#full.has(product)) {
      if (message.user_id !== undefined || message.profile_id !== undefined) {
        return only('user', { type: 'other', channel: 'user', product })
      }
      this.#full.set(product, true, 'product_id')
    }
    return {
      kind: 'updates',
      channel: 'full',
      sequences: [{ scope: product, first: sequence, last: sequence }],
      updates: [update],
    }
  }

  #order(
    type: 'received' | 'open' | 'done' | 'change',
    product: string,
    message: JsonObject,
  ): FeedUpdate {
    const exchangeTimeNs = this.#time.of(message.time, 'time')
    const orderId = uuidOf(message.order_id, 'order_id')
    const side = sideOf(message.side, 'side')
    switch (type) {
      case 'received':
        return { type: 'other', channel: 'full', product }
      case 'open':
        return {
          type: 'order',
          product,
          exchangeTimeNs,
          event: 'open',
          orderId,
          side,
          price: priceOf(message.price, 'price'),
          size: decimalOf(message.remaining_size, 'remaining_size'),
        }
      case 'done':
        return { type: 'order', product, exchangeTimeNs, event: 'done', orderId, side }
      case 'change': {
        // A market order's funds may change; the order does not rest on the book.
        if (message.new_size === undefined && message.new_funds !== undefined) {
          return { type: 'other', channel: 'full', product }
        }
        const size = decimalOf(message.new_size, 'new_size')
        const newPrice = optionalPriceOf(message.new_price, 'new_price')
        const change: OrderUpdate = {
          type: 'order',
          product,
          exchangeTimeNs,
          event: 'change',
          orderId,
          side,
          size,
        }
        if (newPrice !== undefined && newPrice !== message.old_price) change.price = newPrice
        return change
      }
    }
  }

  /** All subscriptions of this connection; `full` has ended for a product that is not listed. */
  #subscriptions(message: JsonObject): Record<string, string[]> {
    const listed = subscriptionsOf(message.channels, this.#place)
    const products = Object.hasOwn(listed, 'full') ? (listed.full ?? []) : []
    const full = new Set(products.map((product) => productOf(product, 'channels')))
    for (const product of [...this.#full.keys()]) {
      if (!full.has(product)) this.#full.delete(product)
    }
    for (const product of full) this.#full.set(product, true, 'channels')
    return listed
  }
}

function only(channel: string, update: FeedUpdate): ParsedFrame {
  return { kind: 'updates', channel, sequences: noSequences, updates: [update] }
}

function request(
  type: 'subscribe' | 'unsubscribe',
  subscription: FeedSubscription,
  signed: Readonly<Record<string, string>> = {},
): string[] {
  checkSubscription(name, subscription, channels, withoutProducts)
  const { products } = subscription
  if (subscription.channels.length === 0) return []
  const withProducts = products.length > 0 ? { product_ids: products } : {}
  return [JSON.stringify({ ...signed, type, ...withProducts, channels: subscription.channels })]
}

function sideOf(value: unknown, field: string): Side {
  if (value === 'buy') return Side.Buy
  if (value === 'sell') return Side.Sell
  throw bad(field, '"buy" or "sell"', value)
}

function serverError(message: JsonObject): FeedUpdate {
  const text = textOf(message.message, 'message')
  return message.reason === undefined
    ? { type: 'server-error', message: text }
    : { type: 'server-error', message: text, reason: textOf(message.reason, 'reason') }
}
