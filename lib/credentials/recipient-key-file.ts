/**
 * A recipient's private key on disk: the seeds of its X25519 and ML-KEM-768 keys, wrapped under a password;
 * and its public key as text to hand out.
 */
import { randomBytes } from 'node:crypto'
import {
  canonicalText,
  Fields,
  parseObject,
  requireCanonical,
  type JsonObject,
} from '../secure/canonical.js'
import { CredentialCode, credentialError } from '../secure/errors.js'
import {
  entryFromJson,
  entryToJson,
  recipientPublicBytes,
  type PasswordEntry,
} from './key-entry.js'
import type { PasswordProvider } from './password-provider.js'
import { publicKeyOf, recipientSeedBytes, RecipientProvider } from './recipient.js'
import { SecretBuffer } from '../secure/secret-buffer.js'

const format = 'pinnacle-recipient-key'
const publicPrefix = 'pinnacle-recipient-1:'
export const maxRecipientFileBytes = 16 * 1024

function toJson(id: string, publicKey: Buffer, entry: PasswordEntry): JsonObject {
  return {
    format,
    version: 1,
    id,
    publicKey: publicKey.toString('base64'),
    key: entryToJson(entry),
  }
}

/** A key pair that was just made. */
export interface NewRecipientKey {
  /** Content for the private key's file. */
  file: Buffer
  /** Both public keys, X25519's first: 1,216 bytes. */
  publicKey: Buffer
}

/**
 * A new pair: the private key's file, wrapped by the provider, which stays the caller's, and the public key.
 */
export async function createRecipientKey(provider: PasswordProvider): Promise<NewRecipientKey> {
  using seeds = SecretBuffer.random(recipientSeedBytes)
  const publicKey = publicKeyOf(seeds)
  const id = randomBytes(16).toString('hex')
  const entry = await provider.wrap(seeds, { store: id })
  return { file: Buffer.from(canonicalText(toJson(id, publicKey, entry))), publicKey }
}

/**
 * Opens the file of a private key; `what` names it in errors. The password's provider stays the caller's.
 * ERR_PINNACLE_WRONG_PASSWORD, ERR_PINNACLE_CREDENTIALS_CORRUPT.
 */
export async function openRecipientKey(
  file: Uint8Array,
  provider: PasswordProvider,
  what: string,
): Promise<RecipientProvider> {
  const known = ['format', 'version', 'id', 'publicKey', 'key']
  const fields = new Fields(parseObject(file, what), what, known)
  fields.oneOf('format', [format])
  fields.integer('version', 1, 1)
  const id = fields.hex('id', 16)
  const publicKey = fields.base64('publicKey', recipientPublicBytes)
  const entry = entryFromJson(fields.raw('key'), what)
  if (entry.type !== 'password') {
    throw credentialError(CredentialCode.NoKey, `${what} is not protected by a password`)
  }
  requireCanonical(file, toJson(id, publicKey, entry), what)
  const seeds = await provider.unwrapBytes(entry, { store: id }, recipientSeedBytes)
  const recipient = RecipientProvider.fromSeeds(seeds)
  if (recipient.publicKey.equals(publicKey)) return recipient
  recipient[Symbol.dispose]()
  throw credentialError(
    CredentialCode.Corrupt,
    `the public key in ${what} is not that of its private key`,
  )
}

/** A public key as one line of text: 'pinnacle-recipient-1:' and base64. */
export function formatPublicKey(publicKey: Uint8Array): string {
  return publicPrefix + Buffer.from(publicKey).toString('base64')
}

/** The provider of a public key in that form; it can wrap. ERR_PINNACLE_INVALID_CREDENTIAL. */
export function parsePublicKey(text: string): RecipientProvider {
  const trimmed = text.trim()
  const bytes = Buffer.from(trimmed.slice(publicPrefix.length), 'base64')
  if (trimmed === formatPublicKey(bytes)) return RecipientProvider.fromPublicKey(bytes)
  throw credentialError(
    CredentialCode.Invalid,
    `a public key is one line that starts with "${publicPrefix}"; copy it whole`,
  )
}
