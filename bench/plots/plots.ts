/** The plots of docs/benchmarks.md, from one run's results. A plot whose part did not run stays unchanged. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { goals } from '../goals.js'
import type { LatencyRun } from '../load/latency.js'
import type { PartResult } from '../part.js'
import { allowedNs, scenarioNames } from '../parts/load.js'
import type { Figure } from '../rounds.js'
import { barChart, type Bar } from './bars.js'
import { percentileChart, type GoalPoint } from './percentiles.js'

function barsOf(figures: readonly Figure[], limitWords: readonly string[]): Bar[] {
  const product = /journal|append \+|callers|group/
  return figures.map(({ name, median, min, max }) => ({
    label: name,
    value: median,
    min,
    max,
    series: limitWords.some((word) => name.includes(word)) ? 1 : product.test(name) ? 0 : 5,
  }))
}

/** Goals for the plot, relative to the empty generator in the same run. */
function loadGoals(empty: LatencyRun | undefined): GoalPoint[] {
  if (!empty) return []
  const { p99, p999, p9999 } = empty.percentiles
  return [
    { percentile: 99, ns: goals.loadP99.limit * p99 + allowedNs },
    { percentile: 99.9, ns: goals.loadP999.limit * p999 + allowedNs },
    { percentile: 99.99, ns: goals.loadP9999.limit * p9999 + allowedNs },
  ]
}

function rateName(perSecond: number): string {
  return perSecond >= 1e6 ? `${String(perSecond / 1e6)} million` : `${String(perSecond / 1e3)},000`
}

/** Returns the files written. */
export function writePlots(parts: Record<string, PartResult>, directory: string): string[] {
  mkdirSync(directory, { recursive: true })
  const written: string[] = []
  const write = (name: string, content: string): void => {
    const file = path.join(directory, `${name}.svg`)
    writeFileSync(file, content)
    written.push(file)
  }
  const { hot, durable, load } = parts
  if (hot) {
    write(
      'appends',
      barChart(
        'Appending 32 bytes from JavaScript',
        'One append, not synced; median of the rounds, the line is their span. Shorter is better.',
        'ns',
        barsOf(hot.figures, ['C++']),
      ),
    )
  }
  if (durable) {
    write(
      'durable',
      barChart(
        'Until it is durable',
        'Time until all of it survives power loss; median of the rounds, the line is their span.',
        'µs',
        barsOf(durable.figures, ['pwrite', 'plain program']),
      ),
    )
  }
  const rates = new Set(load?.latencies?.map(({ ratePerSecond }) => ratePerSecond) ?? [])
  for (const rate of rates) {
    const runs = load?.latencies?.filter(({ ratePerSecond }) => ratePerSecond === rate) ?? []
    write(
      `latency-${String(rate / 1e3)}k`,
      percentileChart(
        `Latency at ${rateName(rate)} operations a second`,
        'From when an operation was due to when it was done; open loop, all rounds together.',
        runs,
        rate === 1e6
          ? loadGoals(runs.find(({ scenario }) => scenario === scenarioNames.nothing))
          : [],
      ),
    )
  }
  return written
}
