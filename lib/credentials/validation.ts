/**
 * What may go into a store. Everything is judged before it is encrypted, and nothing of what is refused
 * is ever echoed: messages name the field, never its content.
 */
import { isUtf8 } from 'node:buffer'
import { didYouMean } from '../errors/likely-spelling.js'
import { CredentialCode, credentialError } from '../secure/errors.js'
import { readSecretTree, releaseTree } from './json-bytes.js'
import { decodeBase64, isEcPrivateKeyPem, isEd25519KeyBase64 } from './private-key-check.js'
import { SecretBuffer } from '../secure/secret-buffer.js'
import { kindNames, maxHistory, namePattern, type CredentialKind } from './vault.js'

/**
 * Fields of a credential by name, each of at most 16 KiB. Its kind says which it needs: generic any; hmac
 * `key`, `secret`, and `passphrase` if there is one; coinbase-cdp `name` and `privateKey`; coinbase-legacy
 * `key`, `secret` and `passphrase`.
 */
export type SecretFields = Record<string, SecretBuffer>

const maxFieldBytes = 16 * 1024

function invalid(message: string): Error {
  return credentialError(CredentialCode.Invalid, message)
}

export function checkName(name: unknown): asserts name is string {
  if (typeof name === 'string' && namePattern.test(name)) return
  throw invalid(
    'a name must be 1 to 64 letters, digits, dots, dashes or underscores, and start with a letter or digit',
  )
}

export function checkKind(kind: string): asserts kind is CredentialKind {
  if ((kindNames as readonly string[]).includes(kind)) return
  throw invalid(
    `the kind of a credential must be one of ${kindNames.join(', ')}${didYouMean(kind, kindNames)}`,
  )
}

/** How many old values of a credential to keep. */
export function checkHistory(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 0 && limit <= maxHistory) return limit
  throw invalid(`the history must be 0 to ${String(maxHistory)} old values`)
}

/** An ISO instant, or a date (its end in UTC), in the form in which it is kept. */
export function checkExpiry(text: string): string {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T23:59:59.999Z`) : new Date(text)
  const year = time.getTime()
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(year)) {
    throw invalid('an expiry date must be a date such as 2027-03-31, or an ISO 8601 time')
  }
  return time.toISOString()
}

type Check = (bytes: Uint8Array) => boolean

const printable: Check = (bytes) => bytes.every((byte) => byte >= 0x21 && byte <= 0x7e)
const printableWithSpaces: Check = (bytes) => bytes.every((byte) => byte >= 0x20 && byte <= 0x7e)
/** UTF-8 without control characters but the line ends and tabs of key files. */
const text: Check = (bytes) =>
  isUtf8(bytes) &&
  bytes.every(
    (byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 0x0a || byte === 0x0d || byte === 9,
  )

function base64Of(minBytes: number, maxBytes: number): Check {
  return (bytes) => {
    using decoded = decodeBase64(bytes)
    return decoded !== undefined && decoded.length >= minBytes && decoded.length <= maxBytes
  }
}

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
/** The name of a CDP key is public: the exchange shows it. Only here a field is looked at as text. */
const cdpName = new RegExp(`^(organizations/${uuid}/apiKeys/)?${uuid}$`)

interface FieldRule {
  readonly field: string
  readonly required: boolean
  readonly minBytes: number
  readonly maxBytes: number
  readonly accepts: Check
  readonly wanted: string
}

const passphrase: FieldRule = {
  field: 'passphrase',
  required: false,
  minBytes: 1,
  maxBytes: 256,
  accepts: printableWithSpaces,
  wanted: 'printable ASCII characters',
}

const rules: Readonly<Record<Exclude<CredentialKind, 'generic'>, readonly FieldRule[]>> = {
  hmac: [
    {
      field: 'key',
      required: true,
      minBytes: 8,
      maxBytes: 256,
      accepts: printable,
      wanted: 'printable ASCII characters without spaces',
    },
    {
      field: 'secret',
      required: true,
      minBytes: 16,
      maxBytes: 512,
      accepts: printable,
      wanted: 'printable ASCII characters without spaces',
    },
    passphrase,
  ],
  'coinbase-cdp': [
    {
      field: 'name',
      required: true,
      minBytes: 36,
      maxBytes: 256,
      accepts: (bytes) => cdpName.test(Buffer.from(bytes).toString('latin1')),
      wanted: 'a key name such as organizations/{uuid}/apiKeys/{uuid}',
    },
    {
      field: 'privateKey',
      required: true,
      minBytes: 64,
      maxBytes: 2048,
      accepts: (bytes) => isEcPrivateKeyPem(bytes) || isEd25519KeyBase64(bytes),
      wanted: 'an EC private key on P-256 in PEM, or an Ed25519 key in base64',
    },
  ],
  'coinbase-legacy': [
    {
      field: 'key',
      required: true,
      minBytes: 16,
      maxBytes: 64,
      accepts: (bytes) => /^[0-9A-Za-z]+$/.test(Buffer.from(bytes).toString('latin1')),
      wanted: 'letters and digits',
    },
    {
      field: 'secret',
      required: true,
      minBytes: 44,
      maxBytes: 128,
      accepts: base64Of(32, 96),
      wanted: 'base64 of 32 to 96 bytes',
    },
    { ...passphrase, required: true },
  ],
}

/** What to ask for on a terminal; none if a field has several lines and must come from a file. */
export function promptedFields(kind: CredentialKind): { field: string; required: boolean }[] {
  if (kind === 'generic') return [{ field: 'secret', required: true }]
  if (kind === 'coinbase-cdp') return []
  return rules[kind].map(({ field, required }) => ({ field, required }))
}

function checkField(
  field: string,
  secret: SecretBuffer,
  rule: Omit<FieldRule, 'field' | 'required'>,
): void {
  const { length } = secret
  if (length < rule.minBytes || length > rule.maxBytes) {
    throw invalid(
      `the field "${field}" must be ${String(rule.minBytes)} to ${String(rule.maxBytes)} bytes long; ` +
        `what was given has ${String(length)}`,
    )
  }
  if (!rule.accepts(secret.bytes)) throw invalid(`the field "${field}" must be ${rule.wanted}`)
}

/** Throws unless the fields are those of the kind, each well-formed. */
export function checkFields(kind: CredentialKind, fields: SecretFields): void {
  const names = Object.keys(fields)
  if (kind === 'generic') {
    if (names.length < 1 || names.length > 16)
      throw invalid('a credential must have 1 to 16 fields')
    const wanted = 'UTF-8 text without control characters'
    for (const [name, secret] of Object.entries(fields)) {
      if (!namePattern.test(name)) throw invalid('the name of a field is malformed')
      checkField(name, secret, { minBytes: 1, maxBytes: maxFieldBytes, accepts: text, wanted })
    }
    return
  }
  const known = rules[kind]
  const unknown = names.find((name) => !known.some(({ field }) => field === name))
  if (unknown !== undefined) {
    const fieldNames = known.map(({ field }) => field)
    throw invalid(`a ${kind} credential has the fields ${fieldNames.join(', ')} and no other`)
  }
  for (const rule of known) {
    const secret = fields[rule.field]
    if (secret) checkField(rule.field, secret, rule)
    else if (rule.required) throw invalid(`a ${kind} credential needs the field "${rule.field}"`)
  }
}

/**
 * Fields from what an exchange lets its users download: a JSON object of strings, such as Coinbase's
 * {"name": …, "privateKey": …} (or "id" for the name). Nothing becomes a JavaScript string on the way. The
 * caller releases the fields; the input is the caller's to wipe.
 */
export function fieldsFromJson(bytes: Uint8Array): SecretFields {
  const tree = readSecretTree(bytes, 1)
  const fields: SecretFields = {}
  for (const [name, value] of tree) {
    if (!(value instanceof SecretBuffer) || !namePattern.test(name)) {
      releaseTree(tree)
      throw invalid('the JSON must be an object of strings with plain names')
    }
    fields[name === 'id' && tree.has('privateKey') && !tree.has('name') ? 'name' : name] = value
  }
  return fields
}

export function releaseFields(fields: SecretFields): void {
  for (const secret of Object.values(fields)) secret.release()
}
