/**
 * Runs a flow into a data directory, slowly, and reports its progress, for tests that kill it. Its argument
 * is a FlowWriterJob as JSON.
 */
import type { PersistenceConfig } from '../../lib/config/types.js'
import { openFlowFile, type FlowFileOptions } from '../../lib/order-flow/file-source.js'
import { FlowPositions } from '../../lib/order-flow/flow-positions.js'
import { countRecovered } from '../../lib/order-flow/flow-resume.js'
import { runFlow } from '../../lib/order-flow/flow-run.js'
import type { FlowSource } from '../../lib/order-flow/flow-source.js'
import { GeneratedFlow, type GeneratedFlowOptions } from '../../lib/order-flow/generator.js'
import { PersistenceManager } from '../../lib/persistence/persistence-manager.js'
import { Transitions } from '../real-flow/transitions.js'
import { SlowSource } from './slow-source.js'

export type FlowJobSource =
  | { kind: 'file'; file: string; options: FlowFileOptions }
  | { kind: 'generated'; options: GeneratedFlowOptions }
  | { kind: 'transitions'; directory: string }

export interface FlowWriterJob {
  source: FlowJobSource
  config: PersistenceConfig
  /** Events up to this one come at once; later ones in portions. */
  fastUntil: number
  portion: number
  batchSize: number
  markEvery: number
  /** Number of events per snapshot; 0: none. */
  snapshotEvery: number
}

export async function openSource(source: FlowJobSource): Promise<FlowSource> {
  if (source.kind === 'file') return openFlowFile(source.file, source.options)
  if (source.kind === 'generated') return new GeneratedFlow(source.options)
  return new Transitions(source.directory)
}

async function write(job: FlowWriterJob): Promise<void> {
  const positions = new FlowPositions()
  const manager = await PersistenceManager.open({ ...job.config, stateMachine: positions })
  const source = new SlowSource(await openSource(job.source), job.portion, job.fastUntil)
  // A snapshot before that would be refused.
  await countRecovered(manager, positions)
  let nextSnapshot = job.snapshotEvery
  const ticking = setInterval(() => {
    const events = positions.running?.events ?? 0
    process.send?.({ events })
    if (job.snapshotEvery > 0 && events >= nextSnapshot) {
      nextSnapshot = events + job.snapshotEvery
      manager.snapshot().catch(unlessClosed)
    }
  }, 1)
  const { complete } = await runFlow(manager, positions, source, {
    batchSize: job.batchSize,
    markEvery: job.markEvery,
  })
  clearInterval(ticking)
  // A busy machine may have had no time for an earlier one.
  if (job.snapshotEvery > 0) await manager.snapshot()
  await manager.close()
  process.send?.({ complete })
}

/** The flow may end while a snapshot waits for the previous one. */
function unlessClosed(error: unknown): void {
  if ((error as { code?: unknown }).code !== 'ERR_PINNACLE_CLOSED') throw error
}

const argument = process.argv[2]
if (argument !== undefined && process.send !== undefined) {
  await write(JSON.parse(argument) as FlowWriterJob)
  process.disconnect()
}
