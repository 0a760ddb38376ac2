/** `pinnacle restore`: makes a data directory of a backup. */
import type { Command } from 'commander'
import { restore } from '../../persistence/backup.js'
import { action } from '../action.js'
import { sequenceArgument } from '../arguments.js'
import { ExitCode } from '../exit-codes.js'
import { interruptible } from '../interruptible.js'
import type { Output } from '../output.js'
import { showRecovery } from '../recovery-text.js'
import { bytes, count, milliseconds } from '../text.js'

const examples = `
BACKUP is one backup, or a directory of them: then the newest is used. DIR must not exist, or be
empty. It appears only when it is complete, read back and recovered once; a restore that is cut off
leaves nothing under its name. The backup is not changed.

Examples:
  $ pinnacle restore /backups/data ./data
  $ pinnacle restore /backups/data ./yesterday --sequence 120045`

interface Options {
  sequence?: number
}

export function register(program: Command): void {
  program
    .command('restore')
    .description('make a data directory of a backup')
    .argument('<backup>', 'a backup, or a directory of backups')
    .argument('<directory>', 'the new data directory')
    .option('--sequence <n>', 'the backup that restores to this entry', sequenceArgument)
    .addHelpText('after', examples)
    .action(action<Options, [string, string]>(run))
}

async function run(
  output: Output,
  options: Options,
  from: string,
  directory: string,
): Promise<ExitCode> {
  const ended = await interruptible(output, 'restore', (control) =>
    restore(from, directory, {
      ...control,
      ...(options.sequence === undefined ? {} : { sequence: options.sequence }),
    }),
  )
  if ('exitCode' in ended) return ended.exitCode
  const report = ended.result
  output.heading(`Restored ${directory} to entry ${count(report.lastSequence)}`)
  output.field('from', report.backup)
  output.field('size', bytes(report.bytes))
  output.field('took', milliseconds(report.durationMs))
  showRecovery(output, report.recovery)
  output.document({ ...report, createdNs: String(report.createdNs) })
  return ExitCode.Ok
}
