/** Options of a feed client, checked, with their defaults. */
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
  /** An adapter, or a factory that makes one per connection: an adapter may remember its subscriptions. */
  readonly adapter: FeedAdapter | (() => FeedAdapter)
  /** Default: the adapter's. `wss:` only. */
  readonly url?: string
  readonly pins?: PinnedConnectionOptions['pins']
  /** Additional trusted roots in PEM. */
  readonly ca?: Roots
  /** Host to fetch books from, `https:` only. Default: the exchange's, if `url` is the exchange's own. */
  readonly bookUrl?: string
  /** Pins of that host; the feed's pins do not apply to it. */
  readonly bookPins?: PinnedConnectionOptions['pins']
  /** Whether to retry after a server's key matched no pin. Off: the client closes. */
  readonly retryPinMismatch?: boolean
  /**
   * Receives every new frame, in order, one at a time. The client waits for a returned promise; meanwhile
   * frames wait, and above half of `maxBufferedFrames` the socket is paused. If it throws or rejects, the
   * client closes.
   */
  readonly onFrame: (delivery: FeedDelivery) => void | Promise<void>
  /** Gaps and changes of state, in order among the frames. */
  readonly onNotice?: (notice: FeedNotice) => void | Promise<void>
  readonly signer?: SubscriptionSigner
  /** Records refused keys, for example in an audit trail. */
  readonly audit?: AuditSink
  readonly onPinMismatch?: (mismatch: PinMismatch) => void
  readonly backoff?: BackoffOptions
  /** A subscribed connection must live this long to reset the backoff. */
  readonly stableAfterMs?: number
  readonly heartbeatTimeoutMs?: number
  readonly connectTimeoutMs?: number
  /** Time for the exchange to confirm a subscription, and to send a new snapshot. */
  readonly subscribeTimeoutMs?: number
  readonly closeTimeoutMs?: number
  readonly maxMessageBytes?: number
  /** Time for a whole request for a book. */
  readonly bookTimeoutMs?: number
  readonly maxBookBytes?: number
  /** Frames whose updates wait for a book. */
  readonly maxHeldFrames?: number
  readonly maxBufferedFrames?: number
  /** The socket is paused while this many bytes wait; as many may wait for books. */
  readonly pauseBytes?: number
  /** Whether to offer permessage-deflate: less traffic, more time per frame. */
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
  /** Built from `ca`. */
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
      `onFrame must be a function, not ${shown(onFrame)}; it receives the frames`,
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
