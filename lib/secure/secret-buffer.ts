/**
 * A secret's bytes in native memory that is locked, kept out of core dumps and wiped on release and at
 * exit. It never shows its bytes: not inspected, not serialised, not converted to a string. After
 * `release` every view of it is empty (its ArrayBuffer is detached) and reading it is a coded error.
 */
import { inspect } from 'node:util'
import { brand } from '../errors/brand.js'
import { CredentialCode, credentialError } from './errors.js'
import { coded, secrets } from './native.js'

export const redacted = '[redacted]'

let unlockedAllowed = false

/**
 * Whether secrets may live in memory that could not be locked (and may reach the swap device). Off by
 * default: if the limit of locked memory is reached, allocating a secret fails.
 */
export function allowUnlockedSecretMemory(allowed: boolean): void {
  unlockedAllowed = allowed
}

/**
 * A secret's bytes in native memory that is locked, left out of core dumps, and wiped on release and at exit.
 * It shows them only as `bytes`; after release() every view is empty and use throws
 * ERR_PINNACLE_SECRET_RELEASED. ERR_PINNACLE_NO_SPACE: the limit on locked memory is reached.
 */
export class SecretBuffer implements Disposable {
  readonly #bytes: Uint8Array
  #released = false
  /** Whether the pages can't be swapped out. */
  readonly locked: boolean

  private constructor(length: number) {
    const { bytes, locked } = coded(() => secrets().allocate(length, unlockedAllowed))
    this.#bytes = bytes
    this.locked = locked
  }

  /** Zeros. */
  static allocate(length: number): SecretBuffer {
    return new SecretBuffer(length)
  }

  /** Random bytes. */
  static random(length: number): SecretBuffer {
    const secret = new SecretBuffer(length)
    if (secrets().random(secret.#bytes)) return secret
    secret.release()
    throw credentialError(CredentialCode.Crypto, 'the random generator failed; nothing was written')
  }

  /** A copy; the source is left as it is. */
  static copyOf(source: Uint8Array): SecretBuffer {
    const secret = new SecretBuffer(source.length)
    secret.#bytes.set(source)
    return secret
  }

  /** Copies the source and wipes it, also if memory can't be had. */
  static take(source: Uint8Array): SecretBuffer {
    try {
      return SecretBuffer.copyOf(source)
    } finally {
      secrets().wipe(source)
    }
  }

  /** A view of the secret itself. It becomes empty on release; copies are the caller's to wipe. */
  get bytes(): Uint8Array {
    if (this.#released) {
      throw credentialError(
        CredentialCode.SecretReleased,
        'the secret was released and wiped; use it within its callback only',
      )
    }
    return this.#bytes
  }

  /** Bytes. */
  get length(): number {
    return this.bytes.length
  }

  /** Whether release() was called. */
  get released(): boolean {
    return this.#released
  }

  /** In constant time. */
  equals(other: SecretBuffer): boolean {
    return secrets().equal(this.bytes, other.bytes)
  }

  /** A copy of the bytes `from` to before `to`. */
  copy(from = 0, to = this.length): SecretBuffer {
    return SecretBuffer.copyOf(this.bytes.subarray(from, to))
  }

  /** Wipes the bytes. Idempotent. */
  release(): void {
    if (this.#released) return
    this.#released = true
    secrets().release(this.#bytes)
  }

  /** As release(), for `using`. */
  [Symbol.dispose](): void {
    this.release()
  }

  /** '[redacted]'. */
  toJSON(): string {
    return redacted
  }

  /** '[redacted]'. */
  toString(): string {
    return redacted
  }

  /** What console.log shows: no byte of it. */
  [inspect.custom](): string {
    return `SecretBuffer ${redacted}`
  }
}

/** Overwrites ordinary memory that held a secret. */
export function wipe(bytes: Uint8Array): void {
  secrets().wipe(bytes)
}

brand(SecretBuffer, 'SecretBuffer')
