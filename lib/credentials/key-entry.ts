/** The ways in which a file's data key is wrapped, as the file holds them. */
import { corrupt, Fields, type JsonObject } from '../secure/canonical.js'
import { checkKdf, kdfNames, type KdfParameters } from './kdf.js'
import type { Sealed } from '../secure/primitives.js'

/** A data key that is wrapped under a password. */
export interface PasswordEntry {
  /** Tells the entries apart. */
  readonly type: 'password'
  /** How the wrapping key follows from the password. */
  readonly kdf: KdfParameters
  /** 16 to 64 random bytes, new for each wrapping. */
  readonly salt: Buffer
  /** The data key, sealed by AES-256-GCM. */
  readonly wrapped: Sealed
}

/** A data key that is wrapped by an AES key that never leaves a PKCS#11 token. */
export interface TokenEntry {
  /** Tells the entries apart. */
  readonly type: 'pkcs11'
  /** Serial number of the token, at most 16 characters. */
  readonly tokenSerial: string
  /** Label of the key, 1 to 64 characters. */
  readonly keyLabel: string
  /** CKA_ID of the key, 1 to 32 bytes in hex. */
  readonly keyId: string
  /** The data key, sealed by the token. */
  readonly wrapped: Sealed
}

/** A data key that is wrapped to a public key: X25519 and ML-KEM-768 together. */
export interface RecipientEntry {
  /** Tells the entries apart. */
  readonly type: 'recipient'
  /** The algorithms. */
  readonly scheme: 'x25519-ml-kem-768'
  /** Both public keys, X25519's first: 1,216 bytes. */
  readonly publicKey: Buffer
  /** Ephemeral X25519 public key, 32 bytes. */
  readonly ephemeral: Buffer
  /** Ciphertext of ML-KEM-768, 1,088 bytes. */
  readonly encapsulated: Buffer
  /** The data key, sealed by AES-256-GCM. */
  readonly wrapped: Sealed
}

/** One way to open a credentials file; `type` tells which. */
export type KeyEntry = PasswordEntry | TokenEntry | RecipientEntry
/** The type of a key entry. */
export type KeyType = KeyEntry['type']

export const x25519Bytes = 32
const mlKemPublicBytes = 1184
const mlKemCiphertextBytes = 1088
export const recipientPublicBytes = x25519Bytes + mlKemPublicBytes
/** AES-256-GCM of a 32-byte data key; a recipient's private key file wraps 96 bytes. */
const maxWrappedBytes = 96 + 16

const base64 = (bytes: Buffer): string => bytes.toString('base64')

export function sealedToJson({ nonce, sealed }: Sealed): JsonObject {
  return { nonce: base64(nonce), sealed: base64(sealed) }
}

export function sealedFromJson(value: unknown, what: string, maxBytes: number): Sealed {
  const fields = new Fields(value, what, ['nonce', 'sealed'])
  return { nonce: fields.base64('nonce', 12, 16), sealed: fields.base64('sealed', 16, maxBytes) }
}

export function kdfToJson(kdf: KdfParameters, salt: Buffer): JsonObject {
  switch (kdf.algorithm) {
    case 'pbkdf2-hmac-sha256':
      return { algorithm: kdf.algorithm, iterations: kdf.iterations, salt: base64(salt) }
    case 'scrypt':
      return { algorithm: kdf.algorithm, n: kdf.n, r: kdf.r, p: kdf.p, salt: base64(salt) }
    case 'argon2id':
      return {
        algorithm: kdf.algorithm,
        memoryKib: kdf.memoryKib,
        passes: kdf.passes,
        lanes: kdf.lanes,
        salt: base64(salt),
      }
  }
}

const kdfFields: Readonly<Record<KdfParameters['algorithm'], readonly string[]>> = {
  'pbkdf2-hmac-sha256': ['iterations'],
  scrypt: ['n', 'r', 'p'],
  argon2id: ['memoryKib', 'passes', 'lanes'],
}

/** Refuses what is out of bounds. */
function kdfFromJson(value: unknown, what: string): { kdf: KdfParameters; salt: Buffer } {
  const every = ['algorithm', 'salt', ...Object.values(kdfFields).flat()]
  const algorithm = new Fields(value, what, every).oneOf('algorithm', kdfNames)
  const fields = new Fields(value, what, ['algorithm', 'salt', ...kdfFields[algorithm]])
  const salt = fields.base64('salt', 0, 1024)
  const kdf = parametersFrom(fields, algorithm)
  checkKdf(kdf, salt)
  return { kdf, salt }
}

function parametersFrom(fields: Fields, algorithm: KdfParameters['algorithm']): KdfParameters {
  switch (algorithm) {
    case 'pbkdf2-hmac-sha256':
      return { algorithm, iterations: fields.integer('iterations', 0) }
    case 'scrypt':
      return {
        algorithm,
        n: fields.integer('n', 0),
        r: fields.integer('r', 0),
        p: fields.integer('p', 0),
      }
    case 'argon2id':
      return {
        algorithm,
        memoryKib: fields.integer('memoryKib', 0),
        passes: fields.integer('passes', 0),
        lanes: fields.integer('lanes', 0),
      }
  }
}

export function entryToJson(entry: KeyEntry): JsonObject {
  const wrapped = sealedToJson(entry.wrapped)
  switch (entry.type) {
    case 'password':
      return { type: entry.type, kdf: kdfToJson(entry.kdf, entry.salt), wrapped }
    case 'pkcs11':
      return {
        type: entry.type,
        tokenSerial: entry.tokenSerial,
        keyLabel: entry.keyLabel,
        keyId: entry.keyId,
        wrapped,
      }
    case 'recipient':
      return {
        type: entry.type,
        scheme: entry.scheme,
        publicKey: base64(entry.publicKey),
        ephemeral: base64(entry.ephemeral),
        encapsulated: base64(entry.encapsulated),
        wrapped,
      }
  }
}

export function entryFromJson(value: unknown, what: string): KeyEntry {
  const type = (value as { type?: unknown } | null)?.type
  switch (type) {
    case 'password': {
      const fields = new Fields(value, what, ['type', 'kdf', 'wrapped'])
      const { kdf, salt } = kdfFromJson(fields.raw('kdf'), what)
      return { type, kdf, salt, wrapped: wrappedFrom(fields, what) }
    }
    case 'pkcs11': {
      const fields = new Fields(value, what, [
        'type',
        'tokenSerial',
        'keyLabel',
        'keyId',
        'wrapped',
      ])
      return {
        type,
        tokenSerial: fields.string('tokenSerial', /^[\x20-\x7e]{0,16}$/),
        keyLabel: fields.string('keyLabel', /^[\x20-\x7e]{1,64}$/),
        keyId: fields.string('keyId', /^([0-9a-f]{2}){1,32}$/),
        wrapped: wrappedFrom(fields, what),
      }
    }
    case 'recipient': {
      const known = ['type', 'scheme', 'publicKey', 'ephemeral', 'encapsulated', 'wrapped']
      const fields = new Fields(value, what, known)
      return {
        type,
        scheme: fields.oneOf('scheme', ['x25519-ml-kem-768']),
        publicKey: fields.base64('publicKey', recipientPublicBytes),
        ephemeral: fields.base64('ephemeral', x25519Bytes),
        encapsulated: fields.base64('encapsulated', mlKemCiphertextBytes),
        wrapped: wrappedFrom(fields, what),
      }
    }
    default:
      throw corrupt(what, 'a key entry is of an unknown type')
  }
}

function wrappedFrom(fields: Fields, what: string): Sealed {
  return sealedFromJson(fields.raw('wrapped'), what, maxWrappedBytes)
}
