/**
 * Detects a silent connection. Any message shows that it is alive. So does a pong, requested half-way to the
 * time-out, until the exchange has sent a heartbeat. From then on only the exchange's own messages count,
 * since a pong only shows that something on the way is alive.
 *
 * A process that was busy or stopped for the whole time has read nothing either. So a time-out counts only
 * if, after it, there was an opportunity to read and nothing came.
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
/** Time to read what arrived while the process was busy. */
const readMs = 5

export class HeartbeatWatchdog {
  readonly #options: WatchdogOptions
  readonly #timeoutNs: bigint
  #lastNs: bigint
  #beats = false
  #asked = false
  #overdue = false
  #timer: unknown = undefined
  #suspended = false
  #stopped = false

  constructor(options: WatchdogOptions) {
    this.#options = options
    this.#timeoutNs = BigInt(Math.round(options.timeoutMs)) * nsPerMs
    this.#lastNs = options.clock.monotonicNs()
    this.#arm(options.timeoutMs / 2)
  }

  /** A message was received. */
  seen(nowNs: bigint): void {
    this.#lastNs = nowNs
    this.#asked = false
    this.#overdue = false
  }

  /** A ping or pong was received. */
  answered(nowNs: bigint): void {
    if (!this.#beats) this.seen(nowNs)
  }

  /** The message was the exchange's heartbeat. */
  beat(): void {
    this.#beats = true
  }

  /** Reading is paused, so nothing is expected. */
  suspend(): void {
    this.#suspended = true
    this.#disarm()
  }

  resume(): void {
    if (!this.#suspended || this.#stopped) return
    this.#suspended = false
    this.#lastNs = this.#options.clock.monotonicNs()
    this.#asked = false
    this.#overdue = false
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
      if (!this.#overdue) {
        // Timers run before sockets: waiting data is read before this timer fires.
        this.#overdue = true
        this.#arm(readMs)
        return
      }
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
