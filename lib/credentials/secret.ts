/**
 * What `withSecret` hands to its callback: the fields of one credential, in secret memory, for as long as
 * the callback runs. The views given out become empty afterwards; strings made from them do not.
 */
import { inspect } from 'node:util'
import { CredentialCode, credentialError } from '../secure/errors.js'
import { redacted, type SecretBuffer } from '../secure/secret-buffer.js'
import { releaseFields, type SecretFields } from './validation.js'
import type { CredentialKind } from './vault.js'

const usualField: Readonly<Record<CredentialKind, string>> = {
  generic: 'secret',
  hmac: 'secret',
  'coinbase-cdp': 'privateKey',
  'coinbase-legacy': 'secret',
}

/**
 * The fields of one credential, as CredentialStore.withSecret() hands them to its callback. Afterwards the
 * views that it gave are empty; strings made from them are not.
 */
export class Secret implements Disposable {
  /** Name of the credential. */
  readonly name: string
  /** Kind of the credential. */
  readonly kind: CredentialKind
  /** Number of the value, from 1. */
  readonly version: number
  readonly #fields: SecretFields

  /** @internal Owns the fields from now on. */
  constructor(name: string, kind: CredentialKind, version: number, fields: SecretFields) {
    this.name = name
    this.kind = kind
    this.version = version
    this.#fields = fields
  }

  /** Names of its fields. */
  get fieldNames(): string[] {
    return Object.keys(this.#fields)
  }

  /**
   * A view of a field's bytes; of the kind's secret field, or the only field, if none is named.
   * ERR_PINNACLE_UNKNOWN_CREDENTIAL.
   */
  bytes(field?: string): Uint8Array {
    return this.#field(field).bytes
  }

  #field(field: string | undefined): SecretBuffer {
    const names = this.fieldNames
    const wanted = field ?? (names.length === 1 ? names[0]! : usualField[this.kind])
    const found = Object.hasOwn(this.#fields, wanted) ? this.#fields[wanted] : undefined
    if (found) return found
    throw credentialError(
      CredentialCode.Unknown,
      `the credential "${this.name}" has no field "${wanted}"; it has ${names.join(', ')}`,
    )
  }

  /** Wipes the fields. withSecret() does it. */
  [Symbol.dispose](): void {
    releaseFields(this.#fields)
  }

  /** '[redacted]'. */
  toJSON(): string {
    return redacted
  }

  /** '[redacted]'. */
  toString(): string {
    return redacted
  }

  /** What console.log shows: the name, and no byte. */
  [inspect.custom](): string {
    return `Secret ${this.name} ${redacted}`
  }
}
