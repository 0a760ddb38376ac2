/**
 * How long to wait before the next try: exponential with full jitter, so that many clients that lost one
 * exchange at one moment don't come back at one moment.
 */
import { PinnacleRangeError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'

export interface BackoffOptions {
  /** The first wait is random from 0 to this; every further failure doubles it. */
  readonly baseMs?: number
  /** No wait is longer. */
  readonly capMs?: number
}

const defaults = { baseMs: 250, capMs: 30_000 }
/** 2^31 - 1: a timer of Node above it fires at once. */
const maxTimerMs = 2_147_483_647

function checkMs(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 1 && value <= maxTimerMs) return value
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_ARGUMENT',
    `backoff.${name} must be 1 to ${String(maxTimerMs)} milliseconds, not ${shown(value)}`,
  )
}

export class Backoff {
  readonly #baseMs: number
  readonly #capMs: number
  readonly #random: () => number
  #failures = 0

  /** `random` is uniform in [0, 1). */
  constructor(options: BackoffOptions = {}, random: () => number = Math.random) {
    this.#baseMs = checkMs('baseMs', options.baseMs ?? defaults.baseMs)
    this.#capMs = checkMs('capMs', options.capMs ?? defaults.capMs)
    this.#random = random
    if (this.#capMs < this.#baseMs) {
      throw new PinnacleRangeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        `backoff.capMs (${String(this.#capMs)}) must not be below baseMs (${String(this.#baseMs)})`,
      )
    }
  }

  /** Failures since the last reset. */
  get failures(): number {
    return this.#failures
  }

  /** Counts a failure; the wait before the next try. */
  nextMs(): number {
    // 2^failures overflows to Infinity, which the cap turns into itself.
    const ceiling = Math.min(this.#capMs, this.#baseMs * 2 ** this.#failures)
    ++this.#failures
    return Math.floor(this.#random() * ceiling)
  }

  reset(): void {
    this.#failures = 0
  }
}
