import type { UserEntry } from './entry.js'

/**
 * A user's own state (a matching engine, positions) that gets the same journal, snapshots and recovery as
 * the books. It must be deterministic: the same entries from the same snapshot give the same state, so it
 * takes the time from the entry and nothing from outside.
 */
export interface StateMachine {
  /** Called for every user entry, in order: live behind its append, at recovery from the journal. */
  apply(entry: UserEntry): void
  /** The state as bytes, at least one: none would mean that there is no state. Called between two entries. */
  snapshot(): Uint8Array
  /** Replaces the state with that of `bytes`, which an earlier snapshot() gave. */
  restore(bytes: Uint8Array): void
}
