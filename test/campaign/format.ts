/**
 * The part of docs/format.md that damage needs: to aim at a part of a file, and to forge a mark with a valid
 * checksum. It reads only sound files and shares no code with the library's readers.
 */

const headerPageBytes = 4096
const lineBytes = 64
export const sectorBytes = 512
export const pageBytes = 4096

export interface Range {
  offset: number
  bytes: number
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

/** The register form: from a seed, not inverted. */
function crcRegister(seed: number, bytes: Uint8Array): number {
  let state = seed >>> 0
  for (const byte of bytes) state = (state >>> 8) ^ (table[(state ^ byte) & 0xff] ?? 0)
  return state >>> 0
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function word(bytes: Uint8Array, offset: number): bigint {
  return viewOf(bytes).getBigUint64(offset, true)
}

function number(bytes: Uint8Array, offset: number): number {
  return Number(word(bytes, offset))
}

// --- segments ---

export interface EntryPlace extends Range {
  firstSequence: number
  sequence: number
  /** How far the journal was durable when the entry was written, as the entry says. */
  claims: number
}

export interface SegmentImage {
  index: number
  id: bigint
  seed: number
  entries: EntryPlace[]
}

const holeType = 0x05

/** Identity and entries, in order, of a sound segment file. */
export function readSegment(bytes: Uint8Array): SegmentImage {
  const id = word(bytes, 56)
  const image = {
    index: number(bytes, 48),
    id,
    seed: Number(id & 0xffff_ffffn),
    entries: [] as EntryPlace[],
  }
  const view = viewOf(bytes)
  for (let offset = headerPageBytes; offset + lineBytes <= bytes.length;) {
    if (word(bytes, offset) === 0n) break
    const length = Math.ceil((view.getUint32(offset, true) + 32) / lineBytes) * lineBytes
    if (offset + length > bytes.length) break
    const checksum = crcRegister(image.seed, bytes.subarray(offset, offset + length - 4))
    if (checksum !== view.getUint32(offset + length - 4, true)) break
    const sequence = number(bytes, offset + 8)
    const isHole = bytes[offset + 6] === holeType
    image.entries.push({
      offset,
      bytes: length,
      firstSequence: isHole ? number(bytes, offset + 24) : sequence,
      sequence,
      claims: sequence - 1 - view.getUint32(offset + length - 8, true),
    })
    offset += length
  }
  return image
}

export const frontierMarkOffsets = [2048, 2560] as const
export const linkMarkOffsets = [1024, 1536] as const
export const markBytes = 32

export interface Mark extends Range {
  durable: number
  counter: number
}

/** The valid frontier marks. */
export function readMarks(bytes: Uint8Array): Mark[] {
  const { seed } = readSegment(bytes.subarray(0, headerPageBytes))
  return frontierMarkOffsets
    .map((offset) => ({
      offset,
      bytes: markBytes,
      durable: number(bytes, offset),
      counter: number(bytes, offset + 8),
    }))
    .filter(
      ({ offset, counter }) =>
        counter !== 0 &&
        crcRegister(seed, bytes.subarray(offset, offset + 28)) ===
          viewOf(bytes).getUint32(offset + 28, true),
    )
}

/** Bytes of a frontier mark that is valid in the segment of this seed. */
export function frontierMark(seed: number, durable: number, counter: number): Uint8Array {
  return mark(seed, BigInt(durable), counter, 0)
}

/** Bytes of a link mark that is valid in the segment of this seed. */
export function linkMark(seed: number, link: bigint, counter: number): Uint8Array {
  return mark(seed, link, counter, 0x4b4e494c)
}

function mark(seed: number, first: bigint, counter: number, kind: number): Uint8Array {
  const bytes = new Uint8Array(markBytes)
  const view = viewOf(bytes)
  view.setBigUint64(0, first, true)
  view.setBigUint64(8, BigInt(counter), true)
  view.setUint32(24, kind, true)
  view.setUint32(28, crcRegister(seed, bytes.subarray(0, 28)), true)
  return bytes
}

// --- the head record ---

export const headSlotOffsets = [0, 4096] as const
export const headSlotBytes = 256

export interface HeadSlot extends Range {
  counter: number
  oldest: number
  newest: number
  ready: number
  durable: number
}

function ordinaryCrc(bytes: Uint8Array): number {
  return (crcRegister(0xffff_ffff, bytes) ^ 0xffff_ffff) >>> 0
}

/** The valid slots, the current one first. */
export function readHeadSlots(bytes: Uint8Array): HeadSlot[] {
  const slots: HeadSlot[] = []
  for (const offset of headSlotOffsets) {
    if (bytes.length < offset + headSlotBytes) continue
    const slot = Uint8Array.from(bytes.subarray(offset, offset + headSlotBytes))
    const stored = viewOf(slot).getUint32(12, true)
    viewOf(slot).setUint32(12, 0, true)
    if (word(slot, 0) === 0n || ordinaryCrc(slot) !== stored) continue
    slots.push({
      offset,
      bytes: headSlotBytes,
      counter: number(slot, 48),
      oldest: number(slot, 64),
      newest: number(slot, 80),
      ready: number(slot, 112),
      durable: number(slot, 128),
    })
  }
  return slots.sort((left, right) => right.counter - left.counter)
}

// --- snapshots ---

export const snapshotHeaderBytes = 128
export const snapshotFooterBytes = 32
