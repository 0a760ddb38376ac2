/** CRC-32 (IEEE 802.3, as in zlib) of ASCII text, fed in pieces. Node has its own only since 20.15. */
const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

export const crc32Start = -1

export function crc32Add(crc: number, code: number): number {
  return (table[(crc ^ code) & 0xff] ?? 0) ^ (crc >>> 8)
}

export function crc32End(crc: number): number {
  return ~crc >>> 0
}
