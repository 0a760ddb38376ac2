/**
 * Exact conversion between decimal strings and the integers that books work with. With scale 2 the
 * string "10.25" is 1025 ticks; floats never come in between.
 */
import { PinnacleRangeError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'

/** The most decimal places. */
export const maxScale = 15

const decimalPattern = /^([+-]?)(\d+)(?:\.(\d*))?$/
const zeros = '0'.repeat(maxScale)

/**
 * The integer number of ticks or lots that the text means. Throws if the text is not a decimal
 * number, has more digits than the scale (trailing zeros don't count), or does not fit 2^53 - 1.
 */
export function parseDecimal(text: string, scale: number): number {
  checkScale(scale)
  if (typeof text !== 'string') {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_DECIMAL_SYNTAX',
      `a decimal must be a string such as "10.25", not ${shown(text)}; floats can't hold prices exactly`,
    )
  }
  const match = decimalPattern.exec(text)
  if (!match) {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_DECIMAL_SYNTAX',
      `${shown(text)} is not a decimal number; write digits with at most one point, such as "10.25"`,
    )
  }
  const [, sign = '', whole = '', rawFraction = ''] = match
  const fraction = rawFraction.length > scale ? rawFraction.replace(/0+$/, '') : rawFraction
  if (fraction.length > scale) {
    throw new PinnacleRangeError(
      'ERR_PINNACLE_DECIMAL_PRECISION',
      `${shown(text)} has ${String(fraction.length)} decimal places, but the scale is ${String(scale)}; ` +
        'round it yourself or define the instrument with a larger scale',
      { details: { text, scale } },
    )
  }
  const value = Number(whole + fraction + zeros.slice(0, scale - fraction.length))
  if (!Number.isSafeInteger(value)) {
    throw new PinnacleRangeError(
      'ERR_PINNACLE_DECIMAL_OVERFLOW',
      `${shown(text)} at scale ${String(scale)} does not fit ${String(Number.MAX_SAFE_INTEGER)}; ` +
        'define the instrument with a smaller scale',
      { details: { text, scale } },
    )
  }
  return sign === '-' && value !== 0 ? -value : value
}

/** The decimal string of an integer number of ticks or lots, with exactly `scale` decimal places. */
export function formatDecimal(value: number, scale: number): string {
  checkScale(scale)
  if (!Number.isSafeInteger(value)) {
    throw new PinnacleRangeError(
      'ERR_PINNACLE_DECIMAL_OVERFLOW',
      `only an integer of up to 2^53 - 1 is written as a decimal, not ${shown(value)}`,
    )
  }
  const digits = String(Math.abs(value)).padStart(scale + 1, '0')
  const sign = value < 0 ? '-' : ''
  if (scale === 0) return sign + digits
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

function checkScale(scale: number): void {
  if (Number.isInteger(scale) && scale >= 0 && scale <= maxScale) return
  throw new PinnacleRangeError(
    'ERR_PINNACLE_DECIMAL_SCALE',
    `a scale must be an integer from 0 to ${String(maxScale)}, not ${shown(scale)}`,
  )
}
