/**
 * A whole journal directory: entries in order, and the judgement of its tail. It follows docs/format.md and
 * docs/recovery.md, and shares no code with the native reader, so that the two can be compared.
 *
 * - An entry is visited only if it verifies, belongs and has the expected sequence. An entry of a transaction
 *   is visited only if all of the transaction passes.
 * - Nothing counts of a segment that does not belong, neither marks nor lags.
 */
import { layoutOf, type Belonging, type Layout, type Slot } from './layout.js'
import { readOlder } from './older.js'
import {
  firstEntryOffset,
  holeType,
  isZero,
  readEntry,
  readMarks,
  seedOf,
  type PureEntry,
} from './segment.js'
import { firstEntryOf, headerOf, load, refresh } from './segment-bytes.js'
import { shapeOf } from './shape.js'
import { judge, lookPast, type Stop, type Verdict } from './tail.js'
import { isInTransaction, lookAhead } from './transaction.js'

export type { Verdict } from './tail.js'

export interface PureJournal {
  journalId: string
  /** Segments that belong. */
  segments: number
  entries: number
  firstSequence: bigint
  lastSequence: bigint
  knownDurable: bigint
  verdict: Verdict
  /** One sentence per reason for the verdict; empty if clean. */
  problems: string[]
  /** Damage in entries that the base already holds. */
  damaged: string[]
  /** The first entry that an open needs, or that of a transaction cut by it; 0n: none. */
  begins: bigint
  /** Only the place at which the good entries stop may be wrong: a moving tail looks like that. */
  onlyTail: boolean
}

/** A snapshot from which the journal continues. */
export interface Base {
  sequence: bigint
  /** Checksum of its entry; 0: unknown. */
  entryChecksum: number
}

type Visit = (entry: PureEntry) => void

/** Reads the journal under `dataDirectory`, and passes each good entry to `visit` in order. */
export function readJournal(dataDirectory: string, visit: Visit = () => undefined): PureJournal {
  return followJournal(layoutOf(dataDirectory), undefined, visit)
}

/**
 * Follows the entries of a layout. With a base, entries of the segments before the one that holds its entry
 * are not needed; they are visited last.
 */
export function followJournal(layout: Layout, base: Base | undefined, visit: Visit): PureJournal {
  const run = new JournalRun(layout, base, visit)
  const start = startSlot(layout.slots, base)
  const stop = run.follow(start)
  const result: PureJournal = {
    journalId: layout.journalId,
    segments: layout.slots.filter(({ belongs }) => belongs).length,
    entries: run.entries,
    firstSequence: run.entries > 0 ? run.begins : 0n,
    lastSequence: run.lastSequence,
    knownDurable: run.knownDurable,
    verdict: 'clean',
    problems: [...layout.problems],
    damaged: [...run.damaged],
    begins: run.begins,
    onlyTail: layout.problems.length === 0 && stop?.notTheBase !== true,
  }
  if (stop !== undefined) {
    const evidence = lookPast(layout.slots, stop, run.expected, run.knownDurable)
    result.knownDurable = evidence.knownDurable
    // (A misfit is among the layout's problems.)
    if (stop.bytes !== undefined) {
      const { verdict, what } = judge(stop, evidence)
      result.verdict = verdict
      const { name } = layout.slots[stop.slot] as Slot
      if (what !== '') result.problems.push(`${name} at ${String(stop.offset)}: ${what}`)
    }
  }
  if (layout.problems.length > 0) result.verdict = 'corrupt'
  const older = readOlder(layout.slots, start, visit)
  result.damaged.push(...older.damaged)
  result.entries += older.entries
  if (older.firstSequence !== 0n) result.firstSequence = older.firstSequence
  return result
}

/**
 * The last segment that begins at the base's entry or before it. If nothing is known of that entry, the last
 * one that begins at most one entry later. Without a base, the first.
 */
function startSlot(slots: readonly Slot[], base: Base | undefined): number {
  let start = 0
  let highest = 0n
  if (base === undefined) return start
  const anchor = base.entryChecksum === 0 ? base.sequence + 1n : base.sequence
  for (const [i, slot] of slots.entries()) {
    const first = slot.belongs ? firstEntryOf(slot).sequence : 0n
    if (first === 0n) continue
    if (first <= highest) break // a contradiction: start before it, to meet it
    highest = first
    if (first <= anchor) start = i
  }
  return start
}

/** The run of good entries from segment to segment. */
class JournalRun {
  entries = 0
  begins = 0n
  lastSequence = 0n
  knownDurable: bigint
  /** The next sequence. */
  expected: bigint
  /** What is wrong in segments that the run passed anyway. */
  readonly damaged: string[] = []
  readonly #slots: readonly Slot[]
  readonly #base: Base | undefined
  readonly #visit: Visit

  constructor({ slots, durable }: Layout, base: Base | undefined, visit: Visit) {
    this.#slots = slots
    this.#base = base
    this.#visit = visit
    this.knownDurable = durable
    this.expected = (base?.sequence ?? 0n) + 1n
    this.#claim(base?.sequence ?? 0n)
  }

  /** Starts at the slot `start`. Undefined: there is none. */
  follow(start: number): Stop | undefined {
    let stop: Stop | undefined
    for (let i = start; i < this.#slots.length; i++) {
      const slot = this.#slots[i] as Slot
      if (!slot.belongs) return stopAt(i, undefined)
      const bytes = load(slot)
      const first = readEntry(bytes, slot.header, firstEntryOffset)?.firstSequence ?? 0n
      if (i === start && first !== 0n) this.expected = this.begins = first
      // Nothing was compacted yet. (A salvage by version 1 began an empty journal after its snapshot.)
      else if (i === start && slot.header.index === 1n && slot.header.version >= 2)
        this.expected = 1n
      stop = this.#followSegment(slot, stopAt(i, bytes), bytes)
      const next = this.#slots[i + 1]
      if (stop.broken !== undefined && next?.belongs === true) {
        // A transaction never continues in another segment.
        stop.broken.isContradicted ||= firstEntryOf(next).sequence === stop.broken.sequence
      }
      const goesOn = next !== undefined && this.#goesOn(stop, bytes, next)
      // A mark never speaks of more than its segment holds.
      const marks = readMarks(bytes, slot.header)
      const last = this.expected - 1n
      this.#claim(goesOn && marks > last ? last : marks)
      if (!goesOn) return stop
      if (!isZero(bytes, stop.offset, bytes.length)) {
        this.damaged.push(
          `${slot.name} at ${String(stop.offset)}: something follows its last entry`,
        )
      }
    }
    return stop
  }

  /** Moves the stop to the end of the segment's good entries. */
  #followSegment(slot: Belonging, stop: Stop, bytes: Uint8Array): Stop {
    let wholeUntil = firstEntryOffset // transactions before this offset were checked
    for (;;) {
      const entry = readEntry(bytes, slot.header, stop.offset)
      if (entry === undefined) {
        if (refresh(slot, bytes, stop.offset)) continue
        stop.shape = shapeOf(bytes, seedOf(slot.header), stop.offset)
        return stop
      }
      if (entry.firstSequence !== this.expected) {
        stop.wrongEntry = `expected entry ${String(this.expected)}, found ${nameOf(entry)}`
        return stop
      }
      if (isInTransaction(entry) && stop.offset >= wholeUntil) {
        wholeUntil = examineTransaction(slot, stop, bytes, entry)
        if (stop.broken !== undefined) return stop
      }
      if (this.#contradictsBase(entry)) {
        stop.notTheBase = true
        return stop
      }
      this.#take(entry)
      stop.offset += entry.bytes
    }
  }

  /** A hole in the place of the base's entry proves nothing. */
  #contradictsBase({ sequence, checksum, type }: PureEntry): boolean {
    const { sequence: at, entryChecksum } = this.#base ?? { sequence: 0n, entryChecksum: 0 }
    return sequence === at && type !== holeType && entryChecksum !== 0 && checksum !== entryChecksum
  }

  #take(entry: PureEntry): void {
    this.#claim(entry.durable)
    this.#visit(entry)
    if (this.entries++ === 0) this.begins = entry.firstSequence // of a later segment than the first
    this.lastSequence = entry.sequence
    this.expected = entry.sequence + 1n
  }

  /**
   * Whether the next segment continues with the expected entry. If only the next segment could hold that
   * entry, and it can't be read, the stop moves there.
   */
  #goesOn(stop: Stop, bytes: Uint8Array, next: Slot): boolean {
    if (stop.wrongEntry !== '' || stop.notTheBase || stop.broken !== undefined) return false
    const first = next.belongs ? firstEntryOf(next) : undefined
    if (first?.sequence === this.expected) return true
    // (If this segment holds no entry, its own first one is the expected one.)
    const holdsEntries = stop.offset > firstEntryOffset
    const isUnreadable =
      first === undefined || (first.sequence === 0n && first.isUsed && holdsEntries)
    return isUnreadable && isZero(bytes, stop.offset, bytes.length)
  }

  #claim(durable: bigint): void {
    if (durable > this.knownDurable) this.knownDurable = durable
  }
}

/**
 * Checks the transaction that begins with the entry at the stop, and returns the offset of its end. If it is
 * not whole, the stop records how it breaks.
 */
function examineTransaction(
  slot: Belonging,
  stop: Stop,
  bytes: Uint8Array,
  first: PureEntry,
): number {
  let { header } = slot
  if (!header.mayHaveTransactions) header = headerOf(slot)
  let ahead = lookAhead(bytes, header, first)
  while (ahead.kind === 'open' && refresh(slot, bytes, ahead.offset)) {
    ahead = lookAhead(bytes, header, first)
  }
  if (ahead.kind === 'whole') return ahead.offset
  const isContradicted = ahead.kind === 'contradicted'
  stop.broken = { sequence: ahead.sequence, isContradicted }
  if (!isContradicted) stop.shape = shapeOf(bytes, seedOf(header), ahead.offset)
  return ahead.offset
}

function stopAt(slot: number, bytes: Uint8Array | undefined): Stop {
  return {
    slot,
    offset: firstEntryOffset,
    bytes,
    shape: 'unwritten',
    wrongEntry: '',
    notTheBase: false,
    broken: undefined,
  }
}

function nameOf({ sequence, firstSequence, type }: PureEntry): string {
  if (type !== holeType) return `entry ${String(sequence)}`
  return `a hole for entries ${String(firstSequence)} to ${String(sequence)}`
}
