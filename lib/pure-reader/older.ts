/**
 * Segments before the one at which an open starts to read: a snapshot holds what their entries did. Damage
 * there is reported, since an older snapshot would need them, but stops no open.
 */
import type { Belonging, Slot } from './layout.js'
import { MovedError } from './refusals.js'
import { firstEntryOffset, isZero, readEntry, type PureEntry } from './segment.js'
import { firstEntryOf, load } from './segment-bytes.js'
import { isInTransaction, lookAhead } from './transaction.js'

export interface Older {
  entries: number
  /** 0n: there is no entry. */
  firstSequence: bigint
  damaged: string[]
}

/** Reads the slots before `start`, and passes each entry of a segment's good run to `visit`. */
export function readOlder(
  slots: readonly Slot[],
  start: number,
  visit: (entry: PureEntry) => void,
): Older {
  const older: Older = { entries: 0, firstSequence: 0n, damaged: [] }
  let expected: bigint | undefined
  for (const slot of slots.slice(0, start)) {
    expected = slot.belongs ? readUnlessReleased(slot, expected, older, visit) : undefined
  }
  const slot = slots[start]
  if (slot?.belongs === true) noteSkipped(slot, expected, firstEntryOf(slot).sequence, older)
  return older
}

/** A writer may release the segment meanwhile: then it is no longer part of the journal. */
function readUnlessReleased(
  slot: Belonging,
  expected: bigint | undefined,
  older: Older,
  visit: (entry: PureEntry) => void,
): bigint | undefined {
  try {
    return readSegment(slot, expected, older, visit)
  } catch (error) {
    if (!(error instanceof MovedError)) throw error
    return undefined
  }
}

/** The sequence at which the next segment should begin; undefined: unknown. */
function readSegment(
  slot: Belonging,
  before: bigint | undefined,
  older: Older,
  visit: (entry: PureEntry) => void,
): bigint | undefined {
  const bytes = load(slot)
  let expected = before
  let offset = firstEntryOffset
  let wholeUntil = 0
  for (;;) {
    const entry = readEntry(bytes, slot.header, offset)
    if (entry === undefined) break
    if (offset === firstEntryOffset) noteSkipped(slot, expected, entry.firstSequence, older)
    else if (entry.firstSequence !== expected) break
    if (isInTransaction(entry) && offset >= wholeUntil) {
      const ahead = lookAhead(bytes, slot.header, entry)
      if (ahead.kind !== 'whole') break
      wholeUntil = ahead.offset
    }
    visit(entry)
    older.entries++
    if (older.firstSequence === 0n) older.firstSequence = entry.firstSequence
    expected = entry.sequence + 1n
    offset += entry.bytes
  }
  const isWhole = isZero(bytes, offset, bytes.length)
  if (isWhole && expected !== undefined) return expected
  load(slot) // throws if the segment was released while it was read
  const which = expected === undefined ? 'the first entry' : `entry ${String(expected)}`
  older.damaged.push(`${slot.name} at ${String(offset)}: ${which} does not verify`)
  return undefined
}

function noteSkipped(
  slot: Belonging,
  expected: bigint | undefined,
  found: bigint,
  older: Older,
): void {
  if (expected === undefined || found === 0n || found === expected) return
  older.damaged.push(
    `${slot.name} begins with entry ${String(found)} instead of ${String(expected)}`,
  )
}
