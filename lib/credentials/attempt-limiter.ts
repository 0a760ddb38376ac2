/**
 * Counts failed unlocks of a data directory, across restarts and processes.
 *
 * Invariants (all calls are made under the store's lock):
 * - An attempt is counted and synced *before* the key derivation starts; only success takes it back. So
 *   killing the process mid-way does not give an attempt for free.
 * - Waiting is measured by the time since boot if the boot is the same, so setting the clock does not
 *   shorten it. After a reboot the wall clock is used; if it is before the last failure, the wait
 *   restarts from now: a clock set back delays, it never locks out for ever.
 * - If the count can't be read, it counts as the most; if it can't be written, nothing is tried.
 *
 * The same file keeps the highest generation of the credentials that was seen here (see store.ts).
 * Who may write the directory may remove the file: this slows guessing through the program, and the
 * cost of the key derivation slows it elsewhere.
 */
import { canonicalText, Fields, parseObject } from '../secure/canonical.js'
import { CredentialCode, credentialError } from '../secure/errors.js'
import type { Clocks } from '../secure/clocks.js'
import type { SecureFiles } from '../secure/secure-files.js'

/** Failed unlocks in a row without a wait; then 1 s, 2 s, 4 s, … */
export const freeFailures = 3
/** Failed unlocks in a row after which the wait is 15 minutes, doubling up to a day. */
export const lockOutAfter = 10
const lockOutMs = 15 * 60_000
const longestMs = 24 * 3_600_000

/** Milliseconds to wait after this many failures in a row. */
export function waitMsAfter(failures: number): number {
  if (failures < freeFailures) return 0
  if (failures < lockOutAfter) return 1000 * 2 ** (failures - freeFailures)
  return Math.min(longestMs, lockOutMs * 2 ** Math.min(20, failures - lockOutAfter))
}

interface State {
  readonly failures: number
  readonly lastWallMs: number
  readonly lastBootMs: number
  readonly bootId: string
  readonly store: string
  readonly highestGeneration: number
}

const nothing: State = {
  failures: 0,
  lastWallMs: 0,
  lastBootMs: 0,
  bootId: '',
  store: '',
  highestGeneration: 0,
}
const maxStateBytes = 4096

export class AttemptLimiter {
  readonly #files: SecureFiles
  readonly #path: string
  readonly #clocks: Clocks

  constructor(files: SecureFiles, path: string, clocks: Clocks) {
    this.#files = files
    this.#path = path
    this.#clocks = clocks
  }

  /** Counts an attempt, or rejects with ERR_PINNACLE_LOCKED_OUT. Returns the failures before it. */
  async begin(): Promise<number> {
    const state = await this.#read()
    const remainingMs = this.#remainingMs(state)
    if (remainingMs > 0) {
      // If the clock was set back the wait restarts: write that down.
      if (!this.#sameBoot(state) && this.#clocks.wallMs() < state.lastWallMs) {
        await this.#write({ ...state, ...this.#now() })
      }
      const release = new Date(this.#clocks.wallMs() + remainingMs).toISOString()
      throw credentialError(
        CredentialCode.LockedOut,
        `${String(state.failures)} unlocks in a row failed; the next is possible at ${release} ` +
          `(in ${String(Math.ceil(remainingMs / 1000))} s)`,
        { details: { failures: state.failures, retryAfterMs: remainingMs, release } },
      )
    }
    await this.#write({ ...state, ...this.#now(), failures: state.failures + 1 })
    return state.failures
  }

  /** The attempt failed: its wait starts now, not when the derivation started. */
  async failed(): Promise<void> {
    const state = await this.#read()
    await this.#write({ ...state, ...this.#now() })
  }

  /** The attempt was not a guess (the file is damaged, say). */
  async takeBack(): Promise<void> {
    const state = await this.#read()
    await this.#write({ ...state, failures: Math.max(0, state.failures - 1) })
  }

  async succeeded(store: string, generation: number): Promise<void> {
    await this.#write({ ...nothing, ...this.#now(), store, highestGeneration: generation })
  }

  /** Highest generation of this store that was seen here, 0 if none was. */
  async highestGeneration(store: string): Promise<number> {
    const state = await this.#read()
    return state.store === store ? state.highestGeneration : 0
  }

  /** A restore puts an older file in place on purpose. Failures are kept. */
  async setGeneration(store: string, generation: number): Promise<void> {
    const state = await this.#read()
    await this.#write({ ...state, store, highestGeneration: generation })
  }

  async status(): Promise<{ failures: number; retryAfterMs: number }> {
    const state = await this.#read()
    return { failures: state.failures, retryAfterMs: this.#remainingMs(state) }
  }

  #now(): { lastWallMs: number; lastBootMs: number; bootId: string } {
    return {
      lastWallMs: this.#clocks.wallMs(),
      lastBootMs: this.#clocks.bootMs(),
      bootId: this.#clocks.bootId,
    }
  }

  #sameBoot(state: State): boolean {
    return this.#clocks.bootId !== '' && state.bootId === this.#clocks.bootId
  }

  #remainingMs(state: State): number {
    const elapsedMs = this.#sameBoot(state)
      ? this.#clocks.bootMs() - state.lastBootMs
      : this.#clocks.wallMs() - state.lastWallMs
    return Math.max(0, waitMsAfter(state.failures) - Math.max(0, elapsedMs))
  }

  async #read(): Promise<State> {
    const bytes = await this.#files.read(this.#path, maxStateBytes)
    if (!bytes) return nothing
    try {
      const what = this.#path
      const fields = new Fields(parseObject(bytes, what), what, [
        'version',
        ...Object.keys(nothing),
      ])
      fields.integer('version', 1, 1)
      return {
        failures: fields.integer('failures', 0),
        lastWallMs: fields.integer('lastWallMs', 0),
        lastBootMs: fields.integer('lastBootMs', 0),
        bootId: fields.string('bootId'),
        store: fields.string('store', /^([0-9a-f]{32})?$/),
        highestGeneration: fields.integer('highestGeneration', 0),
      }
    } catch {
      // Damaged: as if the limit had just been reached, so that damaging it gains nothing.
      const state = { ...nothing, failures: lockOutAfter, ...this.#now() }
      await this.#write(state)
      return state
    }
  }

  async #write(state: State): Promise<void> {
    await this.#files.replace(this.#path, Buffer.from(canonicalText({ version: 1, ...state })))
  }
}
