/**
 * Opens an image under the strict policy: an open yields exactly a prefix of the appended entries, with
 * everything that was acknowledged as durable; a refusal changes nothing.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { inspect, verdictOf } from '../../lib/index.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import type { Base } from './base.js'
import { examine } from './examine.js'
import type { Expectations, Loss } from './expected.js'
import { changedPaths, copyDirectory, fingerprint, segmentPath } from './files.js'
import { readHeadSlots, readSegment } from './format.js'
import { lineOf, type LineName } from './lines.js'
import { liveOn } from './live-on.js'
import { open, refusalOf, type Opened } from './subject.js'
import { isJournalOf, limitOf, type Limit } from './witnesses.js'

export interface StrictFinding {
  /** 'clean', 'torn', or the code of the refusal. */
  outcome: string
  lastSequence: number
  /** Set if not everything acknowledged was opened. */
  limit?: Limit
  /** Something before the snapshot is damaged, which an open does not read. */
  unreadable: boolean
}

const damageCodes: ReadonlySet<string> = new Set([
  'ERR_PINNACLE_CORRUPT',
  'ERR_PINNACLE_JOURNAL_GAP',
  'ERR_PINNACLE_SNAPSHOT_CORRUPT',
])

export function isRefused({ outcome }: StrictFinding): boolean {
  return outcome.startsWith('ERR_')
}

export async function checkStrict(
  base: Base,
  expectations: Expectations,
  image: string,
  work: string,
  violations: string[],
): Promise<StrictFinding> {
  const copy = path.join(work, 'strict')
  copyDirectory(image, copy)
  const before = fingerprint(copy)
  let subject = await open(copy, 'strict', base.machine)
  if (!subject.opened && machineRefusals.has(subject.code)) {
    // Its snapshot has no state, and its journal lacks entries; the rest is checked without the state
    // machine.
    const without = await open(copy, 'strict', false)
    if (without.opened && canRestoreMachine(base, without)) {
      violations.push(`the state machine was refused without a reason: ${subject.message}`)
    }
    subject = without
  }
  if (!subject.opened) {
    const changed = changedPaths(before, fingerprint(copy))
    if (changed.length > 0) violations.push(`a refused open changed ${changed.join(', ')}`)
    return { outcome: subject.code, lastSequence: 0, unreadable: false }
  }
  const { recovery } = subject.manager
  if (recovery.tail === 'corrupt') violations.push('a strict open reports a corrupt tail')
  const finding: StrictFinding = {
    outcome: recovery.tail,
    lastSequence: recovery.lastSequence,
    unreadable: subject.unreadable !== '',
  }
  const losses = recovery.holes.map(({ firstSequence, lastSequence }): Loss => ({
    first: firstSequence,
    last: lastSequence,
  }))
  if (losses.length > 0) violations.push('a strict open crosses holes that no repair made')
  const others = (['twin', 'foreign'] as const).filter((name) =>
    isJournalOf(image, base[name].directory),
  )
  const examined = examine(base, expectations, subject, ['ours', ...others], losses, violations)
  if (examined) {
    const limit = limitFor(base, image, examined.line, recovery, violations)
    if (limit) finding.limit = limit
    else if (finding.unreadable && isCovered(base, image, recovery)) {
      finding.limit = 'covered-by-snapshot'
    }
    await liveOn(copy, subject, violations, 'strict')
  } else await subject.manager.close()
  return finding
}

/**
 * After compaction the oldest segment may be empty: its first entry was appended, and did not reach the
 * device. So a segment that lost all of its entries is noticed only if one of them is needed. Here everything
 * acknowledged is in the snapshot, and the lost entries have left no trace outside that segment.
 */
function isCovered(
  base: Base,
  image: string,
  { snapshotSequence }: { snapshotSequence: number },
): boolean {
  const [oldest] = readHeadSlots(readFileSync(path.join(image, 'HEAD')))
  if (!oldest || oldest.oldest === 1) return false
  const name = segmentPath(oldest.oldest)
  const then = readSegment(readFileSync(path.join(base.ours.directory, name)))
  const now = readSegment(readFileSync(path.join(image, name)))
  return (
    snapshotSequence >= base.ours.history.acknowledged &&
    then.id === now.id &&
    then.entries.length > 0 &&
    now.entries.length === 0 &&
    then.entries.every(({ sequence }) => sequence <= snapshotSequence)
  )
}

/** Results of opening with a state machine that can't be restored. */
export const machineRefusals: ReadonlySet<string> = new Set([
  'ERR_PINNACLE_STATE_MACHINE',
  'ERR_PINNACLE_JOURNAL_GAP',
  'ERR_PINNACLE_CORRUPT',
])

/** The snapshot has a state, or every entry can be read from the first one on. */
export function canRestoreMachine(base: Base, { manager, unreadable }: Opened): boolean {
  const { snapshotSequence, firstSequence } = manager.recovery
  const hasState = [base.ours, base.twin, base.foreign].some(({ history }) =>
    history.snapshots.some(({ sequence, hasState }) => sequence === snapshotSequence && hasState),
  )
  return hasState || (firstSequence === 1 && unreadable === '')
}

/** The limit under which something acknowledged may be missing; a violation if there is none. */
function limitFor(
  base: Base,
  image: string,
  name: LineName,
  { lastSequence }: { lastSequence: number },
  violations: string[],
): Limit | undefined {
  const line = lineOf(base, name)
  const { acknowledged } = line.history
  const isOurs = name === 'ours'
  if (lastSequence >= acknowledged) {
    return isOurs ? undefined : name === 'twin' ? 'whole-twin' : 'whole-foreign'
  }
  const answer = limitOf(image, base, line, lastSequence)
  if ('limit' in answer) return answer.limit
  violations.push(
    `opened at ${String(lastSequence)} although ${String(acknowledged)} was acknowledged as durable, and the image ` +
      `says so: ${answer.witness}`,
  )
  return undefined
}

/** Whether the inspection and the second reader agree with the strict open. */
export async function checkVerdicts(
  image: string,
  strict: StrictFinding,
  comparesPure: boolean,
): Promise<string[]> {
  const before = fingerprint(image)
  const found = [{ reader: 'inspect', verdict: await nativeVerdict(image) }]
  if (comparesPure) found.push({ reader: 'the second reader', verdict: pureVerdict(image) })
  const changed = changedPaths(before, fingerprint(image))
  const disagreements = changed.map((name) => `looking at the image changed ${name}`)
  for (const { reader, verdict } of found) {
    if (agrees(verdict, strict.outcome)) continue
    disagreements.push(`${reader} says ${verdict}, a strict open ${strict.outcome}`)
  }
  const [native, pure] = found
  if (strict.unreadable && strict.limit === undefined && native?.verdict !== 'damaged') {
    disagreements.push(
      `inspect says ${String(native?.verdict)}, but not all of the journal can be read`,
    )
  }
  if (pure && native?.verdict !== pure.verdict) {
    disagreements.push(`inspect says ${String(native?.verdict)}, the second reader ${pure.verdict}`)
  }
  return disagreements
}

function agrees(verdict: string, outcome: string): boolean {
  switch (verdict) {
    case 'clean':
      return outcome === 'clean'
    case 'torn':
      return outcome === 'torn'
    case 'damaged':
      return outcome === 'clean' || outcome === 'torn'
    case 'corrupt':
      return damageCodes.has(outcome)
    default:
      return verdict === outcome
  }
}

async function nativeVerdict(image: string): Promise<string> {
  try {
    return verdictOf(await inspect(image))
  } catch (error) {
    return refusalOf(error).code
  }
}

function pureVerdict(image: string): string {
  try {
    const { verdict, damaged } = verifyPure(image)
    return verdict !== 'corrupt' && damaged.length > 0 ? 'damaged' : verdict
  } catch (error) {
    return refusalOf(error).code
  }
}
