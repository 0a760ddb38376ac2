/** `pinnacle verify`: every checksum; the exit code says clean, torn or corrupt. */
import type { Command } from 'commander'
import { damageOf, verdictOf, type Verdict } from '../../persistence/verdict.js'
import { verifyPure } from '../../pure-reader/verify.js'
import { action } from '../action.js'
import { directoryOf, withDirectory, type DataOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { bytes, count, plural } from '../text.js'
import { windowText } from '../window-text.js'
import { inspected } from './inspect.js'

const examples = `
Reads every byte of every segment and snapshot and changes nothing. The exit code says what a strict open
would do. 0: open the directory as it is. 3: cut a torn tail, which was never durable. 4: refuse, since
something that was durable is damaged. 6: open it, although something that it does not need is damaged (a
snapshot that it skips, entries that only an older snapshot needs).
A window that the last writer left when it was killed is read too: its entries are part of what the next
open takes.
Beside a running writer the newest entry may still be half-written; that is not taken for a torn tail.

With --pure the same is done by a second reader that has no native code and was written from
docs/format.md alone: slower, and an independent opinion. It also applies every entry to books of its own.
It reads files only, and says whether a window may have more.

Examples:
  $ pinnacle verify ./data
  $ pinnacle verify --pure ./data
  $ pinnacle verify ./data --json | jq -r .verdict`

interface VerifyOptions extends DataOptions {
  pure?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('verify')
    .description('verify every checksum; the exit code says what a strict open would do')
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
  const damage = damageOf(report)
  const snapshots = report.snapshots.filter((snapshot) => snapshot.valid).length
  output.line(
    `${verdictText(output, verdict)}  ${report.dataDirectory}: entries to ${count(report.recovery.lastSequence)}, ` +
      `${plural(report.segments.length, 'segment')}, ${plural(snapshots, 'good snapshot')}, ` +
      `${bytes(report.bytesVerified)} verified`,
  )
  const problems = [
    ...(report.recoveryError === null ? [] : [report.recoveryError.message]),
    ...damage.map(({ path, reason }) => (reason.includes(path) ? reason : `${path}: ${reason}`)),
  ]
  for (const problem of problems) output.line(`  ${problem}`)
  const window = windowText(output, report.window, false)
  if (window !== '') output.line(`  ${window}`)
  if (report.repairPending) {
    output.line('  a repair was interrupted: this is what the next open makes of it')
  }
  if (verdict === 'torn') output.line('  the next open cuts the torn tail; nothing durable is lost')
  if (verdict === 'damaged') {
    output.line(
      `  a strict open does not need it; "pinnacle repair ${report.dataDirectory}" sets it aside`,
    )
  }
  if (verdict === 'corrupt') {
    output.line(`  "pinnacle repair --dry-run ${report.dataDirectory}" says what could be kept`)
  }
  output.document({
    verdict,
    dataDirectory: report.dataDirectory,
    lastSequence: report.recovery.lastSequence,
    bytesVerified: report.bytesVerified,
    locked: report.locked,
    repairPending: report.repairPending,
    window: report.window,
    problems,
  })
  return exitCodeOf(verdict)
}

function verifyWithoutAddon(output: Output, dataDirectory: string): ExitCode {
  const report = verifyPure(dataDirectory)
  const { problems, damaged } = report
  const verdict = report.verdict !== 'corrupt' && damaged.length > 0 ? 'damaged' : report.verdict
  const good = report.snapshots.filter(({ problem }) => problem === '').length
  output.line(
    `${verdictText(output, verdict)}  ${dataDirectory}, by the second reader: entries to ` +
      `${count(Number(report.journal.lastSequence))}, ${plural(report.journal.segments, 'segment')}, ` +
      plural(good, 'good snapshot'),
  )
  for (const problem of problems) output.line(`  ${problem}`)
  for (const damage of damaged) output.line(`  not needed by a strict open: ${damage}`)
  if (report.window !== '') output.line(`  ${unseenText(report.window)}`)
  output.document({
    verdict,
    dataDirectory,
    lastSequence: Number(report.journal.lastSequence),
    entries: report.journal.entries,
    problems,
    damaged,
    window: report.window,
  })
  return exitCodeOf(verdict)
}

/** The second reader is of the files: what a window has may be a few entries more. */
function unseenText(window: string): string {
  return (
    `the head record names the window ${window}: if its writer runs or was killed on this boot, it may have entries ` +
    'that are in no file yet; they were not looked at'
  )
}

const exitCodes: Record<Verdict, ExitCode> = {
  clean: ExitCode.Ok,
  torn: ExitCode.Torn,
  damaged: ExitCode.Damaged,
  corrupt: ExitCode.Corrupt,
}

function exitCodeOf(verdict: Verdict): ExitCode {
  return exitCodes[verdict]
}

function verdictText(output: Output, verdict: Verdict): string {
  const { colors } = output
  if (verdict === 'clean') return colors.green('clean')
  return verdict === 'corrupt' ? colors.red('corrupt') : colors.yellow(verdict)
}
