/** Keeps a recording's intervals, or a multiple of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** A factor of the recording's own speed (1), above 0; 'full' does not wait. */
export type ReplaySpeed = number | 'full'

/** When it does not wait, it yields to the event loop once per this many frames. */
const framesPerTurn = 256

export class ReplayPace {
  readonly #speed: ReplaySpeed
  readonly #signal: AbortSignal | undefined
  #firstNs: bigint | undefined
  #startMs = 0
  #frames = 0

  constructor(speed: ReplaySpeed, signal?: AbortSignal) {
    this.#speed = speed
    this.#signal = signal
  }

  /** Resolves at the frame's time; false if the replay was ended. */
  async wait(receivedNs: bigint): Promise<boolean> {
    if (this.#signal?.aborted) return false
    if (this.#speed === 'full') {
      if (++this.#frames % framesPerTurn === 0) await nextTurn()
      return !this.#signal?.aborted
    }
    if (this.#firstNs === undefined) {
      this.#firstNs = receivedNs
      this.#startMs = performance.now()
    }
    const dueMs = this.#startMs + Number(receivedNs - this.#firstNs) / 1e6 / this.#speed
    const waitMs = dueMs - performance.now()
    if (waitMs < 1) {
      if (++this.#frames % framesPerTurn === 0) await nextTurn()
      return !this.#signal?.aborted
    }
    try {
      await sleep(waitMs, undefined, this.#signal ? { signal: this.#signal } : {})
      return true
    } catch {
      return false
    }
  }
}
