/** Judges what a recovery by a policy shows of a damaged directory: entries, books, state machine. */
import type { RecoveryPolicy } from '../config/types.js'
import { pictureDifference, pictureOfExpected } from './book-picture.js'
import { expectedText, textMismatch } from './entry-text.js'
import { ExpectedState } from './expected-state.js'
import { tortureInstruments, type TortureEvent } from './flow.js'
import { ledgerDifference, type LedgerPicture } from './ledger.js'
import { inRanges, rangesOf, rangesText } from './ranges.js'
import type { RepairEvidence } from './repair-evidence.js'
import type { Opened, SeenEntry } from './repair-outcome.js'

export function judgeOpened(
  evidence: RepairEvidence,
  policy: RecoveryPolicy,
  opened: Opened,
): string[] {
  const steps = [...judgeSteps(evidence, 'history', opened.history), ...judgeTail(evidence, opened)]
  // What is not even in order makes no state that could be compared.
  if (steps.length > 0) return steps
  return [
    ...judgeHistoryEnd(evidence, opened),
    ...judgeEnd(evidence, policy, opened.lastSequence),
    ...judgeState(evidence, policy, opened),
  ]
}

/** In order, without an unsaid gap, each with its content; nothing after what was acknowledged. */
function judgeSteps(
  { acknowledged, eventOf }: RepairEvidence,
  name: string,
  steps: readonly SeenEntry[],
): string[] {
  let last: number | undefined
  for (const step of steps) {
    const [first, end] = 'hole' in step ? step.hole : [step.sequence, step.sequence]
    const what = 'hole' in step ? 'a hole from' : 'entry'
    if ('text' in step && step.sequence === 0) return [`${name}: ${step.text}`]
    if (last !== undefined && first !== last + 1) {
      return [`${name}: ${what} ${String(first)} comes after entry ${String(last)}`]
    }
    if (end > acknowledged) {
      return [
        `${name}: ${what} ${String(first)} is there, and ${String(acknowledged)} was the last`,
      ]
    }
    if ('text' in step) {
      const wrong = textMismatch(end, step.text, expectedText(end, eventOf(end)))
      if (wrong !== '') return [`${name}: ${wrong}`]
    }
    last = end
  }
  return []
}

/** The entries after the snapshot, up to the one that the report names as the last. */
function judgeTail(evidence: RepairEvidence, { tail, lastSequence }: Opened): string[] {
  const { snapshot } = evidence.damage
  const wrong = judgeSteps(evidence, 'entries after the snapshot', tail)
  if (wrong.length > 0 || lastSequence <= snapshot) return wrong
  const first = tail[0] === undefined ? 0 : firstOf(tail[0])
  const last = tail.at(-1) === undefined ? 0 : lastOf(tail.at(-1) as SeenEntry)
  if (first > snapshot + 1 || first === 0) {
    wrong.push(
      `the snapshot ends at entry ${String(snapshot)}, the entries after it begin at ${String(first)}`,
    )
  }
  if (last !== lastSequence) {
    wrong.push(
      `entries to ${String(lastSequence)} are reported, reading them ends at ${String(last)}`,
    )
  }
  return wrong
}

/** Reading from the oldest entry on may end in damage that the snapshot makes up for, and says so then. */
function judgeHistoryEnd({ damage }: RepairEvidence, opened: Opened): string[] {
  const { history, historyFailure, lastSequence } = opened
  const excused = damage.lost.some(([first]) => first <= damage.snapshot)
  if (historyFailure !== '') {
    return excused ? [] : [`the entries can't be read: ${historyFailure}`]
  }
  const end = history.at(-1)
  if (end === undefined || lastOf(end) === lastSequence) return []
  return [
    `the entries end at ${String(lastOf(end))}, and ${String(lastSequence)} is reported as the last`,
  ]
}

function judgeEnd(
  { damage, acknowledged }: RepairEvidence,
  policy: RecoveryPolicy,
  lastSequence: number,
): string[] {
  const firstLost = damage.lost[0]?.[0] ?? acknowledged + 1
  const least = policy === 'strict' ? acknowledged : Math.min(acknowledged, firstLost - 1)
  if (lastSequence >= least) return []
  return [
    `opened to entry ${String(lastSequence)}, and entries ${String(lastSequence + 1)} to ${String(least)} ` +
      (policy === 'strict' ? 'were acknowledged as durable' : 'are whole'),
  ]
}

/** Builds the state of the kept entries and compares; says which entries should have been kept. */
function judgeState(evidence: RepairEvidence, policy: RecoveryPolicy, opened: Opened): string[] {
  const { damage, acknowledged, eventOf } = evidence
  const wrong: string[] = []
  const state = new ExpectedState()
  const defined = new Set<number>()
  const left: number[] = []
  const kept = new Set(opened.tail.flatMap((step) => ('hole' in step ? [] : [step.sequence])))
  // Up to the snapshot everything counts, and a recovery that goes back further is a plain prefix.
  const snapshot = Math.min(damage.snapshot, opened.lastSequence)
  const end = policy === 'salvage' ? acknowledged : opened.lastSequence
  for (let sequence = 1; sequence <= end; sequence++) {
    const event = eventOf(sequence)
    const fits =
      event === undefined
        ? defined.size === sequence - 1
        : isDefined(event, defined) && state.fits(event)
    if (sequence > snapshot && !kept.has(sequence)) {
      left.push(sequence)
      const owed = policy !== 'salvage' || (fits && !inRanges(damage.lost, sequence))
      if (owed && wrong.length === 0) {
        wrong.push(`entry ${String(sequence)} is whole and is left out`)
      }
      continue
    }
    // An instrument after a lost one has an index out of turn: it may be kept or left out.
    if (event === undefined) defined.add(sequence)
    else if (fits) state.apply(sequence, event)
    else return [`entry ${String(sequence)} is kept, and what it needs is not`]
  }
  if (wrong.length > 0) return wrong
  const inJournal = left.filter((sequence) => sequence <= opened.lastSequence)
  return [
    ...compareBooks(state, defined, opened),
    ...compareLedger(state.ledger.picture(), inJournal, damage.snapshot, opened.ledger),
  ]
}

/** Entries of an instrument whose definition is lost fit no book. */
function isDefined(event: TortureEvent, defined: ReadonlySet<number>): boolean {
  if (event.kind === 'payload') return true
  return defined.has((event.kind === 'order' ? event.operation.instrument : event.instrument) + 1)
}

function compareBooks(
  state: ExpectedState,
  defined: ReadonlySet<number>,
  { books }: Opened,
): string[] {
  const names = tortureInstruments.filter((_, index) => defined.has(index + 1)).map((i) => i.name)
  if (Object.keys(books).join() !== names.join()) {
    return [`the instruments are ${Object.keys(books).join() || 'none'}, not ${names.join()}`]
  }
  return names.flatMap((name) => {
    const expected = state.books[tortureInstruments.findIndex((each) => each.name === name)]
    const difference = pictureDifference(
      books[name] ?? [],
      expected ? pictureOfExpected(expected) : [],
    )
    return difference === '' ? [] : [`${name} is not that of the kept entries: ${difference}`]
  })
}

function compareLedger(
  expected: LedgerPicture,
  left: readonly number[],
  snapshot: number,
  found: LedgerPicture | undefined,
): string[] {
  if (found === undefined) return []
  const wrong: string[] = []
  const difference = ledgerDifference(found, expected)
  if (difference !== '') {
    wrong.push(`the state machine's state is not that of the kept entries: ${difference}`)
  }
  // In pieces or at once, from before the snapshot or not: what counts is which entries were named.
  const given = found.holes
    .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at))
    .filter((sequence) => sequence > snapshot)
    .sort((a, b) => a - b)
  if (given.join() !== left.join()) {
    wrong.push(
      `the state machine was given holes ${rangesText(rangesOf(given))}, not ${rangesText(rangesOf(left))}`,
    )
  }
  return wrong
}

function firstOf(step: SeenEntry): number {
  return 'hole' in step ? step.hole[0] : step.sequence
}

function lastOf(step: SeenEntry): number {
  return 'hole' in step ? step.hole[1] : step.sequence
}
