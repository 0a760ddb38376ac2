/**
 * Interleaved measuring: every round runs every case once (A B C A B C …), so that a machine that slows
 * down slows all of them. A round is many short windows; the figure of a round is their median, which a
 * scheduler that takes the processor away for a while does not move.
 */
import { build, type Histogram } from 'hdr-histogram-js'

export interface Case {
  name: string
  /** Operations of one window; the window is what is timed. */
  perWindow: number
  windows: number
  /** Does `count` operations. */
  run(count: number): void
  /** Between windows, not timed: what would otherwise pile up. */
  rest?(): void
  /** One operation, for the latencies; without it they are not measured. */
  one?(): void
}

export interface Figures {
  name: string
  /** Median of the rounds' medians, with the lowest and the highest round; ns per operation. */
  median: number
  min: number
  max: number
  /** Of single timed operations, the cost of reading the clock included; ns. */
  latency: { p50: number; p99: number; p999: number; max: number } | undefined
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

function nowNs(): number {
  return performance.now() * 1e6
}

function roundOf(each: Case): number {
  const { perWindow, windows } = each
  const values: number[] = []
  for (let window = 0; window < windows; window++) {
    const start = nowNs()
    each.run(perWindow)
    values.push((nowNs() - start) / perWindow)
    each.rest?.()
  }
  return median(values)
}

function latencyOf(each: Case, operations: number, histogram: Histogram): void {
  if (each.one === undefined) return
  for (let i = 0; i < operations; i++) {
    const start = nowNs()
    each.one()
    histogram.recordValue(Math.max(1, Math.round(nowNs() - start)))
    if (i % each.perWindow === 0) each.rest?.()
  }
}

/** Lets background threads (segment supply, sync) and the event loop go on. */
function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20))
}

export async function measure(
  cases: readonly Case[],
  rounds: number,
  latencyOperations: number,
): Promise<Figures[]> {
  const medians = cases.map((): number[] => [])
  const histograms = cases.map(() => build({ numberOfSignificantValueDigits: 3 }))
  for (let round = -1; round < rounds; round++) {
    for (const [index, each] of cases.entries()) {
      const value = roundOf(each)
      if (round >= 0) {
        // Round -1 warms up.
        medians[index]?.push(value)
        latencyOf(each, latencyOperations, histograms[index] as Histogram)
      }
      await breath()
    }
  }
  return cases.map((each, index) => {
    const values = medians[index] ?? []
    const histogram = histograms[index] as Histogram
    const at = (percentile: number): number => histogram.getValueAtPercentile(percentile)
    return {
      name: each.name,
      median: median(values),
      min: Math.min(...values),
      max: Math.max(...values),
      latency:
        histogram.totalCount === 0
          ? undefined
          : { p50: at(50), p99: at(99), p999: at(99.9), max: histogram.maxValue },
    }
  })
}
