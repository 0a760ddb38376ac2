/**
 * One journal segment, read from its bytes as docs/format.md describes them: header, marks, entries.
 * Versions 1 and 2. No native code.
 */
import { crc32c, extend } from './checksum.js'
import { refuseNewer, transactionsFeature } from './refusals.js'

const lineBytes = 64
const headerBytes = 4096
const fieldBytes = 128 // of the header page, named fields
const overheadBytes = 32
const maxPayloadBytes = 16_777_184
const frontierMarkOffsets = [2048, 2560]
const linkMarkOffsets = [1024, 1536]
const linkKind = 0x4b4e494c
const minSegmentBytes = 65_536n
const maxSegmentBytes = 4_294_967_296n
const pageBytes = 4096n

/** Sell and given time: an entry with any other flag is damage. */
const plainFlags = 0x03
const writtenFlag = 0x80
/** Of a transaction: the entry continues it; more of it follows. */
export const continuesFlag = 0x04
export const moreFollowsFlag = 0x08
export const transactionFlags = continuesFlag | moreFollowsFlag

const instrumentType = 0x03

export const holeType = 0x05
const holePayloadBytes = 24

/** Payload bytes by type: an entry of another type or length is damage. User entries have any length. */
const payloadOf: Readonly<Record<number, number>> = {
  [instrumentType]: 48,
  0x11: 32,
  0x12: 32,
  0x14: 32,
  0x18: 32,
  0x21: 32,
  0x22: 48,
  0x24: 32,
  0x28: 32,
  0x41: 32,
  0x42: 32,
}

export interface SegmentHeader {
  version: number
  journalId: string // 32 hex digits, high half first
  index: bigint
  segmentId: bigint
  bytes: number
  /** Link of the preceding segment; 0n: none, or version 1. */
  predecessorLink: bigint
  /** Entries may have the flags of transactions. */
  mayHaveTransactions: boolean
}

export interface PureEntry {
  sequence: bigint
  /** First sequence that the entry covers: its own, except for a hole. 0n: a hole that contradicts itself. */
  firstSequence: bigint
  type: number
  flags: number
  instrument: number
  timestampNs: bigint
  /** How far the journal was durable when the entry was written; 0n: the entry does not say. */
  durable: bigint
  checksum: number
  payload: Uint8Array
  /** Offset in the segment and size, bytes. */
  offset: number
  bytes: number
}

/** The header, or what is wrong with it. Throws if only a newer version can read the segment. */
export function readHeader(page: Uint8Array, name = 'the segment'): SegmentHeader | string {
  if (page.length < fieldBytes) return 'the file is shorter than a segment header'
  const view = viewOf(page)
  if (latin1(page, 0, 8) !== 'PINNSEG\n') return 'the file does not start like a journal segment'
  if (sealedChecksum(page, 0, fieldBytes) !== view.getUint32(12, true)) {
    return 'the header does not match its checksum'
  }
  const version = view.getUint16(8, true)
  refuseNewer(name, version, view.getBigUint64(16, true))
  const bytes = view.getBigUint64(72, true)
  if (
    version === 0 ||
    view.getUint16(10, true) !== headerBytes ||
    bytes < minSegmentBytes ||
    bytes > maxSegmentBytes ||
    bytes % pageBytes !== 0n
  ) {
    return 'the header names an impossible version or size'
  }
  if (!isZero(page, 88, 104)) return 'the header names a key, but the segment is not sealed'
  return {
    version,
    journalId: journalIdAt(view),
    index: view.getBigUint64(48, true),
    segmentId: view.getBigUint64(56, true),
    bytes: Number(bytes),
    predecessorLink: version === 1 ? 0n : view.getBigUint64(104, true),
    mayHaveTransactions: (view.getBigUint64(16, true) & transactionsFeature) !== 0n,
  }
}

/** The highest durable sequence in a valid frontier mark. */
export function readMarks(page: Uint8Array, header: SegmentHeader): bigint {
  const view = viewOf(page)
  let durable = 0n
  for (const offset of frontierMarkOffsets) {
    if (view.getBigUint64(offset + 8, true) === 0n || !markHolds(page, header, offset)) continue
    const named = view.getBigUint64(offset, true)
    if (named > durable) durable = named
  }
  return durable
}

/** The segment's link: that of the valid link mark with the higher counter, or the segment's id. */
export function readLink(page: Uint8Array, header: SegmentHeader): bigint {
  const view = viewOf(page)
  let link = header.segmentId
  let counter = 0n
  for (const offset of linkMarkOffsets) {
    const named = view.getBigUint64(offset, true)
    const turn = view.getBigUint64(offset + 8, true)
    const valid =
      named !== 0n &&
      view.getUint32(offset + 24, true) === linkKind &&
      markHolds(page, header, offset)
    if (valid && turn > counter) {
      link = named
      counter = turn
    }
  }
  return link
}

function markHolds(page: Uint8Array, header: SegmentHeader, offset: number): boolean {
  const computed = extend(seedOf(header), page, offset, offset + 28)
  return computed === viewOf(page).getUint32(offset + 28, true)
}

/** The entry at `offset` if one verifies, otherwise undefined. */
export function readEntry(
  segment: Uint8Array,
  header: SegmentHeader,
  offset: number,
): PureEntry | undefined {
  const bytes = entryBytesAt(segment, offset)
  if (bytes === undefined || offset + bytes > segment.length) return undefined
  const view = viewOf(segment)
  const end = offset + bytes
  const checksum = view.getUint32(end - 4, true)
  if (extend(seedOf(header), segment, offset, end - 4) !== checksum) return undefined
  const sequence = view.getBigUint64(offset + 8, true)
  const type = view.getUint8(offset + 6)
  const lag = view.getUint32(end - 8, true)
  const durable = lag === 0xffffffff ? 0n : sequence - 1n - BigInt(lag)
  const payloadBytes = view.getUint32(offset, true)
  const payload = segment.subarray(offset + 24, offset + 24 + payloadBytes)
  return {
    sequence,
    firstSequence: type === holeType ? firstOfHole(sequence, payload) : sequence,
    type,
    flags: view.getUint8(offset + 7),
    instrument: view.getUint16(offset + 4, true),
    timestampNs: view.getBigUint64(offset + 16, true),
    durable: durable < 0n ? 0n : durable,
    checksum,
    payload,
    offset,
    bytes,
  }
}

/**
 * Size in bytes of the entry at `offset`, in whole lines, from its first line alone; undefined if type, flags
 * and length don't fit an entry.
 */
export function entryBytesAt(segment: Uint8Array, offset: number): number | undefined {
  if (offset + lineBytes > segment.length) return undefined
  const view = viewOf(segment)
  const payloadBytes = view.getUint32(offset, true)
  const type = view.getUint8(offset + 6)
  if (!flagsFit(view.getUint8(offset + 7), type)) return undefined
  if (payloadBytes > maxPayloadBytes) return undefined
  const any = type >= 0x80 || type === holeType
  if (!any && payloadOf[type] !== payloadBytes) return undefined
  return linesOf(payloadBytes)
}

/** Neither an instrument nor a hole is part of a transaction. */
function flagsFit(flags: number, type: number): boolean {
  const isAlone = type === instrumentType || type === holeType
  const allowed = isAlone ? plainFlags : plainFlags | transactionFlags
  return (flags & ~allowed) === writtenFlag
}

/** Size of an entry with this payload size; undefined if no entry has it. */
export function linesOf(payloadBytes: number): number | undefined {
  if (payloadBytes > maxPayloadBytes) return undefined
  return Math.ceil((payloadBytes + overheadBytes) / lineBytes) * lineBytes
}

function firstOfHole(sequence: bigint, payload: Uint8Array): bigint {
  if (payload.length < holePayloadBytes) return 0n
  const first = viewOf(payload).getBigUint64(0, true)
  return first <= sequence + 1n ? first : 0n
}

/** The snapshot that holds what a hole's lost entries did; 0n: none is named. */
export function snapshotOfHole(entry: PureEntry): bigint {
  return viewOf(entry.payload).getBigUint64(8, true)
}

export function isZero(bytes: Uint8Array, begin: number, end: number): boolean {
  for (let i = begin; i < end; i++) if (bytes[i] !== 0) return false
  return true
}

export const firstEntryOffset = headerBytes
export { lineBytes }

/** The initial value for the checksums of entries and marks. */
export function seedOf(header: SegmentHeader): number {
  return Number(header.segmentId & 0xffffffffn)
}

/** CRC32C over bytes[begin, end), with the checksum field at begin + 12 as zero. */
export function sealedChecksum(bytes: Uint8Array, begin: number, end: number): number {
  const copy = Uint8Array.from(bytes.subarray(begin, end)) // a Buffer's slice would share memory
  copy.fill(0, 12, 16)
  return crc32c(copy)
}

/** The id in the header of a segment, snapshot or head record: 32 hex digits, high half first. */
export function journalIdAt(header: DataView): string {
  return hex(header.getBigUint64(40, true)) + hex(header.getBigUint64(32, true))
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
