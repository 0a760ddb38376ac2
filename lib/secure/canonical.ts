/**
 * Reading files that must be exactly what was written. A file is JSON in one canonical form: parsed by a
 * reader that knows every field and refuses any other, then written again and compared byte by byte. So
 * whitespace, order, escapes, base64 spellings and duplicate keys can't hide a change.
 */
import { CredentialCode, credentialError } from './errors.js'

/** Larger files are refused unread. */
export const maxFileBytes = 8 * 1024 * 1024

export type JsonObject = Readonly<Record<string, unknown>>

export function canonicalText(value: JsonObject): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

export function corrupt(what: string, problem: string): Error {
  return credentialError(
    CredentialCode.Corrupt,
    `${what} is not what was written: ${problem}; restore it from a backup ` +
      '("pinnacle creds restore") and find out who changed it',
  )
}

/** Parses without ever quoting the content in an error. */
export function parseObject(bytes: Uint8Array, what: string): JsonObject {
  if (bytes.length === 0) throw corrupt(what, 'it is empty')
  if (bytes.length > maxFileBytes) {
    throw corrupt(what, `it is larger than ${String(maxFileBytes)} bytes`)
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw corrupt(what, 'it is not UTF-8 text')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw corrupt(what, 'it is not JSON (truncated or edited?)')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw corrupt(what, 'it is not a JSON object')
  }
  return value as JsonObject
}

/** Throws unless the bytes are the canonical form of `value`. */
export function requireCanonical(bytes: Uint8Array, value: JsonObject, what: string): void {
  if (!Buffer.from(canonicalText(value)).equals(bytes)) {
    throw corrupt(what, 'its text is not in the form in which it was written')
  }
}

/** Typed access to the fields of an object whose content is not trusted. */
export class Fields {
  readonly #value: JsonObject
  readonly #what: string

  constructor(value: unknown, what: string, known: readonly string[]) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw corrupt(what, 'an object is missing')
    }
    this.#value = value as JsonObject
    this.#what = what
    for (const key of Object.keys(value)) {
      if (!known.includes(key)) throw corrupt(what, 'it has a field that is not known')
    }
  }

  #wrong(field: string): Error {
    return corrupt(this.#what, `the field "${field}" is missing or malformed`)
  }

  raw(field: string): unknown {
    return Object.hasOwn(this.#value, field) ? this.#value[field] : undefined
  }

  string(field: string, pattern = /^[\x20-\x7e]{0,512}$/): string {
    const value = this.raw(field)
    if (typeof value !== 'string' || !pattern.test(value)) throw this.#wrong(field)
    return value
  }

  oneOf<T extends string>(field: string, known: readonly T[]): T {
    const value = this.raw(field)
    const found = known.find((name) => name === value)
    if (found === undefined) throw this.#wrong(field)
    return found
  }

  integer(field: string, from: number, to: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.raw(field)
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < from || value > to) {
      throw this.#wrong(field)
    }
    return value
  }

  base64(field: string, minBytes: number, maxBytes = minBytes): Buffer {
    const value = this.raw(field)
    if (typeof value !== 'string') throw this.#wrong(field)
    const bytes = Buffer.from(value, 'base64')
    if (bytes.length < minBytes || bytes.length > maxBytes || bytes.toString('base64') !== value) {
      throw this.#wrong(field)
    }
    return bytes
  }

  hex(field: string, bytes: number): string {
    return this.string(field, new RegExp(`^[0-9a-f]{${String(bytes * 2)}}$`))
  }

  /** An instant as Date.toISOString writes it. */
  time(field: string): string {
    const value = this.raw(field)
    if (typeof value !== 'string') throw this.#wrong(field)
    const time = new Date(value)
    if (Number.isNaN(time.getTime()) || time.toISOString() !== value) throw this.#wrong(field)
    return value
  }

  list(field: string, minLength: number, maxLength: number): readonly unknown[] {
    const value = this.raw(field)
    if (!Array.isArray(value) || value.length < minLength || value.length > maxLength) {
      throw this.#wrong(field)
    }
    return value as readonly unknown[]
  }
}
