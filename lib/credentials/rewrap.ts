/** Wrapping a data key for those who may open a file. */
import { CredentialCode, credentialError } from '../secure/errors.js'
import type { KeyEntry } from './key-entry.js'
import type { KeyContext, KeyProvider } from './key-provider.js'
import { RecipientProvider } from './recipient.js'
import type { SecretBuffer } from '../secure/secret-buffer.js'
import type { Vault } from './vault.js'

/** The provider that can wrap the entry again: the one at hand, or any for a recipient. */
function providerOf(entry: KeyEntry, atHand: KeyProvider | undefined): KeyProvider | undefined {
  if (atHand?.matches(entry)) return atHand
  return entry.type === 'recipient' ? RecipientProvider.fromPublicKey(entry.publicKey) : undefined
}

/** The file's entries, wrapped again if possible: a fresh salt for each version. */
export function rewrapped(vault: Vault, atHand: KeyProvider): Promise<KeyEntry[]> {
  const context = { store: vault.envelope.store }
  return Promise.all(
    vault.envelope.keys.map(
      async (entry) => (await providerOf(entry, atHand)?.wrap(vault.dataKey, context)) ?? entry,
    ),
  )
}

/** Entries for a new data key. Throws if one of them can't be made: its holder would lose access. */
export async function wrapForAll(
  entries: readonly KeyEntry[],
  atHand: KeyProvider | undefined,
  dataKey: SecretBuffer,
  context: KeyContext,
): Promise<KeyEntry[]> {
  const wrapped: KeyEntry[] = []
  for (const entry of entries) {
    const provider = providerOf(entry, atHand)
    if (!provider) {
      throw credentialError(
        CredentialCode.NoKey,
        `the file can also be opened by a ${entry.type} key that is not at hand and would lose its access; ` +
          'remove that key first',
      )
    }
    wrapped.push(await provider.wrap(dataKey, context))
  }
  return wrapped
}
