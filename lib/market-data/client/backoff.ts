/**
 * The wait before the next try: exponential with full jitter, so that many clients that lost an exchange at
 * the same moment don't reconnect at the same moment.
 */
import { PinnacleRangeError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'

/** The waits between tries to connect: random, up to a bound that doubles with each failure. */
export interface BackoffOptions {
  /** Milliseconds, 1 to 2^31 - 1: the first wait is random from 0 to this. Default: 250. */
  readonly baseMs?: number
  /** Milliseconds, `baseMs` to 2^31 - 1: no wait is longer. Default: 30,000. */
  readonly capMs?: number
}

const defaults = { baseMs: 250, capMs: 30_000 }
/** 2^31 - 1: a longer Node timer fires at once. */
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

  /** Counts a failure and returns the wait before the next try. */
  nextMs(): number {
    // 2^failures overflows to Infinity, which the cap bounds.
    const ceiling = Math.min(this.#capMs, this.#baseMs * 2 ** this.#failures)
    ++this.#failures
    return Math.floor(this.#random() * ceiling)
  }

  reset(): void {
    this.#failures = 0
  }
}
