/**
 * Candles of one UTC day at a time. Days are partitions by exchange time and every interval divides a day, so
 * no candle crosses one. That bounds memory (86,400 candles), and the day's ticks need no order. All
 * arithmetic is on integers: ticks, and lots summed as bigints.
 */
import { dayNs, type HistoryGap, type Tick } from './tick.js'

/** Length of each interval, in ns. */
export const candleIntervals = {
  '1s': 1_000_000_000n,
  '1m': 60_000_000_000n,
  '5m': 300_000_000_000n,
  '1h': 3_600_000_000_000n,
  '1d': dayNs,
} as const
/** The length of a candle: '1s', '1m', '5m', '1h' or '1d'. */
export type CandleInterval = keyof typeof candleIntervals

/** Trades of an interval of exchange time. Prices are ticks. */
export interface Candle {
  /** The candle covers [startNs, endNs): ns since 1970-01-01 UTC. */
  startNs: bigint
  /** End of the candle. */
  endNs: bigint
  /** Ticks of its first trade. */
  open: number
  /** Ticks of its highest trade. */
  high: number
  /** Ticks of its lowest trade. */
  low: number
  /** Ticks of its last trade. */
  close: number
  /** Lots. */
  volume: bigint
  /** 0 for a filled candle: its prices are the preceding close. */
  trades: number
  /** Something may be missing: a recorded gap overlaps this candle. */
  gap: boolean
}

interface Building extends Candle {
  firstNs: bigint
  firstSequence: number
  lastNs: bigint
  lastSequence: number
}

/** The candles of a day. Ticks come in any order; exchange time, then sequence, decides first and last. */
export class CandleDay {
  readonly #interval: bigint
  readonly #candles = new Map<bigint, Building>()

  constructor(interval: CandleInterval) {
    this.#interval = candleIntervals[interval]
  }

  add(tick: Tick): void {
    const { timeNs, sequence, price } = tick
    const startNs = timeNs - (timeNs % this.#interval)
    const candle = this.#candles.get(startNs)
    if (candle === undefined) {
      this.#candles.set(startNs, {
        startNs,
        endNs: startNs + this.#interval,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: BigInt(tick.quantity),
        trades: 1,
        gap: false,
        firstNs: timeNs,
        firstSequence: sequence,
        lastNs: timeNs,
        lastSequence: sequence,
      })
      return
    }
    candle.high = Math.max(candle.high, price)
    candle.low = Math.min(candle.low, price)
    candle.volume += BigInt(tick.quantity)
    candle.trades++
    const before =
      timeNs < candle.firstNs || (timeNs === candle.firstNs && sequence < candle.firstSequence)
    if (before) {
      candle.open = price
      candle.firstNs = timeNs
      candle.firstSequence = sequence
    }
    const after =
      timeNs > candle.lastNs || (timeNs === candle.lastNs && sequence > candle.lastSequence)
    if (after) {
      candle.close = price
      candle.lastNs = timeNs
      candle.lastSequence = sequence
    }
  }

  /** In order of time. */
  candles(gaps: readonly HistoryGap[]): Candle[] {
    return [...this.#candles.values()]
      .sort((left, right) => (left.startNs < right.startNs ? -1 : 1))
      .map(({ startNs, endNs, open, high, low, close, volume, trades }) => ({
        startNs,
        endNs,
        open,
        high,
        low,
        close,
        volume,
        trades,
        gap: overlapsGap(startNs, endNs, gaps),
      }))
  }
}

/** A gap without extent, such as one skipped number, counts at its time. */
export function overlapsGap(startNs: bigint, endNs: bigint, gaps: readonly HistoryGap[]): boolean {
  return gaps.some(
    ({ fromNs, toNs }) =>
      fromNs < endNs && (toNs > startNs || (fromNs === toNs && toNs >= startNs)),
  )
}
