/**
 * The cryptography of the credentials and the audit trail, over secret memory. Thin by intent: it picks lengths and nonces
 * and turns a refusal into a coded error; the work is OpenSSL's.
 */
import { randomBytes } from 'node:crypto'
import { CredentialCode, credentialError } from './errors.js'
import { secrets } from './native.js'
import { SecretBuffer } from './secret-buffer.js'

export const keyBytes = 32
const macBytes = 32
const gcmTagBytes = 16
const gcmNonceBytes = 12
const blockBytes = 16

/** The ciphers that a credentials file may be sealed with. */
export const cipherNames = ['aes-256-gcm', 'aes-256-cbc-hmac-sha256'] as const
/** The cipher that a credentials file is sealed with; 'aes-256-gcm' unless asked otherwise. */
export type CipherName = (typeof cipherNames)[number]

/** Ciphertext with its tag, and the nonce that it needs. */
export interface Sealed {
  /** 12 bytes for GCM, 16 for CBC. */
  readonly nonce: Buffer
  /** Ciphertext and tag. */
  readonly sealed: Buffer
}

function must(done: boolean, what: string): void {
  if (!done) throw credentialError(CredentialCode.Crypto, `${what} failed; nothing was written`)
}

export function hmac(key: SecretBuffer, data: Uint8Array): Buffer {
  const mac = Buffer.alloc(macBytes)
  must(secrets().hmacSha256(key.bytes, data, mac), 'HMAC-SHA-256')
  return mac
}

export function hkdf(
  key: SecretBuffer,
  salt: Uint8Array,
  info: string,
  length = keyBytes,
): SecretBuffer {
  return hkdfBytes(key, salt, Buffer.from(info), length)
}

export function hkdfBytes(
  key: SecretBuffer,
  salt: Uint8Array,
  info: Uint8Array,
  length = keyBytes,
): SecretBuffer {
  const derived = SecretBuffer.allocate(length)
  must(secrets().hkdfSha256(key.bytes, salt, info, derived.bytes), 'HKDF-SHA-256')
  return derived
}

/** In constant time. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return secrets().equal(a, b)
}

/** Seals under a fresh random nonce. A key seals few messages: every file version has keys of its own. */
export function seal(
  cipher: CipherName,
  key: SecretBuffer,
  additional: Uint8Array,
  plaintext: SecretBuffer,
): Sealed {
  return cipher === 'aes-256-gcm'
    ? sealGcm(key, additional, plaintext)
    : sealCbc(key, additional, plaintext)
}

/** The plaintext, or undefined if key, nonce, additional data or ciphertext are not the sealed ones. */
export function open(
  cipher: CipherName,
  key: SecretBuffer,
  additional: Uint8Array,
  message: Sealed,
): SecretBuffer | undefined {
  return cipher === 'aes-256-gcm'
    ? openGcm(key, additional, message)
    : openCbc(key, additional, message)
}

function sealGcm(key: SecretBuffer, additional: Uint8Array, plaintext: SecretBuffer): Sealed {
  const nonce = randomBytes(gcmNonceBytes)
  const sealed = Buffer.alloc(plaintext.length + gcmTagBytes)
  must(secrets().gcmSeal(key.bytes, nonce, additional, plaintext.bytes, sealed), 'AES-256-GCM')
  return { nonce, sealed }
}

function openGcm(
  key: SecretBuffer,
  additional: Uint8Array,
  { nonce, sealed }: Sealed,
): SecretBuffer | undefined {
  if (nonce.length !== gcmNonceBytes || sealed.length < gcmTagBytes) return undefined
  const plaintext = SecretBuffer.allocate(sealed.length - gcmTagBytes)
  if (secrets().gcmOpen(key.bytes, nonce, additional, sealed, plaintext.bytes)) return plaintext
  plaintext.release()
  return undefined
}

/** Encrypt-then-MAC over lengths, additional data, IV and ciphertext, with two keys from the one given. */
function cbcMac(
  key: SecretBuffer,
  additional: Uint8Array,
  iv: Uint8Array,
  ciphertext: Uint8Array,
): Buffer {
  using macKey = hkdf(key, Buffer.alloc(0), 'aes-256-cbc-hmac-sha256 authenticate')
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(additional.length, 0)
  lengths.writeUInt32BE(ciphertext.length, 4)
  return hmac(macKey, Buffer.concat([lengths, additional, iv, ciphertext]))
}

function sealCbc(key: SecretBuffer, additional: Uint8Array, plaintext: SecretBuffer): Sealed {
  using encryptionKey = hkdf(key, Buffer.alloc(0), 'aes-256-cbc-hmac-sha256 encrypt')
  const nonce = randomBytes(blockBytes)
  const ciphertext = cbcEncrypt(encryptionKey, nonce, plaintext)
  return { nonce, sealed: Buffer.concat([ciphertext, cbcMac(key, additional, nonce, ciphertext)]) }
}

function openCbc(
  key: SecretBuffer,
  additional: Uint8Array,
  { nonce, sealed }: Sealed,
): SecretBuffer | undefined {
  if (nonce.length !== blockBytes || sealed.length < macBytes + blockBytes) return undefined
  const ciphertext = sealed.subarray(0, -macBytes)
  if (!equalBytes(cbcMac(key, additional, nonce, ciphertext), sealed.subarray(-macBytes))) {
    return undefined
  }
  using encryptionKey = hkdf(key, Buffer.alloc(0), 'aes-256-cbc-hmac-sha256 encrypt')
  return cbcDecrypt(encryptionKey, nonce, ciphertext)
}

/** AES-256-CBC with PKCS #7 padding. Unauthenticated: only for use below a MAC. */
export function cbcEncrypt(key: SecretBuffer, iv: Uint8Array, plaintext: SecretBuffer): Buffer {
  const padded = (Math.floor(plaintext.length / blockBytes) + 1) * blockBytes
  const ciphertext = Buffer.alloc(padded)
  must(secrets().cbcEncrypt(key.bytes, iv, plaintext.bytes, ciphertext), 'AES-256-CBC')
  return ciphertext
}

export function cbcDecrypt(
  key: SecretBuffer,
  iv: Uint8Array,
  ciphertext: Uint8Array,
): SecretBuffer | undefined {
  using room = SecretBuffer.allocate(ciphertext.length)
  const length = secrets().cbcDecrypt(key.bytes, iv, ciphertext, room.bytes)
  return length < 0 ? undefined : room.copy(0, length)
}
