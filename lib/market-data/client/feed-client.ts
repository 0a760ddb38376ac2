/**
 * Reads one exchange's feed: connects (pinned-connection), subscribes, fetches the books that are not in the
 * stream (book-fetcher), detects silence and missing numbers, reconnects after a loss, and delivers every new
 * frame, in order and once.
 *
 * Invariants: a frame whose numbers were all seen is counted and not delivered; if data may be missing, a gap
 * precedes the next frame; an undelivered frame is counted in `dropped` and reported, except for updates that
 * a fetched book contains; there is one connection at a time; nothing is delivered after `closed`.
 */
import { EventEmitter } from 'node:events'
import { PinnacleError, type CodedError } from '../../errors/pinnacle-error.js'
import type { FeedAdapter, FeedSubscription } from '../feed-adapter.js'
import type { ParsedFrame } from '../feed-update.js'
import { Backoff } from './backoff.js'
import { DeliveryQueue } from './delivery-queue.js'
import { FeedCode, feedError } from './errors.js'
import {
  resolveFeedOptions,
  type FeedClientOptions,
  type ResolvedFeedOptions,
} from './feed-client-options.js'
import { consumerFailure, noBooks, overflow, refusedByServer } from './feed-failures.js'
import type {
  FeedClientEvents,
  FeedDelivery,
  FeedGap,
  FeedNotice,
  FeedState,
  FeedStateChange,
  FeedStats,
} from './feed-events.js'
import { FrameIntake } from './frame-intake.js'
import type { Hole } from './held-book.js'
import { Live } from './live.js'
import type { PinMismatch } from './pinned-connection.js'
import { SubscriptionSet } from './subscription-set.js'

const nsPerMs = 1_000_000n

/** Products whose book does not match the exchange's checksum. */
function refutedBooks(parsed: ParsedFrame): string[] {
  if (parsed.kind !== 'updates') return []
  return parsed.updates.flatMap((update) =>
    update.type === 'book-mismatch' ? [update.product] : [],
  )
}

/**
 * Reads one exchange's feed over TLS: connects, subscribes, notices silence and missing numbers, reconnects
 * after a loss, and delivers every new frame in order and once. A gap precedes the frame before which something
 * may be missing.
 */
export class FeedClient extends EventEmitter<FeedClientEvents> implements AsyncDisposable {
  readonly #options: ResolvedFeedOptions
  readonly #wanted: SubscriptionSet
  readonly #queue: DeliveryQueue<FeedDelivery | FeedNotice>
  readonly #backoff: Backoff
  readonly #intake: FrameIntake
  #state: FeedState | 'idle' = 'idle'
  #live: Live | undefined
  #connections = 0
  #opened = 0
  #pauses = 0
  #dropped = 0
  #serverErrors = 0
  #lastHeartbeatNs: bigint | null = null
  #lastFrameNs: bigint | null = null
  /** The gap that precedes the next connection's first frame. */
  #gapAhead: 'disconnected' | 'overflow' | undefined
  #retryTimer: unknown = undefined
  #retryWaits = false
  #toldNoBooks = false
  #closed: Promise<void> | undefined

  /** Checks all options; `start` connects. */
  constructor(options: FeedClientOptions) {
    super()
    this.#options = resolveFeedOptions(options)
    const adapter = this.#options.makeAdapter()
    const { products, channels } = this.#options
    this.#wanted = new SubscriptionSet(adapter.impliedChannels)
    this.#check(adapter, { products, channels })
    this.#wanted.add({ products, channels })
    this.#backoff = new Backoff(this.#options.backoff, this.#options.random)
    this.#intake = new FrameIntake(adapter)
    this.#queue = new DeliveryQueue({
      deliver: (item) => this.#deliver(item),
      maxFrames: this.#options.maxBufferedFrames,
      pauseBytes: this.#options.pauseBytes,
      onPressure: (paused) => this.#onPressure(paused),
      onFailure: (error, left) => this.#onConsumerFailure(error, left),
    })
  }

  /** The state of the connection; 'idle' before start(). */
  get state(): FeedState | 'idle' {
    return this.#state
  }

  /** Products that are subscribed to, or will be. */
  get products(): string[] {
    return this.#wanted.products
  }

  /** Channels that are subscribed to, or will be, with those that the exchange demands. */
  get channels(): string[] {
    return this.#wanted.channels
  }

  /** Address of the exchange. */
  get url(): string {
    return this.#options.url
  }

  /** Counters since start(). */
  stats(): FeedStats {
    const { frames, bytes, duplicates, outOfOrder, gaps, missed, malformed } = this.#intake.counts
    return {
      state: this.#state,
      connections: this.#connections,
      reconnects: Math.max(0, this.#opened - 1),
      frames,
      bytes,
      delivered: this.#queue.delivered,
      duplicates,
      outOfOrder,
      gaps,
      missed,
      malformed,
      serverErrors: this.#serverErrors,
      lastHeartbeatNs: this.#lastHeartbeatNs,
      buffered: this.#queue.frames,
      bufferedBytes: this.#queue.bytes,
      pauses: this.#pauses,
      dropped: this.#dropped,
    }
  }

  /** Connects, and keeps the feed running until `close`. */
  start(): void {
    this.#requireLive()
    if (this.#state !== 'idle') {
      throw new PinnacleError('ERR_PINNACLE_BUSY', 'the feed client was started before')
    }
    this.#connect()
  }

  /** Adds a subscription: at once if connected, else with the next connection. */
  async subscribe(subscription: FeedSubscription): Promise<void> {
    this.#requireLive()
    this.#check(this.#options.makeAdapter(), subscription)
    const added = this.#wanted.add(subscription)
    const live = this.#live
    live?.books.update()
    if (!live?.connection.isOpen) return
    live.subscriber.expect(subscription.products)
    await live.subscriber.request('subscribe', added)
  }

  /** Removes a subscription. */
  async unsubscribe(subscription: FeedSubscription): Promise<void> {
    this.#requireLive()
    const removed = this.#wanted.remove(subscription)
    const live = this.#live
    live?.books.update()
    if (live?.connection.isOpen) await live.subscriber.request('unsubscribe', removed)
    for (const product of subscription.products) {
      if (!this.#wanted.wantsProduct(product)) this.#intake.forget(product)
    }
  }

  /** For a consumer that finds a book wrong: gets the product's snapshot, or all with a new connection. */
  resync(product?: string): void {
    this.#requireLive()
    const live = this.#live
    if (!live?.connection.isOpen) return
    if (product !== undefined && this.#wanted.wantsProduct(product)) {
      live.subscriber.resync(product)
    } else {
      live.connection.fail(feedError(FeedCode.Gap, 'new snapshots of everything were asked for'))
    }
  }

  /**
   * Unsubscribes, closes the connection, and waits for the consumer to take what was received, each for at
   * most `closeTimeoutMs`. The client can't be started again.
   */
  close(): Promise<void> {
    return (this.#closed ??= this.#shut(null))
  }

  /** As close(), for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #requireLive(): void {
    if (this.#closed) {
      throw new PinnacleError('ERR_PINNACLE_CLOSED', 'the feed client is closed; make a new one')
    }
  }

  /** Throws if the exchange has no such subscription, or if it can't be signed. */
  #check(adapter: FeedAdapter, subscription: FeedSubscription): void {
    const channels = [...new Set([...adapter.impliedChannels, ...subscription.channels])]
    adapter.subscribe({ products: subscription.products, channels })
    const signed = channels.filter((channel) => adapter.authenticatedChannels.includes(channel))
    if (signed.length > 0 && !this.#options.signer) {
      throw feedError(
        FeedCode.Signing,
        `${adapter.name} wants a signature for ${signed.join(', ')}; give a signer, or leave it out`,
      )
    }
  }

  #connect(): void {
    const options = this.#options
    const adapter = options.makeAdapter()
    const number = ++this.#connections
    this.#change('connecting', null)
    if (this.#closed) return // a listener may close the client
    this.#intake.startConnection(adapter)
    const live: Live = new Live({
      options,
      adapter,
      wanted: this.#wanted,
      number,
      events: {
        onOpen: () => this.#onOpen(live),
        onMessage: (bytes) => this.#onMessage(live, number, bytes),
        onEnd: (reason) => this.#onEnd(live, reason),
        onSubscribed: () => this.#change('subscribed', null),
        onProblem: (problem) => this.emit('problem', problem),
        onBookProblem: (problem) => this.#onBookProblem(problem),
        onNoBooks: () => this.#tellNoBooks(adapter),
        onHole: (scope, hole) => this.#onHole(number, scope, hole),
        onPinMismatch: (mismatch) => this.#onPinMismatch(mismatch),
        deliver: (delivery) => this.#queue.pushHeld(delivery, delivery.frame.bytes.length),
      },
    })
    this.#live = live
  }

  /** Reported once: without fetched books, the books would silently hold only what changed. */
  #tellNoBooks({ name }: FeedAdapter): void {
    if (this.#toldNoBooks) return
    this.#toldNoBooks = true
    this.emit('problem', noBooks(this.#options.url, name))
  }

  /** The stream begins after the end of the fetched book. */
  #onHole(connection: number, scope: string, { firstMissed, lastMissed }: Hole): void {
    const { counts } = this.#intake
    ++counts.gaps
    counts.missed += lastMissed - firstMissed + 1
    const toNs = this.#options.clock.realtimeNs()
    const fromNs = this.#lastFrameNs ?? toNs
    const reason = 'sequence'
    this.#tellGap({ type: 'gap', connection, reason, scope, firstMissed, lastMissed, fromNs, toNs })
  }

  #onBookProblem(problem: CodedError): void {
    if (problem.code === FeedCode.PinMismatch && this.#options.retryPinMismatch !== true) {
      this.#closed ??= this.#shut(problem)
    } else {
      this.emit('problem', problem)
    }
  }

  #onOpen(live: Live): void {
    ++this.#opened
    live.watch()
    if (this.#queue.paused) live.pause()
    this.#change('open', null)
    live.subscriber.start()
  }

  #onMessage(live: Live, connection: number, bytes: Buffer): void {
    const { clock } = this.#options
    const receivedMonotonicNs = clock.monotonicNs()
    const receivedNs = clock.realtimeNs()
    live.seen(receivedMonotonicNs)
    const text = bytes.toString('utf8') // ws has checked that it is UTF-8
    const { parsed, isNew, gaps } = this.#intake.take(text, bytes.length)

    const fromNs = this.#lastFrameNs ?? receivedNs
    const told = { type: 'gap', connection, fromNs, toNs: receivedNs } as const
    const ahead = this.#gapAhead
    if (ahead) {
      this.#gapAhead = undefined
      this.#tellGap({ ...told, reason: ahead, scope: '', firstMissed: null, lastMissed: null })
    }
    for (const { scope, firstMissed, lastMissed } of gaps) {
      this.#tellGap({ ...told, reason: 'sequence', scope, firstMissed, lastMissed })
    }
    const refuted = refutedBooks(parsed)
    for (const scope of refuted) {
      this.#tellGap({ ...told, reason: 'sequence', scope, firstMissed: null, lastMissed: null })
    }
    if (isNew) {
      // Before its own frame, whose updates belong to the next book.
      for (const { scope, lastMissed } of gaps) live.books.restart(scope, lastMissed + 1)
      const frame = { text, bytes, receivedMonotonicNs, receivedNs, connection }
      const delivery = live.books.take({ frame, parsed })
      if (delivery && !this.#queue.pushFrame(delivery, bytes.length)) {
        this.#overflow(live)
        return
      }
    }
    this.#lastFrameNs = receivedNs
    if (parsed.kind === 'updates') this.#react(live, parsed, receivedNs)
    for (const gap of gaps) live.mend(gap)
    for (const product of refuted) live.subscriber.resync(product)
  }

  #react(live: Live, parsed: Extract<ParsedFrame, { kind: 'updates' }>, receivedNs: bigint): void {
    for (const update of parsed.updates) {
      if (update.type === 'heartbeat') {
        this.#lastHeartbeatNs = receivedNs
        live.beat()
      } else if (update.type === 'server-error') {
        ++this.#serverErrors
        this.emit('problem', refusedByServer(update))
      }
    }
    live.subscriber.see(parsed.updates)
  }

  #overflow(live: Live): void {
    if (this.#closed) return
    ++this.#dropped
    this.#gapAhead = 'overflow'
    live.connection.fail(overflow(this.#options.maxBufferedFrames))
  }

  #onEnd(live: Live, reason: CodedError | null): void {
    live.unwatch()
    live.subscriber.stop()
    const held = live.books.stop()
    this.#dropped += held.frames
    if (held.sinceNs !== null && this.#lastFrameNs !== null && held.sinceNs < this.#lastFrameNs) {
      this.#lastFrameNs = held.sinceNs // the reported gap includes them
    }
    this.#live = undefined
    if (this.#closed || !reason) return
    const { clock, stableAfterMs, retryPinMismatch } = this.#options
    if (this.#lastFrameNs !== null) this.#gapAhead ??= 'disconnected'
    if (reason.code === FeedCode.PinMismatch && retryPinMismatch !== true) {
      this.#closed = this.#shut(reason)
      return
    }
    const subscribedNs = live.subscribedForNs()
    if (subscribedNs !== undefined && subscribedNs >= BigInt(stableAfterMs) * nsPerMs) {
      this.#backoff.reset()
    }
    const retryInMs = this.#backoff.nextMs()
    this.#retryTimer = clock.setTimeout(() => this.#retry(), retryInMs)
    this.#change('lost', reason, { retryInMs })
  }

  #retry(): void {
    // New frames would find no room; the client continues once the consumer has caught up.
    this.#retryWaits = this.#queue.paused
    if (!this.#retryWaits && !this.#closed) this.#connect()
  }

  #onPressure(paused: boolean): void {
    const live = this.#live
    if (paused) {
      ++this.#pauses
      live?.pause()
      return
    }
    live?.resume()
    if (this.#retryWaits) this.#retry()
  }

  #onPinMismatch(mismatch: PinMismatch): void {
    const { audit, onPinMismatch } = this.#options
    const recorded = audit?.record({
      action: 'feed.pin-mismatch',
      target: mismatch.host,
      outcome: 'refused',
      code: FeedCode.PinMismatch,
      detail: {
        pinsExpected: mismatch.pinsExpected.join(' '),
        pinsSeen: mismatch.pinsSeen.join(' '),
      },
    })
    recorded?.catch((error: unknown) => this.emit('problem', error as CodedError))
    onPinMismatch?.(mismatch)
  }

  #onConsumerFailure(cause: unknown, left: number): void {
    this.#dropped += left
    const reason = consumerFailure(cause, left)
    this.#closed ??= this.#shut(reason, left)
  }

  #deliver(item: FeedDelivery | FeedNotice): void | Promise<void> {
    return 'frame' in item ? this.#options.onFrame(item) : this.#options.onNotice?.(item)
  }

  #tellGap(gap: FeedGap): void {
    this.#queue.pushNotice(gap)
    this.emit('gap', gap)
  }

  #change(
    state: FeedState,
    reason: CodedError | null,
    more: { retryInMs?: number; undelivered?: number } = {},
  ): void {
    this.#state = state
    const change: FeedStateChange = {
      type: 'state',
      state,
      connection: this.#connections,
      atNs: this.#options.clock.realtimeNs(),
      reason,
      retryInMs: more.retryInMs ?? null,
      undelivered: more.undelivered ?? 0,
    }
    this.#queue.pushNotice(change)
    this.emit('state', change)
  }

  /** `failed` frames waited when the consumer failed. */
  async #shut(reason: CodedError | null, failed = 0): Promise<void> {
    const { clock, closeTimeoutMs } = this.#options
    clock.clearTimeout(this.#retryTimer)
    const live = this.#live
    let undelivered = failed
    if (live) {
      const { frames } = live.books.stop()
      this.#dropped += frames
      undelivered += frames
      live.unwatch()
      live.subscriber.unsubscribeAll()
      live.subscriber.stop()
      await live.connection.close(closeTimeoutMs)
    }
    if (!(await this.#taken(closeTimeoutMs))) {
      const left = this.#queue.stop()
      this.#dropped += left
      undelivered += left
    }
    this.#change('closed', reason, { undelivered })
    if (!(await this.#taken(closeTimeoutMs))) this.#queue.stop()
  }

  /** Whether the consumer took everything in time. */
  async #taken(timeoutMs: number): Promise<boolean> {
    const { clock } = this.#options
    let timer: unknown
    const late = new Promise<boolean>((resolve) => {
      timer = clock.setTimeout(() => resolve(false), timeoutMs)
    })
    const taken = await Promise.race([this.#queue.idle().then(() => true), late])
    clock.clearTimeout(timer)
    return taken
  }
}
