/**
 * Replays a recorded data directory into another one: its journaled frames, gaps and connections, paced by
 * the receipt times. If compaction has removed the beginning, the books start in their state at that point.
 */
import { absolutePath } from '../../config/absolute.js'
import type { Instrument } from '../../book/instrument.js'
import { type InstrumentDefinition } from '../../book/instrument.js'
import type { BookView } from '../../book/book-view.js'
import { OldFlowEntries } from '../../entry/old-flow-entries.js'
import { Journal } from '../../journal/journal.js'
import type { JournalEntry } from '../../entry/entry.js'
import { booksAt } from '../../persistence/books-at.js'
import type { FrameEntry } from '../feed-entry.js'
import { decodeFeedEntry } from './entry-codec.js'
import { FeedRecorder } from './feed-recorder.js'
import type { PlannedEntry, PlannedOperation } from './planned-entry.js'
import { fileError } from './recording-file.js'
import type { RecordingStore } from './recording-store.js'
import { ReplayPace, type ReplaySpeed } from './replay-pace.js'

/** What is replayed, and into what. */
export interface ReplayJournalOptions {
  /** The recorded directory that it goes into. */
  readonly store: RecordingStore
  /** The data directory to read; it may be recording now. */
  readonly directory: string
  /** How fast. Default: 'full'. */
  readonly speed?: ReplaySpeed
  /** Ends the replay after the entry in hand. */
  readonly signal?: AbortSignal
  /** Called after each frame. */
  readonly onFrame?: (recorder: FeedRecorder) => void
}

interface OpenFrame {
  head: FrameEntry
  receivedNs: bigint
  entries: PlannedEntry[]
}

const mostLevels = 1_000_000

/** Replays a recorded directory into the store, which stays open; returns its recorder. */
export async function replayJournal(options: ReplayJournalOptions): Promise<FeedRecorder> {
  const replay = new JournalReplay(options)
  await replay.run()
  return replay.recorder
}

class JournalReplay {
  readonly recorder: FeedRecorder
  readonly #options: ReplayJournalOptions
  readonly #pace: ReplayPace
  /** The target's instruments, by the source's index. */
  readonly #instruments = new Map<number, Instrument>()
  readonly #oldFlow = new OldFlowEntries()
  #frame: OpenFrame | undefined
  #feedEntries = 0

  constructor(options: ReplayJournalOptions) {
    this.#options = { ...options, directory: absolutePath(options.directory) }
    const { store, directory, speed, signal } = options
    const { persistence, state, history, maxRawBytes } = store
    this.#pace = new ReplayPace(speed ?? 'full', signal)
    this.recorder = new FeedRecorder(
      {
        persistence,
        state,
        source: () => ({
          exchange: '',
          url: `file:${directory}`,
          products: [],
          channels: [],
          authentication: null,
        }),
        // The source's own gaps state what it lacks.
        sequenceRestarts: true,
        maxRawBytes,
        ...(history === undefined ? {} : { history }),
      },
      BigInt(Date.now()) * 1_000_000n,
    )
  }

  async run(): Promise<void> {
    const { directory, signal } = this.#options
    let first = true
    for await (const entry of Journal.read(directory)) {
      if (signal?.aborted) break
      if (first && entry.sequence > 1) await this.#openingBooks(entry)
      first = false
      if (!(await this.#see(entry))) break
    }
    this.#endFrame()
    if (this.#feedEntries === 0) {
      throw fileError(directory, 'its journal holds no recorded feed')
    }
  }

  /** False if the replay was ended. */
  async #see(entry: JournalEntry): Promise<boolean> {
    if (entry.type === 'instrument') {
      this.#define(entry.instrument, entry)
      return true
    }
    if (entry.type === 'hole') {
      // The rest of the frame is lost.
      this.#endFrame()
      return true
    }
    if (entry.type !== 'user') {
      const operation = operationOf(entry, this.#instruments)
      if (operation) this.#add(operation)
      return true
    }
    const feed = decodeFeedEntry(this.#oldFlow.typeOf(entry), entry.payload)
    if (!feed) return true
    ++this.#feedEntries
    switch (feed.type) {
      case 'frame':
        this.#endFrame()
        if (!(await this.#pace.wait(entry.timestampNs))) return false
        this.#frame = { head: feed, receivedNs: entry.timestampNs, entries: [] }
        if (feed.entries === 0) this.#endFrame()
        return true
      case 'gap':
        this.#endFrame()
        this.recorder.writeGap(feed)
        return true
      case 'connection':
        this.#endFrame()
        this.recorder.writeConnection(feed, entry.timestampNs)
        return true
      default: {
        const instrument = this.#instruments.get(entry.instrument) ?? null
        this.#add({ kind: 'feed', entry: feed, instrument, timestampNs: entry.timestampNs })
        return true
      }
    }
  }

  /** An entry outside of a frame is not the exchange's; a gap empties its order books by itself. */
  #add(planned: PlannedEntry): void {
    const frame = this.#frame
    if (!frame) return
    frame.entries.push(planned)
    if (frame.entries.length === frame.head.entries) this.#endFrame()
  }

  #endFrame(): void {
    const frame = this.#frame
    if (!frame) return
    this.#frame = undefined
    this.recorder.writeFrame(frame.head, frame.receivedNs, frame.entries)
    this.#options.onFrame?.(this.recorder)
  }

  #define(index: number, definition: InstrumentDefinition): void {
    const { store } = this.#options
    const { name, kind = 'orders', priceScale, quantityScale, signedPrices = false } = definition
    store.define(name, kind, { priceScale, quantityScale, signedPrices })
    this.recorder.addProduct(name)
    this.#instruments.set(index, store.persistence.instrument(name))
  }

  async #openingBooks(first: JournalEntry): Promise<void> {
    const { directory } = this.#options
    const books = await booksAt(directory, { sequence: first.sequence - 1 })
    try {
      for (const source of books.instruments()) {
        this.#define(source.index, source)
        const instrument = this.#instruments.get(source.index)
        const operations = instrument
          ? ordersOf(books.book(source.name), instrument, first.timestampNs)
          : []
        if (!instrument || operations.length === 0) continue
        const entry = {
          type: 'book-snapshot',
          levels: operations.length,
          sequence: null,
        } as const
        const { timestampNs } = first
        this.recorder.writeFrame(
          { connection: 0, receivedMonotonicNs: 0n, channel: 'opening-book', sequences: [] },
          timestampNs,
          [
            { kind: 'feed', entry, instrument, timestampNs },
            { kind: 'clear', instrument, timestampNs },
            ...operations,
          ],
        )
      }
    } finally {
      books.close()
    }
  }
}

function ordersOf(book: BookView, instrument: Instrument, timestampNs: bigint): PlannedOperation[] {
  const operations: PlannedOperation[] = []
  for (const side of [0, 1] as const) {
    for (const { price, quantity } of book.depth(side, mostLevels)) {
      if (instrument.kind === 'levels') {
        operations.push({ kind: 'setLevel', instrument, timestampNs, side, price, quantity })
        continue
      }
      for (const order of book.levelOrders(side, price)) {
        const { id: orderId, quantity: open } = order
        operations.push({
          kind: 'add',
          instrument,
          timestampNs,
          orderId,
          side,
          price,
          quantity: open,
        })
      }
    }
  }
  return operations
}

function operationOf(
  entry: Exclude<JournalEntry, { type: 'user' | 'instrument' | 'hole' }>,
  instruments: ReadonlyMap<number, Instrument>,
): PlannedOperation | undefined {
  const instrument = instruments.get(entry.instrument)
  if (!instrument) return undefined
  const { timestampNs } = entry
  const base = { instrument, timestampNs }
  switch (entry.type) {
    case 'setLevel': {
      const { side, price, quantity } = entry
      return { kind: 'setLevel', ...base, side, price, quantity }
    }
    case 'clear':
      return { kind: 'clear', ...base }
    case 'add': {
      const { orderId, side, price, quantity } = entry
      return { kind: 'add', ...base, orderId, side, price, quantity }
    }
    case 'reduce':
    case 'execute':
      return { kind: entry.type, ...base, orderId: entry.orderId, quantity: entry.quantity }
    case 'replace': {
      const { orderId, newOrderId, price, quantity } = entry
      return { kind: 'replace', ...base, orderId, newOrderId, price, quantity }
    }
    case 'cancel':
      return { kind: 'cancel', ...base, orderId: entry.orderId }
    // Feeds journal neither.
    case 'trade':
    case 'status':
      return undefined
  }
}
