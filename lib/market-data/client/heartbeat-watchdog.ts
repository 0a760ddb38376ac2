/**
 * Notices that a connection went silent. Once the exchange has sent a heartbeat, heartbeats alone count: they
 * prove that a quiet product is quiet. Before that (or where an exchange has none) anything received counts,
 * and half-way to the time-out a ping asks for something.
 */
import type { FeedClock } from './feed-events.js'

export interface WatchdogOptions {
  readonly clock: FeedClock
  readonly timeoutMs: number
  /** Half of the time is over. */
  readonly onQuiet: () => void
  readonly onTimeout: (silentMs: number) => void
}

const nsPerMs = 1_000_000n

export class HeartbeatWatchdog {
  readonly #options: WatchdogOptions
  readonly #timeoutNs: bigint
  #lastNs: bigint
  #beats = false
  #asked = false
  #timer: unknown = undefined
  #suspended = false
  #stopped = false

  constructor(options: WatchdogOptions) {
    this.#options = options
    this.#timeoutNs = BigInt(Math.round(options.timeoutMs)) * nsPerMs
    this.#lastNs = options.clock.monotonicNs()
    this.#arm(options.timeoutMs / 2)
  }

  /** Anything was received. */
  seen(nowNs: bigint): void {
    if (this.#beats) return
    this.#lastNs = nowNs
    this.#asked = false
  }

  beat(nowNs: bigint): void {
    this.#beats = true
    this.#lastNs = nowNs
    this.#asked = false
  }

  /** Nothing is read from now on, so nothing can be expected. */
  suspend(): void {
    this.#suspended = true
    this.#disarm()
  }

  resume(): void {
    if (!this.#suspended || this.#stopped) return
    this.#suspended = false
    this.#lastNs = this.#options.clock.monotonicNs()
    this.#asked = false
    this.#arm(this.#options.timeoutMs / 2)
  }

  stop(): void {
    this.#stopped = true
    this.#disarm()
  }

  #arm(ms: number): void {
    this.#timer = this.#options.clock.setTimeout(() => this.#check(), Math.max(1, Math.ceil(ms)))
  }

  #disarm(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #check(): void {
    if (this.#stopped || this.#suspended) return
    const silentNs = this.#options.clock.monotonicNs() - this.#lastNs
    if (silentNs >= this.#timeoutNs) {
      this.stop()
      this.#options.onTimeout(Number(silentNs / nsPerMs))
      return
    }
    const isHalf = silentNs * 2n >= this.#timeoutNs
    if (isHalf && !this.#asked) {
      this.#asked = true
      this.#options.onQuiet()
    }
    const markNs = isHalf ? this.#timeoutNs : this.#timeoutNs / 2n
    this.#arm(Number(markNs - silentNs) / Number(nsPerMs))
  }
}
