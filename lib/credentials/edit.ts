/** Changes of a store's index: pure functions from one index to the next. */
import { didYouMean } from '../errors/likely-spelling.js'
import { CredentialCode, credentialError } from '../secure/errors.js'
import type { SecretFields } from './validation.js'
import type { Credential, CredentialKind, SecretSource, VaultIndex } from './vault.js'

export type DraftIndex = VaultIndex<SecretSource>
export type Edit = (index: VaultIndex, now: string) => DraftIndex

export function findCredential(index: VaultIndex, name: string): Credential {
  const found = index.credentials.find((credential) => credential.name === name)
  if (found) return found
  const names = index.credentials.map((credential) => credential.name)
  throw credentialError(
    CredentialCode.Unknown,
    `there is no credential "${name}"${didYouMean(name, names)}`,
  )
}

export interface NewCredential {
  readonly name: string
  readonly kind: CredentialKind
  readonly fields: SecretFields
  readonly expires: string | null
}

export function adding({ name, kind, fields, expires }: NewCredential): Edit {
  return (index, now) => {
    if (index.credentials.some((credential) => credential.name === name)) {
      throw credentialError(
        CredentialCode.Duplicate,
        `a credential "${name}" already exists; "pinnacle creds rotate" gives it a new value`,
      )
    }
    const versions = [{ version: 1, created: now, fields }]
    const added = { name, kind, created: now, expires, versions }
    return { ...index, credentials: [...index.credentials, added] }
  }
}

/** `expires` undefined: the old date is dropped, it was that of the old value. */
export function rotating(
  name: string,
  fieldsOf: (kind: CredentialKind) => SecretFields,
  expires: string | null,
): Edit {
  return (index, now) => {
    const old = findCredential(index, name)
    const version = (old.versions[0]?.version ?? 0) + 1
    const versions = [
      { version, created: now, fields: fieldsOf(old.kind) },
      ...old.versions.slice(0, index.historyLimit),
    ]
    return replaced(index, { ...old, expires, versions })
  }
}

export function expiring(name: string, expires: string | null): Edit {
  return (index) => replaced(index, { ...findCredential(index, name), expires })
}

export function removing(name: string): Edit {
  return (index) => {
    findCredential(index, name)
    return { ...index, credentials: index.credentials.filter((other) => other.name !== name) }
  }
}

function replaced(index: VaultIndex, credential: Credential<SecretSource>): DraftIndex {
  return {
    ...index,
    credentials: index.credentials.map((other) =>
      other.name === credential.name ? credential : other,
    ),
  }
}
