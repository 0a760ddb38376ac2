/**
 * The checks that adapters run on a frame's fields. They are hand-written over the output of JSON.parse:
 * feeds bring hundreds of thousands of fields a second, and a check that passes costs a comparison or two. A
 * check that fails throws MalformedFrame with the path of the field. parseFrame turns it into a `malformed`
 * frame, so an adapter's parse() never throws.
 */
import { shown } from '../../errors/shown.js'
import type { ParsedFrame } from '../feed-update.js'
import { nestsDeeperThan } from './nesting.js'

export type JsonObject = Readonly<Record<string, unknown>>

/** Thrown by the checks, caught by parseFrame. `field` is relative to the list of the current place. */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame'
  constructor(
    readonly field: string,
    readonly problem: string,
  ) {
    super(`${field} ${problem}`)
  }
}

/** The current place in the frame's lists: two stores per list item, and a path only on demand. */
export class FramePlace {
  readonly #lists: string[] = []
  readonly #indexes: number[] = []
  #depth = 0

  reset(): void {
    this.#depth = 0
  }

  enter(list: string): void {
    this.#lists[this.#depth] = list
    this.#indexes[this.#depth] = 0
    this.#depth++
  }

  at(index: number): void {
    this.#indexes[this.#depth - 1] = index
  }

  leave(): void {
    this.#depth--
  }

  /** `events[0].updates[12].price_level`; an index (`[1]`) or '' as `field` needs no point. */
  pathOf(field: string): string {
    let path = ''
    for (let level = 0; level < this.#depth; level++) {
      path += `${level > 0 ? '.' : ''}${this.#lists[level] ?? ''}[${String(this.#indexes[level])}]`
    }
    if (path === '') return field === '' ? 'the frame' : field
    return field === '' || field.startsWith('[') ? path + field : `${path}.${field}`
  }
}

const asItIs = (text: string): string => text

/** Exchanges nest about five levels. */
const maxNesting = 32
/** Shorter text can't nest deep enough to matter, and most frames are shorter. */
const checkNestingFromChars = 4096

/**
 * Interprets a frame of JSON text. A frame that `interpret` rejects, or that is not JSON, is malformed. The
 * time is proportional to the text. `prepare` may change the text before it is read.
 */
export function parseFrame(
  frame: string,
  place: FramePlace,
  interpret: (message: JsonObject) => ParsedFrame,
  prepare: (text: string) => string = asItIs,
): ParsedFrame {
  place.reset()
  try {
    if (typeof frame !== 'string') {
      return { kind: 'malformed', reason: `a frame must be text, not ${shown(frame)}` }
    }
    if (frame.length >= checkNestingFromChars && nestsDeeperThan(frame, maxNesting)) {
      throw new MalformedFrame('', `nests deeper than ${String(maxNesting)} levels`)
    }
    return interpret(objectOf(JSON.parse(prepare(frame)) as unknown, ''))
  } catch (error) {
    if (error instanceof MalformedFrame) {
      return { kind: 'malformed', reason: `${place.pathOf(error.field)} ${error.problem}` }
    }
    const detail = error instanceof Error ? error.message.slice(0, maxDetailChars) : 'unknown'
    return { kind: 'malformed', reason: `not JSON: ${detail}` }
  }
}

const maxDetailChars = 200
const maxDecimalChars = 40
const maxProductChars = 64
const maxListItems = 1_000_000

/**
 * Products that an adapter remembers per connection. An exchange that invents more must not fill the memory;
 * none has this many.
 */
export const maxProducts = 4096

/** Longest text accepted for names, ids and messages. */
const maxTextChars = 1024

/** The error of a field with a wrong value. */
export function bad(field: string, expected: string, value: unknown): MalformedFrame {
  return new MalformedFrame(
    field,
    value === undefined
      ? `is missing; it must be ${expected}`
      : `must be ${expected}, not ${shown(value)}`,
  )
}

export function objectOf(value: unknown, field: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(field, 'an object', value)
  }
  return value as JsonObject
}

export function listOf(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length > maxListItems) throw bad(field, 'a list', value)
  return value
}

const minus = 45
const point = 46
const zero = 48
const nine = 57

/**
 * The end of the digits that start at `at`. charCodeAt is called only inside the text: a single call past its
 * end makes the engine take the slow path for all of them.
 */
export function digitsEnd(text: string, at: number): number {
  const { length } = text
  let end = at
  while (end < length) {
    const code = text.charCodeAt(end)
    if (code < zero || code > nine) break
    end++
  }
  return end
}

/**
 * The end of the decimal number that starts at `at`, or -1 if there is none: digits without a redundant
 * leading zero, and at most one point, which digits follow. No sign, no exponent.
 */
export function decimalEnd(text: string, at: number): number {
  let end = digitsEnd(text, at)
  if (end === at || (end > at + 1 && text.charCodeAt(at) === zero)) return -1
  if (end < text.length && text.charCodeAt(end) === point) {
    const fraction = end + 1
    end = digitsEnd(text, fraction)
    if (end === fraction) return -1
  }
  return end - at > maxDecimalChars ? -1 : end
}

/** The same, with an optional minus sign. */
export function signedDecimalEnd(text: string, at: number): number {
  const isNegative = at < text.length && text.charCodeAt(at) === minus
  return decimalEnd(text, isNegative ? at + 1 : at)
}

function isSignedDecimal(text: string): boolean {
  return signedDecimalEnd(text, 0) === text.length
}

export function isDecimal(text: string): boolean {
  return decimalEnd(text, 0) === text.length
}

/** A price: decimal text. The recording judges negative prices, since it knows the instrument. */
export function priceOf(value: unknown, field: string): string {
  if (typeof value === 'string' && isSignedDecimal(value)) return value
  throw bad(field, 'a decimal number as text, such as "10.25"', value)
}

/** Like priceOf; undefined as for optionalDecimalOf. */
export function optionalPriceOf(value: unknown, field: string): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : priceOf(value, field)
}

/** A size: decimal text, zero or more. */
export function decimalOf(value: unknown, field: string): string {
  if (typeof value === 'string' && isDecimal(value)) return value
  throw bad(field, 'a decimal number as text, such as "10.25"', value)
}

/** Like decimalOf; undefined if the exchange gives none: no field, null, or empty text. */
export function optionalDecimalOf(value: unknown, field: string): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : decimalOf(value, field)
}

/** Letters, digits and `-_./:` of product names such as `BTC-USD`, `BTC/USD` and `BIT-28JUL23-CDE`. */
function isProductCode(code: number): boolean {
  return (
    (code >= 65 && code <= 90) ||
    (code >= 45 && code <= 58) ||
    (code >= 97 && code <= 122) ||
    code === 95
  )
}

export function isProduct(text: string): boolean {
  if (text === '' || text.length > maxProductChars) return false
  for (let at = 0; at < text.length; at++) {
    if (!isProductCode(text.charCodeAt(at))) return false
  }
  return true
}

export function productOf(value: unknown, field: string): string {
  if (typeof value === 'string' && isProduct(value)) return value
  throw bad(field, `a product's name of up to ${String(maxProductChars)} letters and digits`, value)
}

/** Text of 1 to 1024 characters: a name, an id, a message. */
export function textOf(value: unknown, field: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= maxTextChars) return value
  throw bad(field, `text of 1 to ${String(maxTextChars)} characters`, value)
}

/** A count or a sequence number: an integer from 0 to 2^53 - 1. */
export function countOf(value: unknown, field: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw bad(field, 'an integer from 0 to 2^53 - 1', value)
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** An order id that is a UUID: orderIdFromUuid converts it to 128 bits. */
export function uuidOf(value: unknown, field: string): string {
  if (typeof value === 'string' && uuidPattern.test(value)) return value
  throw bad(field, 'a UUID', value)
}

const idPattern = /^[0-9A-Za-z-]{1,64}$/

/** An order's or a trade's id: letters, digits and dashes, or an integer. */
export function idOf(value: unknown, field: string): string {
  if (typeof value === 'string' && idPattern.test(value)) return value
  if (Number.isSafeInteger(value) && (value as number) >= 0) return String(value)
  throw bad(field, 'an id of up to 64 letters, digits and dashes, or an integer', value)
}
