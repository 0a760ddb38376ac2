/**
 * Fields of an entry's payload, little-endian. An absent optional number is all ones. A text has its length
 * in front and is UTF-8, cut at a character if it exceeds the length field's range.
 */
import { PinnacleError } from '../../errors/pinnacle-error.js'

const absent32 = 0xffff_ffff
/**
 * The upper half of -2^63, which no price has: with a lower half of zero it encodes an optional price of -1.
 */
const minusOne32 = 0x8000_0000
const absentText8 = 0xff
const absentText16 = 0xffff
const two32 = 2 ** 32

/** The longest writable texts, bytes. */
const maxText8 = absentText8 - 1
const maxText16 = absentText16 - 1

/** Reused for each payload: the result of `finish` is valid until the next `start`. */
export class PayloadWriter {
  #buffer = Buffer.allocUnsafe(4096)
  #at = 0

  start(): this {
    this.#at = 0
    return this
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  u8(value: number): this {
    this.#reserve(1)
    this.#at = this.#buffer.writeUInt8(value, this.#at)
    return this
  }

  u16(value: number): this {
    this.#reserve(2)
    this.#at = this.#buffer.writeUInt16LE(value, this.#at)
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    this.#at = this.#buffer.writeUInt32LE(value, this.#at)
    return this
  }

  u64(value: bigint): this {
    this.#reserve(8)
    this.#at = this.#buffer.writeBigUInt64LE(value, this.#at)
    return this
  }

  /** An integer of 0 to 2^53 - 1, or none. */
  count(value: number | null): this {
    if (value === null) return this.u32(absent32).u32(absent32)
    return this.u32(value % two32).u32(Math.floor(value / two32))
  }

  /** An integer of -(2^53 - 1) to 2^53 - 1. */
  price(value: number): this {
    const high = Math.floor(value / two32)
    return this.u32(value - high * two32).u32(high >>> 0)
  }

  /** The same, or none. None is all ones, which would also be -1; so -1 has bytes of its own. */
  priceOrNull(value: number | null): this {
    if (value === null) return this.count(null)
    return value === -1 ? this.u32(0).u32(minusOne32) : this.price(value)
  }

  text8(text: string | null): this {
    return text === null ? this.u8(absentText8) : this.#text(text, maxText8, 1)
  }

  text16(text: string | null): this {
    return text === null ? this.u16(absentText16) : this.#text(text, maxText16, 2)
  }

  /** The rest of the payload, without a length. */
  rest(text: string): this {
    this.#reserve(Buffer.byteLength(text))
    this.#at += this.#buffer.write(text, this.#at, 'utf8')
    return this
  }

  #text(text: string, maxBytes: number, lengthBytes: 1 | 2): this {
    this.#reserve(lengthBytes + maxBytes)
    const start = this.#at + lengthBytes
    // Buffer.write omits a character that would be cut in two.
    const bytes = this.#buffer.write(text, start, maxBytes, 'utf8')
    if (lengthBytes === 1) this.#buffer.writeUInt8(bytes, this.#at)
    else this.#buffer.writeUInt16LE(bytes, this.#at)
    this.#at = start + bytes
    return this
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

/** Reads what PayloadWriter wrote; throws ERR_PINNACLE_FEED_ENTRY for anything else. */
export class PayloadReader {
  readonly #buffer: Buffer
  readonly #what: string
  #at = 0

  constructor(payload: Uint8Array, what: string) {
    this.#buffer = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    this.#what = what
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1))
  }

  u16(): number {
    return this.#buffer.readUInt16LE(this.#take(2))
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#take(4))
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64LE(this.#take(8))
  }

  countOrNull(): number | null {
    const low = this.u32()
    const high = this.u32()
    if (low === absent32 && high === absent32) return null
    const value = high * two32 + low
    if (!Number.isSafeInteger(value)) throw this.bad('has a number beyond 2^53 - 1')
    return value
  }

  count(): number {
    const value = this.countOrNull()
    if (value === null) throw this.bad('lacks a number')
    return value
  }

  price(): number {
    return this.#priceOf(this.u32(), this.u32())
  }

  priceOrNull(): number | null {
    const low = this.u32()
    const high = this.u32()
    if (low === absent32 && high === absent32) return null
    return low === 0 && high === minusOne32 ? -1 : this.#priceOf(low, high)
  }

  #priceOf(low: number, high: number): number {
    const value = (high | 0) * two32 + low
    if (!Number.isSafeInteger(value)) throw this.bad('has a number beyond 2^53 - 1')
    return value
  }

  text8OrNull(): string | null {
    const bytes = this.u8()
    return bytes === absentText8 ? null : this.#text(bytes)
  }

  text8(): string {
    const text = this.text8OrNull()
    if (text === null) throw this.bad('lacks a text')
    return text
  }

  text16OrNull(): string | null {
    const bytes = this.u16()
    return bytes === absentText16 ? null : this.#text(bytes)
  }

  text16(): string {
    const text = this.text16OrNull()
    if (text === null) throw this.bad('lacks a text')
    return text
  }

  rest(): string {
    return this.#text(this.#buffer.length - this.#at)
  }

  bad(problem: string): PinnacleError {
    return new PinnacleError(
      'ERR_PINNACLE_FEED_ENTRY',
      `a ${this.#what} entry ${problem}: user types 96 to 109 are those of recorded feeds, and something else ` +
        'wrote one, or a newer version did; read it with what wrote it',
    )
  }

  #text(bytes: number): string {
    const start = this.#take(bytes)
    return this.#buffer.toString('utf8', start, start + bytes)
  }

  #take(bytes: number): number {
    const at = this.#at
    if (at + bytes > this.#buffer.length) throw this.bad('is too short')
    this.#at = at + bytes
    return at
  }
}
