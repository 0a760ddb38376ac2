/**
 * How deep JSON text nests, told before JSON.parse is asked: that takes about a microsecond for each level, so a
 * message of nothing but brackets would hold the process for seconds. One pass over the text, whatever it is.
 */
const quote = 34
const backslash = 92

/** Whether brackets outside of strings are open more than `limit` deep anywhere. */
export function nestsDeeperThan(text: string, limit: number): boolean {
  const { length } = text
  let depth = 0
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = stringEnd(text, at + 1)
      continue
    }
    // '[' and '{' differ in one bit, as do their partners.
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
