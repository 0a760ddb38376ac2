/**
 * Entries as bytes, built from docs/format.md alone: an encoder that shares nothing with the decoder it
 * tests. The checksum stays 0, since the decoder gets verified bytes.
 */
export interface EntryImage {
  type: number
  flags?: number
  instrument?: number
  sequence: number
  timestampNs?: bigint
  payload: Uint8Array
}

const flagWritten = 0x80

export function entryImage(entry: EntryImage): Buffer {
  const lines = Math.ceil((24 + entry.payload.length + 8) / 64)
  const image = Buffer.alloc(lines * 64)
  image.writeUInt32LE(entry.payload.length, 0)
  image.writeUInt16LE(entry.instrument ?? 0, 4)
  image.writeUInt8(entry.type, 6)
  image.writeUInt8((entry.flags ?? 0) | flagWritten, 7)
  image.writeBigUInt64LE(BigInt(entry.sequence), 8)
  image.writeBigUInt64LE(entry.timestampNs ?? 0n, 16)
  image.set(entry.payload, 24)
  return image
}

/** Little-endian 64-bit words. */
export function words(...values: (number | bigint)[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8)
  values.forEach((value, index) => bytes.writeBigUInt64LE(BigInt(value), index * 8))
  return bytes
}

export function instrumentPayload(
  name: string,
  priceScale: number,
  quantityScale: number,
  kind: number,
): Buffer {
  const bytes = Buffer.alloc(48)
  bytes.write(name, 0, 'utf8')
  bytes.writeUInt32LE(priceScale, 32)
  bytes.writeUInt32LE(quantityScale, 36)
  bytes.writeUInt32LE(kind, 40)
  return bytes
}
