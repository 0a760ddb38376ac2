/** The real clocks of a feed client. */
import type { FeedClock } from './feed-events.js'

const nsPerMs = 1_000_000n

/**
 * Node's wall clock has milliseconds; the monotonic one has nanoseconds. Their sum with an offset that is
 * squeezed into the current millisecond at every reading is the wall clock with its digits, and follows when
 * the wall clock is set. It is right to the millisecond at every moment.
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
