/**
 * Puts the plain decimal numbers of JSON text in quotes, so that JSON.parse keeps their digits. Exchanges
 * that print prices as JSON numbers mean decimals. A double keeps neither all digits nor the trailing zeros,
 * which checksums count.
 *
 * Only values are quoted, and only those that JSON accepts as numbers without exponent; everything else stays
 * as it is. So the result is JSON exactly if the text was, and differs only in those numbers. One pass over
 * any text.
 */
import { signedDecimalEnd } from './frame-checks.js'

const quote = 34
const backslash = 92
const plus = 43
const minus = 45
const point = 46
const zero = 48
const nine = 57
const colon = 58
const upperE = 69
const lowerE = 101

export function quoteNumbers(text: string): string {
  const { length } = text
  let quoted = ''
  /** `quoted` covers the text up to here. */
  let done = 0
  let at = 0
  while (at < length) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = stringEnd(text, at + 1)
    } else if (code === minus || (code >= zero && code <= nine)) {
      const end = signedDecimalEnd(text, at)
      const runEnd = numberRunEnd(text, at)
      if (end === runEnd && !isKey(text, end)) {
        quoted += `${text.slice(done, at)}"${text.slice(at, end)}"`
        done = end
      }
      at = runEnd
    } else {
      at++
    }
  }
  return done === 0 ? text : quoted + text.slice(done)
}

/** The position after the string's closing quote, or the end of the text. */
function stringEnd(text: string, start: number): number {
  const { length } = text
  let at = start
  while (at < length) {
    const code = text.charCodeAt(at)
    if (code === quote) return at + 1
    at += code === backslash ? 2 : 1
  }
  return length
}

/** The position after all characters that a number may have, in any order. */
function numberRunEnd(text: string, start: number): number {
  const { length } = text
  let at = start
  while (at < length) {
    const code = text.charCodeAt(at)
    const isNumberCode =
      (code >= zero && code <= nine) ||
      code === point ||
      code === minus ||
      code === plus ||
      code === lowerE ||
      code === upperE
    if (!isNumberCode) break
    at++
  }
  return at
}

/** Whether a colon follows: `{1:2}` is not JSON, and must not become JSON. */
function isKey(text: string, end: number): boolean {
  const { length } = text
  let at = end
  while (at < length) {
    const code = text.charCodeAt(at)
    if (code === colon) return true
    const isBlank = code === 32 || code === 9 || code === 10 || code === 13
    if (!isBlank) return false
    at++
  }
  return false
}
