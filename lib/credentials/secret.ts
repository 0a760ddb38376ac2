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

export class Secret implements Disposable {
  readonly name: string
  readonly kind: CredentialKind
  readonly version: number
  readonly #fields: SecretFields

  /** Owns the fields from now on. */
  constructor(name: string, kind: CredentialKind, version: number, fields: SecretFields) {
    this.name = name
    this.kind = kind
    this.version = version
    this.#fields = fields
  }

  get fieldNames(): string[] {
    return Object.keys(this.#fields)
  }

  /** A view of the field's bytes; of the kind's secret field, or the only field, if none is named. */
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

  [Symbol.dispose](): void {
    releaseFields(this.#fields)
  }

  toJSON(): string {
    return redacted
  }

  toString(): string {
    return redacted
  }

  [inspect.custom](): string {
    return `Secret ${this.name} ${redacted}`
  }
}
