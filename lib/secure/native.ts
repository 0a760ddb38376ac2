/**
 * The addon's surface for secrets (native/addon/secret_binding.cc), typed by hand. All of it works on
 * bytes that the caller owns: nothing here returns a secret in a buffer of its own.
 */
import { errorOf } from '../errors/native-error.js'
import { native } from '../native/load.js'

/** What `lock` returns and `unlock` takes. */
export type NativeLock = object

export interface NativeSecrets {
  /** Memory that is locked, kept out of core dumps and wiped at exit. */
  allocate(length: number, allowUnlocked: boolean): { bytes: Uint8Array; locked: boolean }
  /** Wipes the memory and detaches its ArrayBuffer. Idempotent. */
  release(bytes: Uint8Array): void
  /** Overwrites any bytes by a call that is never optimised away. */
  wipe(bytes: Uint8Array): void
  /** Secret regions alive in the process. */
  liveCount(): number
  random(out: Uint8Array): boolean
  equal(a: Uint8Array, b: Uint8Array): boolean
  pbkdf2(
    password: Uint8Array,
    salt: Uint8Array,
    iterations: number,
    out: Uint8Array,
  ): Promise<boolean>
  scrypt(
    password: Uint8Array,
    salt: Uint8Array,
    n: number,
    r: number,
    p: number,
    maxMemoryBytes: number,
    out: Uint8Array,
  ): Promise<boolean>
  hmacSha256(key: Uint8Array, data: Uint8Array, out: Uint8Array): boolean
  hkdfSha256(key: Uint8Array, salt: Uint8Array, info: Uint8Array, out: Uint8Array): boolean
  gcmSeal(
    key: Uint8Array,
    nonce: Uint8Array,
    additional: Uint8Array,
    plaintext: Uint8Array,
    out: Uint8Array,
  ): boolean
  gcmOpen(
    key: Uint8Array,
    nonce: Uint8Array,
    additional: Uint8Array,
    sealed: Uint8Array,
    out: Uint8Array,
  ): boolean
  cbcEncrypt(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array, out: Uint8Array): boolean
  /** Length of the plaintext in `out`, or -1. */
  cbcDecrypt(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array, out: Uint8Array): number
  x25519PublicKey(privateKey: Uint8Array, out: Uint8Array): boolean
  x25519Shared(privateKey: Uint8Array, publicKey: Uint8Array, out: Uint8Array): boolean
  /** Asks on a terminal without echo; blocks. */
  prompt(
    descriptor: number,
    text: string,
    out: Uint8Array,
  ): { outcome: 'line' | 'interrupted' | 'end'; length: number }
  lock(path: string): NativeLock
  unlock(lock: NativeLock): void
}

/** The functions of the addon; loads it at first use. */
export function secrets(): NativeSecrets {
  return (native() as unknown as { secrets: NativeSecrets }).secrets
}

/** Gives an error of the addon its class. Anything else is passed on. */
export function coded<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    const { code, message, errno } = error as { code?: unknown; message?: unknown; errno?: unknown }
    if (typeof code !== 'string' || typeof message !== 'string') throw error
    throw errorOf(code, message, typeof errno === 'number' ? { errno } : {})
  }
}
