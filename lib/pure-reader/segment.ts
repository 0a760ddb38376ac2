/** One journal segment, read from its bytes as docs/format.md describes them. No native code. */
import { crc32c, extend } from './checksum.js'

const lineBytes = 64
const headerBytes = 4096
const overheadBytes = 32
const maxPayloadBytes = 16_777_184
const markOffsets = [2048, 2560]

export interface SegmentHeader {
  version: number
  journalId: string // 32 hex digits, high half first
  index: bigint
  segmentId: bigint
  bytes: number
}

export interface PureEntry {
  sequence: bigint
  type: number
  flags: number
  instrument: number
  timestampNs: bigint
  /** How far the journal was durable when the entry was written; 0n: the entry does not say. */
  durable: bigint
  checksum: number
  payload: Uint8Array
  /** Place in the segment and size, bytes. */
  offset: number
  bytes: number
}

/** What is wrong with the header, or the header. */
export function readHeader(segment: Uint8Array): SegmentHeader | string {
  if (segment.length < headerBytes) return 'shorter than a header page'
  const view = viewOf(segment)
  if (latin1(segment, 0, 8) !== 'PINNSEG\n') return 'not a journal segment'
  const copy = Uint8Array.from(segment.subarray(0, 128)) // a Buffer's slice would share
  copy.fill(0, 12, 16)
  if (crc32c(copy) !== view.getUint32(12, true)) return 'the header does not match its checksum'
  const version = view.getUint16(8, true)
  if (version !== 1) return `version ${String(version)} is not known`
  if (view.getBigUint64(16, true) !== 0n) return 'needs a feature that is not known'
  if (view.getUint16(10, true) !== headerBytes) return 'the header page has another size'
  return {
    version,
    journalId: journalIdAt(view),
    index: view.getBigUint64(48, true),
    segmentId: view.getBigUint64(56, true),
    bytes: Number(view.getBigUint64(72, true)),
  }
}

/** The highest durable sequence that a valid frontier mark names. */
export function readMarks(segment: Uint8Array, header: SegmentHeader): bigint {
  const view = viewOf(segment)
  let durable = 0n
  for (const offset of markOffsets) {
    const valid =
      view.getBigUint64(offset + 8, true) !== 0n &&
      extend(seedOf(header), segment, offset, offset + 28) === view.getUint32(offset + 28, true)
    const named = view.getBigUint64(offset, true)
    if (valid && named > durable) durable = named
  }
  return durable
}

/** The entry at `offset` where one verifies, otherwise undefined. */
export function readEntry(
  segment: Uint8Array,
  header: SegmentHeader,
  offset: number,
): PureEntry | undefined {
  if (offset + lineBytes > segment.length) return undefined
  const view = viewOf(segment)
  const payloadBytes = view.getUint32(offset, true)
  const flags = view.getUint8(offset + 7)
  if (payloadBytes > maxPayloadBytes || (flags & 0x80) === 0) return undefined
  const bytes = Math.ceil((payloadBytes + overheadBytes) / lineBytes) * lineBytes
  const end = offset + bytes
  if (end > segment.length) return undefined
  const checksum = view.getUint32(end - 4, true)
  if (extend(seedOf(header), segment, offset, end - 4) !== checksum) return undefined
  const sequence = view.getBigUint64(offset + 8, true)
  const lag = view.getUint32(end - 8, true)
  const durable = lag === 0xffffffff ? 0n : sequence - 1n - BigInt(lag)
  return {
    sequence,
    type: view.getUint8(offset + 6),
    flags,
    instrument: view.getUint16(offset + 4, true),
    timestampNs: view.getBigUint64(offset + 16, true),
    durable: durable < 0n ? 0n : durable,
    checksum,
    payload: segment.subarray(offset + 24, offset + 24 + payloadBytes),
    offset,
    bytes,
  }
}

export function isZero(bytes: Uint8Array, begin: number, end: number): boolean {
  for (let i = begin; i < end; i++) if (bytes[i] !== 0) return false
  return true
}

export const firstEntryOffset = headerBytes
export { lineBytes }

/** The id in the header of a segment or a snapshot: 32 hex digits, high half first. */
export function journalIdAt(header: DataView): string {
  return hex(header.getBigUint64(40, true)) + hex(header.getBigUint64(32, true))
}

function seedOf(header: SegmentHeader): number {
  return Number(header.segmentId & 0xffffffffn)
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function latin1(bytes: Uint8Array, begin: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + begin, end - begin).toString('latin1')
}

function hex(value: bigint): string {
  return value.toString(16).padStart(16, '0')
}
