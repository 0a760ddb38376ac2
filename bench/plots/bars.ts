/** Horizontal bars on a logarithmic scale, each with the span of its rounds. */
import { scaleLog } from 'd3-scale'

import { rule, svg, text, width } from './svg.js'

export interface Bar {
  label: string
  value: number
  min: number
  max: number
  /** Colour; 0 is the product, 1 a limit of the machine, 5 a peer. */
  series: number
}

/** Room for the longest label: pixels per character, at most. */
const labelCharacter = 7.2
const leastLeft = 400
const right = 110
const top = 76
const row = 30

export function barChart(
  title: string,
  subtitle: string,
  unit: string,
  bars: readonly Bar[],
): string {
  const longest = Math.max(...bars.map(({ label }) => label.length))
  const left = Math.max(leastLeft, Math.ceil(longest * labelCharacter) + 24)
  const values = bars.flatMap(({ value, min, max }) => [value, min, max])
  const scale = scaleLog()
    .domain([Math.min(...values) / 1.6, Math.max(...values)])
    .range([left, width - right])
  const bottom = top + bars.length * row
  const parts: string[] = []
  for (const tick of scale.ticks()) {
    // A logarithmic scale's many lines: show ones, twos and fives; only ones if they are too dense.
    const leading = Number(tick.toExponential()[0])
    const wide = Math.max(...values) / Math.min(...values) > 300
    if (leading !== 1 && (wide || (leading !== 2 && leading !== 5))) continue
    const x = scale(tick)
    parts.push(rule(x, top - 8, x, bottom))
    parts.push(text(x, bottom + 18, tick.toLocaleString('en'), { anchor: 'middle', kind: 'soft' }))
  }
  parts.push(
    text(width - right, bottom + 36, `${unit}, logarithmic`, { anchor: 'end', kind: 'soft' }),
  )
  for (const [index, { label, value, min, max, series }] of bars.entries()) {
    const y = top + index * row
    const middle = y + row / 2 - 4
    parts.push(text(left - 12, middle + 4, label, { anchor: 'end' }))
    const length = Math.max(1, scale(value) - left)
    parts.push(
      `<rect x="${String(left)}" y="${String(y)}" width="${length.toFixed(1)}" height="${String(row - 8)}" class="f${String(series)}"/>`,
      rule(scale(min), middle, scale(max), middle, 'span'),
    )
    const shown = value >= 100 ? value.toFixed(0) : value.toPrecision(3)
    parts.push(text(Math.max(scale(max), scale(value)) + 8, middle + 4, shown))
  }
  return svg({ title, subtitle, height: bottom + 52, body: parts.join('\n') })
}
