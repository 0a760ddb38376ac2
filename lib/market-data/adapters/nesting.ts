/**
 * Measures how deep JSON text nests before JSON.parse runs: JSON.parse takes about a microsecond per level,
 * so a message of nothing but brackets would block the process for seconds. One pass over any text.
 */
const quote = 34
const backslash = 92

/** Whether brackets outside of strings nest deeper than `limit`. */
export function nestsDeeperThan(text: string, limit: number): boolean {
  const { length } = text
  let depth = 0
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = stringEnd(text, at + 1)
      continue
    }
    // '[' and '{' differ in one bit, as do their closing brackets.
    const bracket = code & ~0x20
    if (bracket === 0x5b) {
      if (++depth > limit) return true
    } else if (bracket === 0x5d) {
      depth--
    }
  }
  return false
}

/** The quote that ends the string, or the end of the text. */
function stringEnd(text: string, start: number): number {
  const { length } = text
  let at = start
  while (at < length) {
    const code = text.charCodeAt(at)
    if (code === quote) break
    at += code === backslash ? 2 : 1
  }
  return at
}
