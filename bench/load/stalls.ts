/**
 * Stalls: gaps between two readings of the clock with nothing or one call between them. Each is attributed to
 * what the kernel counted for the thread since the previous stall.
 */
import { clockNs } from './clock.js'
import { ThreadCounters, type Counters } from './thread-counters.js'

/** ns on the generator's clock. */
export type HrTime = number

export const causes = {
  scheduler: 'another thread had the core',
  fault: 'page fault in the operation',
  blocked: 'the operation waited (a lock, a segment, a page being written back)',
  turn: 'a turn of the event loop',
  collection: 'garbage collection',
  machine: 'nothing ran between two readings: interrupt or hypervisor',
  unexplained: 'unexplained, within an operation',
} as const

export type Cause = keyof typeof causes

export interface Stall {
  atNs: HrTime
  durationNs: number
  cause: Cause
}

/** More than this is a broken run, not a finding. */
const maxStalls = 20_000

export class StallLog {
  readonly #counters = ThreadCounters.open()
  #last: Counters | undefined
  #readUntilNs = 0
  readonly stalls: Stall[] = []
  /** Stalls beyond maxStalls. */
  dropped = 0

  /** Before a run: discards the earlier counts. */
  begin(): void {
    this.#last = this.#counters?.read()
  }

  /**
   * Records a gap, `within` an operation or between two readings with nothing in between. Returns the ns it
   * took.
   */
  record(fromNs: HrTime, toNs: HrTime, within: boolean): number {
    const durationNs = toNs - fromNs
    const cause = this.#causeOf(durationNs, within)
    if (this.stalls.length < maxStalls) this.stalls.push({ atNs: fromNs, durationNs, cause })
    else this.dropped++
    this.#readUntilNs = clockNs()
    return this.#readUntilNs - toNs
  }

  /** The later of the last reading and the end of the last record. */
  clockBehind(nowNs: HrTime): HrTime {
    return nowNs > this.#readUntilNs ? nowNs : this.#readUntilNs
  }

  /** A turn of the event loop, which the run itself requested. */
  turn(fromNs: HrTime, toNs: HrTime): void {
    this.stalls.push({ atNs: fromNs, durationNs: toNs - fromNs, cause: 'turn' })
    this.begin()
  }

  close(): void {
    this.#counters?.close()
  }

  #causeOf(durationNs: number, within: boolean): Cause {
    const before = this.#last
    const now = this.#counters?.read()
    this.#last = now
    if (!before || !now) return within ? 'unexplained' : 'machine'
    // Most of it: a delay of a few microseconds does not explain a millisecond.
    if (now.runDelayNs - before.runDelayNs >= durationNs / 2) return 'scheduler'
    if (!within) return now.slices > before.slices ? 'scheduler' : 'machine'
    if (now.minorFaults > before.minorFaults || now.majorFaults > before.majorFaults) return 'fault'
    return now.slices > before.slices ? 'blocked' : 'unexplained'
  }
}
