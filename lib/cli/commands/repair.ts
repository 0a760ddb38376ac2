/**
 * `pinnacle repair`: makes a damaged data directory open again, by a policy that is named. Whatever it
 * takes away is copied to the directory's quarantine first.
 */
import { constants } from 'node:fs'
import { copyFile, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Option, type Command } from 'commander'
import type { RecoveryReport } from '../../persistence/events.js'
import type { InspectReport } from '../../persistence/inspect.js'
import { PersistenceManager } from '../../persistence/persistence-manager.js'
import { action } from '../action.js'
import { configOf, withDirectory, type DataOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { showRecovery } from '../recovery-text.js'
import { count, plural } from '../text.js'
import { usageError } from '../usage-error.js'
import { inspected } from './inspect.js'
import { verdictOf } from './verify.js'

const examples = `
Policies for a corrupt journal:
  point-in-time   keep what stands before the damage
  salvage         keep also what still verifies and fits behind the damage
A torn tail needs no policy: it was never durable and is cut. Damaged snapshots are moved to quarantine.
--dry-run does the repair on a copy in a temporary directory (or --scratch) and reports what it kept.

Examples:
  $ pinnacle repair ./data --dry-run --policy salvage
  $ pinnacle repair ./data --policy point-in-time`

type RepairPolicy = 'point-in-time' | 'salvage'

interface RepairOptions extends DataOptions {
  dryRun?: boolean
  policy?: RepairPolicy
  scratch?: string
}

interface Repair {
  recovery: RecoveryReport
  snapshotsQuarantined: string[]
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
    .option(
      '--scratch <directory>',
      'where a dry run makes its copy (default: the temporary directory)',
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
  if (
    report.recovery.tail === 'corrupt' &&
    options.policy === undefined &&
    options.dryRun !== true
  ) {
    throw usageError(
      'the journal is corrupt: say what to keep with --policy point-in-time or --policy salvage; --dry-run shows ' +
        'what each would keep',
    )
  }
  if (options.dryRun === true) return dryRun(output, options, directory, report)
  const done = await repairIn(directory, options.policy, report)
  showRepair(output, `Repaired ${directory}`, done)
  output.document({ verdict, repaired: true, ...done })
  return ExitCode.Ok
}

/** Without a policy a dry run tries both. */
async function dryRun(
  output: Output,
  options: RepairOptions,
  directory: string,
  report: InspectReport,
): Promise<ExitCode> {
  const corrupt = report.recovery.tail === 'corrupt'
  const both: readonly RepairPolicy[] = ['point-in-time', 'salvage']
  const policies = options.policy === undefined ? (corrupt ? both : [undefined]) : [options.policy]
  const trials: Record<string, Repair> = {}
  for (const policy of policies) {
    const scratch = await mkdtemp(join(options.scratch ?? tmpdir(), 'pinnacle-repair-'))
    try {
      await copyDirectory(directory, scratch)
      const done = await repairIn(scratch, policy, report)
      trials[policy ?? 'cut-torn-tail'] = done
      showRepair(
        output,
        `Dry run on a copy${policy === undefined ? '' : `, policy ${policy}`}`,
        done,
      )
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }
  output.line(`${directory} was not changed`)
  output.document({ verdict: verdictOf(report), repaired: false, dryRun: trials })
  return ExitCode.Ok
}

async function repairIn(
  directory: string,
  policy: RepairPolicy | undefined,
  report: InspectReport,
): Promise<Repair> {
  // Under the lock of an open manager nobody else writes here.
  const manager = await PersistenceManager.open({
    dataDirectory: directory,
    create: false,
    snapshotIntervalMin: 0,
    recoveryPolicy: policy ?? 'strict',
  })
  try {
    const damaged = report.snapshots.filter((snapshot) => !snapshot.valid)
    const names = damaged.map((snapshot) => basename(snapshot.path))
    const snapshotsQuarantined = await quarantineSnapshots(directory, names)
    return { recovery: manager.recovery, snapshotsQuarantined }
  } finally {
    await manager.close()
  }
}

async function quarantineSnapshots(directory: string, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const parent = join(directory, 'quarantine')
  await mkdir(parent, { recursive: true })
  const target = await mkdtemp(join(parent, 'snapshots-'))
  const moved: string[] = []
  for (const name of names) {
    try {
      await rename(join(directory, 'snapshots', name), join(target, name))
    } catch (error) {
      // A salvage starts from a snapshot of its own and may have rotated it away.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      continue
    }
    moved.push(join(target, name))
  }
  for (const path of [target, parent, directory, join(directory, 'snapshots')])
    await syncDirectory(path)
  return moved
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** What recovery reads: journal and snapshots. */
async function copyDirectory(from: string, to: string): Promise<void> {
  for (const part of ['journal', 'snapshots']) {
    let names: string[]
    try {
      names = await readdir(join(from, part))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
      throw error
    }
    await mkdir(join(to, part))
    for (const name of names) {
      // Shares blocks where the file system can.
      await copyFile(join(from, part, name), join(to, part, name), constants.COPYFILE_FICLONE)
    }
  }
}

function showRepair(
  output: Output,
  heading: string,
  { recovery, snapshotsQuarantined }: Repair,
): void {
  output.heading(heading)
  showRecovery(output, recovery)
  if (snapshotsQuarantined.length > 0) {
    output.field(
      'snapshots',
      `${plural(snapshotsQuarantined.length, 'damaged one')} moved to quarantine`,
    )
  }
  output.field('keeps', `entries to ${count(recovery.lastSequence)}`)
  output.line()
}
