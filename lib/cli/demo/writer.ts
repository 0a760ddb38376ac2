/** The demo's writer, a process of its own so that it can be killed. Its arguments are the plan as JSON. */
import { asError } from '../../errors/native-error.js'
import { isPinnacleError } from '../../errors/pinnacle-error.js'
import { FlowPositions } from '../../order-flow/flow-positions.js'
import { runFlow } from '../../order-flow/flow-run.js'
import { PersistenceManager } from '../../persistence/persistence-manager.js'
import { configOf, flowOf, snapshotEvery, type DemoPlan, type WriterMessage } from './plan.js'

const plan = JSON.parse(process.argv[2] ?? '') as DemoPlan

/** Resolves once the parent's end of the channel took it. */
function tell(message: WriterMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve()
    else process.send(message, undefined, undefined, () => resolve())
  })
}

async function write(): Promise<void> {
  const positions = new FlowPositions()
  await using manager = await PersistenceManager.open({
    ...configOf(plan),
    stateMachine: positions,
  })
  manager.on(
    'snapshot',
    ({ sequence, durationMs }) => void tell({ kind: 'snapshot', sequence, durationMs }),
  )
  manager.on('compaction', ({ removed, recycled, bytesFreed }) => {
    if (removed + recycled > 0) {
      void tell({ kind: 'compaction', segments: removed + recycled, bytes: bytesFreed })
    }
  })
  let failure: Error | undefined
  const every = snapshotEvery(plan)
  let nextSnapshot = Math.ceil((manager.appendedFrontier + 1) / every) * every
  const result = await runFlow(manager, positions, flowOf(plan), {
    onProgress({ events }) {
      void tell({ kind: 'progress', events })
      if (events < nextSnapshot || events === plan.events) return
      nextSnapshot += every
      // Beside the writing, which does not wait for it.
      manager.snapshot().catch((error: unknown) => (failure ??= asError(error)))
    },
  })
  await manager.durable()
  await manager.snapshot()
  if (failure !== undefined) throw failure
  const { events, eventsOfRun, durationMs } = result
  await tell({ kind: 'done', events, eventsOfRun, durationMs, stats: manager.stats() })
}

try {
  await write()
} catch (error) {
  const code = isPinnacleError(error) ? error.code : 'ERR_PINNACLE_INTERNAL'
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  await tell({ kind: 'failed', code, message })
  process.exitCode = 1
}
process.disconnect()
