/** `pinnacle restore`: makes a data directory of a backup. */
import type { Command } from 'commander'
import { restore, type RestoreReport } from '../../persistence/backup.js'
import { action, onInterrupt } from '../action.js'
import { sequenceArgument } from '../arguments.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { progressBar } from '../progress-bar.js'
import { showRecovery } from '../recovery-text.js'
import { bytes, count, milliseconds } from '../text.js'

const examples = `
BACKUP is one backup, or a directory of them: then the newest is taken. DIR must not exist, or be
empty. It is there only when it is complete, read back and recovered once; a restore that is cut off
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
  const interrupt = onInterrupt()
  const bar = progressBar(output, 'restore')
  let report: RestoreReport
  try {
    report = await restore(from, directory, {
      ...(options.sequence === undefined ? {} : { sequence: options.sequence }),
      signal: interrupt.signal,
      onProgress: ({ phase, done, total }) => {
        bar.update(done, total, phase)
      },
    })
  } catch (error) {
    if (interrupt.signal.aborted) return interrupt.exitCode
    throw error
  } finally {
    bar.stop()
    interrupt.stop()
  }
  output.heading(`Restored ${directory} to entry ${count(report.lastSequence)}`)
  output.field('from', report.backup)
  output.field('size', bytes(report.bytes))
  output.field('took', milliseconds(report.durationMs))
  showRecovery(output, report.recovery)
  output.document({ ...report, createdNs: String(report.createdNs) })
  return ExitCode.Ok
}
