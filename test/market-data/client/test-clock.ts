/** A clock of a feed client that moves only on command. */
import type { FeedClock } from '../../../lib/market-data/client/feed-events.js'

interface Timer {
  readonly atMs: number
  readonly callback: () => void
}

export class TestClock implements FeedClock {
  readonly #timers = new Set<Timer>()
  nowMs = 0

  get pending(): number {
    return this.#timers.size
  }

  monotonicNs(): bigint {
    return BigInt(this.nowMs) * 1_000_000n
  }

  realtimeNs(): bigint {
    return this.monotonicNs()
  }

  setTimeout(callback: () => void, ms: number): unknown {
    const timer = { atMs: this.nowMs + ms, callback }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as Timer)
  }

  /** Time passes, and no timer runs: the process is busy. */
  jump(ms: number): void {
    this.nowMs += ms
  }

  /** Runs due timers, each at its time. */
  advance(ms: number): void {
    const end = this.nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= end)
      const next = due.sort((a, b) => a.atMs - b.atMs)[0]
      if (!next) break
      this.#timers.delete(next)
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.callback()
    }
    this.nowMs = end
  }
}
