import type { OperationEntry, UserEntry } from './entry.js'

/** Entries that are in the journal no more: a salvage of a damaged one could not keep them. */
export interface Hole {
  /** First sequence that is lost. */
  firstSequence: number
  /** Last sequence that is lost. */
  lastSequence: number
}

/**
 * A user's own state (a matching engine, positions) that gets the same journal, snapshots and recovery as
 * the books. It must be deterministic: the same entries from the same snapshot give the same state, so it
 * takes the time from the entry and nothing from outside.
 */
export interface StateMachine {
  /**
   * Called for every user entry, in order: live after its append, at recovery from the journal. It may append:
   * the new entry is applied before the append returns, and at recovery after this one.
   */
  apply(entry: UserEntry): void
  /**
   * Called for every book operation after its book applied it, in order with apply(): live and at recovery, and for
   * those of a transaction once that is committed. So positions can follow from executions. It costs each operation
   * the creation of the entry (docs/api.md has the figure); without it there is no such cost. It may append, as
   * apply() may; it also gets the book operations that it makes, in order.
   */
  applyOperation?(operation: OperationEntry): void
  /**
   * Called at recovery in the place of lost entries, which may have been user entries or not. Without it the
   * state machine gets the entries that were kept, and does not learn that some are missing.
   */
  hole?(hole: Hole): void
  /**
   * The state as bytes, at least one: none would mean that there is no state. Called between two entries. It only
   * reads: an append is refused with ERR_PINNACLE_REENTRANT, and a book operation makes the snapshot be refused.
   */
  snapshot(): Uint8Array
  /** Replaces the state with that of `bytes`, which an earlier snapshot() gave. */
  restore(bytes: Uint8Array): void
}
