/** The two ways in which a store begins: a first file, and an unlocked one. Both under the lock. */
import { randomBytes } from 'node:crypto'
import { openContent, type Content } from './content.js'
import type { DraftIndex } from './edit.js'
import { decodeEnvelope } from './envelope.js'
import { CredentialCode, codeOf, credentialError } from '../secure/errors.js'
import type { KeyProvider } from './key-provider.js'
import { keyBytes, type CipherName } from '../secure/primitives.js'
import { SecretBuffer } from '../secure/secret-buffer.js'
import type { StoreFiles } from './store-files.js'
import { encodeVault, Vault, type VaultDraft } from './vault.js'

export function draftOf({ envelope }: Vault): Omit<VaultDraft, 'keys' | 'index'> {
  const { store, generation, written, cipher } = envelope
  return { store, generation, written, cipher }
}

export function rolledBack(path: string): Error {
  return credentialError(
    CredentialCode.RolledBack,
    `${path} is older than a version that was used here; if it was put back on purpose, do it with ` +
      '"pinnacle creds restore --force"',
  )
}

export async function writeFirst(
  files: StoreFiles,
  provider: KeyProvider,
  cipher: CipherName,
  index: DraftIndex,
): Promise<Vault> {
  const store = randomBytes(16).toString('hex')
  const dataKey = SecretBuffer.random(keyBytes)
  try {
    const keys = [await provider.wrap(dataKey, { store })]
    const draft = { store, generation: 1, written: files.now(), cipher, keys, index }
    const bytes = encodeVault(draft, dataKey)
    await files.write(bytes)
    await files.limiter.setGeneration(store, 1)
    return new Vault(decodeEnvelope(bytes, files.path), dataKey, files.path)
  } catch (error) {
    dataKey.release()
    throw error
  }
}

/** Under the lock: counts the attempt before it is made. */
export async function unlock(files: StoreFiles, provider: KeyProvider): Promise<Content> {
  const bytes = await files.read()
  await files.limiter.begin()
  let content: Content
  try {
    content = await openContent(bytes, provider, files.path, files.now())
  } catch (error) {
    if (codeOf(error) === CredentialCode.WrongPassword) await files.limiter.failed()
    else await files.limiter.takeBack()
    throw error
  }
  if (content instanceof Vault) {
    const { store, generation } = content.envelope
    if (generation < (await files.limiter.highestGeneration(store))) {
      content[Symbol.dispose]()
      await files.limiter.takeBack()
      throw rolledBack(files.path)
    }
    await files.limiter.succeeded(store, generation)
  } else {
    await files.limiter.succeeded('', 0)
  }
  return content
}
