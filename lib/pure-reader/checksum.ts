/** CRC32C by table (RFC 3720 B.4), in the register form that docs/format.md uses. */

const polynomial = 0x82f63b78

/** table[k][b]: the effect of byte b on the register when k more bytes follow (slicing by 8). */
const tables: Uint32Array[] = makeTables()

function makeTables(): Uint32Array[] {
  const first = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let state = byte
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? polynomial : 0)
    first[byte] = state >>> 0
  }
  const made = [first]
  for (let k = 1; k < 8; k++) {
    const before = made[k - 1] as Uint32Array
    made.push(before.map((state) => (state >>> 8) ^ (first[state & 0xff] as number)))
  }
  return made
}

const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]

/** Continues the register `state` over bytes[begin, end). */
export function extend(state: number, bytes: Uint8Array, begin: number, end: number): number {
  const at = (table: Uint32Array, index: number): number => table[index] as number
  let position = begin
  for (; position + 8 <= end; position += 8) {
    const low =
      (state ^
        ((bytes[position] as number) |
          ((bytes[position + 1] as number) << 8) |
          ((bytes[position + 2] as number) << 16) |
          ((bytes[position + 3] as number) << 24))) >>>
      0
    state =
      at(t7, low & 0xff) ^
      at(t6, (low >>> 8) & 0xff) ^
      at(t5, (low >>> 16) & 0xff) ^
      at(t4, low >>> 24) ^
      at(t3, bytes[position + 4] as number) ^
      at(t2, bytes[position + 5] as number) ^
      at(t1, bytes[position + 6] as number) ^
      at(t0, bytes[position + 7] as number)
  }
  for (; position < end; position++) {
    state = (state >>> 8) ^ at(t0, (state ^ (bytes[position] as number)) & 0xff)
  }
  return state >>> 0
}

/** The ordinary CRC32C of bytes[begin, end). */
export function crc32c(bytes: Uint8Array, begin = 0, end = bytes.length): number {
  return ~extend(0xffffffff, bytes, begin, end) >>> 0
}
