/** What the torture has done so far, by kind of fault. */
import type { RecoveryPolicy } from '../config/types.js'
import type { Judgement } from './check-recovery.js'
import type { DamageKind } from './damage.js'
import type { RepairsTried } from './damage-step.js'
import type { Phase, Testimony } from './testimony.js'

export type FaultKind = 'kill' | 'stop' | 'full' | 'power ext4' | 'power xfs' | 'damage'

export interface FaultCounts {
  cycles: number
  /** Operations that returned, of all writers. */
  operations: number
  /** Operations promised as durable. */
  durable: number
  /** Operations that returned, were not promised as durable, and are gone: what a power cut may take. */
  lost: number
  /** Recoveries that found a torn tail. */
  torn: number
  snapshots: number
  compactions: number
  rolls: number
  /** Times that a full disk refused an operation, and that operations went on after it. */
  refused: number
  resumed: number
  /** Entries that followers saw and judged, and times that compaction overtook them. */
  followed: number
  overtaken: number
  entriesCompared: number
  violations: number
  /** What the writers were in the middle of. */
  phases: Partial<Record<Phase, number>>
  /** What was damaged, and which policies refused to repair it. */
  damages: Partial<Record<DamageKind, number>>
  refusals: Partial<Record<RecoveryPolicy, number>>
}

export function emptyCounts(): FaultCounts {
  return {
    cycles: 0,
    operations: 0,
    durable: 0,
    lost: 0,
    torn: 0,
    snapshots: 0,
    compactions: 0,
    rolls: 0,
    refused: 0,
    resumed: 0,
    followed: 0,
    overtaken: 0,
    entriesCompared: 0,
    violations: 0,
    phases: {},
    damages: {},
    refusals: {},
  }
}

/** One writer's life is over and judged. */
export function countLife(counts: FaultCounts, writer: Testimony, phase: Phase): void {
  counts.operations += Math.max(0, writer.returned - writer.openedAt)
  counts.durable += Math.max(0, writer.durable - writer.openedAt)
  counts.snapshots += writer.snapshots
  counts.compactions += writer.compactions
  counts.rolls += writer.rolls
  counts.refused += writer.refused
  counts.resumed += writer.resumed
  counts.phases[phase] = (counts.phases[phase] ?? 0) + 1
}

export function countJudgement(
  counts: FaultCounts,
  writer: Testimony,
  judgement: Judgement | undefined,
): void {
  if (judgement === undefined) return
  counts.lost += Math.max(0, writer.returned - judgement.recovered)
  counts.torn += judgement.torn ? 1 : 0
  counts.entriesCompared += judgement.compared
}

/** One directory was damaged, and repaired by each policy. */
export function countRepairs(counts: FaultCounts, tried: RepairsTried): void {
  const { damage, repairs, refusedBy } = tried
  counts.cycles += repairs.length
  counts.damages[damage.kind] = (counts.damages[damage.kind] ?? 0) + 1
  for (const policy of refusedBy) counts.refusals[policy] = (counts.refusals[policy] ?? 0) + 1
}
