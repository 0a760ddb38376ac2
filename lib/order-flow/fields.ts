/** Parses the fields of a CSV line. No regular expressions: this runs once per field of every event. */
import { LineProblem } from './flow-error.js'

const zero = 48
const nine = 57
const maxSafe = Number.MAX_SAFE_INTEGER

/** Throws unless the line has exactly `count` fields. */
export function splitFields(text: string, count: number): string[] {
  const fields = text.split(',')
  if (fields.length === count) return fields
  throw new LineProblem(`expected ${String(count)} fields, found ${String(fields.length)}`)
}

/** An unsigned integer, at most 2^53 - 1. */
export function unsignedField(text: string, name: string): number {
  const length = text.length
  if (length === 0 || length > 16) throw notUnsigned(text, name)
  let value = 0
  for (let index = 0; index < length; index++) {
    const digit = text.charCodeAt(index)
    if (digit < zero || digit > nine) throw notUnsigned(text, name)
    value = value * 10 + (digit - zero)
  }
  if (value > maxSafe) throw notUnsigned(text, name)
  return value
}

/** The same, at least 1. */
export function positiveField(text: string, name: string): number {
  const value = unsignedField(text, name)
  if (value === 0) throw new LineProblem(`${name} must be at least 1`)
  return value
}

/** An order id: any integer below 2^64; a number if that is exact, else a bigint. */
export function orderIdField(text: string, name: string): number | bigint {
  if (text.length <= 15) return unsignedField(text, name)
  if (!/^\d{1,20}$/.test(text)) throw notUnsigned(text, name)
  const value = BigInt(text)
  if (value >= 1n << 64n) throw new LineProblem(`${name} must be below 2^64`)
  return value <= BigInt(maxSafe) ? Number(value) : value
}

function notUnsigned(text: string, name: string): LineProblem {
  const shown = text.length > 24 ? `${text.slice(0, 24)}...` : text
  return new LineProblem(`${name} must be an integer from 0 to 2^53 - 1, not "${shown}"`)
}

/**
 * A decimal with at most `scale` places, as an integer of 10^-scale units. Trailing zeros beyond the scale
 * are dropped; other digits beyond it are refused.
 */
export function decimalField(text: string, scale: number, name: string): number {
  const point = text.indexOf('.')
  const whole = point === -1 ? text : text.slice(0, point)
  let fraction = point === -1 ? '' : text.slice(point + 1)
  if (fraction.length > scale) {
    if (/[^0]/.test(fraction.slice(scale))) {
      throw new LineProblem(`${name} "${text}" has more than ${String(scale)} decimal places`)
    }
    fraction = fraction.slice(0, scale)
  }
  if (whole.length === 0 || whole.length + scale > 17) {
    throw new LineProblem(`${name} must be a decimal number, not "${text.slice(0, 24)}"`)
  }
  let value = 0
  for (let index = 0; index < whole.length; index++)
    value = value * 10 + digitAt(whole, index, name)
  for (let index = 0; index < scale; index++) {
    value = value * 10 + (index < fraction.length ? digitAt(fraction, index, name) : 0)
  }
  if (value > maxSafe)
    throw new LineProblem(`${name} "${text}" is beyond 2^53 - 1 at scale ${String(scale)}`)
  return value
}

/** The same, with an optional minus sign. */
export function signedDecimalField(text: string, scale: number, name: string): number {
  if (!text.startsWith('-')) return decimalField(text, scale, name)
  const value = decimalField(text.slice(1), scale, name)
  return value === 0 ? 0 : -value
}

function digitAt(text: string, index: number, name: string): number {
  const digit = text.charCodeAt(index)
  if (digit < zero || digit > nine) {
    throw new LineProblem(`${name} must be a decimal number, not "${text.slice(0, 24)}"`)
  }
  return digit - zero
}
