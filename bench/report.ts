/** The report as text. */
import { causes, type Cause } from './load/stalls.js'
import type { LatencyRun } from './load/latency.js'
import type { GoalOutcome } from './goals.js'
import type { PartResult } from './part.js'

function digits(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function microseconds(ns: number): string {
  return digits(ns / 1e3)
}

function rate(perSecond: number): string {
  return perSecond >= 1e6 ? `${digits(perSecond / 1e6)} M/s` : `${digits(perSecond / 1e3)} k/s`
}

function latencyLines(runs: readonly LatencyRun[]): string[] {
  const lines = [
    '  ' +
      'scenario'.padEnd(42) +
      'rate'.padEnd(10) +
      'p50     p99     p99.9   p99.99  p99.999 max, µs   stalls/s  reached',
  ]
  for (const run of runs) {
    const { p50, p99, p999, p9999, p99999, max } = run.percentiles
    const cells = [p50, p99, p999, p9999, p99999, max].map((ns) => microseconds(ns).padEnd(8))
    lines.push(
      `  ${run.scenario.padEnd(42)}${rate(run.ratePerSecond).padEnd(10)}${cells.join('')}  ` +
        `${digits(run.stallsPerSecond).padEnd(8)}  ${rate(run.reachedPerSecond)}`,
    )
    for (const [cause, { count, totalUs, longestUs }] of Object.entries(run.stalls)) {
      if (count === 0) continue
      lines.push(
        `      ${String(count).padStart(6)} x ${causes[cause as Cause]}: ${digits(totalUs)} µs in all, ${digits(longestUs)} µs the longest`,
      )
    }
    const counters = Object.entries(run.counters).filter(([, value]) => value > 0)
    if (counters.length > 0) {
      lines.push(
        `      counted: ${counters.map(([name, value]) => `${name} ${String(value)}`).join(', ')}`,
      )
    }
  }
  return lines
}

export function partText(result: PartResult): string {
  const lines = ['', result.title]
  for (const { name, unit, median, min, max } of result.figures) {
    lines.push(
      `  ${name.padEnd(58)} ${digits(median).padStart(8)} ${unit} (${digits(min)} - ${digits(max)})`,
    )
  }
  for (const { what, ratio } of result.comparisons) {
    lines.push(
      `  ${what.padEnd(58)} ${digits(ratio.median).padStart(8)} x (${digits(ratio.min)} - ${digits(ratio.max)})`,
    )
  }
  if (result.latencies) lines.push(...latencyLines(result.latencies))
  for (const note of result.notes) lines.push(`  ${note}`)
  return lines.join('\n')
}

export function goalsText(outcomes: readonly GoalOutcome[]): string {
  const lines = ['', 'goals']
  for (const { what, goal, measured, met, floor } of outcomes) {
    lines.push(
      `  ${met ? 'met   ' : 'missed'}  ${what.padEnd(58)} ${goal.padEnd(12)} ${digits(measured)}` +
        (floor === undefined ? '' : `  (a plain program here: ${digits(floor)})`),
    )
  }
  return lines.join('\n')
}
