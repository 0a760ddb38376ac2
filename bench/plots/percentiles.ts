/** Latency by percentile, both scales logarithmic: each step to the right is one more nine. */
import { scaleLinear, scaleLog } from 'd3-scale'
import { line } from 'd3-shape'

import type { LatencyRun } from '../load/latency.js'
import { rule, svg, text, width } from './svg.js'

const left = 76
const right = 40
const top = 84
const height = 360
const mostNines = 5

export interface GoalPoint {
  percentile: number
  ns: number
}

function ninesOf(percentile: number): number {
  return -Math.log10(1 - percentile / 100)
}

function duration(ns: number): string {
  if (ns >= 1e6) return `${String(ns / 1e6)} ms`
  return ns >= 1e3 ? `${String(ns / 1e3)} µs` : `${String(ns)} ns`
}

export function percentileChart(
  title: string,
  subtitle: string,
  runs: readonly LatencyRun[],
  goals: readonly GoalPoint[],
): string {
  const all = runs.flatMap(({ curve }) => curve.map(([, ns]) => ns))
  const x = scaleLinear()
    .domain([0.3, mostNines])
    .range([left, width - right])
  const y = scaleLog()
    .domain([10 ** Math.floor(Math.log10(Math.min(...all))), Math.max(...all) * 1.3])
    .range([top + height, top])
  const parts: string[] = []
  for (const percentile of [50, 90, 99, 99.9, 99.99, 99.999]) {
    const at = x(ninesOf(percentile))
    parts.push(rule(at, top, at, top + height))
    parts.push(
      text(at, top + height + 20, `p${String(percentile)}`, { anchor: 'middle', kind: 'soft' }),
    )
  }
  for (let power = 1; 10 ** power <= Math.max(...all) * 1.3; power++) {
    const at = y(10 ** power)
    if (at > top + height + 1) continue
    parts.push(rule(left, at, width - right, at))
    parts.push(text(left - 8, at + 4, duration(10 ** power), { anchor: 'end', kind: 'soft' }))
  }
  const path = line(
    ([percentile]) => x(ninesOf(percentile)),
    ([, ns]) => y(Math.max(1, ns)),
  )
  const order = [5, 6, 0, 7, 2, 3, 1, 4]
  for (const [index, { curve }] of runs.entries()) {
    parts.push(`<path d="${path(curve) ?? ''}" class="curve s${String(order[index] ?? 0)}"/>`)
  }
  for (const { percentile, ns } of goals) {
    const at = x(ninesOf(percentile))
    parts.push(rule(at - 26, y(ns), at + 26, y(ns), 'goal'))
    parts.push(text(at + 30, y(ns) + 4, 'goal', { kind: 'goaltext' }))
  }
  const legendTop = top + height + 46
  for (const [index, { scenario }] of runs.entries()) {
    const column = left + (index % 2) * 390
    const at = legendTop + Math.floor(index / 2) * 22
    parts.push(
      `<line x1="${String(column)}" y1="${String(at - 4)}" x2="${String(column + 26)}" y2="${String(at - 4)}" class="curve s${String(order[index] ?? 0)}"/>`,
      text(column + 34, at, scenario),
    )
  }
  const bottom = legendTop + Math.ceil(runs.length / 2) * 22
  return svg({ title, subtitle, height: bottom + 8, body: parts.join('\n') })
}
