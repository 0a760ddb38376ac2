/** The unlocked content of a file of either version, as the store reads it. */
import { CredentialCode, credentialError } from '../secure/errors.js'
import { decodeEnvelope, versionOf } from './envelope.js'
import { releaseTree, type SecretTree } from './json-bytes.js'
import type { KeyProvider } from './key-provider.js'
import { PasswordProvider } from './password-provider.js'
import { decodeSeed } from './seed-format.js'
import { SecretBuffer } from '../secure/secret-buffer.js'
import { namePattern, Vault, type Credential, type VaultIndex } from './vault.js'

/** Old values of a credential that a new store keeps. */
export const defaultHistory = 3

/** A file of the seed's format: everything was decrypted at once. */
export class SeedContent implements Disposable {
  readonly index: VaultIndex
  readonly #secrets: SecretBuffer[] = []

  /** Owns the tree from now on. */
  constructor(tree: SecretTree, now: string) {
    const credentials: Credential[] = []
    for (const [name, fields] of tree) {
      if (!(fields instanceof Map) || !namePattern.test(name)) continue
      const numbers: Record<string, number> = {}
      for (const [field, value] of fields) {
        if (value instanceof SecretBuffer && namePattern.test(field)) {
          numbers[field] = this.#secrets.push(value.copy()) - 1
        }
      }
      if (Object.keys(numbers).length === 0) continue
      const versions = [{ version: 1, created: now, fields: numbers }]
      credentials.push({ name, kind: 'generic', created: now, expires: null, versions })
    }
    this.index = { historyLimit: defaultHistory, auditKey: null, credentials }
    releaseTree(tree)
  }

  secret(index: number): SecretBuffer {
    const secret = this.#secrets[index]
    if (!secret) throw new RangeError('no such secret') // a defect of the caller
    return secret.copy()
  }

  [Symbol.dispose](): void {
    for (const secret of this.#secrets) secret.release()
  }
}

export type Content = Vault | SeedContent

/** Opens a file with the first of its key entries that the provider matches. */
export async function openContent(
  bytes: Uint8Array,
  provider: KeyProvider,
  what: string,
  now: string,
): Promise<Content> {
  if (versionOf(bytes, what) === 1) {
    const envelope = decodeSeed(bytes, what)
    if (!(provider instanceof PasswordProvider)) throw noKey(what)
    return new SeedContent(await provider.openSeed(envelope, what), now)
  }
  const envelope = decodeEnvelope(bytes, what)
  const entry = envelope.keys.find((candidate) => provider.matches(candidate))
  if (!entry) throw noKey(what)
  const dataKey = await provider.unwrap(entry, { store: envelope.store })
  return new Vault(envelope, dataKey, what)
}

function noKey(what: string): Error {
  return credentialError(
    CredentialCode.NoKey,
    `${what} can't be opened by what was given; "pinnacle creds status" lists its keys`,
  )
}
