/**
 * Records a live feed: a FeedClient that journals every frame before it passes it on. A new process resumes
 * it from the data directory alone.
 */
import type { CodedError } from '../../errors/pinnacle-error.js'
import { PinnacleError } from '../../errors/pinnacle-error.js'
import { adapterByName } from '../adapters/index.js'
import { FeedClient } from '../client/feed-client.js'
import type { FeedClientOptions } from '../client/feed-client-options.js'
import { realClock } from '../client/feed-clock.js'
import type { FeedStats } from '../client/feed-events.js'
import type { FeedAdapter, FeedSubscription, SubscriptionSigner } from '../feed-adapter.js'
import {
  FeedRecorder,
  type RecordedNotice,
  type RecordedUpdate,
  type RecorderStats,
} from './feed-recorder.js'
import type { FeedState } from './feed-state.js'
import { RecordingStore, type ProductScales, type StoreOptions } from './recording-store.js'

/** Client options that a recording does not set itself. */
export type RecordingClientOptions = Omit<
  FeedClientOptions,
  'adapter' | 'url' | 'products' | 'channels' | 'onFrame' | 'onNotice' | 'signer'
>

interface RecordingCallbacks {
  /** Receives every update once its entries are journaled. The recording waits for a returned promise. */
  readonly onUpdate?: (recorded: RecordedUpdate) => void | Promise<void>
  /** Receives gaps and changes of state once they are journaled. */
  readonly onNotice?: (recorded: RecordedNotice) => void | Promise<void>
  /** Problems that do not stop the client: a refused subscription, a history file that can't be written. */
  readonly onProblem?: (problem: unknown) => void
}

export interface FeedRecordingOptions extends StoreOptions, FeedSubscription, RecordingCallbacks {
  /** A name that adapterByName accepts. */
  readonly exchange: string
  /** Default: the exchange's. */
  readonly url?: string
  /** Scales by product. Default: 8 and 8. Products in the data directory keep theirs. */
  readonly scales?: Readonly<Record<string, ProductScales>>
  /** Name of the credential that `signer` uses; it is journaled, unlike the credential. */
  readonly authentication?: string
  /** Signs authenticated channels. */
  readonly signer?: SubscriptionSigner
  /** Further options of the client. */
  readonly client?: RecordingClientOptions
}

/** What FeedRecording.resume() takes; the rest is in the data directory. */
export interface ResumeOptions extends StoreOptions, RecordingCallbacks {
  /** Makes the signer of the credential with this name. */
  readonly signerOf?: (authentication: string, exchange: string) => SubscriptionSigner
  /** Further options of the client. */
  readonly client?: RecordingClientOptions
}

type ClientOptions = Omit<FeedRecordingOptions, keyof StoreOptions>

/** Counters of a recording. */
export interface RecordingStats {
  /** Of its client. */
  readonly client: FeedStats
  /** Of its recorder. */
  readonly recorder: Readonly<RecorderStats>
  /** Last sequence appended. */
  readonly appended: number
  /** Last durable sequence. */
  readonly durable: number
  /** How far the price history has been archived; null without one. */
  readonly archived: number | null
}

/**
 * Records a live feed: a FeedClient whose frames are journaled before they are passed on. One process at a time
 * records into a directory; a new one resumes it from the directory alone.
 */
export class FeedRecording implements AsyncDisposable {
  /** The recorded directory, which close() closes. */
  readonly store: RecordingStore
  /** Resolves when the client has closed: null if close() was called, else the reason. */
  readonly finished: Promise<CodedError | null>
  readonly #client: FeedClient
  readonly #recorder: FeedRecorder
  readonly #adapter: FeedAdapter
  readonly #scales: FeedRecordingOptions['scales']
  #closing: Promise<void> | undefined

  /** Opens the data directory and checks everything; `start` connects. */
  static async open(options: FeedRecordingOptions): Promise<FeedRecording> {
    adapterByName(options.exchange)
    const store = await RecordingStore.open(options)
    return FeedRecording.#over(store, options)
  }

  /**
   * Resumes the last recording of the data directory: same exchange, address, products, channels and
   * credential. A gap marks the time in between; the exchange's snapshots bring new books.
   */
  static async resume(options: ResumeOptions): Promise<FeedRecording> {
    const store = await RecordingStore.open(options)
    return FeedRecording.#over(store, () => resumed(store.state, options))
  }

  static async #over(
    store: RecordingStore,
    options: ClientOptions | (() => ClientOptions),
  ): Promise<FeedRecording> {
    try {
      return new FeedRecording(store, typeof options === 'function' ? options() : options)
    } catch (error) {
      await store.close()
      throw error
    }
  }

  private constructor(store: RecordingStore, options: ClientOptions) {
    const { exchange, url, products, channels, signer, authentication = null } = options
    this.store = store
    this.#scales = options.scales
    this.#adapter = adapterByName(exchange)
    const clock = options.client?.clock ?? realClock
    this.#client = new FeedClient({
      ...options.client,
      adapter: () => adapterByName(exchange),
      products,
      channels,
      ...(url === undefined ? {} : { url }),
      ...(signer === undefined ? {} : { signer }),
      onFrame: (delivery) => this.#recorder.take(delivery),
      onNotice: (notice) => this.#recorder.notice(notice),
    })
    const { persistence, state, history, maxRawBytes } = store
    this.#recorder = new FeedRecorder(
      {
        persistence,
        state,
        source: () => ({
          exchange,
          url: this.#client.url,
          products: this.#client.products,
          channels: this.#client.channels,
          authentication,
        }),
        sequenceRestarts: this.#adapter.sequenceRestartsOnConnect,
        maxRawBytes,
        ...(history === undefined ? {} : { history }),
        ...(options.onUpdate === undefined ? {} : { onUpdate: options.onUpdate }),
        ...(options.onNotice === undefined ? {} : { onNotice: options.onNotice }),
      },
      clock.realtimeNs(),
    )
    this.#define(products, channels)
    this.finished = new Promise((resolve) => {
      this.#client.on('state', ({ state: now, reason }) => {
        if (now === 'closed') resolve(reason)
      })
    })
    this.#client.on('problem', (problem) => options.onProblem?.(problem))
  }

  /** Connects, and records until close(). */
  start(): void {
    this.#client.start()
  }

  /** The recording's state, as it is journaled. */
  get state(): FeedState {
    return this.store.state
  }

  /** Products that are recorded. */
  get products(): string[] {
    return this.#client.products
  }

  /** Adds a subscription to the recording, and journals it. */
  async subscribe(subscription: FeedSubscription): Promise<void> {
    this.#define(subscription.products, subscription.channels)
    await this.#client.subscribe(subscription)
    this.#recorder.resubscribed(realClock.realtimeNs())
  }

  /** Ends a subscription; what was recorded stays. */
  async unsubscribe(subscription: FeedSubscription): Promise<void> {
    await this.#client.unsubscribe(subscription)
    this.#recorder.resubscribed(realClock.realtimeNs())
  }

  /** Counters since it was opened. */
  stats(): RecordingStats {
    const { persistence, history } = this.store
    return {
      client: this.#client.stats(),
      recorder: this.#recorder.stats(),
      appended: persistence.appendedFrontier,
      durable: persistence.durableFrontier,
      archived: history?.archivedSequence ?? null,
    }
  }

  /** Unsubscribes, journals what was received, archives, syncs, and releases the data directory. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /** As close(), for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    try {
      await this.#client.close()
    } finally {
      await this.store.close()
    }
  }

  #define(products: readonly string[], channels: readonly string[]): void {
    const kind = this.#adapter.bookKind(channels)
    for (const product of products) {
      this.store.define(product, kind, this.#scales?.[product])
      this.#recorder.addProduct(product)
    }
  }
}

function resumed(state: FeedState, options: ResumeOptions): ClientOptions {
  const { connection } = state
  if (!connection) {
    throw new PinnacleError(
      'ERR_PINNACLE_FEED_NOTHING_TO_RESUME',
      'no feed was recorded into this data directory; say which exchange, products and channels to record',
    )
  }
  const { exchange, url, products, channels, authentication } = connection
  const { signerOf, onUpdate, onNotice, onProblem, client } = options
  const signer = authentication === null ? undefined : signerOf?.(authentication, exchange)
  return {
    exchange,
    url,
    products,
    channels,
    ...(authentication === null ? {} : { authentication }),
    ...(signer === undefined ? {} : { signer }),
    ...(client === undefined ? {} : { client }),
    ...(onUpdate === undefined ? {} : { onUpdate }),
    ...(onNotice === undefined ? {} : { onNotice }),
    ...(onProblem === undefined ? {} : { onProblem }),
  }
}
