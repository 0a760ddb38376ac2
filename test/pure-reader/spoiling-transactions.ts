/**
 * Damage to transactions: lines that are missing, doubled or swapped, and contradictory flags with a valid
 * checksum. The bytes are those of one segment with one-line and longer entries.
 */
import type { SegmentImage } from './image.js'
import type { Dice } from './spoiling.js'

const lineBytes = 64
const firstOffset = 4096

interface Place {
  offset: number
  bytes: number
}

/** Damages a segment of entries in one way; returns a sentence about it. */
export function spoilTransactions(dice: Dice, segment: SegmentImage): string {
  const places = placesOf(segment)
  if (places.length === 0) return 'nothing: there is no entry'
  const { offset, bytes } = dice.pick(dice.once(2) ? places.slice(-4) : places)
  const image = segment.bytes
  switch (dice.roll(9)) {
    case 0:
    case 1:
    case 2:
      return changeFlags(dice, segment, offset)
    case 3:
      image.copyWithin(offset, offset + bytes)
      image.fill(0, image.length - bytes)
      return `the entry at ${offset} left out`
    case 4:
      image.fill(0, offset, offset + bytes)
      return `the entry at ${offset} zeroed`
    case 5: {
      const end = dice.once(2) ? image.length : offset + bytes + lineBytes * dice.roll(6)
      image.fill(0, offset, end)
      return `zeros from ${offset} to ${end}`
    }
    case 6: {
      const from = offset + dice.roll(bytes)
      image.fill(0, from)
      return `nothing from ${from} on`
    }
    case 7: {
      const other = dice.pick(places)
      image.copyWithin(offset, other.offset, other.offset + other.bytes)
      return `the entry at ${other.offset} copied to ${offset}`
    }
    default:
      return changeSequence(dice, segment, offset)
  }
}

/** Mostly flags of a transaction; afterwards the checksum is mostly valid. */
function changeFlags(dice: Dice, segment: SegmentImage, offset: number): string {
  const mask = dice.pick([0x04, 0x08, 0x0c, 0x04, 0x08, 0x0c, 1 << dice.roll(8)])
  segment.bytes[offset + 7] = (segment.bytes[offset + 7] ?? 0) ^ mask
  const isSealed = !dice.once(5)
  if (isSealed) segment.sealEntry(offset)
  return `flags ${mask} of the entry at ${offset} turned, ${isSealed ? 'sealed' : 'not sealed'}`
}

function changeSequence(dice: Dice, segment: SegmentImage, offset: number): string {
  const sequence = Number(segment.bytes.readBigUInt64LE(offset + 8)) + dice.roll(5) - 2
  if (sequence < 1) return 'nothing: there is no such sequence'
  segment.bytes.writeBigUInt64LE(BigInt(sequence), offset + 8)
  segment.bytes.writeUInt32LE(0xffffffff, endAt(segment, offset) - 8)
  segment.sealEntry(offset)
  return `the entry at ${offset} has sequence ${sequence}`
}

/** Places of the appended entries, in order, whatever their damage. */
function placesOf(segment: SegmentImage): Place[] {
  const places: Place[] = []
  for (let offset = firstOffset; offset < segment.end;) {
    const end = endAt(segment, offset)
    if (end > segment.end) break
    places.push({ offset, bytes: end - offset })
    offset = end
  }
  return places
}

function endAt({ bytes }: SegmentImage, offset: number): number {
  const payload = bytes.readUInt32LE(offset)
  return offset + Math.ceil((payload + 32) / lineBytes) * lineBytes
}
