/**
 * What an exchange said, in one vocabulary. Prices and sizes stay the exchange's decimal strings up to here:
 * the recorder converts them exactly, at the scale of the product's instrument. Times are nanoseconds since
 * the Unix epoch by the exchange's clock; 0n where the message has none.
 */
import type { Side } from '../book/side.js'

/** One level of a level book: `size` is the level's new total, "0" removes it. */
export interface LevelChange {
  side: Side
  price: string
  size: string
}

/** The best prices and the last trade of a product. */
export interface TickerUpdate {
  type: 'ticker'
  product: string
  exchangeTimeNs: bigint
  price: string
  bidPrice?: string
  bidSize?: string
  askPrice?: string
  askSize?: string
  /** Traded in the last 24 hours, in base units. */
  volume?: string
}

/** `side` is the aggressor's: Buy took an ask. */
export interface TradeUpdate {
  type: 'trade'
  product: string
  exchangeTimeNs: bigint
  tradeId: string
  side: Side
  price: string
  size: string
}

/** The whole level book of a product; it replaces what was known. */
export interface BookSnapshotUpdate {
  type: 'book-snapshot'
  product: string
  exchangeTimeNs: bigint
  levels: LevelChange[]
  /** Update id that the snapshot stands for, where the exchange numbers updates by product. */
  sequence?: number
}

export interface LevelsUpdate {
  type: 'levels'
  product: string
  exchangeTimeNs: bigint
  changes: LevelChange[]
}

/** An order that rests on the book. */
export interface RestingOrder {
  orderId: string
  side: Side
  price: string
  size: string
}

/** The whole order book of a product; it replaces what was known. Orders of a level come in their priority. */
export interface OrderSnapshotUpdate {
  type: 'order-snapshot'
  product: string
  exchangeTimeNs: bigint
  orders: RestingOrder[]
  /** Number of the product's last event that is in it. */
  sequence?: number
}

/**
 * The exchange's checksum says that its book and the one made of its updates differ. What was told of this book
 * is worth nothing until the next snapshot; nothing more is told of it before.
 */
export interface BookMismatchUpdate {
  type: 'book-mismatch'
  product: string
  exchangeTimeNs: bigint
  reason: string
}

/**
 * An order-level event. `orderId` is the exchange's text, a UUID or a number; `side` is the resting order's.
 * A `match` follows the `trade` update of the same trade: that one is for prices, this one for the book. Events
 * of orders that the book does not have (never opened, or gone before its snapshot) are of no effect.
 */
export interface OrderUpdate {
  type: 'order'
  product: string
  exchangeTimeNs: bigint
  event: 'open' | 'done' | 'change' | 'match'
  orderId: string
  side: Side
  /** Of `open` and `match`. Of `change` where the price is another now; the order lost its priority then. */
  price?: string
  /** `open`: remaining size. `change`: the new size. `match`: the size executed. */
  size?: string
  /** Of `match`: the trade. The resting order is `orderId`. */
  tradeId?: string
}

export interface HeartbeatUpdate {
  type: 'heartbeat'
  /** Where the exchange beats by product. */
  product?: string
  exchangeTimeNs: bigint
  counter: number
}

/** What the exchange says this connection is subscribed to now. */
export interface SubscriptionsUpdate {
  type: 'subscriptions'
  channels: Record<string, string[]>
}

/** The exchange refused something. */
export interface ServerErrorUpdate {
  type: 'server-error'
  message: string
  reason?: string
}

/** Known and of no effect on books and prices (status, candles, user, an order's `received`): kept raw. */
export interface OtherUpdate {
  type: 'other'
  channel: string
  product?: string
}

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
 * The number by which the exchange lets a receiver see what it missed: `scope` is what is counted, one product
 * or the whole connection (''). With `first` < `last` a message covers a range (Binance). Numbers below or at
 * the last one seen are duplicates.
 */
export interface FeedSequence {
  scope: string
  first: number
  last: number
}

export type ParsedFrame =
  | { kind: 'updates'; channel: string; sequences: FeedSequence[]; updates: FeedUpdate[] }
  /** Well-formed JSON of a type that the adapter does not know. */
  | { kind: 'unknown'; channel: string; sequences: FeedSequence[] }
  /** Not what the exchange's documents say; `reason` names the field. */
  | { kind: 'malformed'; reason: string }
