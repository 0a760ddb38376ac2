/**
 * Journals what a feed delivers, on arrival, and only then passes it on: everything its callbacks receive
 * survives the process. It accepts the deliveries and notices of a FeedClient or of a recording, and knows
 * neither.
 *
 * It journals synchronously: `take` returns when all entries of the frame are appended (or a promise, if the
 * consumer returns one), so back-pressure is the caller's queue. A failed journal throws to the caller.
 */
import type { Book } from '../../book/book.js'
import type { PersistenceManager } from '../../persistence/persistence-manager.js'
import type { FeedDelivery, FeedGap, FeedNotice, FeedStateChange } from '../client/feed-events.js'
import type { ConnectionEntry, FrameEntry, GapEntry } from '../feed-entry.js'
import type { FeedUpdate } from '../feed-update.js'
import { EntryWriter } from './entry-writer.js'
import type { FeedState } from './feed-state.js'
import { FramePlanner, type FramePlan, type LostData } from './frame-plan.js'
import type { HistoryFeed } from './history-feed.js'
import type { PlannedEntry } from './planned-entry.js'
import { ResumeGaps } from './resume-gaps.js'

/** The feed's origin, as the connection entries state it. */
export interface FeedSource {
  /** Name of the adapter. */
  readonly exchange: string
  /** Address of the exchange. */
  readonly url: string
  /** Products that are subscribed to. */
  readonly products: readonly string[]
  /** Channels that are subscribed to. */
  readonly channels: readonly string[]
  /** Name of the credential, never the secret; null: none. */
  readonly authentication: string | null
}

/** A journaled update. */
export interface RecordedUpdate {
  /** The update. */
  readonly update: FeedUpdate
  /** Sequence of its last entry. */
  readonly sequence: number
  /** Wall clock at the frame's receipt: ns since 1970-01-01 UTC. */
  readonly receivedNs: bigint
  /** Monotonic clock at the frame's receipt, in ns. */
  readonly receivedMonotonicNs: bigint
}

/** A journaled gap or change of state. */
export interface RecordedNotice {
  /** The gap or the change. */
  readonly notice: Omit<GapEntry, 'type'> | FeedStateChange
  /** Sequence of its entry. */
  readonly sequence: number
}

/** What a FeedRecorder writes to. */
export interface RecorderOptions {
  /** The open data directory. */
  readonly persistence: PersistenceManager
  /** The persistence's state machine. */
  readonly state: FeedState
  /** Called for each connection entry. */
  readonly source: () => FeedSource
  /** Whether the exchange's numbers restart with each connection. */
  readonly sequenceRestarts: boolean
  /** @internal Receives the data of the price history. */
  readonly history?: HistoryFeed
  /** Longest raw text that is kept whole, bytes. Default: 1 MiB. */
  readonly maxRawBytes?: number
  /** Called with each update once it is journaled; a promise is waited for. */
  readonly onUpdate?: (recorded: RecordedUpdate) => void | Promise<void>
  /** Called with each gap and change of state once it is journaled; a promise is waited for. */
  readonly onNotice?: (recorded: RecordedNotice) => void | Promise<void>
}

/** Counters of a FeedRecorder. */
export interface RecorderStats {
  /** Frames journaled. */
  frames: number
  /** Journaled entries, including frame entries and notices. */
  entries: number
  /** Updates in them. */
  updates: number
  /** Gaps journaled. */
  gaps: number
  /** Frames of a type unknown to the adapter; they are kept raw. */
  unknown: number
  /** Frames and updates that could not be kept as they are. */
  quarantined: number
  /** Trades that the exchange repeated; they are not journaled again. */
  repeatedTrades: number
  /** Events of orders that the book does not have; they change nothing. */
  unknownOrders: number
  /** Exchange time of the last update that has one: ns since 1970-01-01 UTC. */
  lastExchangeNs: bigint | null
  /** Receipt time of the last frame: ns since 1970-01-01 UTC. */
  lastReceivedNs: bigint | null
}

const defaultMaxRawBytes = 1024 * 1024

/** After these gaps, orders that left unseen would stay in an order book forever. */
const emptiesOrderBooks: ReadonlySet<GapEntry['reason']> = new Set([
  'disconnected',
  'sequence',
  'overflow',
  'process-ended',
])

/**
 * Journals what a feed delivers, and only then passes it on: everything that its callbacks receive survives the
 * process. A journal that has failed throws to the caller.
 */
export class FeedRecorder {
  readonly #options: RecorderOptions
  readonly #writer: EntryWriter
  readonly #planner: FramePlanner
  readonly #books = new Map<string, Book>()
  readonly #connectionBase: number
  readonly #resume: ResumeGaps
  readonly #stats: RecorderStats = {
    frames: 0,
    entries: 0,
    updates: 0,
    gaps: 0,
    unknown: 0,
    quarantined: 0,
    repeatedTrades: 0,
    unknownOrders: 0,
    lastExchangeNs: null,
    lastReceivedNs: null,
  }

  /** `nowNs`: wall clock, for the entry that records the end of the previous process. */
  constructor(options: RecorderOptions, nowNs: bigint) {
    this.#options = options
    const { persistence, state, sequenceRestarts, maxRawBytes = defaultMaxRawBytes } = options
    this.#writer = new EntryWriter(persistence)
    this.#planner = new FramePlanner({
      bookOf: (product) => this.#books.get(product),
      hasTrade: (instrument, tradeId) => state.hasTrade(instrument, tradeId),
      maxRawBytes,
    })
    this.#connectionBase = state.connections
    const lastReceivedNs = state.lastReceivedNs(persistence.appendedFrontier)
    const { lastSequences } = state
    this.#resume = new ResumeGaps({
      lastReceivedNs,
      lastSequences: new Map(lastSequences),
      sequenceRestarts,
    })
    const before = state.connection
    if (before && before.state !== 'closed') {
      // Also ends a frame that a kill cut in two, so that no other entry counts as part of it.
      this.#connectionEntry({ ...before, state: 'lost', reason: 'the process ended' }, nowNs)
    }
  }

  /** Counters since it was made. */
  stats(): Readonly<RecorderStats> {
    return this.#stats
  }

  /** Records the product; its instrument is defined already. */
  addProduct(product: string): void {
    this.#books.set(product, this.#options.persistence.book(product))
  }

  /** The products that it records. */
  get products(): string[] {
    return [...this.#books.keys()]
  }

  /** Journals a frame. Returns once it is journaled; a promise if the consumer returned one. */
  take({ frame, parsed }: FeedDelivery): void | Promise<void> {
    const { text, bytes, receivedNs, receivedMonotonicNs, connection } = frame
    const plan = this.#planner.plan(parsed, { text, bytes: bytes.length, receivedNs })
    if (!this.#resume.done) {
      const sequences = parsed.kind === 'malformed' ? [] : parsed.sequences
      for (const gap of this.#resume.before(receivedNs, sequences)) this.#gap(gap)
    }
    const { channel, sequences, entries } = plan
    const head = {
      connection: this.#connectionBase + connection,
      receivedMonotonicNs,
      channel,
      sequences,
    }
    const written = this.writeFrame(head, receivedNs, entries, plan.lost)
    this.#count(plan, receivedNs)
    const { onUpdate } = this.#options
    if (!onUpdate || plan.updates.length === 0) return undefined
    const recorded = plan.updates.map(({ update, entriesThrough }) => ({
      update,
      // Quarantined entries follow the others.
      sequence:
        written.refused.length > 0 ? written.lastSequence : written.sequence + entriesThrough,
      receivedNs,
      receivedMonotonicNs,
    }))
    return handOn(recorded, onUpdate)
  }

  /** A gap or a change of state. */
  notice(notice: FeedNotice): void | Promise<void> {
    const { onNotice } = this.#options
    if (notice.type === 'gap') {
      const gap = gapOf(notice)
      const sequence = this.#gap(gap)
      return onNotice?.({ notice: gap, sequence })
    }
    const sequence = this.#state(notice)
    return onNotice?.({ notice, sequence })
  }

  /** The subscriptions have changed, the connection has not. */
  resubscribed(atNs: bigint): void {
    const { connection } = this.#options.state
    if (connection) this.#connectionEntry({ ...connection, ...this.#sourceFields() }, atNs)
  }

  /**
   * @internal Writes planned entries after their frame entry: `take` without an adapter, for a journal that is
   * replayed into another. `lost` names the scopes that the frame's entries lack data of.
   */
  writeFrame(
    head: Omit<FrameEntry, 'type' | 'entries'>,
    receivedNs: bigint,
    entries: readonly PlannedEntry[],
    lost: readonly LostData[] = [],
  ): { sequence: number; lastSequence: number; refused: string[] } {
    const { history } = this.#options
    history?.frame(receivedNs)
    const written = this.#writer.frame(head, receivedNs, entries, (planned, sequence) => {
      const { entry, instrument, timestampNs } = planned
      if (entry.type === 'trade' && instrument) {
        history?.trade(instrument, sequence, timestampNs, entry)
      }
    })
    ++this.#stats.frames
    this.#stats.entries += entries.length + 1
    this.#stats.quarantined += written.refused.length
    this.#stats.lastReceivedNs = receivedNs
    this.#tellLost(lost, written.refused, receivedNs)
    return written
  }

  /** A gap of another journal. */
  writeGap(gap: Omit<GapEntry, 'type'>): number {
    return this.#gap(gap)
  }

  /** A connection entry of another journal; this journal's connection count continues. */
  writeConnection(connection: Omit<ConnectionEntry, 'type'>, atNs: bigint): number {
    return this.#connectionEntry(
      { ...connection, connection: this.#connectionBase + connection.connection },
      atNs,
    )
  }

  #tellLost(lost: readonly LostData[], refused: readonly string[], atNs: bigint): void {
    if (lost.length === 0 && refused.length === 0) return
    const told = new Set<string>()
    for (const { scope, reason } of [
      ...lost,
      ...refused.map((name) => ({ scope: name, reason: 'malformed' as const })),
    ]) {
      const key = `${reason} ${scope}`
      if (told.has(key)) continue
      told.add(key)
      this.#gap({
        reason,
        scope,
        firstMissed: null,
        lastMissed: null,
        fromNs: atNs,
        toNs: atNs,
      })
    }
  }

  #count(plan: FramePlan, receivedNs: bigint): void {
    const stats = this.#stats
    stats.updates += plan.updates.length
    stats.quarantined += plan.quarantined
    stats.repeatedTrades += plan.repeatedTrades
    stats.unknownOrders += plan.unknownOrders
    if (plan.unknown) ++stats.unknown
    const last = plan.updates.at(-1)?.update
    if (last && 'exchangeTimeNs' in last && last.exchangeTimeNs > 0n) {
      stats.lastExchangeNs = last.exchangeTimeNs
      stats.lastReceivedNs = receivedNs
    }
  }

  #gap(gap: Omit<GapEntry, 'type'>): number {
    const { persistence, history } = this.#options
    const book = gap.scope === '' ? undefined : this.#books.get(gap.scope)
    const sequence = this.#writer.gap(gap, book?.instrument.name)
    ++this.#stats.gaps
    ++this.#stats.entries
    history?.gap(sequence, { type: 'gap', ...gap }, this.products)
    if (emptiesOrderBooks.has(gap.reason)) {
      for (const touched of book ? [book] : this.#books.values()) {
        if (touched.instrument.kind !== 'orders' || touched.info().orders === 0) continue
        persistence.book(touched.instrument.name).clear(gap.toNs)
        ++this.#stats.entries
      }
    }
    return sequence
  }

  #state(change: FeedStateChange): number {
    const { state, connection, atNs, reason } = change
    return this.#connectionEntry(
      {
        state,
        connection: this.#connectionBase + connection,
        ...this.#sourceFields(),
        reason: reason && `${reason.code}: ${reason.message}`,
      },
      atNs,
    )
  }

  #sourceFields(): Pick<
    ConnectionEntry,
    'exchange' | 'url' | 'products' | 'channels' | 'authentication'
  > {
    const { exchange, url, products, channels, authentication } = this.#options.source()
    return { exchange, url, products: [...products], channels: [...channels], authentication }
  }

  #connectionEntry(connection: Omit<ConnectionEntry, 'type'>, atNs: bigint): number {
    ++this.#stats.entries
    this.#options.history?.connection(connection.products)
    return this.#writer.connection(connection, atNs)
  }
}

/** A client's gap may have unusable numbers: then the entry has null. */
function gapOf(gap: FeedGap): Omit<GapEntry, 'type'> {
  const { reason, scope, firstMissed, lastMissed, toNs } = gap
  const fromNs = gap.fromNs < toNs ? gap.fromNs : toNs
  return { reason, scope, firstMissed, lastMissed, fromNs, toNs }
}

function handOn(
  recorded: readonly RecordedUpdate[],
  onUpdate: (recorded: RecordedUpdate) => void | Promise<void>,
): void | Promise<void> {
  for (let index = 0; index < recorded.length; index++) {
    const result = onUpdate(recorded[index]!)
    if (result) return handOnLater(recorded, index + 1, result, onUpdate)
  }
  return undefined
}

async function handOnLater(
  recorded: readonly RecordedUpdate[],
  from: number,
  first: Promise<void>,
  onUpdate: (recorded: RecordedUpdate) => void | Promise<void>,
): Promise<void> {
  await first
  for (let index = from; index < recorded.length; index++) await onUpdate(recorded[index]!)
}
