/**
 * One connection's life: the connection with its subscriptions, the books that are fetched for it, and the watchdog
 * of its silence. A client has one at a time.
 */
import type { CodedError } from '../../errors/pinnacle-error.js'
import type { FeedAdapter } from '../feed-adapter.js'
import { bookAddress } from './book-address.js'
import { BookFetcher } from './book-fetcher.js'
import type { ResolvedFeedOptions } from './feed-client-options.js'
import { FeedConnection } from './feed-connection.js'
import type { FeedDelivery } from './feed-events.js'
import { missingNumbers, silence } from './feed-failures.js'
import { FeedSubscriber } from './feed-subscriber.js'
import type { SequenceGap } from './frame-intake.js'
import { HeartbeatWatchdog } from './heartbeat-watchdog.js'
import type { Hole } from './held-book.js'
import type { PinMismatch } from './pinned-connection.js'
import type { SubscriptionSet } from './subscription-set.js'

/** What the client hears of its connection. */
export interface LiveEvents {
  onOpen(): void
  onMessage(bytes: Buffer): void
  /** `reason` is null if the client closed it. */
  onEnd(reason: CodedError | null): void
  onSubscribed(): void
  onProblem(problem: CodedError): void
  onBookProblem(problem: CodedError): void
  /** No address is known to fetch books from. */
  onNoBooks(): void
  /** The stream begins later than the fetched book ends. */
  onHole(scope: string, hole: Hole): void
  onPinMismatch(mismatch: PinMismatch): void
  /** A frame that was held until its book was there. */
  deliver(delivery: FeedDelivery): void
}

interface LiveParts {
  readonly options: ResolvedFeedOptions
  readonly adapter: FeedAdapter
  readonly wanted: SubscriptionSet
  /** Connections are numbered from 1. */
  readonly number: number
  readonly events: LiveEvents
}

export class Live {
  readonly connection: FeedConnection
  readonly subscriber: FeedSubscriber
  readonly books: BookFetcher
  readonly #options: ResolvedFeedOptions
  readonly #wanted: SubscriptionSet
  /** From the opening on. */
  #watchdog: HeartbeatWatchdog | undefined
  #subscribedNs: bigint | undefined

  constructor(parts: LiveParts) {
    const { options, adapter, wanted, events } = parts
    this.#options = options
    this.#wanted = wanted
    this.connection = this.#connect(events)
    const books = (this.books = fetcherOf(parts))
    this.subscriber = new FeedSubscriber({
      adapter,
      wanted,
      sink: this.connection,
      signer: options.signer,
      clock: options.clock,
      subscribeTimeoutMs: options.subscribeTimeoutMs,
      fetchBook: (product) => {
        books.restart(product)
        return books.fetches(product)
      },
      onSubscribed: () => {
        this.#subscribedNs = options.clock.monotonicNs()
        events.onSubscribed()
      },
      onProblem: (problem) => events.onProblem(problem),
    })
  }

  #connect(events: LiveEvents): FeedConnection {
    const options = this.#options
    return new FeedConnection(
      {
        url: options.url,
        ...(options.pins === undefined ? {} : { pins: options.pins }),
        ...(options.trust === undefined ? {} : { trust: options.trust }),
        connectTimeoutMs: options.connectTimeoutMs,
        maxMessageBytes: options.maxMessageBytes,
        compression: options.compression ?? false,
        onPinMismatch: (mismatch) => events.onPinMismatch(mismatch),
      },
      {
        onOpen: () => events.onOpen(),
        onMessage: (bytes) => events.onMessage(bytes),
        onAlive: () => this.#watchdog?.answered(options.clock.monotonicNs()),
        onEnd: (reason) => events.onEnd(reason),
      },
    )
  }

  /** How long everything has been subscribed to; undefined: it was not yet. */
  subscribedForNs(): bigint | undefined {
    if (this.#subscribedNs === undefined) return undefined
    return this.#options.clock.monotonicNs() - this.#subscribedNs
  }

  /** From here on silence ends the connection. */
  watch(): void {
    const { clock, heartbeatTimeoutMs: timeoutMs } = this.#options
    this.#watchdog = new HeartbeatWatchdog({
      clock,
      timeoutMs,
      onQuiet: () => this.connection.ping(),
      onTimeout: (silentMs) => {
        this.connection.fail(silence(silentMs, timeoutMs))
      },
    })
  }

  /** A message was received. */
  seen(monotonicNs: bigint): void {
    this.#watchdog?.seen(monotonicNs)
  }

  /** A heartbeat of the exchange was received. */
  beat(): void {
    this.#watchdog?.beat()
  }

  unwatch(): void {
    this.#watchdog?.stop()
  }

  /** Stops reading until `resume`; meanwhile, silence does not count as a failure. */
  pause(): void {
    this.connection.pause()
    this.#watchdog?.suspend()
  }

  resume(): void {
    this.connection.resume()
    this.#watchdog?.resume()
  }

  /** A product's gap is mended by its snapshot; the connection's by a new connection. */
  mend(gap: SequenceGap): void {
    const { scope, atStart } = gap
    if (atStart || this.books.fetches(scope)) return // is under way
    if (this.#wanted.wantsProduct(scope)) this.subscriber.resync(scope)
    else this.connection.fail(missingNumbers(gap))
  }
}

function fetcherOf({ options: all, adapter, wanted, number, events }: LiveParts): BookFetcher {
  const { trust, bookPins, bookTimeoutMs, maxBookBytes, pauseBytes, ...options } = all
  return new BookFetcher({
    adapter,
    wanted,
    connection: number,
    addressOf: (named) => {
      const address = bookAddress(named, options, adapter.defaultUrl)
      if (!address) events.onNoBooks()
      return address
    },
    request: {
      ...(bookPins === undefined ? {} : { pins: bookPins }),
      ...(trust === undefined ? {} : { trust }),
      timeoutMs: bookTimeoutMs,
      maxBytes: maxBookBytes,
      onPinMismatch: (mismatch) => events.onPinMismatch(mismatch),
    },
    backoff: options.backoff,
    random: options.random,
    stableAfterMs: options.stableAfterMs,
    maxHeldFrames: options.maxHeldFrames,
    maxHeldBytes: pauseBytes,
    clock: options.clock,
    deliver: (delivery) => events.deliver(delivery),
    onGap: (scope, hole) => events.onHole(scope, hole),
    onProblem: (problem) => events.onBookProblem(problem),
  })
}
