/** What a feed client delivers: frames, the gaps between them, and the connection's state. */
import type { CodedError } from '../../errors/pinnacle-error.js'
import type { GapReason } from '../feed-entry.js'
import type { ParsedFrame } from '../feed-update.js'

/** One text message as received. */
export interface ReceivedFrame {
  /** The message. */
  readonly text: string
  /** The same as UTF-8. This view may be kept; it keeps the received chunk alive. */
  readonly bytes: Buffer
  /** Monotonic clock at receipt, in ns. */
  readonly receivedMonotonicNs: bigint
  /** Wall clock at receipt: ns since 1970-01-01 UTC. */
  readonly receivedNs: bigint
  /** Counts connection attempts, from 1. */
  readonly connection: number
}

/** A frame and what the adapter made of it. */
export interface FeedDelivery {
  /** As received. */
  readonly frame: ReceivedFrame
  /** As the adapter understands it. */
  readonly parsed: ParsedFrame
}

/** Something may be missing between two moments. */
export interface FeedGap {
  /** Tells the notices apart. */
  readonly type: 'gap'
  /** Why something may be missing. */
  readonly reason: Extract<GapReason, 'disconnected' | 'sequence' | 'overflow'>
  /** The counted scope: a product, or '' for the whole connection. */
  readonly scope: string
  /** First number that is missing; null if only a time without reception is known. */
  readonly firstMissed: number | null
  /** Last number that is missing; null as `firstMissed`. */
  readonly lastMissed: number | null
  /** Number of the connection, from 1. */
  readonly connection: number
  /** Wall clock of the last frame before the gap: ns since 1970-01-01 UTC. */
  readonly fromNs: bigint
  /** Wall clock of the frame that revealed it: ns since 1970-01-01 UTC. */
  readonly toNs: bigint
}

/**
 * The state of a connection: connecting, open, subscribed (the exchange has confirmed everything), lost (a new
 * try follows), closed (for good).
 */
export type FeedState = 'connecting' | 'open' | 'subscribed' | 'lost' | 'closed'

/** A change of the connection's state. */
export interface FeedStateChange {
  /** Tells the notices apart. */
  readonly type: 'state'
  /** The new state. */
  readonly state: FeedState
  /** Number of the connection, from 1. */
  readonly connection: number
  /** Wall clock: ns since 1970-01-01 UTC. */
  readonly atNs: bigint
  /** Reason for `lost` and `closed`; null if close() was called. */
  readonly reason: CodedError | null
  /** For `lost`: milliseconds until the next try. */
  readonly retryInMs: number | null
  /** For `closed`: received frames that the consumer did not take. */
  readonly undelivered: number
}

/** What comes among the frames: a gap, or a change of state. */
export type FeedNotice = FeedGap | FeedStateChange

/** Events of a FeedClient, with their arguments. */
export interface FeedClientEvents {
  /** Emitted at once, even if earlier frames still wait for the consumer; `onNotice` keeps the order. */
  state: [change: FeedStateChange]
  /** Something may be missing. Emitted at once, as `state`. */
  gap: [gap: FeedGap]
  /** A problem that does not stop the client: a refused subscription, an audit line that can't be written. */
  problem: [error: CodedError]
}

/** Counters of a FeedClient. */
export interface FeedStats {
  /** The state of the connection. */
  readonly state: FeedState | 'idle'
  /** Connection attempts. */
  readonly connections: number
  /** Connections opened after the first. */
  readonly reconnects: number
  /** Frames received. */
  readonly frames: number
  /** Bytes of these. */
  readonly bytes: number
  /** Frames that the consumer took. */
  readonly delivered: number
  /** Frames that had been seen before; they are not delivered. */
  readonly duplicates: number
  /** Frames whose numbers had been reported missing; they are not delivered. */
  readonly outOfOrder: number
  /** Gaps that were reported. */
  readonly gaps: number
  /** Numbers missing in gaps. */
  readonly missed: number
  /** Frames that violate the exchange's documentation, or carry no usable number; they are delivered. */
  readonly malformed: number
  /** Requests that the exchange refused. */
  readonly serverErrors: number
  /** Wall clock of the last heartbeat; null before the first. */
  readonly lastHeartbeatNs: bigint | null
  /** Frames that wait for the consumer. */
  readonly buffered: number
  /** Bytes of these. */
  readonly bufferedBytes: number
  /** Number of times the consumer paused the socket. */
  readonly pauses: number
  /** Received frames that were not delivered: overflow, a failed consumer, the close. */
  readonly dropped: number
}

/** Timers and clocks; a test can replace them. */
export interface FeedClock {
  /** A clock that never steps, in ns. */
  monotonicNs(): bigint
  /** The wall clock: ns since 1970-01-01 UTC. */
  realtimeNs(): bigint
  /** As the global setTimeout; the handle is for clearTimeout. */
  setTimeout(callback: () => void, ms: number): unknown
  /** As the global clearTimeout. */
  clearTimeout(handle: unknown): void
}
