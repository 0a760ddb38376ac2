/**
 * The exchanges' updates in one vocabulary. Prices and sizes stay the exchange's decimal strings: the
 * recorder converts them exactly, at the scale of the product's instrument. Times are nanoseconds since the
 * Unix epoch by the exchange's clock; 0n if the message has none.
 */
import type { Side } from '../book/side.js'

/** One level of a level book: `size` is the level's new total, "0" removes it. */
export interface LevelChange {
  /** 0 (buy) or 1 (sell). */
  side: Side
  /** Decimal text of the exchange. */
  price: string
  /** New total of the level, decimal text; '0' removes it. */
  size: string
}

/** The best prices and the last trade of a product. */
export interface TickerUpdate {
  /** Tells the updates apart. */
  type: 'ticker'
  /** The exchange's name of it. */
  product: string
  /** The exchange's time: ns since 1970-01-01 UTC; 0n: none. */
  exchangeTimeNs: bigint
  /** Price of the last trade, decimal text. */
  price: string
  /** Decimal text. */
  bidPrice?: string
  /** Decimal text. */
  bidSize?: string
  /** Decimal text. */
  askPrice?: string
  /** Decimal text. */
  askSize?: string
  /** Traded in the last 24 hours, in base units, decimal text. */
  volume?: string
}

/** A trade. */
export interface TradeUpdate {
  /** Tells the updates apart. */
  type: 'trade'
  /** The exchange's name of it. */
  product: string
  /** The exchange's time: ns since 1970-01-01 UTC; 0n: none. */
  exchangeTimeNs: bigint
  /** The exchange's id. */
  tradeId: string
  /** The aggressor's: Buy took an ask. */
  side: Side
  /** Decimal text. */
  price: string
  /** Decimal text. */
  size: string
}

/** The whole level book of a product; it replaces the known one. */
export interface BookSnapshotUpdate {
  /** Tells the updates apart. */
  type: 'book-snapshot'
  /** The exchange's name of it. */
  product: string
  /** The exchange's time: ns since 1970-01-01 UTC; 0n: none. */
  exchangeTimeNs: bigint
  /** All levels, in any order. */
  levels: LevelChange[]
  /** Update id that the snapshot reaches, if the exchange numbers updates by product. */
  sequence?: number
}

/** Changes of a product's level book. */
export interface LevelsUpdate {
  /** Tells the updates apart. */
  type: 'levels'
  /** The exchange's name of it. */
  product: string
  /** The exchange's time: ns since 1970-01-01 UTC; 0n: none. */
  exchangeTimeNs: bigint
  /** The levels that changed, in order. */
  changes: LevelChange[]
}

/** An order that rests on the book. */
export interface RestingOrder {
  /** The exchange's id. */
  orderId: string
  /** 0 (buy) or 1 (sell). */
  side: Side
  /** Decimal text. */
  price: string
  /** Open size, decimal text. */
  size: string
}

/** The whole order book of a product; it replaces the known one. Orders of a level come in priority order. */
export interface OrderSnapshotUpdate {
  /** Tells the updates apart. */
  type: 'order-snapshot'
  /** The exchange's name of it. */
  product: string
  /** The exchange's time: ns since 1970-01-01 UTC; 0n: none. */
  exchangeTimeNs: bigint
  /** All orders; those of a level in priority order. */
  orders: RestingOrder[]
  /** Number of the product's last event in the snapshot. */
  sequence?: number
}

/**
 * The exchange's book and the one made of its updates have different checksums. Discard the updates of this
 * book so far; none follows before the next snapshot.
 */
export interface BookMismatchUpdate {
  /** Tells the updates apart. */
  type: 'book-mismatch'
  /** The exchange's name of it. */
  product: string
  /** The exchange's time: ns since 1970-01-01 UTC; 0n: none. */
  exchangeTimeNs: bigint
  /** Both checksums. */
  reason: string
}

/**
 * An order-level event. `orderId` is the exchange's text, a UUID or a number; `side` is the resting order's.
 * A `match` follows the `trade` update of the same trade: the trade is for prices, the match for the book.
 * Events of orders that the book does not have (never opened, or gone before its snapshot) have no effect.
 */
export interface OrderUpdate {
  /** Tells the updates apart. */
  type: 'order'
  /** The exchange's name of it. */
  product: string
  /** The exchange's time: ns since 1970-01-01 UTC; 0n: none. */
  exchangeTimeNs: bigint
  /** What happened to the order. */
  event: 'open' | 'done' | 'change' | 'match'
  /** The exchange's text: a UUID or a number. */
  orderId: string
  /** The resting order's. */
  side: Side
  /** For `open` and `match`. For `change` only if the price changes; the order then lost its priority. */
  price?: string
  /** `open`: remaining size. `change`: the new size. `match`: the size executed. */
  size?: string
  /** Of `match`: the trade. The resting order is `orderId`. */
  tradeId?: string
}

/** A heartbeat of the exchange. */
export interface HeartbeatUpdate {
  /** Tells the updates apart. */
  type: 'heartbeat'
  /** Set if the exchange sends heartbeats by product. */
  product?: string
  /** The exchange's time: ns since 1970-01-01 UTC; 0n: none. */
  exchangeTimeNs: bigint
  /** The exchange's count. */
  counter: number
}

/** The connection's current subscriptions, as the exchange lists them. */
export interface SubscriptionsUpdate {
  /** Tells the updates apart. */
  type: 'subscriptions'
  /** Products by channel. */
  channels: Record<string, string[]>
}

/** The exchange refused a request. */
export interface ServerErrorUpdate {
  /** Tells the updates apart. */
  type: 'server-error'
  /** The exchange's text. */
  message: string
  /** The exchange's code or explanation, if it gives one. */
  reason?: string
}

/** Known, without effect on books and prices (status, candles, user, an order's `received`): kept raw. */
export interface OtherUpdate {
  /** Tells the updates apart. */
  type: 'other'
  /** The exchange's channel. */
  channel: string
  /** The exchange's name of it, if the message has one. */
  product?: string
}

/** One update of a frame; `type` tells which. */
export type FeedUpdate =
  | TickerUpdate
  | TradeUpdate
  | BookSnapshotUpdate
  | LevelsUpdate
  | OrderUpdate
  | OrderSnapshotUpdate
  | BookMismatchUpdate
  | HeartbeatUpdate
  | SubscriptionsUpdate
  | ServerErrorUpdate
  | OtherUpdate

/**
 * The number by which a receiver detects what it missed. `scope` is the counted thing: one product or the
 * whole connection (''). With `first` < `last` a message covers a range (Binance). Numbers at or below the
 * last one seen are duplicates.
 */
export interface FeedSequence {
  /** A product, or '' for the whole connection. */
  scope: string
  /** First number that the message covers. */
  first: number
  /** Last number that the message covers. */
  last: number
}

/** What an adapter made of a frame; `kind` tells which. */
export type ParsedFrame = UpdatesFrame | UnknownFrame | MalformedFrame

/** A frame that the adapter understands. */
export interface UpdatesFrame {
  /** Tells the kinds apart. */
  kind: 'updates'
  /** The exchange's channel. */
  channel: string
  /** Its numbers; none if the exchange doesn't count. */
  sequences: FeedSequence[]
  /** Its content, in order. */
  updates: FeedUpdate[]
}

/** Well-formed JSON of a type that the adapter does not know. */
export interface UnknownFrame {
  /** Tells the kinds apart. */
  kind: 'unknown'
  /** The exchange's channel, or a word for it. */
  channel: string
  /** Its numbers; none if the exchange doesn't count. */
  sequences: FeedSequence[]
}

/** A frame that violates the exchange's documentation. */
export interface MalformedFrame {
  /** Tells the kinds apart. */
  kind: 'malformed'
  /** What is wrong, with the name of the field. */
  reason: string
}
