/** What a feed client hands out: frames, what may be missing between them, and how the connection is. */
import type { CodedError } from '../../errors/pinnacle-error.js'
import type { GapReason } from '../feed-entry.js'
import type { ParsedFrame } from '../feed-update.js'

/** One text message as it came. */
export interface ReceivedFrame {
  readonly text: string
  /** The same as UTF-8: a view that may be kept, and keeps the received piece that it lies in. */
  readonly bytes: Buffer
  /** Monotonic clock at receipt. */
  readonly receivedMonotonicNs: bigint
  /** Wall clock at receipt, since the Unix epoch. */
  readonly receivedNs: bigint
  /** Counts the client's tries to connect, from 1. */
  readonly connection: number
}

export interface FeedDelivery {
  readonly frame: ReceivedFrame
  readonly parsed: ParsedFrame
}

/** Between two moments something may be missing. */
export interface FeedGap {
  readonly type: 'gap'
  readonly reason: Extract<GapReason, 'disconnected' | 'sequence' | 'overflow'>
  /** What is counted: a product, or '' for all of the connection. */
  readonly scope: string
  /** Null where it is known only that there was time without reception. */
  readonly firstMissed: number | null
  readonly lastMissed: number | null
  readonly connection: number
  /** Wall clock of the last frame before it and of the frame that showed it. */
  readonly fromNs: bigint
  readonly toNs: bigint
}

export type FeedState = 'connecting' | 'open' | 'subscribed' | 'lost' | 'closed'

export interface FeedStateChange {
  readonly type: 'state'
  readonly state: FeedState
  readonly connection: number
  readonly atNs: bigint
  /** Why, for `lost` and `closed`; null where close() was asked for. */
  readonly reason: CodedError | null
  /** Of `lost`: when the next try starts. */
  readonly retryInMs: number | null
  /** Of `closed`: frames that were received and the consumer did not take. */
  readonly undelivered: number
}

export type FeedNotice = FeedGap | FeedStateChange

export interface FeedClientEvents {
  /** At once, also where frames before it still wait for the consumer; `onNotice` has the order. */
  state: [change: FeedStateChange]
  gap: [gap: FeedGap]
  /** Something that the client goes on with: a refused subscription, an audit line that can't be written. */
  problem: [error: CodedError]
}

export interface FeedStats {
  readonly state: FeedState | 'idle'
  /** Tries to connect. */
  readonly connections: number
  /** Connections that were opened, other than the first. */
  readonly reconnects: number
  readonly frames: number
  readonly bytes: number
  readonly delivered: number
  readonly duplicates: number
  readonly outOfOrder: number
  readonly gaps: number
  /** Numbers that gaps left out. */
  readonly missed: number
  /** Frames that are not what the exchange documents, or carry no usable number; they are delivered. */
  readonly malformed: number
  readonly serverErrors: number
  /** Wall clock of the last heartbeat; null before the first. */
  readonly lastHeartbeatNs: bigint | null
  /** Frames, and their bytes, that wait for the consumer. */
  readonly buffered: number
  readonly bufferedBytes: number
  /** How often the socket was paused for the consumer. */
  readonly pauses: number
  /** Frames that were received and not delivered: overflow, a consumer that failed, the close. */
  readonly dropped: number
}

/** Timers and clocks; a test's own may stand for them. */
export interface FeedClock {
  monotonicNs(): bigint
  realtimeNs(): bigint
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(handle: unknown): void
}
