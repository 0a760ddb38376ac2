/** What a data directory is, by what a strict open makes of it. */
import type { InspectReport } from './inspect.js'

/**
 * - clean: a strict open takes it as it is;
 * - torn: a strict open cuts a tail that was never durable;
 * - damaged: a strict open takes it, but something that it does not need is damaged;
 * - corrupt: a strict open refuses it.
 */
export type Verdict = 'clean' | 'torn' | 'damaged' | 'corrupt'

/** A file that does not verify. */
export interface Damage {
  /** Path of the segment or snapshot. */
  path: string
  /** What is wrong with it. */
  reason: string
}

const corruptCodes: ReadonlySet<string> = new Set([
  'ERR_PINNACLE_CORRUPT',
  'ERR_PINNACLE_JOURNAL_GAP',
  'ERR_PINNACLE_SNAPSHOT_CORRUPT',
])

/** Throws what a strict open would, if that is neither success nor damage. */
export function verdictOf(report: InspectReport): Verdict {
  const { recovery, recoveryError } = report
  if (recoveryError !== null) {
    const { code } = recoveryError as { code?: string }
    if (code === undefined || !corruptCodes.has(code)) throw recoveryError
    return 'corrupt'
  }
  if (damageOf(report).length > 0) return 'damaged'
  // Beside a writer the newest entry may be half-written.
  return recovery.tail === 'torn' && !report.locked ? 'torn' : 'clean'
}

/** Everything that does not verify, needed by open or not. */
export function damageOf(report: InspectReport): Damage[] {
  const damage: Damage[] = []
  for (const { path, state, detail } of report.segments) {
    if (state === 'corrupt') damage.push({ path, reason: detail })
  }
  for (const { path, valid, detail } of report.snapshots) {
    if (!valid) damage.push({ path, reason: detail })
  }
  return damage
}
