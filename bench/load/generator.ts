/**
 * The open-loop generator: operation number i is due at start + i x interval by the clock, even if earlier
 * ones are not done. Its latency runs from its due time to its end. So a stall delays every operation that
 * falls due during it, and each of them counts (no coordinated omission).
 *
 * Operations that are due at once are submitted together, at most `maxBatch` of them, as a user would. Only
 * the operations run between the clock's readings; nothing is allocated.
 *
 * After a gap of more than `stallNs` between two readings it reads the kernel's counters. That takes some
 * microseconds, which are the generator's fault: it postpones the schedule by them.
 */
import { clockNs } from './clock.js'
import type { HrTime, StallLog } from './stalls.js'

export interface Load {
  /** One operation. */
  one(): void
  /** `count` operations in one call. */
  several(count: number): void
}

export interface GeneratorOptions {
  ratePerSecond: number
  operations: number
  maxBatch: number
  stallNs: number
  /** Operations between two turns of the event loop; 0: none. */
  turnEvery: number
  /** Called at the beginning of the turn after this many operations. */
  onTurn?: (done: number) => void
}

export interface Generated {
  startNs: HrTime
  durationNs: number
  /** The largest number of due but unfinished operations. */
  longestQueue: number
}

/** Writes each operation's latency, ns, into `latencies`. */
export async function generate(
  load: Load,
  options: GeneratorOptions,
  latencies: Uint32Array,
  stalls: StallLog,
): Promise<Generated> {
  const { operations, turnEvery, onTurn } = options
  const intervalNs = 1e9 / options.ratePerSecond
  // Long enough for the first operations to find the code compiled and the schedule empty.
  const begun = clockNs() + 1e6
  const state = { startNs: begun, done: 0, longestQueue: 0, lastNs: begun }
  const slice = turnEvery === 0 ? operations : turnEvery
  onTurn?.(0)
  while (state.done < operations) {
    const until = Math.min(operations, state.done + slice)
    runSlice(load, options, intervalNs, until, state, latencies, stalls)
    if (until < operations && turnEvery > 0) {
      onTurn?.(state.done)
      await new Promise((resolve) => setImmediate(resolve))
      stalls.turn(state.lastNs, clockNs())
      state.lastNs = clockNs()
    }
  }
  return {
    startNs: begun,
    durationNs: clockNs() - begun,
    longestQueue: state.longestQueue,
  }
}

interface State {
  startNs: number
  done: number
  longestQueue: number
  lastNs: number
}

function runSlice(
  load: Load,
  options: GeneratorOptions,
  intervalNs: number,
  until: number,
  state: State,
  latencies: Uint32Array,
  stalls: StallLog,
): void {
  const { maxBatch, stallNs } = options
  let { startNs, done, longestQueue, lastNs } = state
  while (done < until) {
    const nowNs = clockNs()
    if (nowNs - lastNs > stallNs) startNs += stalls.record(lastNs, nowNs, false)
    lastNs = stalls.clockBehind(nowNs)
    const due = Math.floor((nowNs - startNs) / intervalNs) + 1 - done
    if (due <= 0) continue
    if (due > longestQueue) longestQueue = due
    let count = due < maxBatch ? due : maxBatch
    if (count > until - done) count = until - done
    if (count === 1) load.one()
    else load.several(count)
    const completedNs = clockNs()
    const first = startNs + done * intervalNs
    for (let i = 0; i < count; i++) {
      const latency = completedNs - (first + i * intervalNs)
      latencies[done + i] = latency < 4294967295 ? latency : 4294967295
    }
    done += count
    if (completedNs - lastNs > stallNs) startNs += stalls.record(lastNs, completedNs, true)
    lastNs = stalls.clockBehind(completedNs)
  }
  state.startNs = startNs
  state.done = done
  state.longestQueue = longestQueue
  state.lastNs = lastNs
}
