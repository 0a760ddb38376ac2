import type { UserEntry } from './entry.js'

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
   * The state as bytes, at least one: none would mean that there is no state. Called between two entries. It only
   * reads: an append is refused with ERR_PINNACLE_REENTRANT, and a book operation makes the snapshot be refused.
   */
  snapshot(): Uint8Array
  /** Replaces the state with that of `bytes`, which an earlier snapshot() gave. */
  restore(bytes: Uint8Array): void
}
