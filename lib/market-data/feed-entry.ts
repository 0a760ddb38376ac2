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

/** A received frame; the `entries` entries after it are its content. */
export interface FrameEntry {
  /** Tells the entries apart. */
  type: 'frame'
  /** Counts the connections of this data directory, from 1. */
  connection: number
  /** Local monotonic clock at receipt, nanoseconds. */
  receivedMonotonicNs: bigint
  /** Number of following entries that belong to this frame. */
  entries: number
  /** The exchange's channel. */
  channel: string
  /** Scopes and last numbers of the frame; empty if the exchange doesn't count. */
  sequences: FrameSequence[]
}

/** How far the exchange's numbers of a scope are with a frame. */
export interface FrameSequence {
  /** A product, or '' for the whole connection. */
  scope: string
  /** Last number that the frame covers. */
  last: number
}

/** A trade of the exchange. */
export interface FeedTradeEntry {
  /** Tells the entries apart. */
  type: 'trade'
  /** The exchange's id. */
  tradeId: string
  /** The aggressor's: 0 bought, 1 sold. */
  side: Side
  /** Ticks. */
  price: number
  /** Lots. */
  quantity: number
}

/** The last trade and the best prices. */
export interface FeedTickerEntry {
  /** Tells the entries apart. */
  type: 'ticker'
  /** Ticks of the last trade. */
  price: number
  /** Ticks; null: not given. */
  bidPrice: number | null
  /** Lots; null: not given. */
  bidQuantity: number | null
  /** Ticks; null: not given. */
  askPrice: number | null
  /** Lots; null: not given. */
  askQuantity: number | null
  /** Decimal text of the exchange, since a day's volume may exceed what lots can hold; null: not given. */
  volume: string | null
}

/** Announces a whole book: a `clear` and `levels` level entries after it, or as many added orders. */
export interface BookSnapshotEntry {
  /** Tells the entries apart. */
  type: 'book-snapshot'
  /** Number of these entries. */
  levels: number
  /** The exchange's number that the book reaches; null: it has none. */
  sequence: number | null
}

/**
 * Why something may be missing: the connection was lost, a number was skipped, there was no room for a frame,
 * the process had ended, a part of a frame could not be kept, or a book does not match the exchange's checksum.
 */
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
  /** Tells the entries apart. */
  type: 'gap'
  /** Why something may be missing. */
  reason: GapReason
  /** The product; '' for the whole connection. */
  scope: string
  /** First missed number; null if the exchange doesn't count. */
  firstMissed: number | null
  /** Last missed number; null as `firstMissed`. */
  lastMissed: number | null
  /** Wall clock before the gap: ns since 1970-01-01 UTC. */
  fromNs: bigint
  /** Wall clock after it: ns since 1970-01-01 UTC. */
  toNs: bigint
}

/** A change of a connection's state, with what it is a connection to. */
export interface ConnectionEntry {
  /** Tells the entries apart. */
  type: 'connection'
  /** The new state. */
  state: 'connecting' | 'open' | 'subscribed' | 'lost' | 'closed'
  /** Counts the connections of this data directory, from 1. */
  connection: number
  /** Name of the adapter. */
  exchange: string
  /** Address of the exchange. */
  url: string
  /** Products that are subscribed to. */
  products: string[]
  /** Channels that are subscribed to. */
  channels: string[]
  /** Name of the credential, never the secret; null: none. */
  authentication: string | null
  /** Code and message for `lost` and `closed`; null: none. */
  reason: string | null
}

/** A frame of a type without a typed entry; the exchange's bytes as received. */
export interface RawEntry {
  /** Tells the entries apart. */
  type: 'raw'
  /** The exchange's channel. */
  channel: string
  /** The frame as received. */
  text: string
}

/**
 * A frame that violates the exchange's documentation, or one update that the instrument can't hold; at most
 * the first 4096 bytes of its text are kept.
 */
export interface QuarantinedEntry {
  /** Tells the entries apart. */
  type: 'quarantined'
  /** What is wrong with it. */
  reason: string
  /** Bytes of the whole text. */
  bytes: number
  /** Its first 4,096 bytes at most. */
  text: string
}

/** A heartbeat of the exchange. */
export interface HeartbeatEntry {
  /** Tells the entries apart. */
  type: 'heartbeat'
  /** The product; null: the whole connection. */
  product: string | null
  /** The exchange's count. */
  counter: number
}

/** What a feed's user entry holds; `type` tells which. */
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
