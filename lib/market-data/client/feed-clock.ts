/** The real clocks of a feed client. */
import type { FeedClock } from './feed-events.js'

const nsPerMs = 1_000_000n

/**
 * Node's wall clock has milliseconds; the monotonic clock has nanoseconds. Each reading adds an offset to the
 * monotonic time, clamped to the current millisecond. The sum is the wall clock with nanosecond digits. It
 * follows when the wall clock is set, and is always correct to the millisecond.
 */
class FinerWallClock {
  #offsetNs = 0n

  at(monotonicNs: bigint, wallMs: number): bigint {
    const wallNs = BigInt(wallMs) * nsPerMs
    const ns = monotonicNs + this.#offsetNs
    if (ns < wallNs) {
      this.#offsetNs += wallNs - ns
      return wallNs
    }
    const latest = wallNs + nsPerMs - 1n
    if (ns > latest) {
      this.#offsetNs -= ns - latest
      return latest
    }
    return ns
  }
}

const wall = new FinerWallClock()

export const realClock: FeedClock = {
  monotonicNs: () => process.hrtime.bigint(),
  realtimeNs: () => wall.at(process.hrtime.bigint(), Date.now()),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => {
    clearTimeout(handle as NodeJS.Timeout)
  },
}
