/**
 * secure_config.json, version 2: the fields of the file, in their order.
 *
 *   format, version  what this is
 *   store            random id of the store; every key and ciphertext is bound to it
 *   generation       1, 2, …: counts the versions of the file
 *   written          when
 *   cipher           of everything sealed
 *   salt             random for each version; from it and the data key come the version's own keys
 *   keys             the data key, wrapped for each who may open the file
 *   index            sealed: names, kinds, expiry dates, and which secret is which; no secret
 *   secrets          sealed one by one, so that no decrypted text ever holds one
 *   mac              HMAC-SHA-256 over everything above, under a key of its own
 *   checksum         SHA-256 over everything above: finds damage without a password, proves nothing
 *
 * Invariant: the text is canonical (canonical.ts), so no byte of the file can differ unnoticed.
 */
import { createHash } from 'node:crypto'
import {
  canonicalText,
  corrupt,
  Fields,
  parseObject,
  requireCanonical,
  type JsonObject,
} from '../secure/canonical.js'
import { CredentialCode, credentialError } from '../secure/errors.js'
import {
  entryFromJson,
  entryToJson,
  sealedFromJson,
  sealedToJson,
  type KeyEntry,
} from './key-entry.js'
import { cipherNames, type CipherName, type Sealed } from '../secure/primitives.js'

const formatName = 'pinnacle-credentials'
const formatVersion = 2
export const fileSaltBytes = 32
export const maxKeyEntries = 16
const maxSealedSecrets = 16_384
const maxSealedBytes = 1024 * 1024

export interface EnvelopeBody {
  readonly store: string
  readonly generation: number
  readonly written: string
  readonly cipher: CipherName
  readonly salt: Buffer
  readonly keys: readonly KeyEntry[]
  readonly index: Sealed
  readonly secrets: readonly Sealed[]
}

export interface Envelope extends EnvelopeBody {
  readonly mac: Buffer
  readonly checksum: string
}

function bodyToJson(body: EnvelopeBody): JsonObject {
  return {
    format: formatName,
    version: formatVersion,
    store: body.store,
    generation: body.generation,
    written: body.written,
    cipher: body.cipher,
    salt: body.salt.toString('base64'),
    keys: body.keys.map(entryToJson),
    index: sealedToJson(body.index),
    secrets: body.secrets.map(sealedToJson),
  }
}

/** What the MAC is computed over. */
export function authenticatedBytes(body: EnvelopeBody): Buffer {
  return Buffer.from(canonicalText(bodyToJson(body)))
}

function withMac(body: EnvelopeBody, mac: Buffer): JsonObject {
  return { ...bodyToJson(body), mac: mac.toString('base64') }
}

function checksumOf(body: EnvelopeBody, mac: Buffer): string {
  return createHash('sha256')
    .update(canonicalText(withMac(body, mac)))
    .digest('hex')
}

export function encodeEnvelope(body: EnvelopeBody, mac: Buffer): Buffer {
  const checksum = checksumOf(body, mac)
  return Buffer.from(canonicalText({ ...withMac(body, mac), checksum }))
}

/** 1 for a file of the seed's format, 2 for this one. Throws for anything else. */
export function versionOf(bytes: Uint8Array, what: string): 1 | 2 {
  const object = parseObject(bytes, what)
  const { format, version } = object
  if (format !== undefined && format !== formatName)
    throw corrupt(what, 'it is a file of another kind')
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) {
    throw corrupt(what, 'the field "version" is missing or malformed')
  }
  if (version > formatVersion) {
    throw credentialError(
      CredentialCode.NewerVersion,
      `${what} has version ${String(version)} and this program reads up to ${String(formatVersion)}; ` +
        'update pinnacle-persistence',
    )
  }
  return version === 1 ? 1 : 2
}

export function decodeEnvelope(bytes: Uint8Array, what: string): Envelope {
  if (versionOf(bytes, what) !== formatVersion) throw corrupt(what, 'its version is not 2')
  const fields = new Fields(parseObject(bytes, what), what, [
    'format',
    'version',
    'store',
    'generation',
    'written',
    'cipher',
    'salt',
    'keys',
    'index',
    'secrets',
    'mac',
    'checksum',
  ])
  const envelope: Envelope = {
    store: fields.hex('store', 16),
    generation: fields.integer('generation', 1),
    written: fields.time('written'),
    cipher: fields.oneOf('cipher', cipherNames),
    salt: fields.base64('salt', fileSaltBytes),
    keys: fields.list('keys', 1, maxKeyEntries).map((entry) => entryFromJson(entry, what)),
    index: sealedFromJson(fields.raw('index'), what, maxSealedBytes * 4),
    secrets: fields
      .list('secrets', 0, maxSealedSecrets)
      .map((secret) => sealedFromJson(secret, what, maxSealedBytes)),
    mac: fields.base64('mac', 32),
    checksum: fields.hex('checksum', 32),
  }
  requireCanonical(bytes, { ...withMac(envelope, envelope.mac), checksum: envelope.checksum }, what)
  if (checksumOf(envelope, envelope.mac) !== envelope.checksum) {
    throw corrupt(what, 'its checksum does not match')
  }
  return envelope
}
