/** The expected books and state machine, given which entries of a line of history were kept. */
import type { Line } from './base.js'
import type { Entry } from './history.js'
import { ModelBooks } from './model.js'
import { emptyState, textOfState, withEntry, withHole, type UserState } from './user-state.js'

export interface Loss {
  first: number
  last: number
}

/**
 * The entries from 1 to `last`, except for the losses; those at or below `snapshot` come from that snapshot.
 */
export interface Kept {
  snapshot: number
  last: number
  /** In order, none empty. */
  losses: readonly Loss[]
}

export function isKept(kept: Kept, sequence: number): boolean {
  return (
    sequence <= kept.last &&
    !kept.losses.some(({ first, last }) => first <= sequence && sequence <= last)
  )
}

/** Caches the results: most images of a base end in the same few states. */
export class Expectations {
  readonly #books = new Map<string, string[]>()
  readonly #states = new Map<string, string>()

  /** A text for each book; if the model refuses a kept entry, one text of what went wrong. */
  books(line: Line, kept: Kept): string[] {
    return remembered(this.#books, keyOf(line, kept), () => {
      const model = new ModelBooks()
      for (const entry of line.history.entries.slice(0, kept.last)) {
        const fromSnapshot = entry.sequence <= kept.snapshot
        if (!fromSnapshot && !isKept(kept, entry.sequence)) continue
        const why = model.apply(entry)
        if (why !== '')
          return [`entry ${String(entry.sequence)} was kept, but the model refuses it: ${why}`]
      }
      return model.describe()
    })
  }

  /**
   * `restored`: the snapshot has a state, so the state machine begins with it; else it begins with entry 1.
   */
  state(line: Line, kept: Kept, restored: boolean): string {
    return remembered(this.#states, `${keyOf(line, kept)} ${String(restored)}`, () => {
      const from = restored ? kept.snapshot + 1 : 1
      const { entries } = line.history
      let state = emptyState
      if (restored) {
        for (const entry of entries.slice(0, kept.snapshot)) state = apply(state, entry)
      }
      for (let sequence = from; sequence <= kept.last;) {
        const loss = kept.losses.find(({ first, last }) => first <= sequence && sequence <= last)
        const entry = entries[sequence - 1]
        if (loss) {
          state = withHole(state, sequence, loss.last)
          sequence = loss.last + 1
        } else {
          if (entry) state = apply(state, entry)
          sequence++
        }
      }
      return textOfState(state)
    })
  }
}

function apply(state: UserState, { sequence, operation }: Entry): UserState {
  if (operation.kind !== 'user') return state
  return withEntry(state, sequence, operation.userType, operation.payload)
}

function keyOf(line: Line, { snapshot, last, losses }: Kept): string {
  const lost = losses.map((loss) => `${String(loss.first)}-${String(loss.last)}`).join()
  return `${line.directory} ${String(snapshot)} ${String(last)} ${lost}`
}

function remembered<Value>(memory: Map<string, Value>, key: string, make: () => Value): Value {
  let value = memory.get(key)
  if (value === undefined) {
    value = make()
    memory.set(key, value)
  }
  return value
}
