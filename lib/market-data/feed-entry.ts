/**
 * Feed events as the journal stores them. Level changes are not here: they are the book's own entries
 * (`setLevel`, `clear`; `add`, `reduce`, `cancel`, `execute` for order books). Every received frame is
 * journaled as one `frame` entry, followed at once by the `entries` entries of its content. So a reader knows
 * when each frame was received, and sees a frame that a kill cut in two.
 *
 * The entry's own timestamp is the exchange's time. It is the local wall clock if the exchange gives none,
 * and for `frame`, `gap`, `connection`, `raw` and `quarantined`. Prices are ticks and sizes lots of the
 * entry's instrument. docs/format.md describes the bytes.
 */
import type { Side } from '../book/side.js'

export interface FrameEntry {
  type: 'frame'
  /** Counts the connections of this data directory, from 1. */
  connection: number
  /** Local monotonic clock at receipt, nanoseconds. */
  receivedMonotonicNs: bigint
  /** Number of following entries that belong to this frame. */
  entries: number
  channel: string
  /** Scopes and last numbers of the frame; empty if the exchange doesn't count. */
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
  /** Decimal text of the exchange; a day's volume may exceed what lots can hold. */
  volume: string | null
}

/** Announces a `clear` and `levels` level entries after it; for an order book, as many added orders. */
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
  /** Part of a frame could not be kept. */
  | 'malformed'
  /** The book does not match the exchange's checksum. */
  | 'book-mismatch'

/** Something may be missing between two moments: nothing was received, or a number was skipped. */
export interface GapEntry {
  type: 'gap'
  reason: GapReason
  /** '' for the whole connection. */
  scope: string
  /** First and last missed number; null if the exchange doesn't count. */
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
  /** Reason for `lost` and `closed`. */
  reason: string | null
}

/** A frame of a type without a typed entry; the exchange's bytes as received. */
export interface RawEntry {
  type: 'raw'
  channel: string
  text: string
}

/**
 * A frame that violates the exchange's documentation, or one update that the instrument can't hold; at most
 * the first 4096 bytes of its text are kept.
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
