/** All classes of damage, by name. */
import * as bits from './bits.js'
import * as bytes from './bytes.js'
import * as marks from './marks.js'
import * as names from './names.js'
import * as others from './others.js'
import type { Damage, Target } from './target.js'

const single: Readonly<Record<string, Damage>> = {
  'flip-entry': bits.flipEntry,
  'flip-header': bits.flipHeader,
  'flip-header-page': bits.flipHeaderPage,
  'flip-mark': bits.flipMark,
  'flip-link': bits.flipLink,
  'flip-head': bits.flipHead,
  'flip-snapshot': bits.flipSnapshot,
  'flip-unwritten': bits.flipUnwritten,
  'random-bytes': bytes.randomBytes,
  'random-block': bytes.randomBlock,
  'zero-range': bytes.zeroRange,
  'zero-sectors': bytes.zeroSectors,
  'zero-pages': bytes.zeroPages,
  'torn-sector': bytes.tornSector,
  'torn-tail': bytes.tornTail,
  truncate: bytes.truncate,
  'longer-zeros': bytes.longerZeros,
  'longer-garbage': bytes.longerGarbage,
  'missing-segment': names.missingSegment,
  'missing-segments': names.missingSegments,
  'missing-all-segments': names.missingAllSegments,
  'missing-head': names.missingHead,
  'missing-snapshots': names.missingSnapshots,
  'missing-everything': names.missingEverything,
  'duplicate-segment': names.duplicateSegment,
  'duplicate-snapshot': names.duplicateSnapshot,
  'renamed-segment': names.renamedSegment,
  'renamed-snapshot': names.renamedSnapshot,
  'stray-files': names.strayFiles,
  'foreign-segment': others.foreignSegment,
  'foreign-head': others.foreignHead,
  'foreign-snapshot': others.foreignSnapshot,
  'foreign-files': others.foreignFiles,
  'forked-segment': others.forkedSegment,
  'forked-head': others.forkedHead,
  'forked-snapshot': others.forkedSnapshot,
  'forked-files': others.forkedFiles,
  'whole-twin': others.wholeTwin,
  'old-segment': others.oldSegment,
  'old-head': others.oldHead,
  'old-snapshot': others.oldSnapshot,
  'old-files': others.oldFiles,
  'whole-old-copy': others.wholeOldCopy,
  'stale-mark': marks.staleMark,
  'forged-mark': marks.forgedMark,
  'forged-link': marks.forgedLink,
  'lost-marks': marks.lostMarks,
}

const singles = Object.entries(single)
/** Number of tries for a combination, so that loss and the loss of its traces often come together. */
const tries = 10

function twoOf(target: Target): boolean {
  let done = 0
  for (let i = 0; i < tries && done < 2; i++) {
    const [name, damage] = target.pick(singles) ?? ['', () => false]
    const notes = target.notes.length
    if (damage(target)) {
      done++
      target.notes[notes] = `${name}: ${target.notes[notes] ?? ''}`
    } else target.notes.length = notes
  }
  return done === 2
}

/** The newest entry and everything that proves it: one damage removes what the other leaves. */
function lastEntryAndTraces(target: Target): boolean {
  const first = target.random.below(2) === 0 ? bytes.tornTail : bytes.zeroRange
  const traces = [
    marks.lostMarks,
    bits.flipHead,
    names.missingSnapshots,
    others.oldHead,
    bits.flipMark,
  ]
  return first(target) && (target.pick(traces)?.(target) ?? false)
}

export const classes: ReadonlyMap<string, Damage> = new Map<string, Damage>([
  ['undamaged', () => true],
  ...singles,
  ['two', twoOf],
  ['two-traces', lastEntryAndTraces],
])
