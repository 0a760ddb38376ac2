/**
 * Moves data from the journal into the price history: trades become ticks, gaps become gaps of the products
 * that they affect. The recorder sends rows as it journals them; at the start, rows come from the journal,
 * from the archive's end on.
 *
 * Invariants: the archive never gets rows that the journal could still lose (it waits for `durable` first, or
 * a power cut could let a sequence name another entry); a flush ends between two frames; snapshots, and with
 * them compaction, wait for the archive (`guardSnapshots`).
 */
import type { Instrument } from '../../book/instrument.js'
import { PinnacleError } from '../../errors/pinnacle-error.js'
import type { JournalEntry } from '../../entry/entry.js'
import type { PersistenceManager } from '../../persistence/persistence-manager.js'
import type { FeedTradeEntry, GapEntry } from '../feed-entry.js'
import { HistoryArchive } from '../history/history-archive.js'
import type { HistoryGap, HistoryProduct, Tick } from '../history/tick.js'
import { decodeFeedEntry } from './entry-codec.js'
import type { FeedState } from './feed-state.js'

/** How a price history is written. */
export interface HistoryFeedOptions {
  /** Days to keep, today included. Default: all. */
  readonly retentionDays?: number
  /** Milliseconds between writes of ticks to files; 0: only on request. Default: 60,000. */
  readonly flushIntervalMs?: number
  /** Called for a failed flush; the rows stay, and the next flush writes them. */
  readonly onProblem?: (error: unknown) => void
}

interface Rows {
  product: HistoryProduct
  ticks: Tick[]
  gaps: HistoryGap[]
}

const defaultFlushIntervalMs = 60_000
const flushesBetweenMaintenance = 60

export class HistoryFeed {
  readonly #persistence: PersistenceManager
  readonly #archive: HistoryArchive
  readonly #onProblem: (error: unknown) => void
  #rows = new Map<string, Rows>()
  #products: readonly string[] = []
  #receivedNs = 0n
  #timer: NodeJS.Timeout | undefined
  #flushes = 0
  #flushing: Promise<number> = Promise.resolve(0)

  /** Opens the archive below the directory, and feeds it the journal's later entries. */
  static async open(
    directory: string,
    persistence: PersistenceManager,
    state: FeedState,
    options: HistoryFeedOptions = {},
  ): Promise<HistoryFeed> {
    const { retentionDays, flushIntervalMs = defaultFlushIntervalMs } = options
    const archive = await HistoryArchive.open({
      directory,
      ...(retentionDays === undefined ? {} : { retentionDays }),
    })
    const feed = new HistoryFeed(persistence, archive, options.onProblem)
    feed.connection(state.connection?.products ?? [])
    await feed.#catchUp()
    feed.#guardSnapshots(state)
    if (flushIntervalMs > 0) {
      feed.#timer = setInterval(() => {
        feed.flush().catch(feed.#onProblem)
      }, flushIntervalMs)
      feed.#timer.unref()
    }
    return feed
  }

  private constructor(
    persistence: PersistenceManager,
    archive: HistoryArchive,
    onProblem: (error: unknown) => void = () => undefined,
  ) {
    this.#persistence = persistence
    this.#archive = archive
    this.#onProblem = onProblem
  }

  /** Files contain everything up to this sequence. */
  get archivedSequence(): number {
    return this.#archive.archivedSequence
  }

  /** The products that a gap of the whole connection affects from here on. */
  connection(products: readonly string[]): void {
    this.#products = products
  }

  /** A frame begins. */
  frame(receivedNs: bigint): void {
    this.#receivedNs = receivedNs
  }

  trade(
    instrument: HistoryProduct,
    sequence: number,
    timeNs: bigint,
    { tradeId, side, price, quantity }: FeedTradeEntry,
  ): void {
    const receivedNs = this.#receivedNs || timeNs
    const tick = { sequence, timeNs, receivedNs, tradeId, side, price, quantity }
    this.#rowsOf(instrument).ticks.push(tick)
  }

  gap(sequence: number, gap: GapEntry, recorded: readonly string[] = []): void {
    const { fromNs, toNs, reason, scope } = gap
    const concerned = scope === '' ? this.#products : [scope]
    const known = new Set([...recorded, ...this.#persistence.instruments().map(({ name }) => name)])
    for (const product of concerned) {
      if (!known.has(product)) continue
      const { gaps } = this.#rowsOf(this.#persistence.instrument(product))
      gaps.push({ sequence, fromNs, toNs, reason })
    }
  }

  /** Writes everything journaled so far to the history's files; returns the last sequence. */
  flush(): Promise<number> {
    const result = this.#flushing.catch(() => 0).then(() => this.#flush())
    this.#flushing = result
    return result
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
    await this.#archive.close()
  }

  async #flush(): Promise<number> {
    // No await in between: the rows are those up to this frontier, which lies between two frames.
    const through = this.#persistence.appendedFrontier
    const rows = this.#rows
    this.#rows = new Map()
    try {
      await this.#persistence.durable(through)
    } catch (error) {
      this.#putBack(rows)
      throw error
    }
    for (const { product, ticks, gaps } of rows.values()) {
      if (ticks.length > 0) this.#archive.append(product, ticks)
      for (const gap of gaps) this.#archive.gap(product, gap)
    }
    // From here on the archive owns the rows, whether or not it can write them now.
    const archived = await this.#archive.flush(through)
    if (++this.#flushes % flushesBetweenMaintenance === 0) await this.#archive.maintain()
    return archived
  }

  #putBack(rows: Map<string, Rows>): void {
    const later = this.#rows
    this.#rows = rows
    for (const { product, ticks, gaps } of later.values()) {
      const before = this.#rowsOf(product)
      before.ticks.push(...ticks)
      before.gaps.push(...gaps)
    }
  }

  #rowsOf(product: HistoryProduct): Rows {
    const known = this.#rows.get(product.name)
    if (known) return known
    const { name, priceScale, quantityScale, signedPrices = false } = product
    const rows = {
      product: { name, priceScale, quantityScale, signedPrices },
      ticks: [],
      gaps: [],
    }
    this.#rows.set(name, rows)
    return rows
  }

  async #catchUp(): Promise<void> {
    const from = this.#archive.archivedSequence + 1
    const to = this.#persistence.appendedFrontier
    if (from > to) return
    const instruments = new Map(
      this.#persistence.instruments().map((instrument) => [instrument.index, instrument]),
    )
    for await (const entry of this.#persistence.journal.entries({ from, to, types: ['user'] })) {
      this.#see(entry, instruments)
    }
  }

  #see(entry: JournalEntry, instruments: ReadonlyMap<number, Instrument>): void {
    if (entry.type !== 'user') return
    const { sequence, timestampNs } = entry
    const feed = decodeFeedEntry(entry.userType, entry.payload)
    if (feed?.type === 'frame') this.frame(timestampNs)
    else if (feed?.type === 'connection') this.connection(feed.products)
    else if (feed?.type === 'gap') this.gap(sequence, feed)
    else if (feed?.type === 'trade') {
      const instrument = instruments.get(entry.instrument)
      if (instrument) this.trade(instrument, sequence, timestampNs, feed)
    }
  }

  /**
   * Compaction keeps the journal from the oldest kept snapshot on, and at least two are kept. So a new one
   * may be taken only when everything up to the current newest is archived.
   */
  #guardSnapshots(state: FeedState): void {
    state.guard = () => {
      const newest = this.#persistence.snapshots.list()[0]?.sequence ?? 0
      if (newest <= this.archivedSequence) return
      throw new PinnacleError(
        'ERR_PINNACLE_HISTORY_BEHIND',
        `the price history ends at entry ${String(this.archivedSequence)}, before the last snapshot of entry ` +
          `${String(newest)}: another one could free journal that is not archived. Flush the history first; if that ` +
          'fails, fix what the error names',
      )
    }
  }
}
