/**
 * The data key wrapped under a password. The provider holds the password in secret memory while the
 * store is open, because every version of the file gets a new salt.
 */
import { CredentialCode, credentialError } from '../secure/errors.js'
import { brand } from '../errors/brand.js'
import { deriveKey, kdfDefaults, newSalt, type KdfParameters } from './kdf.js'
import { kdfToJson, type KeyEntry, type PasswordEntry } from './key-entry.js'
import { unwrapKey, wrapKey, type KeyContext, type KeyProvider } from './key-provider.js'
import type { SecretTree } from './json-bytes.js'
import { keyBytes } from '../secure/primitives.js'
import { openSeed, type SeedEnvelope } from './seed-format.js'
import type { SecretBuffer } from '../secure/secret-buffer.js'

const bindingOf = (kdf: KdfParameters, salt: Buffer): Buffer =>
  Buffer.from(JSON.stringify(kdfToJson(kdf, salt)))

/** Wraps the data key under a password, which it holds in secret memory until it is disposed of. */
export class PasswordProvider implements KeyProvider {
  /** Tells the providers apart. */
  readonly type = 'password'
  readonly #password: SecretBuffer
  #kdf: KdfParameters | undefined

  /** Owns the password from now on. `kdf`: for what is wrapped; as in the unwrapped entry by default. */
  constructor(password: SecretBuffer, kdf?: KdfParameters) {
    this.#password = password
    this.#kdf = kdf
  }

  matches(entry: KeyEntry): boolean {
    return entry.type === 'password'
  }

  async wrap(key: SecretBuffer, context: KeyContext): Promise<PasswordEntry> {
    const kdf = this.#kdf ?? kdfDefaults['pbkdf2-hmac-sha256']
    const salt = newSalt()
    using derived = await deriveKey(this.#password, kdf, salt)
    const wrapped = wrapKey(derived, key, this.type, context, bindingOf(kdf, salt))
    return { type: this.type, kdf, salt, wrapped }
  }

  async unwrap(entry: KeyEntry, context: KeyContext): Promise<SecretBuffer> {
    return this.unwrapBytes(entry, context, keyBytes)
  }

  /** As unwrap(), for a key of any length: key files. */
  async unwrapBytes(entry: KeyEntry, context: KeyContext, length: number): Promise<SecretBuffer> {
    if (entry.type !== 'password') throw wrongPassword()
    using derived = await deriveKey(this.#password, entry.kdf, entry.salt)
    const binding = bindingOf(entry.kdf, entry.salt)
    const key = unwrapKey(derived, entry.wrapped, this.type, context, binding, length)
    if (!key) throw wrongPassword()
    this.#kdf ??= entry.kdf
    return key
  }

  /** @internal The content of a file of the seed's format. */
  openSeed(envelope: SeedEnvelope, what: string): Promise<SecretTree> {
    return openSeed(envelope, this.#password, what)
  }

  [Symbol.dispose](): void {
    this.#password.release()
  }
}

brand(PasswordProvider, 'PasswordProvider')

function wrongPassword(): Error {
  return credentialError(
    CredentialCode.WrongPassword,
    'the password is wrong (or the key entry in the file was altered); nothing was changed',
  )
}
