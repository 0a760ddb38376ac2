/**
 * Puts the figures of runs into docs/benchmarks.md; parts of later files replace those of earlier ones.
 *
 * npm run bench:page -- FILE...
 *
 * What lies between `<!-- figures: NAME -->` and `<!-- end -->` is written by this program: NAME is `machine`,
 * `goals` or a part. A block whose part no file has keeps its text. All else on the page is written by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { format, resolveConfig } from 'prettier'

import type { LatencyRun } from './load/latency.js'
import type { GoalOutcome } from './goals.js'
import type { Machine } from './machine.js'
import type { PartResult } from './part.js'
import { root } from './root.js'

interface Report {
  machine: Machine
  parts: Record<string, PartResult>
  goals: GoalOutcome[]
}

function digits(value: number): string {
  const places = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value.toLocaleString('en-US', {
    minimumFractionDigits: places,
    maximumFractionDigits: places,
  })
}

function duration(ns: number): string {
  return ns < 1e6 ? `${digits(ns / 1e3)} µs` : `${digits(ns / 1e6)} ms`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function machineText(machine: Machine): string {
  const { cpu, cores, memoryGiB, kernel, fileSystem, node, loadAverage, date, commit } = machine
  return (
    `${date}, commit ${commit}. ${cpu}, ${String(cores)} cores, ${String(memoryGiB)} GiB; ` +
    `${kernel}, ${fileSystem}; Node ${node}; load average ${digits(loadAverage)} at its start.`
  )
}

function goalsText(outcomes: readonly GoalOutcome[]): string {
  const rows = [...outcomes]
    .sort((a, b) => Number(b.met) - Number(a.met))
    .map(({ what, goal, measured, met, floor }) => [
      what,
      goal.replace('>=', '≥').replace('<=', '≤'),
      digits(measured),
      floor === undefined ? '' : digits(floor),
      met ? 'met' : 'missed',
    ])
  return table(['goal', 'wanted', 'this run', 'a plain program', ''], rows)
}

function latencyRow({ scenario, ratePerSecond, percentiles, reachedPerSecond }: LatencyRun) {
  const { p50, p99, p999, p9999, max } = percentiles
  return [
    scenario,
    `${String(ratePerSecond / 1e6)} M/s`,
    ...[p50, p99, p999, p9999, max].map(duration),
    `${Math.floor(reachedPerSecond / 1e3).toLocaleString('en-US')} k/s`,
  ]
}

function partText({ figures, comparisons, latencies, notes }: PartResult): string {
  const texts: string[] = []
  if (figures.length > 0) {
    const rows = figures.map(({ name, unit, median, min, max }) => [
      name,
      `${digits(median)} ${unit} (${digits(min)} – ${digits(max)})`,
    ])
    const ratios = comparisons.map(({ what, ratio: { median, min, max } }) => [
      `_${what}_`,
      `**${digits(median)}x** (${digits(min)} – ${digits(max)})`,
    ])
    texts.push(table(['case', 'median (lowest – highest round)'], [...rows, ...ratios]))
  }
  if (latencies) {
    const head = ['scenario', 'rate', 'p50', 'p99', 'p99.9', 'p99.99', 'highest', 'reached']
    texts.push(table(head, latencies.map(latencyRow)))
  }
  if (notes.length > 0) texts.push(notes.map((note) => `- ${note}`).join('\n'))
  return texts.join('\n\n')
}

async function main(files: readonly string[]): Promise<void> {
  if (files.length === 0) {
    console.error('usage: npm run bench:page -- FILE...')
    process.exit(2)
  }
  const texts = new Map<string, string>()
  const goals = new Map<string, GoalOutcome>()
  for (const file of files) {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report
    texts.set('machine', machineText(report.machine))
    for (const [name, part] of Object.entries(report.parts)) texts.set(name, partText(part))
    for (const outcome of report.goals) goals.set(outcome.what, outcome)
  }
  texts.set('goals', goalsText([...goals.values()]))
  const page = path.join(root, 'docs', 'benchmarks.md')
  const block = /(<!-- figures: (\w+) -->\n)[^]*?(<!-- end -->)/g
  const left = new Set(texts.keys())
  const renewed = readFileSync(page, 'utf8').replace(
    block,
    (before: string, begin: string, name: string, end: string) => {
      left.delete(name)
      const text = texts.get(name)
      return text === undefined ? before : `${begin}\n${text}\n\n${end}`
    },
  )
  if (left.size > 0) {
    console.error(`docs/benchmarks.md has no place for: ${[...left].join(', ')}`)
    process.exit(1)
  }
  writeFileSync(page, await format(renewed, { ...(await resolveConfig(page)), filepath: page }))
}

await main(process.argv.slice(2))
