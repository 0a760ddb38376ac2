/**
 * Reads ticker frames of one exact text without JSON.parse: a template has the text between the values, and
 * the kind of each value. It matches a frame with exactly that text, without blanks and escapes. It leaves
 * any frame that differs, malformed or not, to the general path. Both must agree on every frame that this
 * accepts.
 */
import type { TickerUpdate } from '../feed-update.js'
import type { ExchangeTime } from './exchange-time.js'
import { decimalEnd, digitsEnd, isProduct } from './frame-checks.js'

/** The value that follows a piece of text; named ones go into the update. */
export type TemplateValue =
  | 'product'
  /** A time in RFC 3339, or one in whole milliseconds since 1970: exactly one is present. */
  | 'time'
  | 'timeMs'
  | 'price'
  | 'bidPrice'
  | 'bidSize'
  | 'askPrice'
  | 'askSize'
  | 'volume'
  /** Skipped: a decimal, one that may be negative, an integer, lower-case letters and digits. */
  | 'decimal'
  | 'signed'
  | 'integer'
  | 'word'

type Named = Exclude<TemplateValue, 'decimal' | 'signed' | 'integer' | 'word'>

const maxIntegerDigits = 15
/** Today's times have 13 digits; the general path handles times above 2^63 nanoseconds. */
const maxTimeDigits = 13
const maxTimeNs = 2n ** 63n - 1n
const maxTextChars = 64
const zero = 48
const nine = 57
const quote = 34

export class TickerTemplate {
  readonly #texts: readonly string[]
  readonly #values: readonly TemplateValue[]
  readonly #tail: string
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  readonly #index: Readonly<Record<Named, number>>

  /** `parts`: the text before each value, and the value. All named values must be present. */
  constructor(
    parts: readonly (readonly [text: string, value: TemplateValue])[],
    tail: string,
    private readonly time: ExchangeTime,
  ) {
    this.#texts = parts.map(([text]) => text)
    this.#values = parts.map(([, value]) => value)
    this.#tail = tail
    this.#starts = new Int32Array(parts.length)
    this.#ends = new Int32Array(parts.length)
    const indexOf = (value: Named): number => this.#values.indexOf(value)
    this.#index = {
      product: indexOf('product'),
      time: indexOf('time'),
      timeMs: indexOf('timeMs'),
      price: indexOf('price'),
      bidPrice: indexOf('bidPrice'),
      bidSize: indexOf('bidSize'),
      askPrice: indexOf('askPrice'),
      askSize: indexOf('askSize'),
      volume: indexOf('volume'),
    }
  }

  read(frame: string): TickerUpdate | undefined {
    if (!this.#match(frame)) return undefined
    const index = this.#index
    const product = this.#text(frame, index.product)
    if (!isProduct(product)) return undefined
    const exchangeTimeNs =
      index.time < 0
        ? BigInt(this.#text(frame, index.timeMs)) * 1_000_000n
        : this.time.read(this.#text(frame, index.time))
    if (exchangeTimeNs === undefined || exchangeTimeNs > maxTimeNs) return undefined
    return {
      type: 'ticker',
      product,
      exchangeTimeNs,
      price: this.#text(frame, index.price),
      bidPrice: this.#text(frame, index.bidPrice),
      bidSize: this.#text(frame, index.bidSize),
      askPrice: this.#text(frame, index.askPrice),
      askSize: this.#text(frame, index.askSize),
      volume: this.#text(frame, index.volume),
    }
  }

  #match(frame: string): boolean {
    const texts = this.#texts
    let at = 0
    for (let index = 0; index < texts.length; index++) {
      const text = texts[index]!
      if (!frame.startsWith(text, at)) return false
      at += text.length
      const value = this.#values[index]!
      if (value === 'signed' && frame[at] === '-') at++
      this.#starts[index] = at
      at = valueEnd(frame, at, value)
      if (at < 0) return false
      this.#ends[index] = at
    }
    return frame.length === at + this.#tail.length && frame.endsWith(this.#tail)
  }

  #text(frame: string, index: number): string {
    return frame.slice(this.#starts[index], this.#ends[index])
  }
}

/** The end of the value, or -1 if it is not of its kind. */
function valueEnd(frame: string, start: number, value: TemplateValue): number {
  switch (value) {
    case 'product':
    case 'time':
      return textEnd(frame, start)
    case 'integer':
      return integerEnd(frame, start, maxIntegerDigits)
    case 'timeMs':
      return integerEnd(frame, start, maxTimeDigits)
    case 'word':
      return wordEnd(frame, start)
    default:
      return decimalEnd(frame, start)
  }
}

function integerEnd(frame: string, start: number, maxDigits: number): number {
  const end = digitsEnd(frame, start)
  const digits = end - start
  if (digits === 0 || digits > maxDigits) return -1
  return digits > 1 && frame.charCodeAt(start) === zero ? -1 : end
}

/** The user of the text checks its characters. */
function textEnd(frame: string, start: number): number {
  const last = Math.min(frame.length, start + maxTextChars)
  let end = start
  while (end < last && frame.charCodeAt(end) !== quote) end++
  return end === last ? -1 : end
}

function wordEnd(frame: string, start: number): number {
  let end = start
  while (end < frame.length) {
    const code = frame.charCodeAt(end)
    const isWord = (code >= 97 && code <= 122) || (code >= zero && code <= nine)
    if (!isWord) break
    end++
  }
  return end - start > maxTextChars ? -1 : end
}
