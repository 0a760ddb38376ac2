/**
 * Runs a user's StateMachine: restores it, replays it, applies to it. Once apply() or restore() has thrown,
 * the state may be half-changed, so from then on nothing is applied to it and no snapshot is taken of it;
 * the journal has the entry, and a corrected state machine gets it at the next open.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isUint8Array } from 'node:util/types'
import { PinnacleError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import { decodeEntries } from '../entry/decode.js'
import type { AppliedEntry, HoleEntry } from '../entry/entry.js'
import type { EngineSession } from './engine-session.js'
import type { StateMachine } from '../entry/state-machine.js'

const chunkBytes = 256 * 1024

export class StateMachineHost {
  readonly #machine: StateMachine
  #failure: PinnacleError | undefined
  /** Calls of apply() that run now: apply() may append, which calls it again. */
  #applying = 0
  #inSnapshot = false

  constructor(machine: StateMachine) {
    this.#machine = machine
  }

  /** Whether the state machine has applyOperation(). */
  get seesOperations(): boolean {
    return typeof this.#machine.applyOperation === 'function'
  }

  runs(machine: StateMachine): boolean {
    return this.#machine === machine
  }

  readonly apply = (entry: AppliedEntry): void => {
    if (this.#failure) throw this.#failure
    this.#applying++
    try {
      if (entry.type === 'user') this.#machine.apply(entry)
      else this.#machine.applyOperation?.(entry)
    } catch (cause) {
      throw this.#fail(entry.sequence, cause)
    } finally {
      this.#applying--
    }
  }

  /** Whether an entry is only half applied: no snapshot may hold such a state. */
  get applying(): boolean {
    return this.#applying > 0
  }

  /** Throws if the state machine can't take an entry: after a failure for good, during its snapshot() for now. */
  assertApplies(): void {
    if (this.#failure) throw this.#failure
    this.assertOutsideSnapshot('append')
  }

  assertOutsideSnapshot(what: string): void {
    if (!this.#inSnapshot) return
    throw new PinnacleError(
      'ERR_PINNACLE_REENTRANT',
      `${what} was called from the state machine's snapshot(), which must only read: the snapshot would not have ` +
        'what it changes. Nothing was done; call it before the snapshot or after it',
    )
  }

  /** The state at the journal's last sequence, which `appended` gives. */
  snapshot(appended: () => number): Uint8Array {
    this.assertApplies()
    const before = appended()
    const bytes = this.#callSnapshot()
    // A book operation costs too little to check for this at each: it is in the journal, and so is what it changed.
    const after = appended()
    if (after !== before) {
      throw new PinnacleError(
        'ERR_PINNACLE_REENTRANT',
        `the state machine's snapshot() changed books: entries ${String(before + 1)} to ${String(after)} came while ` +
          'it ran, so its bytes are the state of no sequence. No snapshot was taken, the entries are kept; make ' +
          'snapshot() only read',
        { details: { before, after } },
      )
    }
    if (isUint8Array(bytes) && bytes.byteLength > 0) return bytes
    throw new PinnacleTypeError(
      'ERR_PINNACLE_STATE_MACHINE',
      `the state machine's snapshot() must return a Uint8Array of at least one byte, not ${shown(bytes)}`,
    )
  }

  #fail(sequence: number, cause: unknown): PinnacleError {
    this.#failure = new PinnacleError(
      'ERR_PINNACLE_STATE_MACHINE',
      `the state machine threw at entry ${String(sequence)}, which is in the journal; its state is unknown now, ` +
        'so nothing more is applied to it. Correct it and open again: the entry is replayed',
      { cause, details: { sequence } },
    )
    return this.#failure
  }

  #callSnapshot(): Uint8Array {
    this.#inSnapshot = true
    try {
      return this.#machine.snapshot()
    } catch (cause) {
      throw new PinnacleError(
        'ERR_PINNACLE_STATE_MACHINE',
        "the state machine's snapshot() threw (see cause); no snapshot was taken, the journal continues",
        { cause },
      )
    } finally {
      this.#inSnapshot = false
    }
  }

  /** Brings the state to the end of the recovered journal. */
  async recover(
    session: EngineSession,
    progress: (done: number, total: number) => void,
  ): Promise<void> {
    const { snapshotSequence, firstSequence, lastSequence } = session.recovery
    const state = session.engine.recoveredState()
    if (state) this.restore(state, snapshotSequence)
    // This state machine can't start from a snapshot without state, only from the whole journal.
    const from = state ? snapshotSequence + 1 : 1
    if (lastSequence < from) return
    if (!state && firstSequence !== 1) {
      throw new PinnacleError(
        'ERR_PINNACLE_STATE_MACHINE',
        `the snapshot of sequence ${String(snapshotSequence)} was taken without a state machine, and the journal ` +
          `no longer holds what came before ${String(firstSequence || lastSequence + 1)}; open without one, or ` +
          'start the state in a new data directory',
        { details: { snapshotSequence, firstSequence } },
      )
    }
    await this.replay(session, from, lastSequence, progress)
  }

  restore(state: Uint8Array, sequence: number): void {
    try {
      this.#machine.restore(state)
    } catch (cause) {
      throw new PinnacleError(
        'ERR_PINNACLE_STATE_MACHINE',
        `the state machine's restore() threw for the snapshot of sequence ${String(sequence)} (see cause); ` +
          'correct it and open again, nothing was changed',
        { cause, details: { sequence } },
      )
    }
  }

  /** What a snapshot has of the lost entries is not missing: the replay starts at `from`. */
  #hole({ firstSequence, sequence }: HoleEntry, from: number): void {
    try {
      this.#machine.hole?.({
        firstSequence: Math.max(firstSequence, from),
        lastSequence: sequence,
      })
    } catch (cause) {
      throw this.#fail(sequence, cause)
    }
  }

  #replayed(entry: AppliedEntry): void {
    if (entry.type === 'user' || this.seesOperations) this.apply(entry)
  }

  /** Applies the journal's entries from one sequence to another. */
  async replay(
    session: Pick<EngineSession, 'binding' | 'dataDirectory'>,
    from: number,
    to: number,
    progress: (done: number, total: number) => void,
  ): Promise<void> {
    const reader = session.binding.openReader(session.dataDirectory, from)
    const total = to - from + 1
    try {
      progress(0, total)
      while (reader.nextSequence <= to) {
        const chunk = reader.read(chunkBytes)
        if (!chunk) {
          throw new PinnacleError(
            'ERR_PINNACLE_JOURNAL_GAP',
            `the journal ends at ${String(reader.nextSequence - 1)} while the state machine is replayed to ` +
              `${String(to)}; run "pinnacle verify"`,
            { details: { nextSequence: reader.nextSequence, to } },
          )
        }
        decodeEntries(chunk, (entry) => {
          if (entry.sequence > to) return
          if (entry.type === 'hole') this.#hole(entry, from)
          else if (entry.type !== 'instrument') this.#replayed(entry)
        })
        progress(Math.min(total, reader.nextSequence - from), total)
        // Replaying is synchronous: give the event loop a turn between chunks.
        await nextTurn()
      }
    } finally {
      reader.close()
    }
  }
}
