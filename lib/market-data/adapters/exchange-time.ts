/**
 * Parses RFC 3339 times in UTC, as exchanges print them, to exact nanoseconds since the Unix epoch. It uses
 * neither Date nor floats: nine decimal places stay nine. Frames of one moment share their day, and often
 * their whole time, so both are cached.
 *
 * Accepted: `2026-08-09T21:05:48Z` with up to nine decimal places, years 1970 to 2261 (all that fit a signed
 * 64-bit number). A zero time (`0001-01-01T00:00:00Z`, Go's "not set") is 0n.
 */
import { bad } from './frame-checks.js'

const zero = 48
const nine = 57
const dayChars = 10
const firstYear = 1970
const lastYear = 2261
const nanosecondsADay = 86_400_000_000_000n
const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const shortest = '2026-08-09T21:05:48Z'.length
const longest = '2026-08-09T21:05:48.123456789Z'.length
const rfc3339 = 'a time such as "2026-08-09T21:05:48.228568804Z"'
const notSet = /^0001-01-01T00:00:00(?:\.0{1,9})?Z$/

export class ExchangeTime {
  #day = ''
  #dayNs = 0n
  #text = ''
  #textNs = 0n

  /** Nanoseconds since the epoch, or undefined if the text is not such a time. */
  read(text: string): bigint | undefined {
    if (text === this.#text && text !== '') return this.#textNs
    if (text.length < shortest || text.length > longest) return undefined
    const time = timeOfDayNs(text)
    if (time < 0) return undefined
    if (this.#day === '' || !text.startsWith(this.#day)) {
      const days = daysSinceEpoch(text)
      if (days < 0) return notSet.test(text) ? 0n : undefined
      this.#day = text.slice(0, dayChars)
      this.#dayNs = BigInt(days) * nanosecondsADay
    }
    this.#text = text
    this.#textNs = this.#dayNs + BigInt(time)
    return this.#textNs
  }

  /** The time in a frame's field. Any other value makes the frame malformed. */
  of(value: unknown, field: string): bigint {
    const timeNs = typeof value === 'string' ? this.read(value) : undefined
    if (timeNs === undefined) throw bad(field, rfc3339, value)
    return timeNs
  }

  /** Like of(); 0n if the exchange gives none: no field, null, or empty text. */
  optionalOf(value: unknown, field: string): bigint {
    return value === undefined || value === null || value === '' ? 0n : this.of(value, field)
  }
}

/** The two-digit number at the position, or -1. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at)
  const ones = text.charCodeAt(at + 1)
  if (tens < zero || tens > nine || ones < zero || ones > nine) return -1
  return (tens - zero) * 10 + (ones - zero)
}

/** Nanoseconds since midnight (below 2^47, so exact), or -1. Leap seconds don't occur in exchange time. */
function timeOfDayNs(text: string): number {
  if (text[10] !== 'T' || text[13] !== ':' || text[16] !== ':') return -1
  const hours = twoDigits(text, 11)
  const minutes = twoDigits(text, 14)
  const seconds = twoDigits(text, 17)
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59)
    return -1
  const end = text.length - 1
  if (text[end] !== 'Z') return -1
  const whole = (hours * 60 + minutes) * 60 + seconds
  if (end === shortest - 1) return whole * 1e9
  if (text[shortest - 1] !== '.' || end === shortest) return -1
  let nanoseconds = 0
  let digitValue = 100_000_000
  for (let at = shortest; at < end; at++) {
    const digit = text.charCodeAt(at)
    if (digit < zero || digit > nine) return -1
    nanoseconds += (digit - zero) * digitValue
    digitValue /= 10
  }
  return whole * 1e9 + nanoseconds
}

function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
}

/** Leap years from year 1 to the end of `year`. */
function leapYearsUpTo(year: number): number {
  return Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400)
}

/** Days from 1970-01-01 to the date at the start of the text, or -1. */
function daysSinceEpoch(text: string): number {
  if (text[4] !== '-' || text[7] !== '-') return -1
  const century = twoDigits(text, 0)
  const yearOfCentury = twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) return -1
  const year = century * 100 + yearOfCentury
  if (year < firstYear || year > lastYear) return -1
  const leapDay = isLeapYear(year) ? 1 : 0
  if (day > daysOfMonth[month - 1]! + (month === 2 ? leapDay : 0)) return -1
  const leapDaysBefore = leapYearsUpTo(year - 1) - leapYearsUpTo(firstYear - 1)
  const daysOfYear = daysBeforeMonth[month - 1]! + (month > 2 ? leapDay : 0) + day - 1
  return (year - firstYear) * 365 + leapDaysBefore + daysOfYear
}
