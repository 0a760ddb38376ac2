/** What a feed client is given, checked, with its defaults. */
import type { AuditSink } from '../../audit/event.js'
import { PinnacleRangeError, PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'
import type { FeedAdapter, FeedSubscription, SubscriptionSigner } from '../feed-adapter.js'
import type { BackoffOptions } from './backoff.js'
import { checkBookUrl } from './book-address.js'
import { realClock } from './feed-clock.js'
import type { FeedClock, FeedDelivery, FeedNotice } from './feed-events.js'
import { checkPins } from './key-pins.js'
import {
  checkFeedUrl,
  trustOf,
  type PinMismatch,
  type PinnedConnectionOptions,
  type Roots,
} from './pinned-connection.js'

export interface FeedClientOptions extends FeedSubscription {
  /** An adapter, or what makes one for each connection: an adapter may remember what it subscribed to. */
  readonly adapter: FeedAdapter | (() => FeedAdapter)
  /** The adapter's where none is given. `wss:` only. */
  readonly url?: string
  readonly pins?: PinnedConnectionOptions['pins']
  /** Roots in PEM to trust besides the usual ones. */
  readonly ca?: Roots
  /** Host that books are fetched from, `https:` only; the exchange's where `url` is the exchange's own. */
  readonly bookUrl?: string
  /** Pins of that host; those of the feed are not for it. */
  readonly bookPins?: PinnedConnectionOptions['pins']
  /** Whether to try again after a server's key was none of the pinned. Off: the client closes. */
  readonly retryPinMismatch?: boolean
  /**
   * Takes every new frame, in order, one at a time. A promise is waited for; meanwhile frames wait, and above
   * half of `maxBufferedFrames` the socket is paused. One that throws or rejects closes the client.
   */
  readonly onFrame: (delivery: FeedDelivery) => void | Promise<void>
  /** Gaps and changes of state, in their order among the frames. */
  readonly onNotice?: (notice: FeedNotice) => void | Promise<void>
  readonly signer?: SubscriptionSigner
  /** Where refused keys are recorded, such as an audit trail. */
  readonly audit?: AuditSink
  readonly onPinMismatch?: (mismatch: PinMismatch) => void
  readonly backoff?: BackoffOptions
  /** How long a subscribed connection must live for the next wait to start over. */
  readonly stableAfterMs?: number
  readonly heartbeatTimeoutMs?: number
  readonly connectTimeoutMs?: number
  /** For the exchange to confirm a subscription, and to send a new snapshot. */
  readonly subscribeTimeoutMs?: number
  readonly closeTimeoutMs?: number
  readonly maxMessageBytes?: number
  /** The whole of a request for a book. */
  readonly bookTimeoutMs?: number
  readonly maxBookBytes?: number
  /** Frames whose updates wait for a book. */
  readonly maxHeldFrames?: number
  readonly maxBufferedFrames?: number
  /** The socket is paused while this many bytes wait; as many may wait for books. */
  readonly pauseBytes?: number
  /** Whether to offer permessage-deflate: less traffic, more time for each frame. */
  readonly compression?: boolean
  readonly clock?: FeedClock
  /** Uniform in [0, 1): the jitter of the waits. */
  readonly random?: () => number
}

const mebibyte = 1024 * 1024

const counts = {
  stableAfterMs: { default: 10_000, least: 0, most: 2 ** 31 - 1 },
  heartbeatTimeoutMs: { default: 10_000, least: 10, most: 2 ** 31 - 1 },
  connectTimeoutMs: { default: 10_000, least: 1, most: 2 ** 31 - 1 },
  subscribeTimeoutMs: { default: 10_000, least: 1, most: 2 ** 31 - 1 },
  closeTimeoutMs: { default: 2_000, least: 1, most: 2 ** 31 - 1 },
  maxMessageBytes: { default: 8 * mebibyte, least: 1024, most: 1024 * mebibyte },
  bookTimeoutMs: { default: 30_000, least: 1, most: 2 ** 31 - 1 },
  maxBookBytes: { default: 64 * mebibyte, least: 1024, most: 1024 * mebibyte },
  maxHeldFrames: { default: 65_536, least: 1, most: 2 ** 24 },
  maxBufferedFrames: { default: 8192, least: 1, most: 2 ** 24 },
  pauseBytes: { default: 64 * mebibyte, least: 1, most: 2 ** 40 },
} as const

type Count = keyof typeof counts

export interface ResolvedFeedOptions
  extends
    Omit<FeedClientOptions, 'adapter' | 'url' | 'ca' | 'clock' | Count>,
    Readonly<Record<Count, number>> {
  readonly makeAdapter: () => FeedAdapter
  readonly url: string
  /** Of `ca`. */
  readonly trust: PinnedConnectionOptions['trust']
  readonly clock: FeedClock
}

function checkCount(name: Count, value: number | undefined): number {
  const { default: usual, least, most } = counts[name]
  const number = value ?? usual
  if (Number.isSafeInteger(number) && number >= least && number <= most) return number
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_ARGUMENT',
    `${name} must be an integer from ${String(least)} to ${String(most)}, not ${shown(value)}`,
  )
}

export function resolveFeedOptions(options: FeedClientOptions): ResolvedFeedOptions {
  const { adapter, onFrame } = options
  if (typeof (onFrame as unknown) !== 'function') {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `onFrame must be a function, not ${shown(onFrame)}; it takes the frames`,
    )
  }
  const makeAdapter = typeof adapter === 'function' ? adapter : (): FeedAdapter => adapter
  const { defaultUrl } = makeAdapter()
  const url = checkFeedUrl(options.url ?? defaultUrl).href
  if (options.pins !== undefined) checkPins(options.pins)
  if (options.bookUrl !== undefined) checkBookUrl(options.bookUrl)
  if (options.bookPins !== undefined) checkPins(options.bookPins)
  const numbers = Object.fromEntries(
    (Object.keys(counts) as Count[]).map((name) => [name, checkCount(name, options[name])]),
  ) as Record<Count, number>
  const trust = options.ca === undefined ? undefined : trustOf(options.ca)
  return { ...options, ...numbers, makeAdapter, url, trust, clock: options.clock ?? realClock }
}
