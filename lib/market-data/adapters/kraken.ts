/**
 * Kraken, WebSocket API v2 (wss://ws.kraken.com/v2).
 *
 * Messages have no numbers. Instead each change of a book carries a checksum of the resulting book, so this
 * adapter keeps the books' best levels and compares. On a difference it reports `book-mismatch`, and then
 * nothing of that book until its next snapshot. The exchange sends prices and sizes as JSON numbers; their
 * digits are kept as printed.
 *
 * A trade's `side` is the taker's, both there and here. A heartbeat comes only on a quiet connection. So it
 * is kept raw instead of becoming a `heartbeat`: on a busy feed a caller would wait for the next one in vain.
 */
import { Side } from '../../book/side.js'
import { PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'
import type { FeedAdapter, FeedSubscription } from '../feed-adapter.js'
import type {
  FeedSequence,
  FeedUpdate,
  LevelChange,
  ParsedFrame,
  TickerUpdate,
} from '../feed-update.js'
import { AdapterCode, checkSubscription } from './adapter-error.js'
import { ExchangeTime } from './exchange-time.js'
import {
  bad,
  decimalOf,
  FramePlace,
  type JsonObject,
  listOf,
  objectOf,
  parseFrame,
  priceOf,
  productOf,
  textOf,
} from './frame-checks.js'
import { KnownProducts } from './known-products.js'
import { KrakenBook } from './kraken-book.js'
import { quoteNumbers } from './quote-numbers.js'
import { TickerTemplate } from './ticker-template.js'
import { readTickerNumbers, type TickerFields } from './ticker-numbers.js'

const name = 'kraken'
const channels = ['ticker', 'book', 'trade', 'ohlc', 'instrument']
const withoutProducts = ['instrument']
const noSequences: FeedSequence[] = []

/** A ticker as the exchange prints it. */
const tickerParts = [
  ['{"channel":"ticker","type":"update","data":[{"symbol":"', 'product'],
  ['","bid":', 'bidPrice'],
  [',"bid_qty":', 'bidSize'],
  [',"ask":', 'askPrice'],
  [',"ask_qty":', 'askSize'],
  [',"last":', 'price'],
  [',"volume":', 'volume'],
  [',"vwap":', 'decimal'],
  [',"low":', 'decimal'],
  [',"high":', 'decimal'],
  [',"change":', 'signed'],
  [',"change_pct":', 'signed'],
  [',"timestamp":"', 'time'],
] as const

/** The depths that Kraken offers. */
export const krakenDepths = [10, 25, 100, 500, 1000] as const
/** Levels on each side of a book that Kraken sends. */
export type KrakenDepth = (typeof krakenDepths)[number]
const maxDepth = 1000
/** Levels of one side in one message, far above any depth: filling a sorted list takes quadratic time. */
const maxLevels = 10_000

/** How the adapter subscribes. */
export interface KrakenOptions {
  /** Levels of each side that the exchange sends; 10 by default. */
  readonly depth?: KrakenDepth
}

interface BookData {
  readonly product: string
  readonly exchangeTimeNs: bigint
  readonly checksum: number
  readonly changes: LevelChange[]
  /** Number of changes that are of bids; they come first. */
  readonly bids: number
}

const tickerFields: TickerFields = {
  bidPrice: 'bid',
  bidSize: 'bid_qty',
  askPrice: 'ask',
  askSize: 'ask_qty',
  volume: 'volume',
}

/**
 * Kraken, WebSocket API v2. Channels: ticker, book, trade, ohlc, instrument. A checksum of the exchange's
 * verifies each book, since its messages have no numbers.
 */
export class KrakenAdapter implements FeedAdapter {
  readonly name = name
  readonly defaultUrl = 'wss://ws.kraken.com/v2'
  readonly channels = channels
  readonly impliedChannels: readonly string[] = []
  readonly authenticatedChannels: readonly string[] = []
  readonly sequenceRule = 'none'
  readonly sequenceRestartsOnConnect = true

  readonly #depth: KrakenDepth
  readonly #place = new FramePlace()
  readonly #time = new ExchangeTime()
  readonly #tickerTemplate = new TickerTemplate(tickerParts, '"}]}', this.#time)
  readonly #books = new KnownProducts<KrakenBook>()
  /** Depth that the exchange confirmed, by product. */
  readonly #depths = new KnownProducts<number>()
  /** Confirmed subscriptions: products by channel. */
  readonly #confirmed = new Map<string, KnownProducts<true>>()

  constructor(options: KrakenOptions = {}) {
    const { depth = 10 } = options
    if (!krakenDepths.includes(depth)) {
      throw new PinnacleTypeError(
        AdapterCode.InvalidSubscription,
        `the depth of ${name}'s books must be one of ${krakenDepths.join(', ')}, not ${shown(depth)}`,
        { details: { exchange: name, depth, depths: krakenDepths } },
      )
    }
    this.#depth = depth
  }

  bookKind(): 'levels' {
    return 'levels'
  }

  subscribe(subscription: FeedSubscription): string[] {
    return this.#requests('subscribe', subscription)
  }

  unsubscribe(subscription: FeedSubscription): string[] {
    return this.#requests('unsubscribe', subscription)
  }

  parse(frame: string): ParsedFrame {
    const ticker = typeof frame === 'string' ? this.#tickerTemplate.read(frame) : undefined
    if (ticker?.product.includes('/')) return only('ticker', ticker)
    return parseFrame(frame, this.#place, this.#interpret, quoteNumbers)
  }

  readonly #interpret = (message: JsonObject): ParsedFrame => {
    if (message.channel === undefined) return this.#response(message)
    const channel = textOf(message.channel, 'channel')
    switch (channel) {
      case 'book':
        return {
          kind: 'updates',
          channel,
          sequences: noSequences,
          updates: this.#bookData(message),
        }
      case 'trade':
        return { kind: 'updates', channel, sequences: noSequences, updates: this.#trades(message) }
      case 'ticker':
        return { kind: 'updates', channel, sequences: noSequences, updates: this.#tickers(message) }
      case 'heartbeat':
        return only(channel, { type: 'other', channel })
      case 'status':
      case 'ohlc':
        listOf(message.data, 'data')
        return only(channel, { type: 'other', channel })
      case 'instrument':
        objectOf(message.data, 'data')
        return only(channel, { type: 'other', channel })
      default:
        return { kind: 'unknown', channel, sequences: noSequences }
    }
  }

  /** Reads everything before it touches a book. */
  #bookData(message: JsonObject): FeedUpdate[] {
    const { type } = message
    if (type !== 'snapshot' && type !== 'update') throw bad('type', '"snapshot" or "update"', type)
    const items = listOf(message.data, 'data')
    const read: BookData[] = []
    this.#place.enter('data')
    for (let index = 0; index < items.length; index++) {
      this.#place.at(index)
      read.push(this.#readBook(objectOf(items[index], '')))
    }
    this.#place.leave()
    return read.map((data) =>
      type === 'snapshot' ? this.#startBook(data) : this.#changeBook(data),
    )
  }

  #readBook(item: JsonObject): BookData {
    const product = symbolOf(item.symbol)
    const exchangeTimeNs = this.#time.optionalOf(item.timestamp, 'timestamp')
    const checksum = checksumOf(item.checksum)
    const changes: LevelChange[] = []
    this.#side(item.bids, 'bids', Side.Buy, changes)
    const bids = changes.length
    this.#side(item.asks, 'asks', Side.Sell, changes)
    return { product, exchangeTimeNs, checksum, changes, bids }
  }

  #startBook(data: BookData): FeedUpdate {
    const { product, exchangeTimeNs, changes, bids } = data
    const depth = this.#depths.get(product) ?? depthOf(Math.max(bids, changes.length - bids))
    const book = new KrakenBook(depth)
    this.#books.set(product, book, 'data')
    return (
      this.#apply(book, data) ?? { type: 'book-snapshot', product, exchangeTimeNs, levels: changes }
    )
  }

  #changeBook(data: BookData): FeedUpdate {
    const { product, exchangeTimeNs, changes } = data
    const book = this.#books.get(product)
    if (!book) return { type: 'other', channel: 'book', product }
    return this.#apply(book, data) ?? { type: 'levels', product, exchangeTimeNs, changes }
  }

  /** Adds the removals to the changes. A different checksum discards the book. */
  #apply(book: KrakenBook, data: BookData): FeedUpdate | undefined {
    const { product, exchangeTimeNs, checksum, changes } = data
    for (const change of changes) book.set(change)
    book.trim(changes)
    const own = book.checksum()
    if (own === checksum) return undefined
    this.#books.delete(product)
    const reason = `the exchange's checksum is ${String(checksum)}, that of the book received so far ${String(own)}`
    return { type: 'book-mismatch', product, exchangeTimeNs, reason }
  }

  #side(value: unknown, list: string, side: Side, changes: LevelChange[]): void {
    const items = listOf(value, list)
    if (items.length > maxLevels) throw bad(list, `of at most ${String(maxLevels)} levels`, value)
    this.#place.enter(list)
    for (let index = 0; index < items.length; index++) {
      this.#place.at(index)
      const item = objectOf(items[index], '')
      changes.push({
        side,
        price: priceOf(item.price, 'price'),
        size: decimalOf(item.qty, 'qty'),
      })
    }
    this.#place.leave()
  }

  #trades(message: JsonObject): FeedUpdate[] {
    const items = listOf(message.data, 'data')
    const updates: FeedUpdate[] = []
    this.#place.enter('data')
    for (let index = 0; index < items.length; index++) {
      this.#place.at(index)
      const item = objectOf(items[index], '')
      updates.push({
        type: 'trade',
        product: symbolOf(item.symbol),
        exchangeTimeNs: this.#time.of(item.timestamp, 'timestamp'),
        tradeId: integerTextOf(item.trade_id, 'trade_id'),
        side: takerSide(item.side),
        price: priceOf(item.price, 'price'),
        size: decimalOf(item.qty, 'qty'),
      })
    }
    this.#place.leave()
    return updates
  }

  #tickers(message: JsonObject): FeedUpdate[] {
    const items = listOf(message.data, 'data')
    const updates: FeedUpdate[] = []
    this.#place.enter('data')
    for (let index = 0; index < items.length; index++) {
      this.#place.at(index)
      const item = objectOf(items[index], '')
      const update: TickerUpdate = {
        type: 'ticker',
        product: symbolOf(item.symbol),
        exchangeTimeNs: this.#time.optionalOf(item.timestamp, 'timestamp'),
        price: priceOf(item.last, 'last'),
      }
      readTickerNumbers(item, tickerFields, update)
      updates.push(update)
    }
    this.#place.leave()
    return updates
  }

  /**
   * Handles an answer to our request. Each answer names one product, so the subscriptions are summed up here.
   */
  #response(message: JsonObject): ParsedFrame {
    const method = textOf(message.method ?? 'error', 'method')
    if (message.success === false || message.error !== undefined) {
      const symbol = message.symbol === undefined ? undefined : textOf(message.symbol, 'symbol')
      const text = textOf(message.error, 'error')
      const update: FeedUpdate = { type: 'server-error', message: text }
      if (symbol !== undefined) update.reason = `${method} ${symbol}`
      return only('error', update)
    }
    if (method !== 'subscribe' && method !== 'unsubscribe') {
      return method === 'pong'
        ? only(method, { type: 'other', channel: method })
        : { kind: 'unknown', channel: method, sequences: noSequences }
    }
    this.#confirm(method, objectOf(message.result, 'result'))
    return only('subscriptions', { type: 'subscriptions', channels: this.#subscriptions() })
  }

  #confirm(method: 'subscribe' | 'unsubscribe', result: JsonObject): void {
    const channel = textOf(result.channel, 'result.channel')
    if (!channels.includes(channel)) throw bad('result.channel', channels.join(' or '), channel)
    const product = result.symbol === undefined ? '' : productOf(result.symbol, 'result.symbol')
    if (method === 'unsubscribe') {
      this.#confirmed.get(channel)?.delete(product)
      if (channel === 'book') this.#books.delete(product)
      return
    }
    if (channel === 'book' && result.depth !== undefined) {
      const depth = Number(integerTextOf(result.depth, 'result.depth'))
      if (depth < 1 || depth > maxDepth) throw bad('result.depth', 'from 1 to 1000', depth)
      this.#depths.set(product, depth, 'result.symbol')
    }
    const products = this.#confirmed.get(channel) ?? new KnownProducts<true>()
    products.set(product, true, 'result.symbol')
    this.#confirmed.set(channel, products)
  }

  #subscriptions(): Record<string, string[]> {
    const listed: Record<string, string[]> = {}
    for (const [channel, products] of this.#confirmed) {
      listed[channel] = [...products.keys()].filter((product) => product !== '')
    }
    return listed
  }

  /** One message per channel. */
  #requests(method: 'subscribe' | 'unsubscribe', subscription: FeedSubscription): string[] {
    checkSubscription(name, subscription, channels, withoutProducts)
    return subscription.channels.map((channel) => {
      const params: Record<string, unknown> = { channel }
      if (!withoutProducts.includes(channel)) params.symbol = subscription.products
      if (channel === 'book') params.depth = this.#depth
      if (channel === 'trade' && method === 'subscribe') params.snapshot = false
      return JSON.stringify({ method, params })
    })
  }
}

function only(channel: string, update: FeedUpdate): ParsedFrame {
  return { kind: 'updates', channel, sequences: noSequences, updates: [update] }
}

/** The least depth that fits a snapshot of this many levels. */
function depthOf(levels: number): number {
  return krakenDepths.find((depth) => depth >= levels) ?? levels
}

/** Quoted numbers look like text; a Kraken product names both currencies. */
function symbolOf(value: unknown): string {
  const product = productOf(value, 'symbol')
  if (!product.includes('/')) throw bad('symbol', 'a pair such as "BTC/USD"', value)
  return product
}

function takerSide(value: unknown): Side {
  if (value === 'buy') return Side.Buy
  if (value === 'sell') return Side.Sell
  throw bad('side', '"buy" or "sell"', value)
}

const integerPattern = /^\d{1,20}$/

function integerTextOf(value: unknown, field: string): string {
  if (typeof value === 'string' && integerPattern.test(value)) return value
  throw bad(field, 'an integer of up to 20 digits', value)
}

function checksumOf(value: unknown): number {
  const checksum = Number(integerTextOf(value, 'checksum'))
  if (checksum > 0xffffffff) throw bad('checksum', 'an unsigned integer of 32 bits', value)
  return checksum
}
