/**
 * Classifies the bytes of a segment at a place without a valid entry: the rows "damaged", "torn" and "zeros"
 * of docs/recovery.md.
 *
 * An entry's checksum is stored last and a segment is zero before. So whatever a kill or a power cut left
 * unwritten shows zeros that a written entry does not have. Everything else was written whole and changed
 * later, and so was an entry that one flipped bit explains.
 */
import { extend } from './checksum.js'
import { entryBytesAt, isZero, lineBytes, linesOf, viewOf } from './segment.js'

export type Shape = 'unwritten' | 'torn' | 'damaged'

const sectorBytes = 512
const checksumBytes = 4

/** `offset` is the start of a line. `segment` reaches to the segment's end. */
export function shapeOf(segment: Uint8Array, seed: number, offset: number): Shape {
  const lineEnd = offset + lineBytes
  if (lineEnd > segment.length || isZero(segment, offset, lineEnd)) return 'unwritten'
  if (isZero(segment, offset, offset + 8) || isZero(segment, offset + 8, lineEnd)) return 'torn'
  if (isFlippedLength(segment, seed, offset)) return 'damaged'
  const bytes = entryBytesAt(segment, offset)
  if (bytes === undefined || offset + bytes > segment.length) return 'damaged'
  if (!hasZeroEdge(segment, offset, offset + bytes)) return 'damaged'
  // A torn entry of n bits fits one flipped bit by chance once in 2^32 / n: too often for long ones.
  if (lacksSector(segment, offset, offset + bytes)) return 'torn'
  return isFlippedBit(segment, seed, offset, offset + bytes) ? 'damaged' : 'torn'
}

/** With one bit of the length flipped back, an entry verifies. */
function isFlippedLength(segment: Uint8Array, seed: number, offset: number): boolean {
  const view = viewOf(segment)
  const length = view.getUint32(offset, true)
  const start = Uint8Array.from(segment.subarray(offset, offset + lineBytes))
  for (let bit = 0; bit < 32; bit++) {
    const mended = (length ^ (1 << bit)) >>> 0
    const bytes = linesOf(mended)
    if (bytes === undefined || offset + bytes > segment.length) continue
    viewOf(start).setUint32(0, mended, true)
    // (The first line may hold the checksum too, which it does not cover.)
    const startBytes = Math.min(lineBytes, bytes - checksumBytes)
    const state = extend(seed, start, 0, startBytes)
    const end = offset + bytes - checksumBytes
    if (extend(state, segment, offset + startBytes, end) === view.getUint32(end, true)) return true
  }
  return false
}

/**
 * Some sector's share of segment[begin, end) starts or ends with a zero byte; the entry's first may be one.
 */
function hasZeroEdge(segment: Uint8Array, begin: number, end: number): boolean {
  for (let at = begin; at < end;) {
    const edge = Math.min((Math.floor(at / sectorBytes) + 1) * sectorBytes, end)
    if ((at !== begin && segment[at] === 0) || segment[edge - 1] === 0) return true
    at = edge
  }
  return false
}

/** An entry of more than a sector has no checksum, or lacks a sector that is wholly its own. */
function lacksSector(segment: Uint8Array, begin: number, end: number): boolean {
  if (end - begin <= sectorBytes) return false
  if (isZero(segment, end - checksumBytes, end)) return true
  const first = Math.ceil(begin / sectorBytes) * sectorBytes
  for (let at = first; at + sectorBytes <= end; at += sectorBytes) {
    if (isZero(segment, at, at + sectorBytes)) return true
  }
  return false
}

/**
 * One flipped bit turns these bytes into a valid entry. The register is linear: a flipped bit changes it by
 * the register of that bit alone, shifted through to the end. So this shifts the difference between the
 * stored and the computed checksum back, a bit at a time, until only the lowest bit is set: the flipped bit,
 * at its own place.
 */
function isFlippedBit(segment: Uint8Array, seed: number, begin: number, end: number): boolean {
  const stored = viewOf(segment).getUint32(end - checksumBytes, true)
  let difference = (stored ^ extend(seed, segment, begin, end - checksumBytes)) >>> 0
  if ((difference & (difference - 1)) === 0) return true // in the checksum itself
  for (let bits = (end - begin - checksumBytes) * 8; bits > 0; bits--) {
    difference = difference >>> 31 ? ((difference ^ polynomial) << 1) | 1 : difference << 1
    if (difference === 1) return true
  }
  return false
}

/** Reflected; its highest bit is set, so the highest bit says whether the last shift applied it. */
const polynomial = 0x82f63b78
