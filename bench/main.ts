/**
 * npm run bench [-- --quick] [--only NAME] [--peers] [--json FILE] [--plots DIRECTORY]
 *               [--directory DIRECTORY] [--journal-gib N] [--no-limits]
 *
 * Everything is measured in one run, rounds interleaved: read the ratios, not the nanoseconds.
 * docs/benchmarks.md says how.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { outcomesOf, type GoalOutcome } from './goals.js'
import { Limits } from './limits.js'
import { describeMachine } from './machine.js'
import type { Part, PartResult } from './part.js'
import { backup } from './parts/backup.js'
import { books } from './parts/books.js'
import { device } from './parts/device.js'
import { durable } from './parts/durable.js'
import { feed } from './parts/feed.js'
import { hot } from './parts/hot.js'
import { instruments } from './parts/instruments.js'
import { load } from './parts/load.js'
import { open } from './parts/open.js'
import { recovery } from './parts/recovery.js'
import { transactions } from './parts/transactions.js'
import { Peers } from './peers/peers.js'
import { writePlots } from './plots/plots.js'
import { goalsText, partText } from './report.js'

const parts: readonly Part[] = [
  hot,
  books,
  durable,
  transactions,
  recovery,
  open,
  device,
  instruments,
  load,
  feed,
  backup,
]

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    peers: { type: 'boolean', default: false },
    json: { type: 'string' },
    plots: { type: 'string' },
    directory: { type: 'string', default: os.tmpdir() },
    'no-limits': { type: 'boolean', default: false },
    'journal-gib': { type: 'string', default: '2' },
  },
})
const names = parts.map(({ name }) => name)
const only = values.only?.flatMap((list) => list.split(','))
for (const name of only ?? []) {
  if (names.includes(name)) continue
  console.error(`--only takes ${names.join(', ')}, not '${name}'`)
  process.exit(2)
}
const journalGiB = Number(values['journal-gib'])
if (!(journalGiB > 0 && journalGiB <= 1024)) {
  console.error(`--journal-gib takes a number from 0 to 1024, not '${values['journal-gib']}'`)
  process.exit(2)
}

const directory = mkdtempSync(path.join(values.directory, 'pinnacle-bench-'))
process.on('exit', () => {
  rmSync(directory, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    process.exit(130)
  })
}

const machine = describeMachine(directory)
console.log(
  `${machine.cpu}, ${String(machine.cores)} cores, ${String(machine.memoryGiB)} GiB; ${machine.kernel}, ` +
    `${machine.fileSystem}; Node ${machine.node}; load average ${machine.loadAverage.toFixed(1)}`,
)
if (machine.loadAverage > machine.cores / 2) {
  console.log('This machine is busy: the ratios hold, the tails do not.')
}

const limits = values['no-limits'] ? { problem: 'not wanted' } : Limits.start(directory)
if ('problem' in limits) {
  console.log(`The machine's limits are left out: ${limits.problem}`)
}
const peers = values.peers ? Peers.install() : undefined
if (peers && 'problem' in peers) console.log(`The peers are left out: ${peers.problem}`)

const results: Record<string, PartResult> = {}
const outcomes: GoalOutcome[] = []
for (const part of parts) {
  const { name } = part
  if (only && !only.includes(name)) continue
  const own = path.join(directory, name)
  mkdirSync(own)
  const result = await part.run({
    directory: own,
    quick: values.quick,
    limits: 'problem' in limits ? undefined : limits,
    peers: peers && !('problem' in peers) ? peers : undefined,
    journalGiB,
  })
  rmSync(own, { recursive: true, force: true })
  results[name] = result
  outcomes.push(...outcomesOf(result.goals, result.floors))
  console.log(partText(result))
}
if (!('problem' in limits)) limits.close()

console.log(goalsText(outcomes))
const report = { machine, quick: values.quick, parts: results, goals: outcomes }
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(report, null, 2) + '\n')
if (values.plots !== undefined) {
  for (const file of writePlots(report.parts, values.plots)) console.log(`written: ${file}`)
}
