/**
 * Who can wrap and unwrap a file's data key. The store knows nothing else of passwords, tokens and
 * public keys; a provider of one's own (a cloud KMS, say) implements the same.
 */
import { createHash } from 'node:crypto'
import { hkdfBytes, keyBytes, open, seal, type Sealed } from '../secure/primitives.js'
import type { KeyEntry, KeyType } from './key-entry.js'
import type { SecretBuffer } from '../secure/secret-buffer.js'

/** What a wrapped key is bound to: unwrapping under any other purpose fails. */
export interface KeyContext {
  /** Random id of the store (or of the key file), hex. */
  readonly store: string
}

/**
 * Wraps and unwraps the data key of a credentials file. The package has PasswordProvider, Pkcs11Provider and
 * RecipientProvider.
 */
export interface KeyProvider extends Disposable {
  /** The type of the entries that it makes. */
  readonly type: KeyType
  /** Whether this provider could open the entry. */
  matches(entry: KeyEntry): boolean
  /** A new entry for the key; fresh salt or nonce each time. */
  wrap(key: SecretBuffer, context: KeyContext): Promise<KeyEntry>
  /** Rejects with ERR_PINNACLE_WRONG_PASSWORD if the key is not the right one or the entry was altered. */
  unwrap(entry: KeyEntry, context: KeyContext): Promise<SecretBuffer>
  /** Wipes what it holds. */
  [Symbol.dispose](): void
}

function bindingOf(type: KeyType, context: KeyContext, rest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`pinnacle-credentials key ${type} ${context.store} `), rest])
}

/** AES-256-GCM of `key` under a key derived from `secret`, both bound to type, store and `rest`. */
export function wrapKey(
  secret: SecretBuffer,
  key: SecretBuffer,
  type: KeyType,
  context: KeyContext,
  rest: Uint8Array,
): Sealed {
  const binding = bindingOf(type, context, rest)
  using wrappingKey = hkdfBytes(secret, Buffer.alloc(0), digestOf(binding))
  return seal('aes-256-gcm', wrappingKey, binding, key)
}

/**
 * The key that wrapKey() sealed, which must have `length` bytes (default: 32); undefined if secret, type,
 * store, `rest` or bytes are not the same. The caller releases it.
 */
export function unwrapKey(
  secret: SecretBuffer,
  wrapped: Sealed,
  type: KeyType,
  context: KeyContext,
  rest: Uint8Array,
  length = keyBytes,
): SecretBuffer | undefined {
  const binding = bindingOf(type, context, rest)
  using wrappingKey = hkdfBytes(secret, Buffer.alloc(0), digestOf(binding))
  const key = open('aes-256-gcm', wrappingKey, binding, wrapped)
  if (key?.length === length) return key
  key?.release()
  return undefined
}

/** HKDF's info is short, and a recipient's binding holds a ciphertext and two public keys. */
function digestOf(binding: Buffer): Buffer {
  return createHash('sha256').update(binding).digest()
}
