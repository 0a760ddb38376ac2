/**
 * Keeps a connection subscribed to what is wanted: sends requests, signs them if the exchange requires it,
 * checks that the exchange confirms them, and resubscribes a product after a gap. (book-fetcher handles a
 * book that is not in the stream.)
 *
 * Requests go out one after another: signing takes time, and an unsubscription must not overtake it.
 */
import type { CodedError } from '../../errors/pinnacle-error.js'
import type { FeedAdapter, FeedSubscription, SubscriptionSigner } from '../feed-adapter.js'
import type { FeedUpdate, SubscriptionsUpdate } from '../feed-update.js'
import { FeedCode, feedError } from './errors.js'
import type { FeedClock } from './feed-events.js'
import type { SubscriptionSet } from './subscription-set.js'

/** The part of the connection used here. */
export interface RequestSink {
  readonly isOpen: boolean
  send(text: string): void
  fail(reason: CodedError): void
}

export interface SubscriberOptions {
  readonly adapter: FeedAdapter
  readonly wanted: SubscriptionSet
  readonly sink: RequestSink
  readonly signer: SubscriptionSigner | undefined
  readonly clock: FeedClock
  readonly subscribeTimeoutMs: number
  /** Returns whether the product's book is fetched separately; then it is fetched again now. */
  readonly fetchBook?: (product: string) => boolean
  /** Called once, when everything wanted is confirmed. */
  readonly onSubscribed: () => void
  readonly onProblem: (problem: CodedError) => void
}

type Request = 'subscribe' | 'unsubscribe'

/** New snapshots of one product per connection; more gaps require a new connection. */
const maxResyncs = 3

export class FeedSubscriber {
  readonly #options: SubscriberOptions
  readonly #resyncTimers = new Map<string, unknown>()
  readonly #resyncs = new Map<string, number>()
  /** Products whose book this connection has sent. */
  readonly #books = new Set<string>()
  /** Products that have received nothing. */
  readonly #unseen: Set<string>
  #requests: Promise<void> = Promise.resolve()
  #confirmTimer: unknown = undefined
  /** The exchange's last list of this connection's subscriptions; some exchanges never send one. */
  #listed: SubscriptionsUpdate['channels'] | undefined
  #isConfirmed = false
  #isSubscribed = false
  #stopped = false

  constructor(options: SubscriberOptions) {
    this.#options = options
    this.#unseen = new Set(options.wanted.products)
  }

  /** Sends the first requests of a connection. One that can't be signed ends it. */
  start(): void {
    this.#awaitConfirmation()
    this.request('subscribe', this.#options.wanted.all()).catch((error: unknown) => {
      this.#options.sink.fail(error as CodedError)
    })
  }

  stop(): void {
    this.#stopped = true
    const { clock } = this.#options
    clock.clearTimeout(this.#confirmTimer)
    for (const timer of this.#resyncTimers.values()) clock.clearTimeout(timer)
    this.#resyncTimers.clear()
  }

  /** Sends a request at run time. Rejects if it can't be signed. */
  async request(type: Request, subscriptions: readonly FeedSubscription[]): Promise<void> {
    const sent = this.#requests.then(() => this.#send(type, subscriptions))
    this.#requests = sent.catch(() => undefined)
    await sent
  }

  /** A subscription was added: the exchange has to confirm again. */
  expect(products: readonly string[]): void {
    for (const product of products) this.#unseen.add(product)
    this.#awaitConfirmation()
  }

  /** Unsubscribes what needs no signature; the end of the connection unsubscribes the rest. */
  unsubscribeAll(): void {
    const { adapter, wanted, sink } = this.#options
    for (const { products, channels } of wanted.all()) {
      const open = channels.filter((channel) => !adapter.authenticatedChannels.includes(channel))
      if (open.length === 0) continue
      for (const text of adapter.unsubscribe({ products, channels: open })) sink.send(text)
    }
  }

  /** Gets a new book and new data of the product. */
  resync(product: string): void {
    if (this.#stopped || this.#resyncTimers.has(product)) return
    if (this.#options.fetchBook?.(product)) return
    const { clock, wanted, sink, subscribeTimeoutMs } = this.#options
    const count = (this.#resyncs.get(product) ?? 0) + 1
    this.#resyncs.set(product, count)
    if (count > maxResyncs) {
      sink.fail(
        feedError(
          FeedCode.Gap,
          `${product} had to be subscribed to again for the ${String(count)}th time; the client reconnects`,
          { details: { product, resyncs: count } },
        ),
      )
      return
    }
    const timer = clock.setTimeout(() => {
      this.#resyncTimers.delete(product)
      if (!this.#books.has(product)) return // its channels have no snapshots
      sink.fail(
        feedError(
          FeedCode.Gap,
          `no new snapshot of ${product} came within ${String(subscribeTimeoutMs)} ms; the client reconnects`,
          { details: { product } },
        ),
      )
    }, subscribeTimeoutMs)
    this.#resyncTimers.set(product, timer)
    const subscriptions = wanted.ofProduct(product)
    const failed = (error: unknown): void => {
      sink.fail(error as CodedError)
    }
    this.request('unsubscribe', subscriptions).catch(failed)
    this.request('subscribe', subscriptions).catch(failed)
  }

  /** The exchange's updates may confirm a subscription, or end the wait for a snapshot. */
  see(updates: readonly FeedUpdate[]): void {
    if (this.#stopped) return
    for (const update of updates) {
      if (update.type === 'book-mismatch') this.resync(update.product)
      if (update.type === 'book-snapshot' || update.type === 'order-snapshot') {
        this.#books.add(update.product)
        this.#options.clock.clearTimeout(this.#resyncTimers.get(update.product))
        this.#resyncTimers.delete(update.product)
      }
      if ('product' in update) this.#unseen.delete(update.product)
      if (update.type === 'subscriptions') {
        this.#listed = update.channels
        if (!this.#isConfirmed && this.#missing().length === 0) this.#confirm()
      }
    }
  }

  /** Subscriptions that the exchange does not list; without a list, products that received nothing. */
  #missing(): string[] {
    return this.#listed ? this.#options.wanted.missingIn(this.#listed) : [...this.#unseen]
  }

  #confirm(): void {
    this.#options.clock.clearTimeout(this.#confirmTimer)
    this.#isConfirmed = true
    if (this.#isSubscribed) return
    this.#isSubscribed = true
    this.#options.onSubscribed()
  }

  #awaitConfirmation(): void {
    const { clock, subscribeTimeoutMs, onProblem } = this.#options
    clock.clearTimeout(this.#confirmTimer)
    this.#isConfirmed = false
    this.#confirmTimer = clock.setTimeout(() => {
      const missing = this.#missing()
      if (missing.length === 0) {
        this.#confirm() // its data confirm it, for the exchange sends no list
        return
      }
      onProblem(
        feedError(
          FeedCode.NotSubscribed,
          `the exchange has not confirmed within ${String(subscribeTimeoutMs)} ms: ${missing.join(', ')}; check ` +
            'the names of products and channels',
          { details: { missing } },
        ),
      )
    }, subscribeTimeoutMs)
  }

  async #send(type: Request, subscriptions: readonly FeedSubscription[]): Promise<void> {
    const { adapter } = this.#options
    for (const { products, channels } of subscriptions) {
      const needsSignature = (channel: string): boolean =>
        adapter.authenticatedChannels.includes(channel)
      const open = channels.filter((channel) => !needsSignature(channel))
      const signed = channels.filter(needsSignature)
      if (open.length > 0) this.#sendAll(adapter[type]({ products, channels: open }))
      if (signed.length === 0) continue
      const fields = await this.#sign(signed)
      this.#sendAll(adapter[type]({ products, channels: signed }, fields))
    }
  }

  #sendAll(texts: readonly string[]): void {
    if (this.#stopped) return
    for (const text of texts) this.#options.sink.send(text)
  }

  async #sign(channels: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const { signer, adapter } = this.#options
    const what = `the subscription to ${channels.join(', ')} of ${adapter.name}`
    if (!signer) {
      throw feedError(FeedCode.Signing, `${what} must be signed; give a signer, or leave it out`)
    }
    try {
      return await signer()
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw feedError(FeedCode.Signing, `${what} could not be signed: ${message}`, { cause })
    }
  }
}
