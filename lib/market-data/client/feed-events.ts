/** What a feed client delivers: frames, the gaps between them, and the connection's state. */
import type { CodedError } from '../../errors/pinnacle-error.js'
import type { GapReason } from '../feed-entry.js'
import type { ParsedFrame } from '../feed-update.js'

/** One text message as received. */
export interface ReceivedFrame {
  readonly text: string
  /** The same as UTF-8. This view may be kept; it keeps the received chunk alive. */
  readonly bytes: Buffer
  /** Monotonic clock at receipt. */
  readonly receivedMonotonicNs: bigint
  /** Wall clock at receipt, since the Unix epoch. */
  readonly receivedNs: bigint
  /** Counts connection attempts, from 1. */
  readonly connection: number
}

export interface FeedDelivery {
  readonly frame: ReceivedFrame
  readonly parsed: ParsedFrame
}

/** Something may be missing between two moments. */
export interface FeedGap {
  readonly type: 'gap'
  readonly reason: Extract<GapReason, 'disconnected' | 'sequence' | 'overflow'>
  /** The counted scope: a product, or '' for the whole connection. */
  readonly scope: string
  /** Null if only a time without reception is known. */
  readonly firstMissed: number | null
  readonly lastMissed: number | null
  readonly connection: number
  /** Wall clock of the last frame before the gap and of the frame that revealed it. */
  readonly fromNs: bigint
  readonly toNs: bigint
}

export type FeedState = 'connecting' | 'open' | 'subscribed' | 'lost' | 'closed'

export interface FeedStateChange {
  readonly type: 'state'
  readonly state: FeedState
  readonly connection: number
  readonly atNs: bigint
  /** Reason for `lost` and `closed`; null if close() was called. */
  readonly reason: CodedError | null
  /** For `lost`: time until the next try. */
  readonly retryInMs: number | null
  /** For `closed`: received frames that the consumer did not take. */
  readonly undelivered: number
}

export type FeedNotice = FeedGap | FeedStateChange

export interface FeedClientEvents {
  /** Emitted at once, even if earlier frames still wait for the consumer; `onNotice` keeps the order. */
  state: [change: FeedStateChange]
  gap: [gap: FeedGap]
  /** A problem that does not stop the client: a refused subscription, an audit line that can't be written. */
  problem: [error: CodedError]
}

export interface FeedStats {
  readonly state: FeedState | 'idle'
  /** Connection attempts. */
  readonly connections: number
  /** Connections opened after the first. */
  readonly reconnects: number
  readonly frames: number
  readonly bytes: number
  readonly delivered: number
  readonly duplicates: number
  readonly outOfOrder: number
  readonly gaps: number
  /** Numbers missing in gaps. */
  readonly missed: number
  /** Frames that violate the exchange's documentation, or carry no usable number; they are delivered. */
  readonly malformed: number
  readonly serverErrors: number
  /** Wall clock of the last heartbeat; null before the first. */
  readonly lastHeartbeatNs: bigint | null
  /** Frames, and their bytes, that wait for the consumer. */
  readonly buffered: number
  readonly bufferedBytes: number
  /** Number of times the consumer paused the socket. */
  readonly pauses: number
  /** Received frames that were not delivered: overflow, a failed consumer, the close. */
  readonly dropped: number
}

/** Timers and clocks; a test can replace them. */
export interface FeedClock {
  monotonicNs(): bigint
  realtimeNs(): bigint
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(handle: unknown): void
}
