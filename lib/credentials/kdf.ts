/**
 * Key derivation from a password: parameters as a file holds them, their bounds, and the work.
 *
 * A file below the floor is refused: someone who can write the file could otherwise make the password
 * cheap to guess. One above the ceiling is refused too: it would hang or exhaust the process.
 */
import { argon2idAsync } from '@noble/hashes/argon2.js'
import { randomBytes } from 'node:crypto'
import { CredentialCode, credentialError } from '../secure/errors.js'
import { secrets } from '../secure/native.js'
import { keyBytes } from '../secure/primitives.js'
import { SecretBuffer } from '../secure/secret-buffer.js'

/** PBKDF2 with HMAC-SHA-256. */
export interface Pbkdf2Parameters {
  /** Tells the parameters apart. */
  readonly algorithm: 'pbkdf2-hmac-sha256'
  /** 100,000 to 10,000,000. Default: 600,000. */
  readonly iterations: number
}
/** scrypt. n * r * p must be at least 786,432, and the memory (128 * n * r bytes) at most 1 GiB. */
export interface ScryptParameters {
  /** Tells the parameters apart. */
  readonly algorithm: 'scrypt'
  /** A power of two, 2^15 to 2^22. Default: 2^17. */
  readonly n: number
  /** Block size, 8 to 32. Default: 8. */
  readonly r: number
  /** Parallelism, 1 to 16. Default: 1. */
  readonly p: number
}
/** argon2id. memoryKib * passes must be at least 35,840. It is computed in JavaScript, on this thread. */
export interface Argon2Parameters {
  /** Tells the parameters apart. */
  readonly algorithm: 'argon2id'
  /** KiB, 7,168 to 1,048,576. Default: 19,456. */
  readonly memoryKib: number
  /** 1 to 16. Default: 2. */
  readonly passes: number
  /** 1 to 16. Default: 1. */
  readonly lanes: number
}
/**
 * A key derivation and its parameters. Outside of their ranges they are refused:
 * ERR_PINNACLE_CREDENTIALS_PARAMETERS.
 */
export type KdfParameters = Pbkdf2Parameters | ScryptParameters | Argon2Parameters
/** The name of a key derivation. */
export type KdfName = KdfParameters['algorithm']
/** The key derivations. */
export const kdfNames: readonly KdfName[] = ['pbkdf2-hmac-sha256', 'scrypt', 'argon2id']

export const kdfSaltBytes = 32
const saltRange = [16, 64] as const

export const pbkdf2Floor = 100_000
const pbkdf2Ceiling = 10_000_000

/** What is written unless asked otherwise: OWASP's present advice for each. */
export const kdfDefaults: Readonly<Record<KdfName, KdfParameters>> = {
  'pbkdf2-hmac-sha256': { algorithm: 'pbkdf2-hmac-sha256', iterations: 600_000 },
  scrypt: { algorithm: 'scrypt', n: 2 ** 17, r: 8, p: 1 },
  argon2id: { algorithm: 'argon2id', memoryKib: 19_456, passes: 2, lanes: 1 },
}

const scryptMemoryCeiling = 2 ** 30
const scryptWorkFloor = 3 * 2 ** 18 // n * r * p: 2^15, 8, 3
const argon2WorkFloor = 35_840 // KiB * passes: 7 MiB, 5 passes

function inRange(value: number, from: number, to: number): boolean {
  return Number.isSafeInteger(value) && value >= from && value <= to
}

function problemOf(parameters: KdfParameters): string {
  switch (parameters.algorithm) {
    case 'pbkdf2-hmac-sha256':
      return inRange(parameters.iterations, pbkdf2Floor, pbkdf2Ceiling)
        ? ''
        : `iterations must be ${String(pbkdf2Floor)} to ${String(pbkdf2Ceiling)}`
    case 'scrypt': {
      const { n, r, p } = parameters
      if (!inRange(n, 2 ** 15, 2 ** 22) || (n & (n - 1)) !== 0)
        return 'n must be a power of two, 2^15 to 2^22'
      if (!inRange(r, 8, 32) || !inRange(p, 1, 16)) return 'r must be 8 to 32 and p 1 to 16'
      if (n * r * p < scryptWorkFloor)
        return `n * r * p must be at least ${String(scryptWorkFloor)}`
      return 128 * n * r > scryptMemoryCeiling ? 'it would take more than 1 GiB of memory' : ''
    }
    case 'argon2id': {
      const { memoryKib, passes, lanes } = parameters
      if (!inRange(memoryKib, 7168, 2 ** 20)) return 'memory must be 7168 KiB to 1 GiB'
      if (!inRange(passes, 1, 16) || !inRange(lanes, 1, 16))
        return 'passes and lanes must be 1 to 16'
      return memoryKib * passes < argon2WorkFloor
        ? `memory * passes must be at least ${String(argon2WorkFloor)} KiB`
        : ''
    }
  }
}

/** Throws if parameters or salt are out of bounds. */
export function checkKdf(parameters: KdfParameters, salt: Uint8Array): void {
  const problem = problemOf(parameters)
  if (problem) {
    throw credentialError(
      CredentialCode.Parameters,
      `the key derivation ${parameters.algorithm} is outside of what is accepted: ${problem}; a file ` +
        'below the floor was made by another program or was tampered with',
    )
  }
  if (!inRange(salt.length, saltRange[0], saltRange[1])) {
    throw credentialError(
      CredentialCode.Parameters,
      `the key derivation's salt must be ${String(saltRange[0])} to ${String(saltRange[1])} bytes long`,
    )
  }
}

export function newSalt(): Buffer {
  return randomBytes(kdfSaltBytes)
}

/** Derives a key; checks the bounds first. Runs off the main thread but for argon2id. */
export async function deriveKey(
  password: SecretBuffer,
  parameters: KdfParameters,
  salt: Uint8Array,
): Promise<SecretBuffer> {
  checkKdf(parameters, salt)
  const key = SecretBuffer.allocate(keyBytes)
  try {
    if (await derive(password.bytes, parameters, salt, key.bytes)) return key
  } catch (error) {
    key.release()
    throw error
  }
  key.release()
  throw credentialError(
    CredentialCode.Crypto,
    `${parameters.algorithm} failed: out of memory, or the store was closed meanwhile`,
  )
}

async function derive(
  password: Uint8Array,
  parameters: KdfParameters,
  salt: Uint8Array,
  out: Uint8Array,
): Promise<boolean> {
  switch (parameters.algorithm) {
    case 'pbkdf2-hmac-sha256':
      return secrets().pbkdf2(password, salt, parameters.iterations, out)
    case 'scrypt': {
      const { n, r, p } = parameters
      return secrets().scrypt(password, salt, n, r, p, scryptMemoryCeiling + 2 ** 20, out)
    }
    case 'argon2id': {
      // Node 20's OpenSSL has none. The library yields to the event loop and clears its memory.
      const { memoryKib: m, passes: t, lanes: p } = parameters
      const derived = await argon2idAsync(password, salt, { m, t, p, dkLen: out.length })
      const taken = out.length === derived.length
      if (taken) out.set(derived)
      secrets().wipe(derived)
      return taken
    }
  }
}
