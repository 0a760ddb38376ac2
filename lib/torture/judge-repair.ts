/**
 * Judges a repair by what was acknowledged and by what the damage took; sees neither files nor engine.
 * The contract (docs/recovery.md), by policy:
 *
 * - every policy: no entry is invented, none is skipped unsaid, books and state machine are those of the
 *   entries that are kept, and what is reported as kept is there, now and after one more open;
 * - strict: everything, or a refusal that changes nothing;
 * - point-in-time: a prefix, up to the damage at least;
 * - salvage: also every later entry that is whole and that the books accept, each with its sequence, and
 *   holes in the places of the others.
 *
 * What a snapshot holds needs no entries. Its sequence is `damage.snapshot`: damage touches no snapshot.
 */
import { judgeOpened } from './judge-opened.js'
import { inRanges, rangesText, type Range } from './ranges.js'
import type { RepairEvidence } from './repair-evidence.js'
import type { Attempt, Opened, Refused, RepairOutcome } from './repair-outcome.js'

/** What is wrong; empty: nothing. */
export function judgeRepair(evidence: RepairEvidence, outcome: RepairOutcome): string[] {
  const { policy, tool, repair } = outcome
  const name = `${policy} (${tool})`
  const wrong =
    repair.refused !== undefined
      ? judgeRefusal(evidence, outcome, repair.refused)
      : [
          ...judgeOpened(evidence, policy, repair.opened),
          ...judgeReport(evidence, outcome, repair.opened),
          ...judgeReopened(repair.opened, outcome.reopened),
          ...judgeContinued(repair.opened, outcome.continued),
        ]
  return wrong.map((what) => `${name}: ${what}`)
}

function judgeRefusal(
  evidence: RepairEvidence,
  { policy, tool, changed }: RepairOutcome,
  { code, message }: Refused,
): string[] {
  const wrong: string[] = []
  if (!code.startsWith('ERR_PINNACLE_')) wrong.push(`failed without a code: ${message}`)
  if (changed.length > 0) wrong.push(`refused (${code}) and changed ${changed.join(', ')}`)
  // The command line has no state machine, so it may leave a salvage to the program that has it.
  const leaves = policy === 'salvage' && tool === 'cli' && evidence.machine
  if (policy !== 'strict' && !leaves && hasStart(evidence)) {
    wrong.push(`refused, and could start from what is whole: ${code}: ${message}`)
  }
  return wrong
}

/** Whether a state can be made at all: the journal still reaches back to its beginning or the snapshot. */
function hasStart({ damage, acknowledged }: RepairEvidence): boolean {
  let whole = damage.firstSequence
  while (whole <= acknowledged && inRanges(damage.lost, whole)) whole++
  return whole >= 1 && whole <= acknowledged && whole <= damage.snapshot + 1
}

/** What was said, and whether what was taken away is still to be had. */
function judgeReport(
  { acknowledged }: RepairEvidence,
  { policy, saidToKeep, saidClean, vanished }: RepairOutcome,
  { lastSequence, tail }: Opened,
): string[] {
  const wrong: string[] = []
  if (saidToKeep !== undefined && saidToKeep !== lastSequence) {
    wrong.push(
      `said that it keeps entries to ${String(saidToKeep)}, ${String(lastSequence)} is the last`,
    )
  }
  const missing: Range[] = tail.flatMap((step) => ('hole' in step ? [step.hole] : []))
  if (lastSequence < acknowledged) missing.push([lastSequence + 1, acknowledged])
  if (saidClean === true && missing.length > 0) {
    wrong.push(
      `said that nothing is to be repaired, and entries are missing: ${rangesText(missing)}`,
    )
  }
  if (policy !== 'strict' && missing.length > 0 && vanished.length > 0) {
    wrong.push(`${vanished.join(', ')}: the damaged bytes are not in quarantine`)
  }
  return wrong
}

function judgeReopened(repaired: Opened, reopened: Attempt | undefined): string[] {
  if (reopened === undefined) return ['was never opened again']
  if (reopened.refused !== undefined) {
    const { code, message } = reopened.refused
    return [`the next strict open is refused: ${code}: ${message}`]
  }
  const again = reopened.opened
  const parts: (keyof Opened)[] = ['lastSequence', 'tail', 'books', 'ledger']
  return parts
    .filter((part) => JSON.stringify(again[part]) !== JSON.stringify(repaired[part]))
    .map((part) => `the next open gives another result: ${part}`)
}

function judgeContinued({ lastSequence }: Opened, continued: RepairOutcome['continued']): string[] {
  if (continued === undefined) return []
  if ('refused' in continued) {
    const { code, message } = continued.refused
    return [`an append after it, and an open, fail: ${code}: ${message}`]
  }
  const { appended, recovered } = continued
  const right = appended === lastSequence + 1 && recovered === appended
  return right
    ? []
    : [
        `after entry ${String(lastSequence)} an append gets ${String(appended)}, and the next open ends at ${String(recovered)}`,
      ]
}
