/**
 * Sends a recording's frames through the same steps as a live feed's: they are parsed, their numbers judged,
 * gaps reported, entries journaled. The journal gets the entries that the exchange's feed would give it,
 * except for the address and the receipt times.
 */
import { adapterByName } from '../adapters/index.js'
import { FeedCode, feedError } from '../client/errors.js'
import type { FeedClock, FeedState, FeedStateChange } from '../client/feed-events.js'
import { FeedSubscriber } from '../client/feed-subscriber.js'
import { FrameIntake } from '../client/frame-intake.js'
import { SubscriptionSet } from '../client/subscription-set.js'
import type { BookKind } from '../../book/instrument.js'
import type { CodedError } from '../../errors/pinnacle-error.js'
import type { FeedUpdate, ParsedFrame } from '../feed-update.js'
import { FeedRecorder, type RecordedNotice, type RecordedUpdate } from './feed-recorder.js'
import { fileError, readRecording } from './recording-file.js'
import type { ProductScales, RecordingStore } from './recording-store.js'
import { ReplayPace, type ReplaySpeed } from './replay-pace.js'

/** The contents of a recording, as its frames show them. */
export interface RecordingSurvey {
  /** Number of frames. */
  frames: number
  /** Products that they are about. */
  products: string[]
  /** Channels that they come from. */
  channels: string[]
  /** 'orders' if there are order events. */
  bookKind: BookKind
  /** Address that was recorded; null: none. */
  url: string | null
}

/** What is replayed, and into what. */
export interface ReplayFileOptions {
  /** The recorded directory that it goes into. */
  readonly store: RecordingStore
  /** Path of the recording. */
  readonly file: string
  /** A name that adapterByName accepts. */
  readonly exchange: string
  /** Products to record. */
  readonly products: readonly string[]
  /** Channels to record. */
  readonly channels: readonly string[]
  /** Kind of the products' books. */
  readonly bookKind: BookKind
  /** Scales by product. Default: 8 and 8. */
  readonly scales?: Readonly<Record<string, ProductScales>>
  /** How fast. Default: 'full'. */
  readonly speed?: ReplaySpeed
  /** Ends the replay after the frame in hand. */
  readonly signal?: AbortSignal
  /** Called with each update once it is journaled; a promise is waited for. */
  readonly onUpdate?: (recorded: RecordedUpdate) => void | Promise<void>
  /** Called with each gap and change of state once it is journaled; a promise is waited for. */
  readonly onNotice?: (recorded: RecordedNotice) => void | Promise<void>
  /** Called after each frame. */
  readonly onFrame?: (recorder: FeedRecorder) => void
}

/** Reads a recording once to learn the definitions that its replay needs. */
export async function surveyRecording(file: string, exchange: string): Promise<RecordingSurvey> {
  const adapter = adapterByName(exchange)
  const products = new Set<string>()
  const channels = new Set<string>()
  const addresses: string[] = []
  const survey: RecordingSurvey = {
    frames: 0,
    products: [],
    channels: [],
    bookKind: 'levels',
    url: null,
  }
  const see = (update: FeedUpdate): void => {
    if ('product' in update) products.add(update.product)
    if (update.type === 'subscriptions') {
      for (const channel of Object.keys(update.channels)) channels.add(channel)
    }
    if (update.type === 'order' || update.type === 'order-snapshot') survey.bookKind = 'orders'
  }
  for await (const line of readRecording(file)) {
    if (line.kind === 'connect') {
      if (line.url !== null) addresses.push(line.url)
      continue
    }
    ++survey.frames
    const parsed = adapter.parse(line.text)
    if (parsed.kind === 'malformed') continue
    channels.add(parsed.channel)
    if (parsed.kind === 'updates') parsed.updates.forEach(see)
  }
  if (products.size === 0) {
    throw fileError(file, `it holds no frame of a product as ${exchange} sends them`)
  }
  survey.url = addresses[0] ?? null
  survey.products = [...products]
  survey.channels = [...channels].filter((channel) => adapter.channels.includes(channel))
  return survey
}

/** Replays into the store, which stays open; returns its recorder. */
export async function replayFile(options: ReplayFileOptions): Promise<FeedRecorder> {
  const replay = new FileReplay(options)
  await replay.run()
  return replay.recorder
}

/** The recording's times replace a clock; nothing waits for an answer that can't come. */
const noTimers: FeedClock = {
  monotonicNs: () => 0n,
  realtimeNs: () => 0n,
  setTimeout: () => undefined,
  clearTimeout: () => undefined,
}

class FileReplay {
  readonly recorder: FeedRecorder
  readonly #options: ReplayFileOptions
  readonly #wanted: SubscriptionSet
  readonly #intake: FrameIntake
  readonly #pace: ReplayPace
  #url: string
  #connection = 0
  #open = false
  #subscriber: FeedSubscriber | undefined
  #lastFrameNs: bigint | null = null
  #gapAhead = false
  /** Wall clock of the recording; the present if it has none. */
  #nowNs = BigInt(Date.now()) * 1_000_000n

  constructor(options: ReplayFileOptions) {
    const { store, exchange, products, channels, bookKind, scales, speed, signal, file } = options
    this.#options = options
    const adapter = adapterByName(exchange)
    this.#url = `file:${file}`
    this.#wanted = new SubscriptionSet(adapter.impliedChannels)
    this.#wanted.add({ products, channels })
    this.#intake = new FrameIntake(adapter)
    this.#pace = new ReplayPace(speed ?? 'full', signal)
    const { persistence, state, history, maxRawBytes } = store
    const { onUpdate, onNotice } = options
    this.recorder = new FeedRecorder(
      {
        persistence,
        state,
        source: () => ({
          exchange,
          url: this.#url,
          products: this.#wanted.products,
          channels: this.#wanted.channels,
          authentication: null,
        }),
        sequenceRestarts: adapter.sequenceRestartsOnConnect,
        maxRawBytes,
        ...(history === undefined ? {} : { history }),
        ...(onUpdate === undefined ? {} : { onUpdate }),
        ...(onNotice === undefined ? {} : { onNotice }),
      },
      this.#nowNs,
    )
    for (const product of products) {
      store.define(product, bookKind, scales?.[product])
      this.recorder.addProduct(product)
    }
  }

  async run(): Promise<void> {
    const { file, onFrame } = this.#options
    let connectLines = 0
    for await (const line of readRecording(file)) {
      if (line.kind === 'connect') {
        ++connectLines
        this.#url = line.url ?? this.#url
        if (connectLines > 1) await this.#reconnect()
        continue
      }
      if (line.receivedNs !== null && !(await this.#pace.wait(line.receivedNs))) break
      await this.#frame(line.text, line.receivedNs)
      onFrame?.(this.recorder)
    }
    this.#subscriber?.stop()
    await this.#change('closed', null)
  }

  async #frame(text: string, lineNs: bigint | null): Promise<void> {
    const bytes = Buffer.from(text)
    if (!this.#open) {
      if (lineNs !== null) this.#nowNs = lineNs
      await this.#connect()
    }
    const { parsed, isNew, gaps } = this.#intake.take(text, bytes.length)
    const receivedNs = lineNs ?? timeOf(parsed) ?? this.#nowNs
    if (lineNs === null && !(await this.#pace.wait(receivedNs))) return
    this.#nowNs = receivedNs
    const fromNs = this.#lastFrameNs ?? receivedNs
    const told = { type: 'gap', connection: this.#connection, fromNs, toNs: receivedNs } as const
    if (this.#gapAhead) {
      this.#gapAhead = false
      await this.recorder.notice({
        ...told,
        reason: 'disconnected',
        scope: '',
        firstMissed: null,
        lastMissed: null,
      })
    }
    for (const { scope, firstMissed, lastMissed } of gaps) {
      await this.recorder.notice({ ...told, reason: 'sequence', scope, firstMissed, lastMissed })
    }
    if (isNew) {
      const frame = {
        text,
        bytes,
        receivedNs,
        receivedMonotonicNs: receivedNs,
        connection: this.#connection,
      }
      await this.recorder.take({ frame, parsed })
    }
    this.#lastFrameNs = receivedNs
    if (parsed.kind !== 'updates') return
    const subscribed = this.#confirms(parsed.updates)
    if (subscribed) await this.#change('subscribed', null)
  }

  #confirmed = false

  #confirms(updates: readonly FeedUpdate[]): boolean {
    const before = this.#confirmed
    this.#subscriber?.see(updates)
    return !before && this.#confirmed
  }

  async #connect(): Promise<void> {
    ++this.#connection
    this.#open = true
    this.#confirmed = false
    await this.#change('connecting', null)
    const adapter = adapterByName(this.#options.exchange)
    this.#intake.startConnection(adapter)
    this.#subscriber = new FeedSubscriber({
      adapter,
      wanted: this.#wanted,
      sink: { isOpen: true, send: () => undefined, fail: () => undefined },
      signer: undefined,
      clock: noTimers,
      subscribeTimeoutMs: 1,
      onSubscribed: () => {
        this.#confirmed = true
      },
      onProblem: () => undefined,
    })
    await this.#change('open', null)
  }

  async #reconnect(): Promise<void> {
    if (!this.#open) return
    this.#subscriber?.stop()
    this.#open = false
    if (this.#lastFrameNs !== null) this.#gapAhead = true
    await this.#change('lost', feedError(FeedCode.Lost, 'the recording has a new connection here'))
  }

  async #change(state: FeedState, reason: CodedError | null): Promise<void> {
    const change: FeedStateChange = {
      type: 'state',
      state,
      connection: this.#connection,
      atNs: this.#nowNs,
      reason,
      retryInMs: null,
      undelivered: 0,
    }
    await this.recorder.notice(change)
  }
}

/** The exchange's clock, for files without receipt times. */
function timeOf(parsed: ParsedFrame): bigint | undefined {
  if (parsed.kind !== 'updates') return undefined
  for (const update of parsed.updates) {
    if ('exchangeTimeNs' in update && update.exchangeTimeNs > 0n) return update.exchangeTimeNs
  }
  return undefined
}
