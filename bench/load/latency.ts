/** Turns recorded latencies into the report. Nothing here runs while operations do. */
import { build, type Histogram } from 'hdr-histogram-js'

import { causes, type Cause, type Stall } from './stalls.js'

export interface Percentiles {
  p50: number
  p90: number
  p99: number
  p999: number
  p9999: number
  p99999: number
  max: number
}

export interface LatencyRun {
  scenario: string
  ratePerSecond: number
  operations: number
  /** ns, over all rounds. */
  percentiles: Percentiles
  /** p99.9 of each round, ns. */
  p999Rounds: number[]
  /** Reached, per second; less than requested if the queue never ran empty. */
  reachedPerSecond: number
  longestQueue: number
  /** Percentile and ns, for the plot. */
  curve: [number, number][]
  stalls: Record<Cause, { count: number; totalUs: number; longestUs: number }>
  stallsPerSecond: number
  /** The engine's counters during the run. */
  counters: Record<string, number>
}

export function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2 ** 32,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  })
}

export function record(histogram: Histogram, latencies: Uint32Array, count: number): void {
  for (let i = 0; i < count; i++) histogram.recordValue(Math.max(1, latencies[i] as number))
}

export function percentilesOf(histogram: Histogram): Percentiles {
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile)
  return {
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    p9999: at(99.99),
    p99999: at(99.999),
    max: histogram.maxValue,
  }
}

/** Equal steps in the number of nines, from the median up to p99.999. */
export function curveOf(histogram: Histogram): [number, number][] {
  const points: [number, number][] = []
  for (let nines = 0.3; nines <= 5.0001; nines += 0.05) {
    const percentile = 100 * (1 - 10 ** -nines)
    points.push([percentile, histogram.getValueAtPercentile(percentile)])
  }
  return points
}

export function stallsByCause(stalls: readonly Stall[]): LatencyRun['stalls'] {
  const found = Object.fromEntries(
    Object.keys(causes).map((cause) => [cause, { count: 0, totalUs: 0, longestUs: 0 }]),
  ) as LatencyRun['stalls']
  for (const { cause, durationNs } of stalls) {
    const each = found[cause]
    each.count++
    each.totalUs += durationNs / 1e3
    each.longestUs = Math.max(each.longestUs, durationNs / 1e3)
  }
  return found
}
