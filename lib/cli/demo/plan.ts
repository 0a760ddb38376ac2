/** What the demo does, the same in its parent and in its writers. */
import type { PersistenceConfig } from '../../config/types.js'
import { GeneratedFlow } from '../../order-flow/generator.js'
import { Random } from '../../order-flow/random.js'
import type { Stats } from '../../persistence/stats.js'

export interface DemoPlan {
  dataDirectory: string
  seed: number
  events: number
}

/** How many writers are killed before one may finish. */
const killCount = 2

export function flowOf(plan: DemoPlan): GeneratedFlow {
  return new GeneratedFlow({ seed: plan.seed, events: plan.events })
}

/** Small segments and a low threshold, so that rolling, recycling and compaction all happen. */
export function configOf(plan: DemoPlan): PersistenceConfig {
  return {
    dataDirectory: plan.dataDirectory,
    segmentSize: '8MiB',
    compactionThreshold: '32MiB',
    keepSnapshots: 2,
    snapshotIntervalMin: 0,
    durability: 'interval',
  }
}

/** A snapshot every N events: by count and not by the clock, so that slow machines show it too. */
export function snapshotEvery(plan: DemoPlan): number {
  return Math.max(1, Math.floor(plan.events / 9))
}

/** Events at which the writers are killed: a third of the way each, give or take. */
export function killPoints(plan: DemoPlan): number[] {
  const random = new Random(plan.seed ^ 0x6b696c6c)
  const third = Math.floor(plan.events / (killCount + 1))
  return Array.from({ length: killCount }, (_, index) => {
    return Math.floor((index + 0.6) * third) + random.below(Math.max(1, Math.floor(third * 0.7)))
  })
}

/** What a writer tells its parent. */
export type WriterMessage =
  | { kind: 'progress'; events: number }
  | { kind: 'snapshot'; sequence: number; durationMs: number }
  | { kind: 'compaction'; segments: number; bytes: number }
  | { kind: 'done'; events: number; eventsOfRun: number; durationMs: number; stats: Stats }
  | { kind: 'failed'; code: string; message: string }
