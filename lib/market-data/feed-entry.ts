/**
 * Feed events as the journal has them. Level changes are not here: they are the book's own entries (`setLevel`,
 * `clear`; `add`, `reduce`, `cancel`, `execute` for order books). Every received frame is journaled as one
 * `frame` entry, followed at once by the `entries` entries of what it said: so whoever reads knows when each
 * was received, and sees where a kill cut a frame in two.
 *
 * The entry's own timestamp is the exchange's time; where the exchange says none, and of `frame`, `gap`,
 * `connection`, `raw` and `quarantined`, it is the local wall clock. Prices are ticks and sizes lots of the
 * entry's instrument. docs/format.md has the bytes.
 */
import type { Side } from '../book/side.js'

export interface FrameEntry {
  type: 'frame'
  /** Counts the connections of this data directory; 1 is the first. */
  connection: number
  /** Local monotonic clock at receipt, nanoseconds. */
  receivedMonotonicNs: bigint
  /** Entries that follow and belong to this frame. */
  entries: number
  channel: string
  /** Scopes and last numbers of the frame; none where the exchange doesn't count. */
  sequences: { scope: string; last: number }[]
}

export interface FeedTradeEntry {
  type: 'trade'
  tradeId: string
  side: Side
  price: number
  quantity: number
}

export interface FeedTickerEntry {
  type: 'ticker'
  price: number
  bidPrice: number | null
  bidQuantity: number | null
  askPrice: number | null
  askQuantity: number | null
  /** Decimal text of the exchange; a day's volume may be beyond what lots can hold. */
  volume: string | null
}

/** Announces a `clear` and `levels` level entries behind it; for an order book, as many added orders. */
export interface BookSnapshotEntry {
  type: 'book-snapshot'
  levels: number
  sequence: number | null
}

export type GapReason =
  | 'disconnected'
  | 'sequence'
  | 'overflow'
  | 'process-ended'
  /** Something of a frame could not be kept. */
  | 'malformed'
  /** The exchange's checksum says that the book is not its book. */
  | 'book-mismatch'

/** Something may be missing between two moments: nothing was received, or a number was skipped. */
export interface GapEntry {
  type: 'gap'
  reason: GapReason
  /** '' for the whole connection. */
  scope: string
  /** First and last number missed; null where the exchange doesn't count. */
  firstMissed: number | null
  lastMissed: number | null
  fromNs: bigint
  toNs: bigint
}

export interface ConnectionEntry {
  type: 'connection'
  state: 'connecting' | 'open' | 'subscribed' | 'lost' | 'closed'
  connection: number
  exchange: string
  url: string
  products: string[]
  channels: string[]
  /** Name of the credential, never the secret. */
  authentication: string | null
  /** Why, for `lost` and `closed`. */
  reason: string | null
}

/** A frame of a type that has no typed entry; the exchange's bytes as they came. */
export interface RawEntry {
  type: 'raw'
  channel: string
  text: string
}

/**
 * A frame that is not what the exchange documents, or one update of a frame that the instrument can't hold; at
 * most the first 4096 bytes of its text are kept.
 */
export interface QuarantinedEntry {
  type: 'quarantined'
  reason: string
  bytes: number
  text: string
}

export interface HeartbeatEntry {
  type: 'heartbeat'
  product: string | null
  counter: number
}

export type FeedEntry =
  | FrameEntry
  | FeedTradeEntry
  | FeedTickerEntry
  | BookSnapshotEntry
  | GapEntry
  | ConnectionEntry
  | RawEntry
  | QuarantinedEntry
  | HeartbeatEntry
