/** `pinnacle backup`: copies a data directory, open or not, to a new backup. */
import type { Command } from 'commander'
import { backup, listBackups } from '../../persistence/backup.js'
import { action } from '../action.js'
import { ExitCode } from '../exit-codes.js'
import { interruptible } from '../interruptible.js'
import type { Output } from '../output.js'
import { bytes, count, milliseconds, plural } from '../text.js'
import { usageError } from '../usage-error.js'

const examples = `
DEST is a directory of backups of this one data directory; each backup is a directory in it. Files that
an earlier backup already has are read back and shared with it by links. A backup that is cut off leaves
nothing that could be taken for one; Ctrl-C ends it cleanly. The writer keeps running. See docs/backup.md.

Examples:
  $ pinnacle backup ./data /backups/data
  $ pinnacle backup --list /backups/data
  $ pinnacle restore /backups/data ./restored`

interface Options {
  list?: boolean
}

export function register(program: Command): void {
  program
    .command('backup')
    .description('copy a data directory, beside its writer or at rest, to a new backup')
    .argument('<directory>', 'the data directory; with --list the directory of backups')
    .argument('[destination]', 'the directory of backups')
    .option('--list', 'say which backups there are')
    .addHelpText('after', examples)
    .action(action<Options, [string, string | undefined]>(run))
}

async function run(
  output: Output,
  options: Options,
  directory: string,
  destination: string | undefined,
): Promise<ExitCode> {
  if (options.list === true) {
    if (destination !== undefined) throw usageError('--list takes the directory of backups alone')
    return list(output, directory)
  }
  if (destination === undefined) throw usageError('name the destination: pinnacle backup DIR DEST')
  const ended = await interruptible(output, 'backup', (control) =>
    backup(directory, destination, control),
  )
  if ('exitCode' in ended) return ended.exitCode
  const report = ended.result
  output.heading(`Backup of ${directory} to entry ${count(report.lastSequence)}`)
  output.field('in', report.path)
  output.field('snapshot', report.snapshotSequence === 0 ? 'none' : count(report.snapshotSequence))
  output.field('size', bytes(report.bytes))
  output.field(
    'copied',
    `${bytes(report.copiedBytes)}; ${plural(report.sharedFiles, 'file')} shared with earlier backups`,
  )
  output.field('took', milliseconds(report.durationMs))
  for (const { path, reason } of report.damagedSnapshots) {
    output.field(
      'snapshot',
      output.colors.red(reason.includes(path) ? reason : `${path}: ${reason}`),
    )
  }
  for (const file of report.damagedBackups) {
    output.field('damaged', output.colors.red(`${file}, of an earlier backup, does not verify`))
  }
  output.document({ ...report, createdNs: String(report.createdNs) })
  const damaged = report.damagedSnapshots.length + report.damagedBackups.length
  return damaged === 0 ? ExitCode.Ok : ExitCode.Damaged
}

function list(output: Output, destination: string): ExitCode {
  const backups = listBackups(destination)
  output.heading(plural(backups.length, 'backup'))
  for (const { path, problem, lastSequence, bytes: size } of backups) {
    output.field(
      problem === '' ? `to ${count(lastSequence)}` : 'damaged',
      problem === '' ? `${path}, ${bytes(size)}` : output.colors.red(problem),
    )
  }
  output.document(backups.map((found) => ({ ...found, createdNs: String(found.createdNs) })))
  return backups.every(({ problem }) => problem === '') ? ExitCode.Ok : ExitCode.Damaged
}
