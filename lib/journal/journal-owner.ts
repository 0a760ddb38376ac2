import { PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import type { AppliedEntry } from '../entry/entry.js'

/** @internal What a PersistenceManager adds to its journal. */
export interface JournalOwner {
  /** Index of an instrument; throws if it does not exist. */
  indexOf(name: string): number
  names(): readonly string[]
  /**
   * Called after each append of a payload, and after each operation if the state machine has applyOperation; null
   * without a state machine.
   */
  readonly applied: ((entry: AppliedEntry) => void) | null
  /** Throws if the state machine accepts no more entries. */
  assertApplies(): void
}

/** The owner of a journal that is used alone. */
export const noOwner: JournalOwner = {
  indexOf(name) {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_UNKNOWN_INSTRUMENT',
      `there is no instrument ${shown(name)}: a journal on its own has none, open a PersistenceManager`,
    )
  },
  names: () => [],
  applied: null,
  assertApplies() {
    // Without a state machine, nothing to check.
  },
}
