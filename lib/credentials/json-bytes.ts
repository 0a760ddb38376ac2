/**
 * Reads JSON objects of strings without making a JavaScript string of any value: values go from bytes
 * into secret memory. (JavaScript strings can't be wiped, and the collector copies them about.) Names of
 * fields become strings; they are not secrets. Strict: no duplicates, no comments, nothing after the end.
 */
import { isUtf8 } from 'node:buffer'
import { CredentialCode, credentialError } from '../secure/errors.js'
import { SecretBuffer } from '../secure/secret-buffer.js'

export type SecretTree = Map<string, SecretBuffer | SecretTree>

export function releaseTree(tree: SecretTree): void {
  for (const value of tree.values()) {
    if (value instanceof SecretBuffer) value.release()
    else releaseTree(value)
  }
}

const maxFields = 4096
const [quote, backslash, comma, colon, openBrace, closeBrace] = [0x22, 0x5c, 0x2c, 0x3a, 0x7b, 0x7d]
const shortEscapes: Readonly<Record<string, number>> = {
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
}

class Cursor {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  fail(problem: string): never {
    throw credentialError(
      CredentialCode.Invalid,
      `the JSON is malformed at byte ${String(this.#at)}: ${problem}; it must be an object of strings`,
    )
  }

  /** The next byte that is not white space, not consumed. */
  peek(): number | undefined {
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return byte
      this.#at++
    }
  }

  expect(byte: number): void {
    if (this.peek() !== byte) this.fail(`"${String.fromCharCode(byte)}" was expected`)
    this.#at++
  }

  accept(byte: number): boolean {
    if (this.peek() !== byte) return false
    this.#at++
    return true
  }

  /** A string's content, unescaped. */
  string(): SecretBuffer {
    this.expect(quote)
    using room = SecretBuffer.allocate(this.#rawLength())
    let length = 0
    for (;;) {
      const byte = this.#bytes[this.#at++]
      if (byte === quote) break
      if (byte === undefined || byte < 0x20) this.fail('a string has no end or a control character')
      if (byte === backslash) length += this.#escape(room.bytes.subarray(length))
      else room.bytes[length++] = byte
    }
    return room.copy(0, length)
  }

  /** Bytes up to the closing quote: unescaping never makes a string longer. */
  #rawLength(): number {
    for (let at = this.#at; at < this.#bytes.length; at++) {
      if (this.#bytes[at] === backslash) at++
      else if (this.#bytes[at] === quote) return at - this.#at
    }
    return this.fail('a string has no end')
  }

  #escape(out: Uint8Array): number {
    const name = String.fromCharCode(this.#bytes[this.#at++] ?? 0)
    const simple = shortEscapes[name]
    if (simple !== undefined) {
      out[0] = simple
      return 1
    }
    if (name !== 'u') this.fail('an escape is unknown')
    let point = this.#hex4()
    if (point >= 0xd800 && point < 0xdc00) {
      if (this.#bytes[this.#at++] !== backslash || this.#bytes[this.#at++] !== 0x75) {
        this.fail('half of a surrogate pair is missing')
      }
      const low = this.#hex4()
      if (low < 0xdc00 || low > 0xdfff) this.fail('half of a surrogate pair is missing')
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)
    } else if (point >= 0xdc00 && point < 0xe000) {
      this.fail('half of a surrogate pair is missing')
    }
    return putUtf8(out, point)
  }

  #hex4(): number {
    let value = 0
    for (let i = 0; i < 4; i++) {
      const digit = hexValue(this.#bytes[this.#at++] ?? 0)
      if (digit < 0) this.fail('an escape needs four hexadecimal digits')
      value = value * 16 + digit
    }
    return value
  }

  atEnd(): boolean {
    return this.peek() === undefined
  }
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function putUtf8(out: Uint8Array, point: number): number {
  const length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  if (length === 1) {
    out[0] = point
    return 1
  }
  for (let i = length - 1; i > 0; i--) {
    out[i] = 0x80 | (point & 0x3f)
    point >>= 6
  }
  out[0] = [0, 0, 0xc0, 0xe0, 0xf0][length]! | point
  return length
}

function objectOf(cursor: Cursor, depth: number, tree: SecretTree): void {
  cursor.expect(openBrace)
  if (cursor.accept(closeBrace)) return
  do {
    using name = cursor.string()
    const key = Buffer.from(name.bytes).toString('utf8')
    if (tree.has(key) || tree.size >= maxFields)
      cursor.fail('a field is duplicated, or there are too many fields')
    cursor.expect(colon)
    if (depth > 1 && cursor.peek() === openBrace) {
      const child: SecretTree = new Map()
      tree.set(key, child)
      objectOf(cursor, depth - 1, child)
    } else {
      tree.set(key, cursor.string())
    }
  } while (cursor.accept(comma))
  cursor.expect(closeBrace)
}

/** The object's strings, `depth` objects deep at most. The caller releases the tree. */
export function readSecretTree(bytes: Uint8Array, depth: number): SecretTree {
  const tree: SecretTree = new Map()
  const cursor = new Cursor(bytes)
  try {
    if (!isUtf8(bytes)) cursor.fail('it is not UTF-8 text')
    objectOf(cursor, depth, tree)
    if (!cursor.atEnd()) cursor.fail('something follows the object')
    return tree
  } catch (error) {
    releaseTree(tree)
    throw error
  }
}
