/** The torture's progress, table and violations, as people read them. Pure. */
import type { FaultCounts, FaultKind } from '../torture/counts.js'
import type { Violation } from '../torture/subject.js'
import type { TortureResult } from '../torture/torture.js'
import type { Output } from './output.js'
import { count, plural, table } from './text.js'

export function progressText({ cycles, violations, counts }: TortureResult): string {
  const operations = Object.values(counts).reduce((sum, each) => sum + each.operations, 0)
  return `${plural(cycles, 'cycle')}, ${count(operations)} operations, ${plural(violations.length, 'violation')}`
}

const columns: readonly [title: string, value: (counts: FaultCounts) => number][] = [
  ['recoveries', (counts) => counts.cycles],
  ['operations', (counts) => counts.operations],
  ['durable', (counts) => counts.durable],
  ['lost', (counts) => counts.lost],
  ['torn', (counts) => counts.torn],
  ['snapshots', (counts) => counts.snapshots],
  ['compactions', (counts) => counts.compactions],
  ['rolls', (counts) => counts.rolls],
  ['refused', (counts) => counts.refused],
  ['followed', (counts) => counts.followed],
  ['violations', (counts) => counts.violations],
]

export function resultLines(output: Output, { counts }: TortureResult): string[] {
  const kinds = Object.entries(counts) as [FaultKind, FaultCounts][]
  const lines = table(
    [
      ['fault', ...columns.map(([title]) => title)],
      ...kinds.map(([fault, each]) => [fault, ...columns.map(([, value]) => count(value(each)))]),
    ],
    `l${'r'.repeat(columns.length)}`,
  )
  const phases = kinds.map(([fault, each]) =>
    fault === 'damage'
      ? `damaged ${mapText(each.damages)}; refused by ${mapText(each.refusals)}`
      : `${fault} met writers ${mapText(each.phases)}`,
  )
  return [
    ...lines,
    '',
    ...phases,
    output.colors.dim(
      'lost: returned, not acknowledged as durable, gone. A power cut may take these; nothing else may.',
    ),
  ]
}

export function violationLines(output: Output, { fault, what, kept }: Violation): string[] {
  return [
    '',
    output.colors.red(`VIOLATION, ${fault}:`),
    ...what.map((text) => `  ${text}`),
    `  look at it with: pinnacle torture --recheck ${kept}`,
  ]
}

/** The most frequent first. */
function mapText(numbers: Record<string, number>): string {
  const entries = Object.entries(numbers).sort(([, a], [, b]) => b - a)
  return entries.map(([name, times]) => `${name} ${count(times)}`).join(', ') || 'none'
}
