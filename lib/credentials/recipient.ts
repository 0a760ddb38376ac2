/**
 * The data key wrapped to a public key: X25519 and ML-KEM-768 (FIPS 203) together, so that it stays
 * secret while either of the two holds, the second against a quantum computer.
 *
 * The wrapping key is HKDF-SHA-256 over both shared secrets, bound to both public keys, the ephemeral
 * key and the ciphertext. (ML-KEM rejects implicitly: a damaged ciphertext gives a random secret, and
 * the authenticated wrapping then fails.)
 *
 * Wrapping needs only the public key, which is in the entry, so every later version of a file is
 * wrapped to the recipient again without its private key.
 */
import { ml_kem768 as mlKem } from '@noble/post-quantum/ml-kem.js'
import { createHash } from 'node:crypto'
import { CredentialCode, credentialError } from '../secure/errors.js'
import {
  recipientPublicBytes,
  x25519Bytes,
  type KeyEntry,
  type RecipientEntry,
} from './key-entry.js'
import { unwrapKey, wrapKey, type KeyContext, type KeyProvider } from './key-provider.js'
import { secrets } from '../secure/native.js'
import { SecretBuffer, wipe } from '../secure/secret-buffer.js'

const mlKemSeedBytes = 64
export const recipientSeedBytes = x25519Bytes + mlKemSeedBytes
const sharedBytes = 32

function invalidKey(): Error {
  return credentialError(
    CredentialCode.Invalid,
    'the public key is malformed; make a pair with "pinnacle creds keygen" and copy its public part whole',
  )
}

/** Both public keys, X25519's first, of the seeds of a private key. */
export function publicKeyOf(seeds: SecretBuffer): Buffer {
  const publicKey = Buffer.alloc(recipientPublicBytes)
  if (
    seeds.length !== recipientSeedBytes ||
    !secrets().x25519PublicKey(
      seeds.bytes.subarray(0, x25519Bytes),
      publicKey.subarray(0, x25519Bytes),
    )
  ) {
    throw invalidKey()
  }
  const pair = mlKem.keygen(seeds.bytes.subarray(x25519Bytes))
  publicKey.set(pair.publicKey, x25519Bytes)
  wipe(pair.secretKey)
  return publicKey
}

/** Short name of a public key, 32 hex digits, to compare by eye. */
export function fingerprintOf(publicKey: Uint8Array): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 32)
}

function x25519(privateKey: Uint8Array, publicKey: Uint8Array, out: Uint8Array): boolean {
  return secrets().x25519Shared(privateKey, publicKey, out)
}

function bindingOf(entry: Omit<RecipientEntry, 'wrapped' | 'type' | 'scheme'>): Buffer {
  return Buffer.concat([entry.publicKey, entry.ephemeral, entry.encapsulated])
}

/** Wraps the data key to a public key, and unwraps it with the private one. */
export class RecipientProvider implements KeyProvider {
  /** Tells the providers apart. */
  readonly type = 'recipient'
  /** Both public keys, X25519's first: 1,216 bytes. */
  readonly publicKey: Buffer
  readonly #seeds: SecretBuffer | undefined

  private constructor(publicKey: Buffer, seeds: SecretBuffer | undefined) {
    this.publicKey = publicKey
    this.#seeds = seeds
  }

  /** Can wrap. Throws if the key is malformed. */
  static fromPublicKey(publicKey: Uint8Array): RecipientProvider {
    if (publicKey.length !== recipientPublicBytes) throw invalidKey()
    return new RecipientProvider(Buffer.from(publicKey), undefined)
  }

  /** Can wrap and unwrap. Owns the seeds from now on. */
  static fromSeeds(seeds: SecretBuffer): RecipientProvider {
    return new RecipientProvider(publicKeyOf(seeds), seeds)
  }

  matches(entry: KeyEntry): boolean {
    return entry.type === 'recipient' && entry.publicKey.equals(this.publicKey)
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the interface is asynchronous
  async wrap(key: SecretBuffer, context: KeyContext): Promise<RecipientEntry> {
    using shared = SecretBuffer.allocate(2 * sharedBytes)
    using ephemeralSeed = SecretBuffer.random(x25519Bytes)
    const ephemeral = Buffer.alloc(x25519Bytes)
    const done =
      secrets().x25519PublicKey(ephemeralSeed.bytes, ephemeral) &&
      x25519(
        ephemeralSeed.bytes,
        this.publicKey.subarray(0, x25519Bytes),
        shared.bytes.subarray(sharedBytes),
      )
    if (!done) throw invalidKey()
    const encapsulated = this.#encapsulate(shared.bytes.subarray(0, sharedBytes))
    const parts = { publicKey: this.publicKey, ephemeral, encapsulated }
    const wrapped = wrapKey(shared, key, this.type, context, bindingOf(parts))
    return { type: this.type, scheme: 'x25519-ml-kem-768', ...parts, wrapped }
  }

  #encapsulate(out: Uint8Array): Buffer {
    let result: { cipherText: Uint8Array; sharedSecret: Uint8Array }
    try {
      result = mlKem.encapsulate(this.publicKey.subarray(x25519Bytes))
    } catch {
      throw invalidKey() // a coefficient out of range
    }
    out.set(result.sharedSecret)
    wipe(result.sharedSecret)
    return Buffer.from(result.cipherText)
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the interface is asynchronous
  async unwrap(entry: KeyEntry, context: KeyContext): Promise<SecretBuffer> {
    if (!this.#seeds || entry.type !== 'recipient') {
      throw credentialError(
        CredentialCode.NoKey,
        'opening needs the recipient\'s private key file; give it with "--recipient-key"',
      )
    }
    using shared = SecretBuffer.allocate(2 * sharedBytes)
    const seeds = this.#seeds.bytes
    const pair = mlKem.keygen(seeds.subarray(x25519Bytes))
    const decapsulated = mlKem.decapsulate(entry.encapsulated, pair.secretKey)
    shared.bytes.set(decapsulated)
    wipe(decapsulated)
    wipe(pair.secretKey)
    const agreed = x25519(
      seeds.subarray(0, x25519Bytes),
      entry.ephemeral,
      shared.bytes.subarray(sharedBytes),
    )
    const key = agreed
      ? unwrapKey(shared, entry.wrapped, this.type, context, bindingOf(entry))
      : undefined
    if (key) return key
    throw credentialError(
      CredentialCode.WrongPassword,
      'the private key is not that of the recipient (or the key entry in the file was altered)',
    )
  }

  [Symbol.dispose](): void {
    this.#seeds?.release()
  }
}
