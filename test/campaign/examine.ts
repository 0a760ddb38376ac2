/**
 * Compares an open directory with the model: its entries are those of one line of history, and its books and
 * its state machine are exactly what the kept entries produce.
 */
import type { Base } from './base.js'
import type { Expectations, Kept, Loss } from './expected.js'
import { belongingOf, lineOf, type LineName } from './lines.js'
import { holesIn, type Opened } from './subject.js'

export interface Examined {
  line: LineName
  kept: Kept
}

/**
 * Returns what was found, and adds to `violations`; undefined if the entries belong to no single line.
 * `losses`: the losses in the report.
 */
export function examine(
  base: Base,
  expectations: Expectations,
  subject: Opened,
  allowed: readonly LineName[],
  losses: readonly Loss[],
  violations: string[],
): Examined | undefined {
  const { manager, entries } = subject
  const { lastSequence, snapshotSequence } = manager.recovery
  const violated = (what: string): void => {
    violations.push(what)
  }
  const read = holesIn(entries)
  if (read.problem !== '') violated(`reading the journal: ${read.problem}`)
  if (subject.unreadable !== '' && snapshotSequence === 0) {
    violated(`reading the journal: ${subject.unreadable}`)
  }
  const lastRead = entries.at(-1)?.sequence ?? lastSequence
  if (lastRead !== lastSequence || manager.appendedFrontier !== lastSequence) {
    violated(
      `recovery says ${String(lastSequence)}, the frontier is ${String(manager.appendedFrontier)}, ` +
        `the last entry that can be read is ${String(lastRead)}`,
    )
  }
  if (textOf(read.losses) !== textOf(losses)) {
    violated(`the report says lost: ${textOf(losses)}; the journal's holes: ${textOf(read.losses)}`)
  }
  const { lines, stranger } = belongingOf(base, entries)
  const candidates = lines.filter((name) => allowed.includes(name))
  if (candidates.length === 0) {
    const whose = lines.length > 0 ? ` (all entries are of: ${lines.join(', ')})` : ''
    violated(`an entry that is not ours was kept: ${stranger}${whose}`)
    return undefined
  }
  const kept: Kept = { snapshot: snapshotSequence, last: lastSequence, losses }
  // Without an entry of its own a line shows only in the books.
  const line =
    candidates.find((name) => booksFit(base, expectations, subject, name, kept)) ?? candidates[0]
  if (line === undefined) return undefined
  compareWithModel(base, expectations, subject, line, kept, violated)
  return { line, kept }
}

function booksFit(
  base: Base,
  expectations: Expectations,
  subject: Opened,
  name: LineName,
  kept: Kept,
): boolean {
  return expectations.books(lineOf(base, name), kept).join('\n') === subject.books.join('\n')
}

function compareWithModel(
  base: Base,
  expectations: Expectations,
  subject: Opened,
  name: LineName,
  kept: Kept,
  violated: (what: string) => void,
): void {
  const line = lineOf(base, name)
  const snapshot = line.history.snapshots.find(({ sequence }) => sequence === kept.snapshot)
  if (kept.snapshot !== 0 && !snapshot) {
    violated(`the report names snapshot ${String(kept.snapshot)}, which was never taken`)
  }
  if (kept.last > line.history.entries.length) {
    violated(
      `${String(kept.last)} entries were recovered, ${String(line.history.entries.length)} were appended`,
    )
  }
  const wanted = expectations.books(line, kept)
  for (let i = 0; i < Math.max(wanted.length, subject.books.length); i++) {
    if (wanted[i] === subject.books[i]) continue
    violated(
      `book ${String(i + 1)} is ${String(subject.books[i])}; the model has ${String(wanted[i])}`,
    )
    break
  }
  if (!subject.machine) return
  const state = expectations.state(line, kept, snapshot?.hasState === true)
  if (subject.machine.describe() !== state) {
    violated(
      `the state machine has ${subject.machine.describe()}; the model has ${state}. It was given: ` +
        subject.machine.given.join(' '),
    )
  }
}

export function textOf(losses: readonly Loss[]): string {
  return losses.map(({ first, last }) => `${String(first)}-${String(last)}`).join(' ') || 'nothing'
}
