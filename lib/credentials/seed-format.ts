/**
 * secure_config.json, version 1, as the seed system wrote it: one AES-256-CBC ciphertext of a JSON object
 * of credentials, encrypt-then-MAC.
 *
 *   { version: 1, cipher: "aes-256-cbc-hmac-sha256", kdf: "pbkdf2-hmac-sha256", iterations, salt, iv,
 *     ciphertext, mac }                        (binary fields in base64)
 *
 * The password's key is split by HKDF-SHA-256 into an encryption key and a MAC key; the MAC covers
 * version, cipher, parameters, salt, IV and ciphertext (each by its length). The plaintext is
 * { "<name>": { "<field>": "<value>", … }, … }. It is read here byte by byte into secret memory.
 *
 * Files of this version can be opened and upgraded, not changed in place.
 */
import { randomBytes } from 'node:crypto'
import {
  canonicalText,
  corrupt,
  Fields,
  parseObject,
  requireCanonical,
  type JsonObject,
} from '../secure/canonical.js'
import { CredentialCode, credentialError } from '../secure/errors.js'
import { readSecretTree, type SecretTree } from './json-bytes.js'
import { checkKdf, deriveKey, kdfSaltBytes, pbkdf2Floor, type Pbkdf2Parameters } from './kdf.js'
import { cbcDecrypt, cbcEncrypt, equalBytes, hkdf, hmac } from '../secure/primitives.js'
import type { SecretBuffer } from '../secure/secret-buffer.js'

const cipher = 'aes-256-cbc-hmac-sha256'

interface SeedBody {
  readonly kdf: Pbkdf2Parameters
  readonly salt: Buffer
  readonly iv: Buffer
  readonly ciphertext: Buffer
}

export interface SeedEnvelope extends SeedBody {
  readonly mac: Buffer
}

function toJson({ kdf, salt, iv, ciphertext }: SeedBody, mac: Buffer): JsonObject {
  return {
    version: 1,
    cipher,
    kdf: kdf.algorithm,
    iterations: kdf.iterations,
    salt: salt.toString('base64'),
    iv: iv.toString('base64'),
    ciphertext: ciphertext.toString('base64'),
    mac: mac.toString('base64'),
  }
}

/** Every part with its length before it, so that none can take bytes of its neighbour. */
function authenticated({ kdf, salt, iv, ciphertext }: SeedBody): Buffer {
  const parts = ['1', cipher, kdf.algorithm, String(kdf.iterations)].map((part) =>
    Buffer.from(part),
  )
  return Buffer.concat(
    [...parts, salt, iv, ciphertext].flatMap((part) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(part.length)
      return [length, part]
    }),
  )
}

export function decodeSeed(bytes: Uint8Array, what: string): SeedEnvelope {
  const known = ['version', 'cipher', 'kdf', 'iterations', 'salt', 'iv', 'ciphertext', 'mac']
  const fields = new Fields(parseObject(bytes, what), what, known)
  fields.integer('version', 1, 1)
  fields.oneOf('cipher', [cipher])
  const algorithm = fields.oneOf('kdf', ['pbkdf2-hmac-sha256'])
  const envelope: SeedEnvelope = {
    kdf: { algorithm, iterations: fields.integer('iterations', 0) },
    salt: fields.base64('salt', 0, 1024),
    iv: fields.base64('iv', 16),
    ciphertext: fields.base64('ciphertext', 16, 4 * 1024 * 1024),
    mac: fields.base64('mac', 32),
  }
  requireCanonical(bytes, toJson(envelope, envelope.mac), what)
  checkKdf(envelope.kdf, envelope.salt)
  return envelope
}

async function keysOf(
  password: SecretBuffer,
  { kdf, salt }: SeedBody,
): Promise<{ encryption: SecretBuffer; authentication: SecretBuffer }> {
  using key = await deriveKey(password, kdf, salt)
  return {
    encryption: hkdf(key, salt, 'pinnacle-credentials v1 encrypt'),
    authentication: hkdf(key, salt, 'pinnacle-credentials v1 authenticate'),
  }
}

/** The credentials: name -> field -> value. The caller releases the tree. */
export async function openSeed(
  envelope: SeedEnvelope,
  password: SecretBuffer,
  what: string,
): Promise<SecretTree> {
  const keys = await keysOf(password, envelope)
  using encryption = keys.encryption
  using authentication = keys.authentication
  if (!equalBytes(hmac(authentication, authenticated(envelope)), envelope.mac)) {
    throw credentialError(
      CredentialCode.WrongPassword,
      `the password is wrong, or ${what} was altered; nothing was changed`,
    )
  }
  using plain = cbcDecrypt(encryption, envelope.iv, envelope.ciphertext)
  if (!plain) throw corrupt(what, 'its content does not decrypt')
  return readSecretTree(plain.bytes, 2)
}

/** A file of the seed's format, for programs that read no other. `plain`: the JSON of the credentials. */
export async function encodeSeed(
  plain: SecretBuffer,
  password: SecretBuffer,
  iterations = pbkdf2Floor,
): Promise<Buffer> {
  const kdf: Pbkdf2Parameters = { algorithm: 'pbkdf2-hmac-sha256', iterations }
  const salt = randomBytes(kdfSaltBytes)
  const iv = randomBytes(16)
  const keys = await keysOf(password, { kdf, salt, iv, ciphertext: Buffer.alloc(0) })
  using encryption = keys.encryption
  using authentication = keys.authentication
  const body: SeedBody = { kdf, salt, iv, ciphertext: cbcEncrypt(encryption, iv, plain) }
  return Buffer.from(canonicalText(toJson(body, hmac(authentication, authenticated(body)))))
}
