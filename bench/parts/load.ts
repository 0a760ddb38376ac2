/**
 * Latency at fixed rates, measured by the open-loop generator, while the journal is synced every 10 ms,
 * segments roll, snapshots of a million orders are taken and the journal is compacted. "nothing" is the
 * generator with an empty operation: the cost of the machine and the generator alone.
 */
import { stat } from 'node:fs/promises'
import path from 'node:path'

import { BusyCores } from '../load/busy-cores.js'
import { clockCostNs } from '../load/clock.js'
import { GcWatch } from '../load/gc-watch.js'
import { generate } from '../load/generator.js'
import { pinHotThread } from '../load/pinning.js'
import {
  curveOf,
  newHistogram,
  percentilesOf,
  record,
  stallsByCause,
  type LatencyRun,
} from '../load/latency.js'
import { StallLog, type Stall } from '../load/stalls.js'
import { appends, BookTarget, maxBatch, nothing, type Target } from '../load/targets.js'
import { emptyResult, type Context, type Part, type PartResult } from '../part.js'
import { median } from '../rounds.js'
import type { Histogram } from 'hdr-histogram-js'

const stallNs = 20_000
const turnsPerSecond = 10

interface Scenario {
  name: string
  target: Target
  begin?: () => void
}

export const scenarioNames = {
  nothing: 'nothing',
  busy: 'nothing, the other cores busy',
  append: 'append, sync every 10 ms',
  mapped: 'append, sync every 10 ms, mapped path',
  roll: 'append, segments of 1 MiB',
  book: 'book of 1 M orders',
  snapshot: 'book of 1 M orders, snapshots run',
  compaction: 'small book, snapshots and compaction run',
} as const

class Collected {
  readonly histogram: Histogram = newHistogram()
  readonly p999Rounds: number[] = []
  readonly stalls: Stall[] = []
  readonly counters: Record<string, number> = {}
  operations = 0
  durationNs = 0
  longestQueue = 0

  run(scenario: string, ratePerSecond: number): LatencyRun {
    const { histogram, stalls, counters, operations, longestQueue, p999Rounds } = this
    return {
      scenario,
      ratePerSecond,
      operations,
      percentiles: percentilesOf(histogram),
      p999Rounds,
      reachedPerSecond: (operations / this.durationNs) * 1e9,
      longestQueue,
      curve: curveOf(histogram),
      stalls: stallsByCause(stalls),
      stallsPerSecond:
        (stalls.filter(({ cause, durationNs }) => cause !== 'turn' && durationNs > stallNs).length /
          this.durationNs) *
        1e9,
      counters,
    }
  }
}

async function runOnce(
  { target, begin }: Scenario,
  ratePerSecond: number,
  seconds: number,
  latencies: Uint32Array,
  into: Collected,
): Promise<void> {
  begin?.()
  // The first burst after idle seconds meets pages that were not prepared at its rate. The rate is measured,
  // so a tenth of a second of it precedes the run.
  const ignored = new StallLog()
  await generate(
    target.load,
    {
      ratePerSecond,
      operations: Math.min(Math.round(ratePerSecond / 10), latencies.length),
      maxBatch,
      stallNs: Infinity,
      turnEvery: 0,
    },
    latencies,
    ignored,
  )
  ignored.close()
  const before = target.stats()
  const log = new StallLog()
  const watch = new GcWatch()
  const operations = Math.round(ratePerSecond * seconds)
  globalThis.gc?.()
  log.begin()
  const generated = await generate(
    target.load,
    {
      ratePerSecond,
      operations,
      maxBatch,
      stallNs,
      turnEvery: Math.round(ratePerSecond / turnsPerSecond),
      onTurn: () => target.onTurn?.(),
    },
    latencies,
    log,
  )
  await watch.attribute(log.stalls)
  log.close()
  await target.settle()
  const after = target.stats()
  if (before && after) {
    const names = [
      'syncs',
      'segmentsCreated',
      'segmentsRecycled',
      'segmentStalls',
      'segmentStallNs',
      'minorFaults',
      'snapshots',
      'compactions',
    ] as const
    for (const name of names) {
      into.counters[name] = (into.counters[name] ?? 0) + after[name] - before[name]
    }
  }
  const round = newHistogram()
  record(round, latencies, operations)
  into.histogram.add(round)
  into.p999Rounds.push(percentilesOf(round).p999)
  into.stalls.push(...log.stalls)
  into.operations += operations
  into.durationNs += generated.durationNs
  into.longestQueue = Math.max(into.longestQueue, generated.longestQueue)
}

async function scenarios(
  directory: string,
  orders: number,
  busyCores: BusyCores,
  cpus: number[],
): Promise<Scenario[]> {
  const book = await BookTarget.open(path.join(directory, 'book'), orders, '64MiB', cpus)
  const small = await BookTarget.open(path.join(directory, 'small'), 10_000, '4MiB', cpus)
  small.background = 'snapshots and compaction'
  return [
    { name: scenarioNames.nothing, target: nothing() },
    { name: scenarioNames.busy, target: nothing(busyCores) },
    {
      name: scenarioNames.append,
      target: await appends(path.join(directory, 'append'), '256MiB', cpus),
    },
    {
      name: scenarioNames.mapped,
      target: await appends(path.join(directory, 'mapped'), '256MiB', cpus, 'mapped'),
    },
    { name: scenarioNames.roll, target: await appends(path.join(directory, 'roll'), '1MiB', cpus) },
    {
      name: scenarioNames.book,
      target: book,
      begin: () => {
        book.background = 'none'
      },
    },
    {
      name: scenarioNames.snapshot,
      target: book,
      begin: () => {
        book.background = 'snapshots'
      },
    },
    { name: scenarioNames.compaction, target: small },
  ]
}

/** What the clock's reading and the operation itself may add to a tail, ns. */
export const allowedNs = 5000

/** A run's tails divided by the empty generator's, after subtracting 5 µs. */
function tailsOf({ percentiles }: LatencyRun, empty: LatencyRun): [number, number, number] {
  const over = (name: 'p99' | 'p999' | 'p9999'): number =>
    Math.max(0, percentiles[name] - allowedNs) / empty.percentiles[name]
  return [over('p99'), over('p999'), over('p9999')]
}

/** A run's p99.9 divided by the other's, round by round. */
function p999Ratio(run: LatencyRun, other: LatencyRun): number {
  return median(
    run.p999Rounds.map((value, round) => value / (other.p999Rounds[round] ?? Number.NaN)),
  )
}

export const load: Part = {
  name: 'load',
  async run({ directory, quick }: Context): Promise<PartResult> {
    const result = emptyResult('latency at a fixed rate, open loop')
    const orders = quick ? 100_000 : 1_000_000
    const rates = quick ? [1e6] : [1e5, 1e6, 5e6]
    const rounds = quick ? 1 : 3
    const secondsOf = (rate: number): number => (quick ? 0.3 : rate >= 5e6 ? 1 : 2)
    // One array for all runs, its pages present.
    const most = Math.max(...rates.map((rate) => rate * secondsOf(rate)))
    const latencies = new Uint32Array(Math.ceil(most)).fill(1)
    // Threads inherit the mask of the thread that starts them: those of the pool must exist already, and so
    // must the busy ones.
    const busyCores = await BusyCores.start()
    await stat(directory)
    const pinning = pinHotThread()
    const all = await scenarios(directory, orders, busyCores, pinning.backgroundCpus)
    const collected = new Map<string, Collected>()
    // A first, short run compiles the loops; it does not count.
    for (const scenario of all) await runOnce(scenario, 1e6, 0.1, latencies, new Collected())
    for (const rate of rates) {
      for (let round = 0; round < rounds; round++) {
        for (const scenario of all) {
          const key = `${scenario.name} ${String(rate)}`
          const into = collected.get(key) ?? new Collected()
          collected.set(key, into)
          await runOnce(scenario, rate, secondsOf(rate), latencies, into)
        }
      }
    }
    for (const target of new Set(all.map((each) => each.target))) await target.close()

    result.latencies = rates.flatMap((rate) =>
      all.flatMap(({ name }) => {
        const found = collected.get(`${name} ${String(rate)}`)
        return found ? [found.run(name, rate)] : []
      }),
    )
    const at = (name: string): LatencyRun | undefined =>
      result.latencies?.find(
        ({ scenario, ratePerSecond }) => scenario === name && ratePerSecond === 1e6,
      )
    const [empty, busy] = [at(scenarioNames.nothing), at(scenarioNames.busy)]
    const [append, book] = [at(scenarioNames.append), at(scenarioNames.book)]
    const snapshot = at(scenarioNames.snapshot)
    if (empty && busy && append && book && snapshot && !quick) {
      const { goals, floors } = result
      ;[goals.loadP99, goals.loadP999, goals.loadP9999] = tailsOf(append, empty)
      ;[goals.snapshotP99, goals.snapshotP999, goals.snapshotP9999] = tailsOf(snapshot, empty)
      // A snapshot takes a second core, whatever it does there.
      ;[floors.snapshotP99, floors.snapshotP999, floors.snapshotP9999] = tailsOf(busy, empty)
      goals.snapshotWriter = p999Ratio(snapshot, book)
      floors.snapshotWriter = p999Ratio(busy, empty)
    }
    result.notes.push(
      pinning.note,
      `reading the clock costs ${clockCostNs().toFixed(0)} ns, which is in every latency`,
      `the event loop turns ${String(turnsPerSecond)} times a second; what falls due meanwhile waits, and counts`,
    )
    return result
  },
}
