/** Opens a directory and reads everything visible. */
import {
  isPinnacleError,
  Journal,
  PersistenceManager,
  type JournalEntry,
  type RecoveryPolicy,
} from '../../lib/index.js'
import type { Loss } from './expected.js'
import { describeBooks } from './subject-books.js'
import { Machine } from './user-state.js'

export interface Refused {
  opened: false
  code: string
  message: string
}

export interface Opened {
  opened: true
  manager: PersistenceManager
  /** null: opened without one. */
  machine: Machine | null
  entries: JournalEntry[]
  /**
   * Why the journal could not be read from its oldest entry on; `entries` are then those after the snapshot.
   */
  unreadable: string
  books: string[]
}

/**
 * A refusal with a code; any other error is a defect of the library or of the campaign, and ends the check.
 */
export function refusalOf(error: unknown): Refused {
  if (!isPinnacleError(error)) throw error
  return { opened: false, code: error.code, message: error.message }
}

export async function open(
  directory: string,
  policy: RecoveryPolicy,
  hasMachine: boolean,
): Promise<Opened | Refused> {
  const machine = hasMachine ? new Machine() : null
  let manager: PersistenceManager
  try {
    manager = await PersistenceManager.open({
      dataDirectory: directory,
      create: false,
      segmentSize: '64KiB',
      snapshotIntervalMin: 0,
      durability: 'appended',
      expectedOrders: 16,
      recoveryPolicy: policy,
      ...(machine ? { stateMachine: machine } : {}),
    })
  } catch (error) {
    return refusalOf(error)
  }
  try {
    const { entries, unreadable } = await readEntries(manager, directory)
    return { opened: true, manager, machine, entries, unreadable, books: describeBooks(manager) }
  } catch (error) {
    await manager.close()
    throw error
  }
}

async function readEntries(
  manager: PersistenceManager,
  directory: string,
): Promise<{ entries: JournalEntry[]; unreadable: string }> {
  if (manager.appendedFrontier === 0) return { entries: [], unreadable: '' }
  try {
    return { entries: await all(Journal.read(directory)), unreadable: '' }
  } catch (error) {
    const { code, message } = refusalOf(error)
    const from = manager.recovery.snapshotSequence + 1
    return {
      entries: await all(Journal.read(directory, { from })),
      unreadable: `${code}: ${message}`,
    }
  }
}

async function all(entries: AsyncIterable<JournalEntry>): Promise<JournalEntry[]> {
  const list: JournalEntry[] = []
  for await (const entry of entries) list.push(entry)
  return list
}

/** Checks the entries' sequences in order: only holes may leave gaps. */
export function holesIn(entries: readonly JournalEntry[]): { losses: Loss[]; problem: string } {
  const losses: Loss[] = []
  let problem = ''
  let expected: number | undefined
  for (const entry of entries) {
    const first = entry.type === 'hole' ? entry.firstSequence : entry.sequence
    if (expected !== undefined && first !== expected) {
      problem ||= `entry ${String(first)} follows entry ${String(expected - 1)}`
    }
    if (entry.type === 'hole' && first <= entry.sequence) {
      losses.push({ first, last: entry.sequence })
    }
    expected = entry.sequence + 1
  }
  return { losses, problem }
}
