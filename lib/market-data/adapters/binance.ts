/**
 * Binance spot, combined streams (wss://stream.binance.com:9443/stream): each message names its stream.
 *
 * Changes of a book (`depth`) cover a range of update ids, first to last, which are contiguous per product
 * across connections. They start without a book; bookSnapshotUrl() has it. `depth5`, `depth10` and `depth20`
 * need no book: each message holds all of the best levels. Products are written as the exchange prints them,
 * `BTCUSDT`; stream names have them in lower case. Times are whole milliseconds.
 *
 * A trade's `m` says that the buyer is the maker, so the seller is the aggressor.
 */
import { Side } from '../../book/side.js'
import type { FeedAdapter, FeedSubscription } from '../feed-adapter.js'
import type {
  FeedSequence,
  FeedUpdate,
  LevelChange,
  ParsedFrame,
  TickerUpdate,
} from '../feed-update.js'
import { PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { AdapterCode, checkSubscription } from './adapter-error.js'
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
import { KnownProducts } from './known-products.js'
import { TickerTemplate } from './ticker-template.js'
import { readTickerNumbers, type TickerFields } from './ticker-numbers.js'

const name = 'binance'
const streams: ReadonlyMap<string, string> = new Map([
  ['trade', '@trade'],
  ['ticker', '@ticker'],
  ['bookTicker', '@bookTicker'],
  ['depth', '@depth@100ms'],
  ['depth5', '@depth5@100ms'],
  ['depth10', '@depth10@100ms'],
  ['depth20', '@depth20@100ms'],
])
const channels = [...streams.keys()]
const bookChannels = ['depth', 'depth5', 'depth10', 'depth20']
const restUrl = 'https://api.binance.com/api/v3'
const snapshotLevels = 5000
const noSequences: FeedSequence[] = []

/** A ticker as the exchange prints it. */
const tickerParts = [
  ['{"stream":"', 'word'],
  ['@ticker","data":{"e":"24hrTicker","E":', 'timeMs'],
  [',"s":"', 'product'],
  ['","p":"', 'signed'],
  ['","P":"', 'signed'],
  ['","w":"', 'decimal'],
  ['","x":"', 'decimal'],
  ['","c":"', 'price'],
  ['","Q":"', 'decimal'],
  ['","b":"', 'bidPrice'],
  ['","B":"', 'bidSize'],
  ['","a":"', 'askPrice'],
  ['","A":"', 'askSize'],
  ['","o":"', 'decimal'],
  ['","h":"', 'decimal'],
  ['","l":"', 'decimal'],
  ['","v":"', 'volume'],
  ['","q":"', 'decimal'],
  ['","O":', 'integer'],
  [',"C":', 'integer'],
  [',"F":', 'integer'],
  [',"L":', 'integer'],
  [',"n":', 'integer'],
] as const

/** Requests that await an answer; the exchange allows five a second. */
const maxPending = 1000

interface PendingRequest {
  readonly method: 'subscribe' | 'unsubscribe'
  readonly subscription: FeedSubscription
}

const tickerFields: TickerFields = {
  bidPrice: 'b',
  bidSize: 'B',
  askPrice: 'a',
  askSize: 'A',
  volume: 'v',
}

/**
 * Binance spot, combined streams. Channels: trade, ticker, bookTicker, depth, depth5, depth10, depth20; at most
 * one of the four books of a product. Numbers are ranges of update ids by product.
 */
export class BinanceAdapter implements FeedAdapter {
  readonly name = name
  readonly defaultUrl = 'wss://stream.binance.com:9443/stream'
  readonly channels = channels
  readonly impliedChannels: readonly string[] = []
  readonly authenticatedChannels: readonly string[] = []
  readonly sequenceRule = 'ranges'
  readonly sequenceRestartsOnConnect = false

  readonly #place = new FramePlace()
  readonly #tickers = new TickerTemplate(tickerParts, '}}', new ExchangeTime())
  readonly #pending = new Map<number, PendingRequest>()
  /** Confirmed subscriptions: products by channel. */
  readonly #confirmed = new Map<string, KnownProducts<true>>()
  #lastId = 0
  #lastMs = -1
  #lastNs = 0n

  bookKind(): 'levels' {
    return 'levels'
  }

  subscribe(subscription: FeedSubscription): string[] {
    return this.#request('subscribe', subscription)
  }

  unsubscribe(subscription: FeedSubscription): string[] {
    return this.#request('unsubscribe', subscription)
  }

  bookSnapshotUrl(product: string, wanted: readonly string[]): string | undefined {
    return wanted.includes('depth')
      ? `${restUrl}/depth?symbol=${encodeURIComponent(product)}&limit=${String(snapshotLevels)}`
      : undefined
  }

  parseBookSnapshot(product: string, body: string): ParsedFrame {
    return parseFrame(body, this.#place, (book) => only('depth', this.#wholeBook(product, book)))
  }

  parse(frame: string): ParsedFrame {
    const ticker = typeof frame === 'string' ? this.#tickers.read(frame) : undefined
    if (ticker) return only('ticker', ticker)
    return parseFrame(frame, this.#place, this.#interpret)
  }

  readonly #interpret = (message: JsonObject): ParsedFrame => {
    if (message.stream === undefined && message.data === undefined) {
      return message.e === undefined ? this.#response(message) : this.#event('', message)
    }
    const stream = textOf(message.stream, 'stream')
    // Only the data's fields follow the stream's name; the parser's place says so.
    const data = objectOf(message.data, 'data')
    return this.#event(stream, data)
  }

  #event(stream: string, data: JsonObject): ParsedFrame {
    if (data.e === undefined) return this.#unnamed(stream, data)
    const event = textOf(data.e, 'e')
    switch (event) {
      case 'trade':
        return only('trade', {
          type: 'trade',
          product: productOf(data.s, 's'),
          exchangeTimeNs: this.#timeOf(data.T, 'T'),
          tradeId: idOf(data.t, 't'),
          side: aggressorSide(data.m),
          price: priceOf(data.p, 'p'),
          size: decimalOf(data.q, 'q'),
        })
      case 'depthUpdate':
        return this.#levels(data)
      case '24hrTicker':
        return only('ticker', this.#ticker(data))
      case 'serverShutdown':
        return only(event, { type: 'other', channel: event })
      default:
        return { kind: 'unknown', channel: event, sequences: noSequences }
    }
  }

  /** Events that carry no name: best prices, and the best levels of a book. */
  #unnamed(stream: string, data: JsonObject): ParsedFrame {
    const [symbol = '', kind = ''] = stream.split('@', 2)
    if (kind === 'bookTicker') {
      return only(kind, { type: 'other', channel: kind, product: productOf(data.s, 's') })
    }
    if (kind !== 'depth' && bookChannels.includes(kind)) {
      const product = productOf(symbol.toUpperCase(), 'stream')
      return only(kind, this.#wholeBook(product, data))
    }
    return { kind: 'unknown', channel: stream === '' ? 'unnamed' : stream, sequences: noSequences }
  }

  #ticker(data: JsonObject): FeedUpdate {
    const update: TickerUpdate = {
      type: 'ticker',
      product: productOf(data.s, 's'),
      exchangeTimeNs: this.#timeOf(data.E, 'E'),
      price: priceOf(data.c, 'c'),
    }
    readTickerNumbers(data, tickerFields, update)
    return update
  }

  #levels(data: JsonObject): ParsedFrame {
    const product = productOf(data.s, 's')
    const exchangeTimeNs = this.#timeOf(data.E, 'E')
    const first = countOf(data.U, 'U')
    const last = countOf(data.u, 'u')
    if (last < first) throw bad('u', 'no less than U', last)
    const changes: LevelChange[] = []
    this.#side(data.b, 'b', Side.Buy, changes)
    this.#side(data.a, 'a', Side.Sell, changes)
    return {
      kind: 'updates',
      channel: 'depth',
      sequences: [{ scope: product, first, last }],
      updates: [{ type: 'levels', product, exchangeTimeNs, changes }],
    }
  }

  #wholeBook(product: string, data: JsonObject): FeedUpdate {
    const sequence = countOf(data.lastUpdateId, 'lastUpdateId')
    const levels: LevelChange[] = []
    this.#side(data.bids, 'bids', Side.Buy, levels)
    this.#side(data.asks, 'asks', Side.Sell, levels)
    return { type: 'book-snapshot', product, exchangeTimeNs: 0n, levels, sequence }
  }

  #side(value: unknown, list: string, side: Side, changes: LevelChange[]): void {
    const items = listOf(value, list)
    this.#place.enter(list)
    for (let index = 0; index < items.length; index++) {
      this.#place.at(index)
      const item = listOf(items[index], '')
      changes.push({ side, price: priceOf(item[0], '[0]'), size: decimalOf(item[1], '[1]') })
    }
    this.#place.leave()
  }

  /** Messages sent at one moment share their time. */
  #timeOf(value: unknown, field: string): bigint {
    const ms = countOf(value, field)
    if (ms > maxTimeMs) throw bad(field, 'milliseconds since 1970', value)
    if (ms !== this.#lastMs) {
      this.#lastMs = ms
      this.#lastNs = BigInt(ms) * 1_000_000n
    }
    return this.#lastNs
  }

  /** An answer identifies its request only by number. */
  #response(message: JsonObject): ParsedFrame {
    const error = message.error === undefined ? message : objectOf(message.error, 'error')
    const id = typeof message.id === 'number' ? message.id : undefined
    if (error.msg !== undefined) {
      if (id !== undefined) this.#pending.delete(id)
      const text = textOf(error.msg, 'msg')
      const update: FeedUpdate = { type: 'server-error', message: text }
      if (error.code !== undefined) update.reason = `code ${codeOf(error.code)}`
      return only('error', update)
    }
    if (message.result === undefined) {
      return { kind: 'unknown', channel: 'unnamed', sequences: noSequences }
    }
    const request = id === undefined ? undefined : this.#pending.get(id)
    // Answers a request that is not ours, as in a recording: it says nothing.
    if (id === undefined || !request || message.result !== null) {
      return only('response', { type: 'other', channel: 'response' })
    }
    this.#pending.delete(id)
    this.#confirm(request)
    const listed: Record<string, string[]> = {}
    for (const [channel, products] of this.#confirmed) listed[channel] = [...products.keys()]
    return only('subscriptions', { type: 'subscriptions', channels: listed })
  }

  #confirm({ method, subscription }: PendingRequest): void {
    for (const channel of subscription.channels) {
      const products = this.#confirmed.get(channel) ?? new KnownProducts<true>()
      this.#confirmed.set(channel, products)
      for (const product of subscription.products) {
        if (method === 'subscribe') products.set(product, true, 'id')
        else products.delete(product)
      }
    }
  }

  #request(method: 'subscribe' | 'unsubscribe', subscription: FeedSubscription): string[] {
    checkSubscription(name, subscription, channels, [])
    checkOneBook(subscription.channels)
    if (subscription.channels.length === 0) return []
    const params = subscription.channels.flatMap((channel) =>
      subscription.products.map(
        (product) => `${product.toLowerCase()}${streams.get(channel) ?? ''}`,
      ),
    )
    const id = ++this.#lastId
    this.#pending.set(id, { method, subscription })
    const [oldest] = this.#pending.keys()
    if (this.#pending.size > maxPending && oldest !== undefined) this.#pending.delete(oldest)
    return [JSON.stringify({ method: method.toUpperCase(), params, id })]
  }
}

/** 2^63 nanoseconds, in milliseconds. */
const maxTimeMs = 9_223_372_036_854

function only(channel: string, update: FeedUpdate): ParsedFrame {
  return { kind: 'updates', channel, sequences: noSequences, updates: [update] }
}

/** Rejects changes and whole books of one product together: they would overwrite each other. */
function checkOneBook(wanted: readonly string[]): void {
  const books = wanted.filter((channel) => bookChannels.includes(channel))
  if (books.length < 2) return
  throw new PinnacleTypeError(
    AdapterCode.InvalidSubscription,
    `${books.join(' and ')} of ${name} describe the same book in different ways; subscribe to one of them`,
    { details: { exchange: name, channels: books } },
  )
}

function aggressorSide(buyerIsMaker: unknown): Side {
  if (buyerIsMaker === true) return Side.Sell
  if (buyerIsMaker === false) return Side.Buy
  throw bad('m', 'true or false', buyerIsMaker)
}

function codeOf(value: unknown): string {
  if (Number.isSafeInteger(value)) return String(value)
  throw bad('code', 'an integer', value)
}
