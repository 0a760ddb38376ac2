/**
 * The exchanges' updates in one vocabulary. Prices and sizes stay the exchange's decimal strings: the
 * recorder converts them exactly, at the scale of the product's instrument. Times are nanoseconds since the
 * Unix epoch by the exchange's clock; 0n if the message has none.
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

/** The whole level book of a product; it replaces the known one. */
export interface BookSnapshotUpdate {
  type: 'book-snapshot'
  product: string
  exchangeTimeNs: bigint
  levels: LevelChange[]
  /** Update id that the snapshot reaches, if the exchange numbers updates by product. */
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

/** The whole order book of a product; it replaces the known one. Orders of a level come in priority order. */
export interface OrderSnapshotUpdate {
  type: 'order-snapshot'
  product: string
  exchangeTimeNs: bigint
  orders: RestingOrder[]
  /** Number of the product's last event in the snapshot. */
  sequence?: number
}

/**
 * The exchange's book and the one made of its updates have different checksums. Discard the updates of this
 * book so far; none follows before the next snapshot.
 */
export interface BookMismatchUpdate {
  type: 'book-mismatch'
  product: string
  exchangeTimeNs: bigint
  reason: string
}

/**
 * An order-level event. `orderId` is the exchange's text, a UUID or a number; `side` is the resting order's.
 * A `match` follows the `trade` update of the same trade: the trade is for prices, the match for the book.
 * Events of orders that the book does not have (never opened, or gone before its snapshot) have no effect.
 */
export interface OrderUpdate {
  type: 'order'
  product: string
  exchangeTimeNs: bigint
  event: 'open' | 'done' | 'change' | 'match'
  orderId: string
  side: Side
  /** For `open` and `match`. For `change` only if the price changes; the order then lost its priority. */
  price?: string
  /** `open`: remaining size. `change`: the new size. `match`: the size executed. */
  size?: string
  /** Of `match`: the trade. The resting order is `orderId`. */
  tradeId?: string
}

export interface HeartbeatUpdate {
  type: 'heartbeat'
  /** Set if the exchange sends heartbeats by product. */
  product?: string
  exchangeTimeNs: bigint
  counter: number
}

/** The connection's current subscriptions, as the exchange lists them. */
export interface SubscriptionsUpdate {
  type: 'subscriptions'
  channels: Record<string, string[]>
}

/** The exchange refused a request. */
export interface ServerErrorUpdate {
  type: 'server-error'
  message: string
  reason?: string
}

/** Known, without effect on books and prices (status, candles, user, an order's `received`): kept raw. */
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
 * The number by which a receiver detects what it missed. `scope` is the counted thing: one product or the
 * whole connection (''). With `first` < `last` a message covers a range (Binance). Numbers at or below the
 * last one seen are duplicates.
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
  /** Violates the exchange's documentation; `reason` names the field. */
  | { kind: 'malformed'; reason: string }
