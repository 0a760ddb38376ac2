import { createRequire } from 'node:module'
import type { build as Build } from 'hdr-histogram-js'
import type { NativeHistogram, NativeStats } from '../native/binding.js'

export interface HistogramSummary {
  count: number
  min: number
  mean: number
  p50: number
  p90: number
  p99: number
  p999: number
  max: number
}

// Loading it takes longer than opening a small journal, and most processes never ask for stats.
let loaded: typeof Build | undefined
function builder(): typeof Build {
  const load = createRequire(import.meta.url)
  loaded ??= (load('hdr-histogram-js') as { build: typeof Build }).build
  return loaded
}

type Numbers = Omit<
  NativeStats,
  'appendNs' | 'syncNs' | 'syncEntries' | 'failed' | 'appended' | 'durable' | 'applied'
>

export interface Stats extends Numbers {
  appendedFrontier: number
  durableFrontier: number
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
  const { appended, durable, applied, failed, appendNs, syncNs, syncEntries, ...numbers } = native
  return {
    ...numbers,
    appendedFrontier: appended,
    durableFrontier: durable,
    appliedFrontier: applied,
    failed: failed === '' ? null : failed,
    pendingDurable,
    appendNs: summarize(appendNs),
    syncNs: summarize(syncNs),
    syncEntries: summarize(syncEntries),
  }
}

/** Percentiles of the native buckets. A bucket counts as its upper bound, so nothing looks faster than it is. */
export function summarize(native: NativeHistogram): HistogramSummary {
  if (native.count === 0) {
    return { count: 0, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 }
  }
  const histogram = builder()({
    lowestDiscernibleValue: 1,
    highestTrackableValue: Math.max(2, native.max, native.upperBounds.at(-1) ?? 0),
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
    autoResize: true,
  })
  for (const [index, upperBound] of native.upperBounds.entries()) {
    histogram.recordValueWithCount(Math.max(1, Math.round(upperBound)), native.counts[index] ?? 0)
  }
  const at = (percentile: number): number =>
    Math.max(native.min, Math.min(native.max, histogram.getValueAtPercentile(percentile)))
  return {
    count: native.count,
    min: native.min,
    mean: Math.max(native.min, Math.min(native.max, histogram.mean)),
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: native.max,
  }
}
