/** Reading from an unlocked store: what is shown of a credential, and its secret. */
import type { Content } from './content.js'
import { findCredential } from './edit.js'
import { CredentialCode, credentialError } from '../secure/errors.js'
import { Secret } from './secret.js'
import { checkExpiry, checkName, releaseFields, type SecretFields } from './validation.js'
import type { Credential, CredentialKind } from './vault.js'

/** What a list shows of a credential: no secret. */
export interface CredentialSummary {
  /** Its name: 1 to 64 letters, digits, '.', '_' and '-', the first a letter or digit. */
  readonly name: string
  /** What it is for, which decides its fields. */
  readonly kind: CredentialKind
  /** When it was added: ISO 8601, UTC. */
  readonly created: string
  /** When it got its newest value: ISO 8601, UTC. */
  readonly rotated: string
  /** Number of the newest value, from 1. */
  readonly version: number
  /** Numbers of the kept values, newest first. */
  readonly versions: readonly number[]
  /** Names of its fields. */
  readonly fields: readonly string[]
  /** When it expires: ISO 8601, UTC; null: never. */
  readonly expires: string | null
  /** 'soon': within StoreOptions.warnDays. */
  readonly expiry: 'none' | 'valid' | 'soon' | 'expired'
}

const dayMs = 86_400_000

export function expiryState(
  expires: string | null,
  nowMs: number,
  warnDays = 14,
): CredentialSummary['expiry'] {
  if (expires === null) return 'none'
  const leftMs = Date.parse(expires) - nowMs
  if (leftMs <= 0) return 'expired'
  return leftMs <= warnDays * dayMs ? 'soon' : 'valid'
}

export function summaryOf(
  { name, kind, created, expires, versions }: Credential,
  nowMs: number,
  warnDays: number | undefined,
): CredentialSummary {
  const [newest] = versions
  return {
    name,
    kind,
    created,
    rotated: newest?.created ?? created,
    version: newest?.version ?? 0,
    versions: versions.map(({ version }) => version),
    fields: Object.keys(newest?.fields ?? {}),
    expires,
    expiry: expiryState(expires, nowMs, warnDays),
  }
}

/** The secret, decrypted: the newest value, or the kept version that is asked for. */
export function secretOf(content: Content, name: string, wanted: number | undefined): Secret {
  checkName(name)
  const { kind, versions } = findCredential(content.index, name)
  const found =
    wanted === undefined ? versions[0] : versions.find(({ version }) => version === wanted)
  if (!found) {
    throw credentialError(
      CredentialCode.Unknown,
      `version ${String(wanted)} of "${name}" is not kept; there are ` +
        versions.map(({ version }) => version).join(', '),
    )
  }
  const fields: SecretFields = {}
  try {
    for (const [field, index] of Object.entries(found.fields)) fields[field] = content.secret(index)
  } catch (error) {
    releaseFields(fields)
    throw error
  }
  return new Secret(name, kind, found.version, fields)
}

export function expiryOf(expires: string | null | undefined): string | null {
  return expires === null || expires === undefined ? null : checkExpiry(expires)
}
