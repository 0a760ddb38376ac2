/** `pinnacle inspect`: what is in a data directory, every byte of it verified, nothing changed. */
import type { Command } from 'commander'
import { inspect as inspectDirectory, type InspectReport } from '../../persistence/inspect.js'
import { action } from '../action.js'
import { directoryOf, withDirectory, type DataOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { progressBar } from '../progress-bar.js'
import { tailText } from '../recovery-text.js'
import { bytes, count, plural, table } from '../text.js'
import { showWindow } from '../window-text.js'
import { basename } from 'node:path'

const examples = `
Works beside a running writer too; locks nothing and changes nothing.

Examples:
  $ pinnacle inspect ./data
  $ pinnacle inspect ./data --json | jq '.segments[].lastSequence'`

export function register(program: Command): void {
  const command = program
    .command('inspect')
    .description('segments, snapshots and frontiers of a data directory')
  withDirectory(command).addHelpText('after', examples)
  command.action(action<DataOptions, [string | undefined]>(inspect))
}

async function inspect(
  output: Output,
  options: DataOptions,
  directory: string | undefined,
): Promise<ExitCode> {
  const report = await inspected(output, directoryOf(options, directory))
  output.heading(report.dataDirectory)
  showJournal(output, report)
  output.line()
  showSegments(output, report)
  output.line()
  showSnapshots(output, report)
  output.document(report)
  return ExitCode.Ok
}

export async function inspected(output: Output, directory: string): Promise<InspectReport> {
  const bar = progressBar(output, 'verifying')
  try {
    return await inspectDirectory(directory, {
      onProgress: ({ phase, done, total }) => bar.update(done, total, phase),
    })
  } finally {
    bar.stop()
  }
}

function showJournal(output: Output, report: InspectReport): void {
  const { recovery, segments } = report
  output.field('journal id', report.journalId === '' ? '-' : report.journalId)
  output.field('writer', report.locked ? output.colors.yellow('has it open') : 'none')
  output.field('tail', tailText(output, recovery.tail))
  const first = segments.find((segment) => segment.firstSequence > 0)?.firstSequence ?? 0
  const entries = segments.reduce((sum, segment) => sum + segment.entries, 0)
  output.field(
    'entries',
    first === 0
      ? 'none'
      : `${count(first)} to ${count(recovery.lastSequence)} (${plural(entries, 'entry', 'entries')})`,
  )
  if (recovery.break !== null) {
    output.field('break', `${recovery.break.reason}, entry ${count(recovery.break.sequence)}`)
    output.field('durable', `known to ${count(recovery.break.durableFrontier)}`)
  }
  showWindow(output, report.window, false)
  output.field('verified', bytes(report.bytesVerified))
}

function showSegments(output: Output, report: InspectReport): void {
  const { colors } = output
  output.heading(`${plural(report.segments.length, 'segment')}, ${plural(report.spares, 'spare')}`)
  if (report.segments.length === 0) return
  const head = ['segment', 'entries', 'first', 'last', 'used', 'size', 'state', ''].map(colors.dim)
  const rows = report.segments.map((segment) => [
    String(segment.index),
    count(segment.entries),
    segment.firstSequence === 0 ? '-' : count(segment.firstSequence),
    segment.lastSequence === 0 ? '-' : count(segment.lastSequence),
    bytes(segment.usedBytes),
    bytes(segment.bytes),
    segment.state === 'empty' ? 'empty' : tailText(output, segment.state),
    colors.dim(segment.detail),
  ])
  for (const line of table([head, ...rows], 'rrrrrrll')) output.line(`  ${line}`)
}

function showSnapshots(output: Output, report: InspectReport): void {
  const { colors } = output
  output.heading(plural(report.snapshots.length, 'snapshot'))
  if (report.snapshots.length === 0) return
  const head = ['snapshot', 'at entry', 'orders', 'instruments', 'size', 'taken', ''].map(
    colors.dim,
  )
  const rows = report.snapshots.map((snapshot) => [
    basename(snapshot.path),
    count(snapshot.sequence),
    count(snapshot.orders),
    count(snapshot.instruments),
    bytes(snapshot.bytes),
    isoTime(snapshot.timestampNs),
    snapshot.valid ? colors.green('verifies') : colors.red(`damaged: ${snapshot.detail}`),
  ])
  for (const line of table([head, ...rows], 'lrrrrll')) output.line(`  ${line}`)
}

function isoTime(timestampNs: bigint): string {
  const milliseconds = Number(timestampNs / 1_000_000n)
  return milliseconds > 0 && milliseconds < 8.64e15 ? new Date(milliseconds).toISOString() : '-'
}
