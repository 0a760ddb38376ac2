/** How one writer of the torture lives: drawn from the seed, given to the process as JSON. */
import type { Durability, PersistenceConfig, WritePath } from '../config/types.js'
import type { StateMachine } from '../entry/state-machine.js'
import type { Random } from '../order-flow/random.js'
import { tortureInstruments } from './flow.js'

/** What all lives of one data directory share. */
export interface Setting {
  dataDirectory: string
  flowSeed: number
  /** Whether user entries go to a state machine. */
  machine: boolean
}

export interface WriterPlan extends Setting {
  /** Of this life: sizes of batches and the like. */
  lifeSeed: number
  durability: Durability
  style: 'single' | 'batch' | 'mixed'
  /**
   * What is asked for after each round of operations: nothing, a wait for durable(), several waits that
   * share group commits, or a blocking sync.
   */
  commit: 'none' | 'each' | 'group' | 'blocking'
  snapshots: boolean
  compaction: boolean
  segmentSize: '64KiB' | '256KiB' | '1MiB'
  syncIntervalMs: number
  /** Operations after which the writer only waits, so that a directory does not outgrow its checks. */
  mostEvents: number
  writePath: WritePath
  /** The disk gets full: operations may be refused. */
  expectFull: boolean
  /** File in which a follower in the writer's process records what it sees; '' without one. */
  log: string
}

const mostEvents = 25_000

export function drawWriterPlan(
  random: Random,
  setting: Setting,
  given: { expectFull: boolean; log: string },
): WriterPlan {
  return {
    ...setting,
    lifeSeed: random.uint32(),
    durability: pick(random, ['appended', 'appended', 'interval', 'durable']),
    style: pick(random, ['single', 'batch', 'mixed']),
    commit: pick(random, ['none', 'each', 'group', 'group', 'blocking']),
    snapshots: random.below(2) === 0,
    compaction: random.below(3) > 0,
    segmentSize: pick(random, ['64KiB', '64KiB', '256KiB', '1MiB']),
    syncIntervalMs: 1 + random.below(5),
    mostEvents,
    expectFull: given.expectFull,
    // (A limit that is lowered below a segment in use fails a journal with a window: docs/operations.md.)
    writePath: given.expectFull || random.below(3) === 0 ? 'mapped' : 'auto',
    // A limit on the size of files would limit the follower's record too.
    log: random.below(2) === 0 && !given.expectFull ? given.log : '',
  }
}

export function configOf(plan: WriterPlan, stateMachine?: StateMachine): PersistenceConfig {
  return {
    dataDirectory: plan.dataDirectory,
    durability: plan.durability,
    segmentSize: plan.segmentSize,
    writePath: plan.writePath,
    windowSize: '256KiB',
    journalSyncIntervalMs: plan.syncIntervalMs,
    snapshotIntervalMin: 0,
    keepSnapshots: 2,
    compactionThreshold: 0,
    instruments: [...tortureInstruments],
    ...(stateMachine === undefined ? {} : { stateMachine }),
  }
}

export function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[random.below(values.length)] as Value
}
