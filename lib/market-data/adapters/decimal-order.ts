/** Compares decimal texts, with or without a minus sign, by value and without floats: "9.5" < "10.05". */

/** Negative, 0 or positive, as `left` is below, equal to or above `right`. */
export function compareDecimals(left: string, right: string): number {
  if (left.startsWith('-') || right.startsWith('-')) return compareSigned(left, right)
  const leftPoint = left.indexOf('.')
  const rightPoint = right.indexOf('.')
  const leftWhole = leftPoint < 0 ? left.length : leftPoint
  const rightWhole = rightPoint < 0 ? right.length : rightPoint
  if (leftWhole !== rightWhole) return leftWhole - rightWhole
  if (left.length === right.length) return compareTexts(left, right)
  return compareTexts(trimmed(left, leftPoint), trimmed(right, rightPoint))
}

function compareSigned(left: string, right: string): number {
  const sign = signOf(left)
  if (sign !== signOf(right)) return sign - signOf(right)
  return sign === 0 ? 0 : compareDecimals(right.slice(1), left.slice(1)) // both are negative
}

function signOf(text: string): number {
  const isNegative = text.startsWith('-')
  if (isZeroDecimal(isNegative ? text.slice(1) : text)) return 0
  return isNegative ? -1 : 1
}

export function isZeroDecimal(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character !== '0' && character !== '.') return false
  }
  return true
}

/** Strips trailing zeros (and the point): of two texts, one that is a prefix of the other is then less. */
function trimmed(text: string, point: number): string {
  if (point < 0) return text
  let end = text.length
  while (text[end - 1] === '0') end--
  return text.slice(0, text[end - 1] === '.' ? end - 1 : end)
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0
  return left < right ? -1 : 1
}
