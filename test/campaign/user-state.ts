/**
 * The campaign's state machine. Its state is a digest of everything it received, in order, so that a missing,
 * repeated or misordered entry shows.
 */
import { createHash } from 'node:crypto'
import type { Hole, StateMachine, UserEntry } from '../../lib/index.js'

interface State {
  digest: string
  entries: number
  holes: number
}

const nothing: State = { digest: '', entries: 0, holes: 0 }

function next(digest: string, what: string, bytes: Uint8Array): string {
  return createHash('sha1').update(digest).update(what).update(bytes).digest('hex')
}

export function withEntry(
  state: State,
  sequence: number,
  userType: number,
  payload: Uint8Array,
): State {
  const what = `entry ${String(sequence)} ${String(userType)}`
  return { ...state, digest: next(state.digest, what, payload), entries: state.entries + 1 }
}

export function withHole(state: State, first: number, last: number): State {
  const what = `hole ${String(first)} ${String(last)}`
  return { ...state, digest: next(state.digest, what, new Uint8Array()), holes: state.holes + 1 }
}

export function textOfState({ digest, entries, holes }: State): string {
  return `${String(entries)} entries, ${String(holes)} holes, ${digest}`
}

export class Machine implements StateMachine {
  #state = nothing
  /** Everything it received since it was made, in order. */
  readonly given: string[] = []

  apply({ sequence, userType, payload }: UserEntry): void {
    this.#state = withEntry(this.#state, sequence, userType, payload)
    this.given.push(String(sequence))
  }

  hole({ firstSequence, lastSequence }: Hole): void {
    this.#state = withHole(this.#state, firstSequence, lastSequence)
    this.given.push(`${String(firstSequence)}-${String(lastSequence)} lost`)
  }

  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify(this.#state))
  }

  restore(bytes: Uint8Array): void {
    this.#state = JSON.parse(Buffer.from(bytes).toString()) as State
    this.given.push('restored')
  }

  describe(): string {
    return textOfState(this.#state)
  }
}

export { nothing as emptyState, type State as UserState }
