/** What came of a repair, as plain data: repair-trial.ts makes it, judge-repair.ts judges it. */
import type { RecoveryPolicy } from '../config/types.js'
import type { BookPicture } from './book-picture.js'
import type { LedgerPicture } from './ledger.js'
import type { Range } from './ranges.js'

/** How the repair is started; `cli` has no state machine at hand. */
export const repairTools = ['api', 'cli'] as const
export type RepairTool = (typeof repairTools)[number]

/** One step of an iteration over the journal. */
export type SeenEntry = { sequence: number; text: string } | { hole: Range }

export interface Opened {
  /** The last entry that the recovery report names. */
  lastSequence: number
  /** From the oldest entry on. */
  history: SeenEntry[]
  /** Why reading the history ended early; '': it did not. */
  historyFailure: string
  /** From the entry after the newest snapshot that there was before the damage. */
  tail: SeenEntry[]
  /** By instrument. */
  books: Record<string, BookPicture>
  ledger: LedgerPicture | undefined
}

export interface Refused {
  code: string
  message: string
}

export type Attempt = { opened: Opened; refused?: never } | { refused: Refused; opened?: never }

export interface RepairOutcome {
  policy: RecoveryPolicy
  tool: RepairTool
  /** The repair. By the command line its state is that of a strict open afterwards. */
  repair: Attempt
  /** The last entry that the command line said it keeps. */
  saidToKeep?: number
  /** "clean": the command line found nothing to repair. */
  saidClean?: boolean
  /** Files that a refusal changed nevertheless. */
  changed: string[]
  /** A strict open after the repair; undefined if it was refused. */
  reopened?: Attempt
  /** The sequence of an entry appended then, and the last one of one more strict open. */
  continued?: { appended: number; recovered: number } | { refused: Refused }
  /** Damaged files whose bytes are neither in place nor in quarantine. */
  vanished: string[]
}
