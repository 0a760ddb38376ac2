/**
 * Uses the exchange's numbers to find what was missed and what came twice. One scope is one count: a
 * product's, or the connection's (''). For each scope it holds the last number and the ranges still missing
 * below it.
 *
 * Invariants: the last number of a scope only rises, except by `anchor` or `forget`; every number is accepted
 * at most once; a missed range is reported once, whatever arrives later.
 */
import type { SequenceRule } from '../feed-adapter.js'
import type { FeedSequence } from '../feed-update.js'

export type SequenceVerdict =
  /** Continues from the last number, or is the first of its scope. */
  | { kind: 'next' }
  /** All of it was seen, or is older than the remembered ranges. */
  | { kind: 'duplicate' }
  /** Numbers before it are missing. It is new itself. */
  | { kind: 'gap'; firstMissed: number; lastMissed: number }
  /** Part of it was reported as missed: it arrives late. */
  | { kind: 'out-of-order' }
  /** Unusable numbers, or a range that ends before it starts. */
  | { kind: 'invalid' }

interface Range {
  first: number
  last: number
}

interface Scope {
  last: number
  /** Ascending and disjoint. */
  missed: Range[]
}

/** Ranges remembered per scope; older numbers count as duplicates when they arrive. */
const maxMissedRanges = 64

const next: SequenceVerdict = { kind: 'next' }
const duplicate: SequenceVerdict = { kind: 'duplicate' }
const outOfOrder: SequenceVerdict = { kind: 'out-of-order' }
const invalid: SequenceVerdict = { kind: 'invalid' }

export class SequenceTracker {
  readonly #rule: SequenceRule
  readonly #scopes = new Map<string, Scope>()

  constructor(rule: SequenceRule) {
    this.#rule = rule
  }

  /** The last number accepted in the scope. */
  last(scope: string): number | undefined {
    return this.#scopes.get(scope)?.last
  }

  /** Judges a message's number, and counts a new one. */
  accept({ scope, first, last }: FeedSequence): SequenceVerdict {
    if (this.#rule === 'none') return next
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || last < first) return invalid
    const known = this.#scopes.get(scope)
    if (!known) {
      this.#scopes.set(scope, { last, missed: [] })
      return next
    }
    if (this.#rule === 'increasing') {
      if (last <= known.last) return last === known.last ? duplicate : outOfOrder
      known.last = last
      return next
    }
    if (last <= known.last) return takeMissed(known, first, last) ? outOfOrder : duplicate
    const expected = known.last + 1
    known.last = last
    if (first <= expected) {
      takeMissed(known, first, last)
      return next
    }
    known.missed.push({ first: expected, last: first - 1 })
    if (known.missed.length > maxMissedRanges) known.missed.shift()
    return { kind: 'gap', firstMissed: expected, lastMissed: first - 1 }
  }

  /**
   * Another source, such as a snapshot, covers everything up to `sequence`: counting continues from there.
   */
  anchor(scope: string, sequence: number): void {
    if (this.#rule !== 'none' && Number.isSafeInteger(sequence)) {
      this.#scopes.set(scope, { last: sequence, missed: [] })
    }
  }

  /** The next message of the scope may have any number. */
  forget(scope: string): void {
    this.#scopes.delete(scope)
  }

  /** The next message of every scope may have any number. */
  reset(): void {
    this.#scopes.clear()
  }
}

/** Removes first..last from the missed ranges; returns whether any of it was missed. */
function takeMissed(scope: Scope, first: number, last: number): boolean {
  let taken = false
  const left: Range[] = []
  for (const range of scope.missed) {
    if (range.last < first || range.first > last) {
      left.push(range)
      continue
    }
    taken = true
    if (range.first < first) left.push({ first: range.first, last: first - 1 })
    if (range.last > last) left.push({ first: last + 1, last: range.last })
  }
  if (taken) scope.missed = left
  return taken
}
