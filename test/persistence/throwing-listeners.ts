/**
 * A process whose listeners throw, and which reports what it saw: uncaught exceptions belong to the process,
 * and the test runner would take them for its own. Arguments: data directory, and "handled" or "unhandled".
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { PersistenceListeners, StateMachine } from '../../lib/index.js'
import { flow, open } from './setup.js'

export interface Seen {
  /** Messages of the uncaught exceptions. */
  uncaught: string[]
  /** Events that reached a second listener, which does not throw. */
  others: string[]
  /** The rejection of snapshot() after the state machine threw. */
  rejected: string
  snapshots: number
  /** Snapshots while nothing was appended. */
  idleSnapshots: number
  firstSequence: number
}

const events = ['snapshot', 'snapshotFailed', 'compaction', 'closed'] as const

const throwing: PersistenceListeners = Object.fromEntries(
  events.map((event) => [
    event,
    () => {
      throw new Error(event)
    },
  ]),
)

async function run(directory: string): Promise<Seen> {
  const seen: Seen = {
    uncaught: [],
    others: [],
    rejected: '',
    snapshots: 0,
    idleSnapshots: 0,
    firstSequence: 0,
  }
  process.on('uncaughtException', (error) => seen.uncaught.push(error.message))
  await (await open(directory)).close()

  let broken = false
  const stateMachine: StateMachine = {
    apply: () => undefined,
    snapshot() {
      if (broken) throw new Error('no state')
      return new Uint8Array(1)
    },
    restore: () => undefined,
  }
  const manager = await open(
    directory,
    {
      stateMachine,
      keepSnapshots: 1,
      compactionThreshold: 0,
      spareSegments: 0,
      snapshotIntervalMin: 0.01,
    },
    { listeners: throwing },
  )
  for (const event of events) manager.on(event, () => seen.others.push(event))
  manager.on('snapshot', () => seen.snapshots++)
  flow(manager, 5_000)
  await manager.snapshot()
  broken = true
  await manager.snapshot().catch((error: unknown) => {
    seen.rejected = (error as { code: string }).code
  })
  broken = false
  await delay(700)
  const before = seen.snapshots
  await delay(1_400)
  seen.idleSnapshots = seen.snapshots - before
  await manager.close()
  const again = await open(directory, { stateMachine })
  seen.firstSequence = again.recovery.firstSequence
  await again.close()
  return seen
}

const [, , directory = '', handling] = process.argv
if (handling === 'handled') process.send?.(await run(directory))
else {
  const manager = await open(directory, {}, { listeners: throwing })
  flow(manager, 100)
  await manager.snapshot()
}
process.disconnect()
