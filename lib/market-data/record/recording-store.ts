/**
 * A data directory that feeds are recorded into: the persistence with the feeds' state as its state machine,
 * and its price history. One recorder at a time writes it.
 */
import { resolveConfig } from '../../config/load-config.js'
import type { PersistenceConfig } from '../../config/types.js'
import { definitionOf, type BookKind } from '../../book/instrument.js'
import { PinnacleRangeError, PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { PersistenceManager, type OpenOptions } from '../../persistence/persistence-manager.js'
import { FeedState } from './feed-state.js'
import { HistoryFeed, type HistoryFeedOptions } from './history-feed.js'

/** Decimal places of a product's prices and sizes, and whether its prices may be negative. */
export interface ProductScales {
  /** Decimal places of a price, 0 to 15. */
  priceScale: number
  /** Decimal places of a quantity, 0 to 15. */
  quantityScale: number
  /** Default: false. */
  signedPrices?: boolean
}

/** How a recorded directory is opened. */
export interface StoreOptions extends OpenOptions {
  /** The configuration. Its state machine gets the user entries that are not the feeds'. */
  readonly persistence: PersistenceConfig
  /** false: no price history. */
  readonly history?: HistoryFeedOptions | false
}

/** Holds prices up to 90 million at 8 digits, and most products' values exactly. */
const defaultScales: ProductScales = { priceScale: 8, quantityScale: 8 }

const maxRawBytes = 1024 * 1024

/**
 * A data directory that feeds are recorded into: the persistence, with the feeds' state as its state machine,
 * and the price history. One process at a time has it open.
 */
export class RecordingStore {
  /** The open data directory. */
  readonly persistence: PersistenceManager
  /** The feeds' state. */
  readonly state: FeedState
  /** @internal The price history that is written. */
  readonly history: HistoryFeed | undefined
  /** Longest raw text that an entry of this journal may hold, at most 1 MiB. */
  readonly maxRawBytes: number

  /**
   * Opens or creates it. ERR_PINNACLE_INVALID_ARGUMENT: price history needs keepSnapshots of 2 or more; else as
   * PersistenceManager.open().
   */
  static async open(options: StoreOptions): Promise<RecordingStore> {
    const resolved = resolveConfig(options.persistence)
    const { history = {}, ...openOptions } = options
    if (history !== false && resolved.keepSnapshots < 2) {
      throw new PinnacleRangeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        'a recording with price history needs keepSnapshots of 2 or more: the journal between the last two ' +
          'snapshots holds what is not archived yet',
      )
    }
    const state = new FeedState(resolved.stateMachine)
    const persistence = await PersistenceManager.open(
      { ...options.persistence, stateMachine: state },
      openOptions,
    )
    try {
      const feed =
        history === false
          ? undefined
          : await HistoryFeed.open(resolved.dataDirectory, persistence, state, history)
      const raw = Math.min(maxRawBytes, Math.floor(resolved.segmentSize / 4))
      return new RecordingStore(persistence, state, feed, raw)
    } catch (error) {
      await persistence.close()
      throw error
    }
  }

  private constructor(
    persistence: PersistenceManager,
    state: FeedState,
    history: HistoryFeed | undefined,
    rawBytes: number,
  ) {
    this.persistence = persistence
    this.state = state
    this.history = history
    this.maxRawBytes = rawBytes
  }

  /**
   * Defines the product's instrument, unless the directory has it. ERR_PINNACLE_FEED_INSTRUMENT: it has another
   * definition.
   */
  define(product: string, kind: BookKind, scales: ProductScales | undefined): void {
    const known = this.persistence.instruments().find(({ name }) => name === product)
    if (!known) {
      this.persistence.defineInstrument(
        definitionOf({ name: product, kind, ...(scales ?? defaultScales) }),
      )
      return
    }
    if (
      known.kind === kind &&
      (scales === undefined ||
        (scales.priceScale === known.priceScale &&
          scales.quantityScale === known.quantityScale &&
          (scales.signedPrices ?? false) === known.signedPrices))
    ) {
      return
    }
    throw new PinnacleTypeError(
      'ERR_PINNACLE_FEED_INSTRUMENT',
      `${product} is in this data directory with a book of ${known.kind} and the scales ` +
        `${String(known.priceScale)} and ${String(known.quantityScale)}, ` +
        `${known.signedPrices ? 'with' : 'without'} signed prices, and can't be recorded otherwise; use ` +
        'another data directory',
      { details: { product, kind, ...scales } },
    )
  }

  /** Archives, syncs, and releases the directory. */
  async close(): Promise<void> {
    try {
      await this.history?.close()
    } finally {
      await this.persistence.close()
    }
  }
}
