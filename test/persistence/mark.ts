/** The CRC32C register that docs/format.md stores: not inverted, continued from a seed. Bit by bit. */
export function crc32cFrom(seed: number, bytes: Uint8Array): number {
  let state = seed
  for (const byte of bytes) {
    state ^= byte
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? 0x82f63b78 : 0)
  }
  return state >>> 0
}
