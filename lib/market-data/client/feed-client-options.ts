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

/** Options of a FeedClient. A number out of range is ERR_PINNACLE_INVALID_ARGUMENT. */
export interface FeedClientOptions extends FeedSubscription {
  /** An adapter, or a factory that makes one per connection: an adapter may remember its subscriptions. */
  readonly adapter: FeedAdapter | (() => FeedAdapter)
  /** Default: the adapter's. `wss:` only. */
  readonly url?: string
  /**
   * Public keys of which the server's chain must have one: base64 of SHA-256 (see pinOf). Default: any that the
   * certificate authorities vouch for.
   */
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
  /** Signs the subscriptions of authenticated channels. */
  readonly signer?: SubscriptionSigner
  /** Records refused keys, for example in an audit trail. */
  readonly audit?: AuditSink
  /** Called with the keys of a server that matched no pin. */
  readonly onPinMismatch?: (mismatch: PinMismatch) => void
  /** Waits between tries to connect. */
  readonly backoff?: BackoffOptions
  /** A subscribed connection of this age lets the waits start over; 0 to 2^31 - 1. Default: 10,000. */
  readonly stableAfterMs?: number
  /** Silence that ends a connection; 10 to 2^31 - 1. Default: 10,000. */
  readonly heartbeatTimeoutMs?: number
  /** For connection and TLS, and again for the WebSocket's handshake; 1 to 2^31 - 1. Default: 10,000. */
  readonly connectTimeoutMs?: number
  /**
   * For the exchange to confirm a subscription, and to send a new snapshot; 1 to 2^31 - 1. Default: 10,000.
   */
  readonly subscribeTimeoutMs?: number
  /** For the answer to the close frame, and again for the consumer; 1 to 2^31 - 1. Default: 2,000. */
  readonly closeTimeoutMs?: number
  /** A larger message ends the connection; 1 KiB to 1 GiB. Default: 8 MiB. */
  readonly maxMessageBytes?: number
  /** For a whole request for a book; 1 to 2^31 - 1. Default: 30,000. */
  readonly bookTimeoutMs?: number
  /** A larger book is refused; 1 KiB to 1 GiB. Default: 64 MiB. */
  readonly maxBookBytes?: number
  /** Frames whose updates may wait for a book; 1 to 2^24. Default: 65,536. */
  readonly maxHeldFrames?: number
  /** Frames that may wait for the consumer; 1 to 2^24. Default: 8,192. */
  readonly maxBufferedFrames?: number
  /**
   * The socket is paused while this many bytes wait; as many may wait for books. 1 to 2^40. Default: 64 MiB.
   */
  readonly pauseBytes?: number
  /** Whether to offer permessage-deflate: less traffic, more time per frame. Default: false. */
  readonly compression?: boolean
  /** Timers and clocks; for tests. */
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
