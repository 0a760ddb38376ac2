import type { NativeStats } from '../native/binding.js'
import type { NativeHistogram } from '../native/histogram.js'

/** A distribution since open. A value counts as the upper bound of its bucket, at most 1/64 above it. */
export interface HistogramSummary {
  /** Values that were counted. */
  count: number
  /** The smallest value; 0: there is none. */
  min: number
  /** Their mean. */
  mean: number
  /** The median. */
  p50: number
  /** 90 % are at most this. */
  p90: number
  /** 99 % are at most this. */
  p99: number
  /** 99.9 % are at most this. */
  p999: number
  /** The largest value. */
  max: number
  /**
   * All that was counted: the buckets that hold something, ascending, as upper bounds (in the unit of the
   * histogram; off by at most 1/64) and counts since open. The difference of two readings is what came between
   * them, so percentiles of a window of time and cumulative buckets for a monitoring system can be worked out.
   */
  buckets: Buckets
}

/** The buckets that hold something, ascending, as two columns of the same length. */
export interface Buckets {
  /** Upper bound of each, in the histogram's unit. */
  upperBounds: Float64Array
  /** Values in each, since open. */
  counts: Float64Array
}

type Numbers = Omit<
  NativeStats,
  'appendNs' | 'syncNs' | 'syncEntries' | 'failed' | 'appended' | 'written' | 'durable' | 'applied'
>

/**
 * Counters, gauges and distributions of an open directory. They count since open; those of the calling thread
 * (`writer…`) since that began.
 */
export interface Stats extends Numbers {
  /** Last sequence appended; it survives the process. */
  appendedFrontier: number
  /** In the segment files: other processes see it, and it survives without the window. */
  writtenFrontier: number
  /** Last durable sequence; it survives power loss. */
  durableFrontier: number
  /** Last sequence applied to the books. */
  appliedFrontier: number
  /** Why the journal failed, or null. */
  failed: string | null
  /** Waits for durability that are pending. */
  pendingDurable: number
  /** Nanoseconds of an append; one in 256 is measured. */
  appendNs: HistogramSummary
  /** Nanoseconds of a sync. */
  syncNs: HistogramSummary
  /** Entries made durable by one sync. */
  syncEntries: HistogramSummary
}

export function statsOf(native: NativeStats, pendingDurable: number): Stats {
  const { appended, written, durable, applied, failed, appendNs, syncNs, syncEntries, ...numbers } =
    native
  return {
    ...numbers,
    appendedFrontier: appended,
    writtenFrontier: written,
    durableFrontier: durable,
    appliedFrontier: applied,
    failed: failed === '' ? null : failed,
    pendingDurable,
    appendNs: summarize(appendNs),
    syncNs: summarize(syncNs),
    syncEntries: summarize(syncEntries),
  }
}

/**
 * Percentiles of the native buckets, by the nearest rank. A bucket counts as its upper bound, so nothing looks
 * faster than it is.
 */
export function summarize(native: NativeHistogram): HistogramSummary {
  const { upperBounds, counts, min, max } = native
  // Counted while another thread may record: the buckets' own sum is what their ranks are of.
  let count = 0
  let sum = 0
  for (let index = 0; index < counts.length; index++) {
    count += counts[index]!
    sum += counts[index]! * upperBounds[index]!
  }
  const within = (value: number): number => Math.max(min, Math.min(max, value))
  let bucket = -1
  let seen = 0
  /** Shares come in ascending order: each goes on where the one before ended. */
  const at = (share: number): number => {
    if (count === 0) return 0
    const rank = Math.max(1, Math.ceil(share * count))
    while (seen < rank) seen += counts[++bucket]!
    return within(upperBounds[bucket]!)
  }
  return {
    count,
    min,
    mean: count === 0 ? 0 : within(sum / count),
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max,
    buckets: { upperBounds, counts },
  }
}
