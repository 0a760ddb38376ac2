/**
 * `pinnacle repair`: makes a damaged data directory open again, by a policy that is named. Whatever it
 * takes out of use lies whole in the directory's quarantine.
 */
import { Option, type Command } from 'commander'
import type { RecoveryReport } from '../../persistence/events.js'
import { PersistenceManager } from '../../persistence/persistence-manager.js'
import {
  repair as repairDirectory,
  type RepairOptions as Policy,
  type RepairReport,
} from '../../persistence/repair.js'
import { verdictOf } from '../../persistence/verdict.js'
import { action } from '../action.js'
import { configOf, withDirectory, type DataOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { holeText, showRecovery } from '../recovery-text.js'
import { count, plural } from '../text.js'
import { usageError } from '../usage-error.js'
import { showWindow } from '../window-text.js'
import { inspected } from './inspect.js'

const examples = `
Policies for a corrupt journal:
  point-in-time   keep everything before the first loss that no snapshot covers
  salvage         keep every entry that verifies and fits; holes mark what is lost
A torn tail needs no policy: it was never durable and is cut. Damaged snapshots go to quarantine.
--dry-run says what each policy would keep, and changes nothing.

Examples:
  $ pinnacle repair ./data --dry-run --policy salvage
  $ pinnacle repair ./data --policy point-in-time`

type RepairPolicy = Policy['policy']

interface RepairOptions extends DataOptions {
  dryRun?: boolean
  policy?: RepairPolicy
}

export function register(program: Command): void {
  const command = program
    .command('repair')
    .description('make a damaged data directory open again, by a named policy')
  withDirectory(command)
    .option('--dry-run', 'say what would be kept; the directory is not changed')
    .addOption(
      new Option('--policy <policy>', 'what to keep of a corrupt journal').choices([
        'point-in-time',
        'salvage',
      ]),
    )
    .addHelpText('after', examples)
    .action(action<RepairOptions, [string | undefined]>(repair))
}

async function repair(
  output: Output,
  options: RepairOptions,
  argument: string | undefined,
): Promise<ExitCode> {
  const directory = configOf(options, argument).dataDirectory
  const report = await inspected(output, directory)
  const verdict = verdictOf(report)
  if (verdict === 'clean') {
    output.line(`${output.colors.green('clean')}  ${directory}: nothing to repair`)
    output.document({ verdict, repaired: false })
    return ExitCode.Ok
  }
  if (options.dryRun === true) return dryRun(output, options, directory, verdict)
  if (verdict === 'corrupt' && options.policy === undefined) {
    throw usageError(
      'the journal is corrupt: say what to keep with --policy point-in-time or --policy salvage; --dry-run shows ' +
        'what each would keep',
    )
  }
  // Damage that open does not need is put aside by either policy; a torn tail is cut by the open.
  const mended =
    verdict === 'torn'
      ? undefined
      : await repairDirectory(directory, { policy: options.policy ?? 'point-in-time' })
  const recovery = await opened(directory)
  output.heading(`Repaired ${directory}`)
  if (mended !== undefined) showRepair(output, mended)
  showRecovery(output, recovery)
  output.field('keeps', `entries to ${count(recovery.lastSequence)}`)
  output.line()
  output.document({
    verdict,
    repaired: true,
    repair: mended ?? null,
    recovery: {
      ...recovery,
      quarantineDirectory: mended?.quarantineDirectory ?? recovery.quarantineDirectory,
    },
    snapshotsQuarantined: mended?.damagedSnapshots.map(({ path }) => path) ?? [],
  })
  return ExitCode.Ok
}

/** Without a policy a dry run tries both. */
async function dryRun(
  output: Output,
  options: RepairOptions,
  directory: string,
  verdict: string,
): Promise<ExitCode> {
  const both: readonly RepairPolicy[] = ['point-in-time', 'salvage']
  const trials: Record<string, { recovery: RepairReport }> = {}
  for (const policy of options.policy === undefined ? both : [options.policy]) {
    const report = await repairDirectory(directory, { policy, dryRun: true })
    trials[policy] = { recovery: report }
    output.heading(`Dry run, policy ${policy}`)
    showRepair(output, report)
    output.field('keeps', `entries to ${count(report.lastSequence)}`)
    output.line()
  }
  output.line(`${directory} was not changed`)
  output.document({ verdict, repaired: false, dryRun: trials })
  return ExitCode.Ok
}

/** Opens the directory as any writer would, which is the proof that it opens. */
async function opened(directory: string): Promise<RecoveryReport> {
  const manager = await PersistenceManager.open({
    dataDirectory: directory,
    create: false,
    snapshotIntervalMin: 0,
  })
  await manager.close()
  return manager.recovery
}

function showRepair(output: Output, report: RepairReport): void {
  showWindow(output, report.window, report.quarantineDirectory !== '')
  for (const hole of report.holes) output.field('lost', output.colors.red(holeText(hole)))
  if (report.lostTail > 0) {
    const { lastSequence, lostTail } = report
    output.field(
      'lost',
      output.colors.red(
        `entries ${count(lastSequence + 1)} to ${count(lastSequence + lostTail)}, at the end`,
      ),
    )
  }
  if (report.entriesDropped > 0) {
    output.field('dropped', plural(report.entriesDropped, 'valid entry', 'valid entries'))
  }
  for (const { path, reason } of report.damagedSnapshots) {
    output.field(
      'snapshot',
      output.colors.red(reason.includes(path) ? reason : `${path}: ${reason}`),
    )
  }
  if (report.quarantined.length > 0) {
    const where = report.quarantineDirectory === '' ? '' : ` in ${report.quarantineDirectory}`
    output.field('quarantine', plural(report.quarantined.length, 'file') + where)
  }
}
