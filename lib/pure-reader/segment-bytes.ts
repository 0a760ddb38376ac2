/** The bytes of a segment that belongs, read from its file. Bytes past the file's end are zeros. */
import { readAgain, readStart } from './files.js'
import type { Belonging } from './layout.js'
import { MovedError } from './refusals.js'
import {
  entryBytesAt,
  firstEntryOffset,
  isZero,
  lineBytes,
  readEntry,
  readHeader,
  type SegmentHeader,
} from './segment.js'

/** All bytes. Throws a MovedError if the file now holds another segment. */
export function load(slot: Belonging): Uint8Array {
  const bytes = readStart(slot.path, slot.header.bytes)
  checkedHeader(slot, bytes)
  return bytes
}

/**
 * The current header: beside a writer a segment gets a feature before the first entry that needs it. Throws a
 * MovedError if the file now holds another segment.
 */
export function headerOf(slot: Belonging): SegmentHeader {
  return checkedHeader(slot, readStart(slot.path, firstEntryOffset))
}

function checkedHeader(slot: Belonging, bytes: Uint8Array): SegmentHeader {
  const header = readHeader(bytes, slot.name)
  if (typeof header === 'string' || header.segmentId !== slot.header.segmentId) {
    throw new MovedError(`${slot.name} holds another segment by now`)
  }
  return header
}

/**
 * If the line at `offset` has changed since it was read, reads everything from there again. Beside a writer
 * the end of the bytes is stale. Returns whether it has changed.
 */
export function refresh(slot: Belonging, bytes: Uint8Array, offset: number): boolean {
  const end = offset + lineBytes
  if (end > bytes.length) return false
  const before = Uint8Array.from(bytes.subarray(offset, end))
  readAgain(slot.path, bytes, offset, end)
  if (before.every((byte, i) => byte === bytes[offset + i])) return false
  readAgain(slot.path, bytes, offset, bytes.length)
  return true
}

export interface FirstEntry {
  /** The first sequence that it covers; 0n: none verifies. */
  sequence: bigint
  /** Its first line is not zero. */
  isUsed: boolean
}

export function firstEntryOf({ path, header }: Belonging): FirstEntry {
  const start = readStart(path, firstEntryOffset + lineBytes)
  const isUsed = !isZero(start, firstEntryOffset, start.length)
  const bytes = entryBytesAt(start, firstEntryOffset)
  if (bytes === undefined || firstEntryOffset + bytes > header.bytes) {
    return { sequence: 0n, isUsed }
  }
  const whole = readStart(path, firstEntryOffset + bytes)
  return { sequence: readEntry(whole, header, firstEntryOffset)?.firstSequence ?? 0n, isUsed }
}
