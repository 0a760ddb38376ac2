/**
 * Queries of price history, beside a running writer or at rest. Ticks come day by day, within a day in order
 * of their sequence, with one row group in memory at a time; candles hold one day.
 */
import { PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'
import { PinnacleError } from '../../errors/pinnacle-error.js'
import path from 'node:path'
import {
  CandleDay,
  candleIntervals,
  overlapsGap,
  type Candle,
  type CandleInterval,
} from './candle.js'
import { historyDirectory } from './history-archive.js'
import { daysIn, openDay } from './partition.js'
import {
  checkTime,
  dayOf,
  directoryNameOf,
  type HistoryGap,
  type HistoryProduct,
  type Tick,
} from './tick.js'

/** Where the history is. */
export interface PriceHistoryOptions {
  /** The data directory. */
  directory: string
  /** Ticks in the journal that may not be archived yet; a tick in both counts once. */
  liveTicks?: (product: string) => AsyncIterable<Tick>
}

/** From `from` (inclusive) to `to` (exclusive), in exchange time. */
export interface TickQuery {
  /** Name of the product. */
  product: string
  /** Inclusive: ns since 1970-01-01 UTC. Default: the beginning. */
  from?: bigint
  /** Exclusive: ns since 1970-01-01 UTC. Default: the end. */
  to?: bigint
}

/** A TickQuery with the candles' length. */
export interface CandleQuery extends TickQuery {
  /** Length of a candle. */
  interval: CandleInterval
  /**
   * Also returns candles without trades, at the preceding close, from the query's first trade to its last.
   */
  fillEmpty?: boolean
}

interface DayOfTicks {
  day: string
  batches: AsyncIterable<Tick[]>
}

/**
 * Queries of a data directory's price history, beside a running writer or at rest. Errors:
 * ERR_PINNACLE_HISTORY_CORRUPT, ERR_PINNACLE_INVALID_TIMESTAMP, ERR_PINNACLE_INVALID_ARGUMENT.
 */
export class PriceHistory {
  readonly #directory: string
  readonly #liveTicks: PriceHistoryOptions['liveTicks']

  constructor(options: PriceHistoryOptions) {
    this.#directory = historyDirectory(options.directory)
    this.#liveTicks = options.liveTicks
  }

  /** The product's scales. ERR_PINNACLE_HISTORY_UNKNOWN_PRODUCT if it has no history. */
  async product(name: string): Promise<HistoryProduct> {
    for (const kind of ['ticks', 'gaps'] as const) {
      const directory = this.#directoryOf(name, kind)
      const day = [...(await daysIn(directory)).keys()].at(-1)
      if (day === undefined) continue
      const { files } = await openDay(directory, kind, day)
      const product = files.at(-1)?.facts.product
      await Promise.all(files.map((file) => file.close()))
      if (product !== undefined) return product
    }
    throw new PinnacleError(
      'ERR_PINNACLE_HISTORY_UNKNOWN_PRODUCT',
      `there is no price history of ${shown(name)} in ${this.#directory}; record it first, or see its ` +
        'subdirectories for the names that there are',
    )
  }

  /** Trades, day by day, within a day in order of their sequence. */
  async *ticks(query: TickQuery): AsyncGenerator<Tick> {
    for await (const { batches } of this.#days(query)) {
      for await (const batch of batches) yield* batch
    }
  }

  /** Candles in order of time. A day's trades are held in memory as candles. */
  async *candles(query: CandleQuery): AsyncGenerator<Candle> {
    if (!Object.hasOwn(candleIntervals, query.interval)) {
      throw new PinnacleTypeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        `the interval must be one of ${Object.keys(candleIntervals).join(', ')}, not ${shown(query.interval)}`,
      )
    }
    const step = candleIntervals[query.interval]
    const gaps = await this.gaps(query)
    let before: Candle | undefined
    for await (const { batches } of this.#days(query)) {
      const day = new CandleDay(query.interval)
      for await (const batch of batches) for (const tick of batch) day.add(tick)
      for (const candle of day.candles(gaps)) {
        if (query.fillEmpty === true && before !== undefined) {
          for (let at = before.endNs; at < candle.startNs; at += step) {
            yield emptyCandle(at, step, before.close, gaps)
          }
        }
        yield candle
        before = candle
      }
    }
  }

  /** The gaps that overlap the queried time, in order of their sequence. */
  async gaps(query: TickQuery): Promise<HistoryGap[]> {
    const { from, to } = checkedRange(query)
    const directory = this.#directoryOf(query.product, 'gaps')
    const found: HistoryGap[] = []
    // A gap is stored with the day in which it ends, so no day before `from` can matter.
    for (const day of (await daysIn(directory)).keys()) {
      if (day < dayOf(from)) continue
      const { files } = await openDay(directory, 'gaps', day)
      try {
        for (const file of files) {
          for await (const rows of file.batches()) {
            for (const gap of rows as HistoryGap[]) {
              if (gap.toNs >= from && gap.fromNs < to) found.push(gap)
            }
          }
        }
      } finally {
        await Promise.all(files.map((file) => file.close()))
      }
    }
    return found.sort((left, right) => left.sequence - right.sequence)
  }

  #directoryOf(product: string, kind: string): string {
    return path.join(this.#directory, directoryNameOf(product), kind)
  }

  async *#days(query: TickQuery): AsyncGenerator<DayOfTicks> {
    const { from, to } = checkedRange(query)
    const inRange = (tick: Tick): boolean => tick.timeNs >= from && tick.timeNs < to
    // Live ticks first: a tick archived meanwhile is then seen twice and returned once, never missed.
    const live = new Map<string, Tick[]>()
    if (this.#liveTicks !== undefined) {
      for await (const tick of this.#liveTicks(query.product)) {
        if (!inRange(tick)) continue
        const day = dayOf(tick.timeNs)
        const ticks = live.get(day)
        if (ticks === undefined) live.set(day, [tick])
        else ticks.push(tick)
      }
    }
    const directory = this.#directoryOf(query.product, 'ticks')
    const days = new Set([...(await daysIn(directory)).keys(), ...live.keys()])
    for (const day of [...days].sort()) {
      if (to <= from || day < dayOf(from) || day > dayOf(to - 1n)) continue
      yield { day, batches: dayBatches(directory, day, live.get(day) ?? [], inRange) }
    }
  }
}

async function* dayBatches(
  directory: string,
  day: string,
  live: readonly Tick[],
  inRange: (tick: Tick) => boolean,
): AsyncGenerator<Tick[]> {
  const { files } = await openDay(directory, 'ticks', day)
  try {
    for (const file of files) {
      for await (const rows of file.batches()) yield (rows as Tick[]).filter(inRange)
    }
    let last = files.at(-1)?.facts.lastSequence ?? 0
    for (const tick of live) {
      if (tick.sequence <= last) continue
      last = tick.sequence
      yield [tick]
    }
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
}

function emptyCandle(
  startNs: bigint,
  step: bigint,
  price: number,
  gaps: readonly HistoryGap[],
): Candle {
  const endNs = startNs + step
  return {
    startNs,
    endNs,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: 0n,
    trades: 0,
    gap: overlapsGap(startNs, endNs, gaps),
  }
}

function checkedRange({ from = 0n, to = (1n << 63n) - 1n }: TickQuery): {
  from: bigint
  to: bigint
} {
  checkTime('from', from)
  checkTime('to', to)
  return { from, to }
}
