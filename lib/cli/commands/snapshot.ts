/** `pinnacle snapshot`: takes one of a data directory that no writer has open. */
import type { Command } from 'commander'
import { FlowPositions } from '../../order-flow/flow-positions.js'
import { countRecovered } from '../../order-flow/flow-resume.js'
import { PersistenceManager } from '../../persistence/persistence-manager.js'
import { action } from '../action.js'
import { configOf, withDirectory, type EngineOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { showDamaged } from '../recovery-text.js'
import { bytes, count, milliseconds } from '../text.js'

const examples = `
A running writer takes its own snapshots; this is for a directory at rest. It removes snapshots beyond
keepSnapshots, oldest first, and compacts the journal if it is over its threshold. If another program
keeps a state of its own in the directory, only that program can take a snapshot.

Examples:
  $ pinnacle snapshot ./data
  $ pinnacle snapshot ./data --json | jq -r .path`

export function register(program: Command): void {
  const command = program.command('snapshot').description('take a snapshot of a directory at rest')
  withDirectory(command)
    .addHelpText('after', examples)
    .action(action<EngineOptions, [string | undefined]>(snapshot))
}

async function snapshot(
  output: Output,
  options: EngineOptions,
  directory: string | undefined,
): Promise<ExitCode> {
  const config = configOf(options, directory, { create: false, snapshotIntervalMin: 0 })
  const positions = new FlowPositions()
  let manager = await PersistenceManager.open({ ...config, stateMachine: positions })
  try {
    await countRecovered(manager, positions)
    if (positions.empty) {
      // Positions of flows would be a foreign state to the program that keeps its books here.
      await manager.close()
      manager = await PersistenceManager.open(config)
    }
    const info = await manager.snapshot()
    output.heading(`Snapshot at entry ${count(info.sequence)}`)
    output.field('file', info.path)
    output.field('orders', count(info.orders))
    output.field('size', bytes(info.bytes))
    output.field('took', milliseconds(info.durationMs))
    showDamaged(output, info.damagedSnapshots)
    output.document(info)
  } finally {
    await manager.close()
  }
  return ExitCode.Ok
}
