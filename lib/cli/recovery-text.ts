/** A recovery report for people. */
import type { RecoveryReport } from '../persistence/events.js'
import type { DamagedSnapshot } from '../snapshot/snapshot-manager.js'
import type { Output } from './output.js'
import { bytes, count, milliseconds, plural } from './text.js'
import { showWindow } from './window-text.js'

export function tailText(output: Output, tail: RecoveryReport['tail']): string {
  const { colors } = output
  if (tail === 'clean') return colors.green('clean')
  return tail === 'torn' ? colors.yellow('torn tail') : colors.red('corrupt')
}

export function showRecovery(output: Output, report: RecoveryReport): void {
  output.field('journal', journalText(output, report))
  output.field('snapshot', snapshotText(report))
  for (const { path, reason } of report.damagedSnapshots) {
    output.field('passed over', output.colors.red(`${path}: ${reason}`))
  }
  output.field(
    'replayed',
    `${plural(report.entriesReplayed, 'entry', 'entries')} from ${plural(report.segmentsRead, 'segment')} (${bytes(report.bytesRead)})`,
  )
  showBreak(output, report)
  for (const hole of report.holes) output.field('lost', output.colors.red(holeText(hole)))
  showWindow(output, report.window, true)
  if (report.whyNoWindow !== '') output.field('no window', report.whyNoWindow)
  if (report.repairFinished) output.field('repair', 'finished an interrupted one')
  if (report.quarantineDirectory !== '') output.field('quarantine', report.quarantineDirectory)
  const { lock, snapshot, replay, start } = report.phasesMs
  const phases = Object.entries({ lock, snapshot, replay, start })
    .filter(([, ms]) => ms >= 0.05)
    .map(([name, ms]) => `${name} ${milliseconds(ms)}`)
  const detail = phases.length === 0 ? '' : output.colors.dim(` (${phases.join(', ')})`)
  output.field('duration', milliseconds(report.durationMs) + detail)
}

/** Snapshots that rotation or compaction could not use. */
export function showDamaged(output: Output, damaged: readonly DamagedSnapshot[]): void {
  for (const { reason } of damaged) output.field('not usable', output.colors.red(reason))
}

function journalText(output: Output, report: RecoveryReport): string {
  const state = report.created ? output.colors.green('new') : tailText(output, report.tail)
  if (report.lastSequence === 0) return `${state}, no entries`
  return `${state}, entries to ${count(report.lastSequence)}`
}

function snapshotText(report: RecoveryReport): string {
  if (report.snapshotSequence === 0) return 'none: replayed from the first entry'
  return `at ${count(report.snapshotSequence)} (${report.snapshotPath})`
}

function showBreak(output: Output, report: RecoveryReport): void {
  const found = report.break
  if (found === null) return
  const place = found.segment === '' ? '' : ` in ${found.segment} at offset ${count(found.offset)}`
  output.field('break', `${found.reason}${place}, entry ${count(found.sequence)}`)
  const follow = found.validEntriesFollow
    ? `, ${plural(report.entriesDropped, 'valid entry', 'valid entries')} after it`
    : ''
  output.field('dropped', `${bytes(report.bytesDropped)}${follow}`)
  output.field('durable', `known to ${count(found.durableFrontier)}`)
}

export function holeText(hole: RecoveryReport['holes'][number]): string {
  const { firstSequence, lastSequence, snapshotSequence, entriesLeftOut } = hole
  const range =
    firstSequence === lastSequence
      ? `entry ${count(firstSequence)}`
      : `entries ${count(firstSequence)} to ${count(lastSequence)}`
  const why =
    entriesLeftOut > 0
      ? `, ${plural(entriesLeftOut, 'entry', 'entries')} of them refused by the books because they need a lost one`
      : ''
  const covered =
    snapshotSequence === 0 ? '' : `; snapshot ${count(snapshotSequence)} has what they did`
  return range + why + covered
}
