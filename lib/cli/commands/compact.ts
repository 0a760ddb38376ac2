/** `pinnacle compact`: frees segments that no kept snapshot needs. */
import type { Command } from 'commander'
import { PersistenceManager } from '../../persistence/persistence-manager.js'
import { action } from '../action.js'
import { configOf, withDirectory, type EngineOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { showDamaged } from '../recovery-text.js'
import { bytes, count, plural } from '../text.js'

const examples = `
Frees only segments wholly below the oldest snapshot that verifies, so take a snapshot first if there is none.
Time travel can't reach what compaction frees.

Examples:
  $ pinnacle compact ./data
  $ pinnacle snapshot ./data && pinnacle compact ./data --force`

interface CompactOptions extends EngineOptions {
  force?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('compact')
    .description('free the segments that no kept snapshot needs')
  withDirectory(command)
    .option('--force', 'also if the journal is below compactionThreshold')
    .addHelpText('after', examples)
    .action(action<CompactOptions, [string | undefined]>(compact))
}

async function compact(
  output: Output,
  options: CompactOptions,
  directory: string | undefined,
): Promise<ExitCode> {
  const config = configOf(options, directory, { create: false, snapshotIntervalMin: 0 })
  const manager = await PersistenceManager.open(config)
  try {
    const report = await manager.compact({ force: options.force === true })
    const freed = report.removed + report.recycled
    output.heading(freed === 0 ? 'Nothing to free' : `Freed ${plural(freed, 'segment')}`)
    if (report.reason !== '') output.field('because', report.reason)
    showDamaged(output, report.damagedSnapshots)
    output.field('removed', count(report.removed))
    output.field('recycled', count(report.recycled))
    output.field('freed', bytes(report.bytesFreed))
    output.field('oldest entry', report.oldestSequence === 0 ? '-' : count(report.oldestSequence))
    output.document(report)
  } finally {
    await manager.close()
  }
  return ExitCode.Ok
}
