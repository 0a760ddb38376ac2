/** Changes of who can open a store's file. */
import { CredentialCode, credentialError } from '../secure/errors.js'
import { keyBytes } from '../secure/primitives.js'
import { SecretBuffer } from '../secure/secret-buffer.js'
import { maxKeyEntries } from './envelope.js'
import type { KeyEntry } from './key-entry.js'
import type { KeyProvider } from './key-provider.js'
import { rewrapped, wrapForAll } from './rewrap.js'
import type { UnlockedFile } from './unlocked-file.js'

/** A new unlocking key and a new data key: every secret is sealed again. The provider is owned. */
export async function changeKey(file: UnlockedFile, provider: KeyProvider): Promise<void> {
  const event = { action: 'credentials.password', target: file.files.path } as const
  try {
    await file.exclusive(event, async (vault) => {
      using dataKey = SecretBuffer.random(keyBytes)
      const context = { store: vault.envelope.store }
      const others = vault.envelope.keys.filter((entry) => !file.provider.matches(entry))
      const keys = [
        await provider.wrap(dataKey, context),
        ...(await wrapForAll(others, undefined, dataKey, context)),
      ]
      await file.rewrite(vault, vault.index, { keys, dataKey })
      file.changeProvider(provider)
    })
  } catch (error) {
    if (file.provider !== provider) provider[Symbol.dispose]()
    throw error
  }
}

/** Lets another key open the file too. The provider is disposed of. */
export async function addKey(file: UnlockedFile, provider: KeyProvider): Promise<void> {
  const event = {
    action: 'credentials.key',
    target: file.files.path,
    detail: { change: 'add', key: provider.type },
  } as const
  using owned = provider
  await file.exclusive(event, async (vault) => {
    const { keys, store } = vault.envelope
    if (keys.some((entry) => owned.matches(entry))) {
      throw credentialError(CredentialCode.Duplicate, 'this key opens the file already')
    }
    if (keys.length >= maxKeyEntries) {
      throw credentialError(
        CredentialCode.Invalid,
        `a file has at most ${String(maxKeyEntries)} keys`,
      )
    }
    const added = await owned.wrap(vault.dataKey, { store })
    await file.rewrite(vault, vault.index, {
      keys: [...(await rewrapped(vault, file.provider)), added],
    })
  })
}

/** Revokes a key and gives the file a new data key: the data key of an old copy does not open it. */
export async function removeKey(
  file: UnlockedFile,
  matches: (entry: KeyEntry) => boolean,
): Promise<void> {
  const event = {
    action: 'credentials.key',
    target: file.files.path,
    detail: { change: 'remove' },
  } as const
  await file.exclusive(event, async (vault) => {
    const kept = vault.envelope.keys.filter((entry) => !matches(entry))
    if (kept.length === vault.envelope.keys.length) {
      throw credentialError(CredentialCode.Unknown, 'the file has no such key')
    }
    if (!kept.some((entry) => file.provider.matches(entry))) {
      throw credentialError(
        CredentialCode.NoKey,
        'the key that unlocked the store must stay; unlock with another one to remove it',
      )
    }
    using dataKey = SecretBuffer.random(keyBytes)
    const context = { store: vault.envelope.store }
    const keys = await wrapForAll(kept, file.provider, dataKey, context)
    await file.rewrite(vault, vault.index, { keys, dataKey })
  })
}

/** Keeps the audit trail's verification key in the store. The key is released. */
export async function setAuditKey(file: UnlockedFile, key: SecretBuffer): Promise<void> {
  using owned = key
  const event = {
    action: 'credentials.key',
    target: file.files.path,
    detail: { change: 'audit key' },
  } as const
  await file.exclusive(event, (vault) => file.rewrite(vault, { ...vault.index, auditKey: owned }))
}
