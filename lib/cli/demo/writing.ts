/** One writer's life, seen from the parent: until it is done or killed. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { PinnacleError } from '../../errors/pinnacle-error.js'
import type { Stats } from '../../persistence/stats.js'
import type { DemoPlan, WriterMessage } from './plan.js'

export interface Writing {
  killed: boolean
  /** Events of the flow that the writer last spoke of. */
  eventsSeen: number
  durationMs: number
  snapshots: number
  compactions: number
  segmentsFreed: number
  /** Only of a writer that came to its end. */
  done: { events: number; eventsOfRun: number; durationMs: number; stats: Stats } | undefined
}

/** `killAt`: SIGKILL once the writer is so far; undefined lets it finish. */
export async function letWrite(
  plan: DemoPlan,
  killAt: number | undefined,
  onProgress: (events: number) => void,
  signal: AbortSignal,
): Promise<Writing> {
  const startedMs = performance.now()
  const child = fork(
    fileURLToPath(new URL('./writer.js', import.meta.url)),
    [JSON.stringify(plan)],
    {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  )
  const writing: Writing = {
    killed: false,
    eventsSeen: 0,
    durationMs: 0,
    snapshots: 0,
    compactions: 0,
    segmentsFreed: 0,
    done: undefined,
  }
  let failed: PinnacleError | undefined
  const kill = (): void => void child.kill('SIGKILL')
  // A writer must not outlive its parent.
  process.once('exit', kill)
  signal.addEventListener('abort', kill, { once: true })
  child.on('message', (message: WriterMessage) => {
    switch (message.kind) {
      case 'progress':
        writing.eventsSeen = message.events
        onProgress(message.events)
        if (killAt !== undefined && message.events >= killAt) kill()
        break
      case 'snapshot':
        writing.snapshots++
        break
      case 'compaction':
        writing.compactions++
        writing.segmentsFreed += message.segments
        break
      case 'done':
        writing.done = message
        writing.eventsSeen = message.events
        break
      case 'failed':
        failed = new PinnacleError(message.code, `the demo's writer failed: ${message.message}`)
        break
    }
  })
  const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  process.off('exit', kill)
  signal.removeEventListener('abort', kill)
  signal.throwIfAborted()
  writing.durationMs = performance.now() - startedMs
  writing.killed = killedBy === 'SIGKILL'
  if (failed !== undefined) throw failed
  if (!writing.killed && writing.done === undefined) {
    throw new PinnacleError(
      'ERR_PINNACLE_DEMO_FAILED',
      `the demo's writer ended with ${String(killedBy ?? code)} and said nothing; see what it wrote to stderr`,
    )
  }
  return writing
}
