import { PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import type { AppliedEntry } from '../entry/entry.js'

/** @internal What a PersistenceManager adds to its journal. */
export interface JournalOwner {
  /** Index of an instrument; throws where there is none. */
  indexOf(name: string): number
  names(): readonly string[]
  /**
   * Called behind each append of a payload, and where it has applyOperation behind each operation; null where there
   * is no state machine.
   */
  readonly applied: ((entry: AppliedEntry) => void) | null
  /** Throws where the state machine takes nothing any more. */
  assertApplies(): void
}

/** Of a journal on its own. */
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
    // Nothing can keep a journal on its own from it.
  },
}
