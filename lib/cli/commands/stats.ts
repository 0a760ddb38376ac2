/** `pinnacle stats`: what a running writer says of itself; the exit code serves as a health probe. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import {
  liveCounters,
  liveStatus,
  type Health,
  type LiveStatus,
} from '../../persistence/live-status.js'
import { action, onInterrupt } from '../action.js'
import { numberArgument } from '../arguments.js'
import { directoryOf, withDirectory, type DataOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import { latencyTable } from '../latency-text.js'
import type { Output } from '../output.js'
import { count } from '../text.js'
import { usageError } from '../usage-error.js'

const examples = `
Reads the page that the writer publishes ten times a second, and never touches the writer. The exit code
serves as a health probe: 0 alive, 7 stalled (entries wait and no frontier moves, or the writer does not
report), 8 failed (its journal accepts no more entries), 9 no writer has the directory open.

Examples:
  $ pinnacle stats ./data
  $ pinnacle stats ./data --watch
  $ pinnacle stats ./data --json | jq .counters.segmentStalls
  $ pinnacle stats ./data --stalled-after 2 >/dev/null || alert`

interface StatsOptions extends DataOptions {
  watch?: boolean
  interval: number
  stalledAfter: number
}

export function register(program: Command): void {
  const command = program
    .command('stats')
    .description('frontiers, counters and latencies of a running writer; a health probe')
  withDirectory(command)
    .option('-w, --watch', 'print again and again, with rates, until Ctrl-C')
    .option('--interval <seconds>', 'time between two readings of --watch', numberArgument, 1)
    .option('--stalled-after <seconds>', 'the writer counts as stalled then', numberArgument, 5)
    .addHelpText('after', examples)
  command.action(action<StatsOptions, [string | undefined]>(stats))
}

const exitCodes: Record<Health, ExitCode> = {
  alive: ExitCode.Ok,
  stalled: ExitCode.Stalled,
  failed: ExitCode.Failed,
  none: ExitCode.NoWriter,
}

async function stats(
  output: Output,
  options: StatsOptions,
  directory: string | undefined,
): Promise<ExitCode> {
  if (!(options.interval > 0)) throw usageError('--interval must be above 0 seconds')
  if (!(options.stalledAfter > 0)) throw usageError('--stalled-after must be above 0 seconds')
  const dataDirectory = directoryOf(options, directory)
  const read = (): LiveStatus =>
    liveStatus(dataDirectory, { stalledAfterMs: options.stalledAfter * 1000 })
  let status = read()
  show(output, dataDirectory, status, undefined)
  if (options.watch !== true) return exitCodes[status.health]
  const interrupt = onInterrupt()
  try {
    for (;;) {
      await sleep(options.interval * 1000, undefined, { signal: interrupt.signal })
      const before = status
      status = read()
      show(output, dataDirectory, status, before)
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
    return exitCodes[status.health]
  } finally {
    interrupt.stop()
  }
}

function show(
  output: Output,
  dataDirectory: string,
  status: LiveStatus,
  before: LiveStatus | undefined,
): void {
  output.document({ dataDirectory, ...status })
  if (output.json) return
  output.heading(`${healthText(output, status.health)}  ${dataDirectory}`)
  if (status.reason !== '') output.line(`  ${status.reason}`)
  output.field('writer', `process ${String(status.pid)}, since ${timeOf(status.openedNs)}`)
  output.field(
    'frontiers',
    `appended ${count(status.appendedFrontier)}, written ${count(status.writtenFrontier)}, ` +
      `durable ${count(status.durableFrontier)}`,
  )
  for (const { name, kind, unit, what } of liveCounters()) {
    const value = status.counters[name] ?? 0
    if (value === 0) continue
    const rate = before && kind === 'counter' ? rateText(status, before, name) : ''
    output.line(
      `  ${name.padEnd(18)} ${count(value).padStart(18)} ${unit.padEnd(12)}${rate} ${output.colors.dim(what)}`,
    )
  }
  output.line()
  const table = latencyTable(output, { ...status, syncs: status.counters['syncs'] ?? 0 })
  for (const line of table) output.line(`  ${line}`)
  output.line()
}

function rateText(status: LiveStatus, before: LiveStatus, name: string): string {
  const elapsedS = Number(status.beatNs - before.beatNs) / 1e9
  const grown = (status.counters[name] ?? 0) - (before.counters[name] ?? 0)
  return `${count(elapsedS > 0 ? grown / elapsedS : 0).padStart(14)}/s `
}

function healthText(output: Output, health: Health): string {
  const { green, yellow, red, dim } = output.colors
  const colors = { alive: green, stalled: yellow, failed: red, none: dim }
  return colors[health](health)
}

function timeOf(ns: bigint): string {
  return new Date(Number(ns / 1_000_000n)).toISOString()
}
