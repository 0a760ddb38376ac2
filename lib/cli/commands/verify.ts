/** `pinnacle verify`: every checksum; the exit code says clean, torn or corrupt. */
import type { Command } from 'commander'
import type { InspectReport } from '../../persistence/inspect.js'
import { verifyPure } from '../../pure-reader/verify.js'
import { action } from '../action.js'
import { directoryOf, withDirectory, type DataOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { bytes, count, plural } from '../text.js'
import { inspected } from './inspect.js'

const examples = `
Reads every byte of every segment and snapshot and changes nothing. Exit code 0: clean. 3: the journal
ends in a torn tail, which the next open cuts. 4: something that was durable is damaged.
Beside a running writer the newest entry may still be half-written; that is not taken for a torn tail.

With --pure the same is done by a second reader that has no native code and was written from
docs/format.md alone: slower, and an independent opinion. It also applies every entry to books of its own.

Examples:
  $ pinnacle verify ./data
  $ pinnacle verify --pure ./data
  $ pinnacle verify ./data --json | jq -r .verdict`

export type Verdict = 'clean' | 'torn' | 'corrupt'

interface VerifyOptions extends DataOptions {
  pure?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('verify')
    .description('verify every checksum; the exit code says clean, torn or corrupt')
  withDirectory(command)
    .option('--pure', 'use the reader without native code')
    .addHelpText('after', examples)
  command.action(action<VerifyOptions, [string | undefined]>(verify))
}

async function verify(
  output: Output,
  options: VerifyOptions,
  directory: string | undefined,
): Promise<ExitCode> {
  if (options.pure === true) return verifyWithoutAddon(output, directoryOf(options, directory))
  const report = await inspected(output, directoryOf(options, directory))
  const verdict = verdictOf(report)
  const problems = problemsOf(report)
  const snapshots = report.snapshots.filter((snapshot) => snapshot.valid).length
  output.line(
    `${verdictText(output, verdict)}  ${report.dataDirectory}: entries to ${count(report.recovery.lastSequence)}, ` +
      `${plural(report.segments.length, 'segment')}, ${plural(snapshots, 'good snapshot')}, ` +
      `${bytes(report.bytesVerified)} verified`,
  )
  for (const problem of problems) output.line(`  ${problem}`)
  if (verdict === 'torn') output.line('  the next open cuts the torn tail; nothing durable is lost')
  if (verdict === 'corrupt') {
    output.line(`  "pinnacle repair --dry-run ${report.dataDirectory}" says what could be kept`)
  }
  output.document({
    verdict,
    dataDirectory: report.dataDirectory,
    lastSequence: report.recovery.lastSequence,
    bytesVerified: report.bytesVerified,
    locked: report.locked,
    problems,
  })
  return exitCodeOf(verdict)
}

function verifyWithoutAddon(output: Output, dataDirectory: string): ExitCode {
  const report = verifyPure(dataDirectory)
  const good = report.snapshots.filter(({ problem }) => problem === '').length
  output.line(
    `${verdictText(output, report.verdict)}  ${dataDirectory}, by the second reader: entries to ` +
      `${count(Number(report.journal.lastSequence))}, ${plural(report.journal.segments, 'segment')}, ` +
      plural(good, 'good snapshot'),
  )
  for (const problem of report.problems) output.line(`  ${problem}`)
  for (const damage of report.damaged) output.line(`  damaged, but no open needs it: ${damage}`)
  output.document({
    verdict: report.verdict,
    dataDirectory,
    lastSequence: Number(report.journal.lastSequence),
    entries: report.journal.entries,
    problems: report.problems,
    damaged: report.damaged,
  })
  return exitCodeOf(report.verdict)
}

function exitCodeOf(verdict: Verdict): ExitCode {
  if (verdict === 'corrupt') return ExitCode.Corrupt
  return verdict === 'torn' ? ExitCode.Torn : ExitCode.Ok
}

export function verdictOf(report: InspectReport): Verdict {
  const damaged =
    report.recovery.tail === 'corrupt' ||
    report.segments.some((segment) => segment.state === 'corrupt') ||
    report.snapshots.some((snapshot) => !snapshot.valid)
  if (damaged) return 'corrupt'
  const torn =
    report.recovery.tail === 'torn' || report.segments.some((segment) => segment.state === 'torn')
  return torn && !report.locked ? 'torn' : 'clean'
}

function problemsOf(report: InspectReport): string[] {
  const problems: string[] = []
  for (const segment of report.segments) {
    if (segment.state === 'clean' || segment.state === 'empty') continue
    const where = `${segment.path}, behind entry ${count(segment.lastSequence)}`
    problems.push(`${segment.state}: ${where}: ${segment.detail}`)
  }
  for (const snapshot of report.snapshots) {
    if (!snapshot.valid) problems.push(`corrupt: ${snapshot.path}: ${snapshot.detail}`)
  }
  return problems
}

function verdictText(output: Output, verdict: Verdict): string {
  const { colors } = output
  if (verdict === 'clean') return colors.green('clean')
  return verdict === 'torn' ? colors.yellow('torn') : colors.red('corrupt')
}
