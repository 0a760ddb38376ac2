/** Opens a data directory by a policy and looks at everything in it. */
import type { RecoveryPolicy } from '../config/types.js'
import { isPinnacleError } from '../errors/pinnacle-error.js'
import type { JournalEntry } from '../entry/entry.js'
import { PersistenceManager } from '../persistence/persistence-manager.js'
import { pictureOfView } from './book-picture.js'
import { entryText } from './entry-text.js'
import { LedgerMachine } from './ledger.js'
import type { Attempt, Opened, Refused, SeenEntry } from './repair-outcome.js'

export interface OpenPlan {
  dataDirectory: string
  policy: RecoveryPolicy
  /** Whether to open with a state machine. */
  machine: boolean
  /** Of the newest snapshot before the damage. */
  snapshot: number
}

/** `use` runs while it is open. An error without a code is thrown on. */
export async function attemptToOpen(
  plan: OpenPlan,
  use: (manager: PersistenceManager) => void = () => undefined,
): Promise<Attempt> {
  const machine = plan.machine ? new LedgerMachine() : undefined
  try {
    const manager = await PersistenceManager.open({
      dataDirectory: plan.dataDirectory,
      create: false,
      recoveryPolicy: plan.policy,
      snapshotIntervalMin: 0,
      segmentSize: '64KiB',
      ...(machine === undefined ? {} : { stateMachine: machine }),
    })
    try {
      const opened = await lookAt(manager, machine, plan.snapshot)
      use(manager)
      return { opened }
    } finally {
      await manager.close()
    }
  } catch (error) {
    return { refused: refusalOf(error) }
  }
}

function refusalOf(error: unknown): Refused {
  if (!isPinnacleError(error)) throw error
  return { code: error.code, message: error.message }
}

async function lookAt(
  manager: PersistenceManager,
  machine: LedgerMachine | undefined,
  snapshot: number,
): Promise<Opened> {
  const { lastSequence } = manager.recovery
  const history = await read(manager.journal.entries())
  const tail =
    lastSequence > snapshot
      ? await read(manager.journal.entries({ from: snapshot + 1, to: lastSequence }))
      : { seen: [], failure: '' }
  if (tail.failure !== '') {
    tail.seen.push({ sequence: 0, text: `reading ended: ${tail.failure}` })
  }
  const books = manager
    .instruments()
    .map(({ name }) => [name, pictureOfView(manager.book(name))] as const)
  return {
    lastSequence,
    history: history.seen,
    historyFailure: history.failure,
    tail: tail.seen,
    books: Object.fromEntries(books),
    ledger: machine && structuredClone(machine.picture),
  }
}

/** Holes are entries of later versions of the library, hence the loose look at them. */
async function read(
  entries: AsyncIterable<JournalEntry>,
): Promise<{ seen: SeenEntry[]; failure: string }> {
  const seen: SeenEntry[] = []
  try {
    for await (const entry of entries) {
      const { type, sequence, firstSequence } = entry as {
        type: string
        sequence: number
        firstSequence?: number
      }
      if (type !== 'hole') seen.push({ sequence, text: entryText(entry) })
      // An empty hole only fills bytes.
      else if (firstSequence !== undefined && firstSequence <= sequence) {
        seen.push({ hole: [firstSequence, sequence] })
      }
    }
  } catch (error) {
    const { code, message } = refusalOf(error)
    return { seen, failure: `${code}: ${message}` }
  }
  return { seen, failure: '' }
}
