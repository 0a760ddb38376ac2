/**
 * The content of a credentials file, unlocked: the index (names, kinds, dates; no secret) in the clear,
 * each secret sealed until it is asked for. Immutable: a change encodes a new file.
 *
 * Every version of a file has keys of its own, derived from the data key and the version's salt:
 * nothing sealed in one version opens in another, and no nonce is ever used twice under a key.
 */
import { randomBytes } from 'node:crypto'
import {
  canonicalText,
  corrupt,
  Fields,
  parseObject,
  requireCanonical,
  type JsonObject,
} from '../secure/canonical.js'
import {
  authenticatedBytes,
  encodeEnvelope,
  fileSaltBytes,
  type Envelope,
  type EnvelopeBody,
} from './envelope.js'
import type { KeyEntry } from './key-entry.js'
import {
  equalBytes,
  hkdf,
  hmac,
  open,
  seal,
  type CipherName,
  type Sealed,
} from '../secure/primitives.js'
import { SecretBuffer } from '../secure/secret-buffer.js'

export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** The kinds of credentials. */
export const kindNames = ['generic', 'hmac', 'coinbase-cdp', 'coinbase-legacy'] as const
/** What a credential is for, which decides its fields. */
export type CredentialKind = (typeof kindNames)[number]

/** The source of a secret's plaintext: the open file, or the caller (who keeps it). */
export type SecretSource = number | SecretBuffer

export interface CredentialVersion<Source = number> {
  readonly version: number // 1, 2, …
  readonly created: string
  readonly fields: Readonly<Record<string, Source>>
}

export interface Credential<Source = number> {
  readonly name: string
  readonly kind: CredentialKind
  readonly created: string
  readonly expires: string | null
  /** Newest first. */
  readonly versions: readonly CredentialVersion<Source>[]
}

export interface VaultIndex<Source = number> {
  /** Old versions kept of each credential. */
  readonly historyLimit: number
  /** The audit trail's verification key, or null. */
  readonly auditKey: Source | null
  readonly credentials: readonly Credential<Source>[]
}

export const maxHistory = 100
/** A secret is padded to a multiple of this, so that its sealed length says little of its own. */
const paddingBytes = 64
const lengthBytes = 4

const purposeOf = (envelope: Pick<EnvelopeBody, 'store' | 'generation'>, purpose: string): Buffer =>
  Buffer.from(`pinnacle-credentials v2 ${envelope.store} ${String(envelope.generation)} ${purpose}`)

interface VersionKeys extends Disposable {
  readonly sealing: SecretBuffer
  readonly authentication: SecretBuffer
}

function versionKeys(dataKey: SecretBuffer, salt: Uint8Array): VersionKeys {
  const sealing = hkdf(dataKey, salt, 'pinnacle-credentials v2 seal')
  const authentication = hkdf(dataKey, salt, 'pinnacle-credentials v2 authenticate')
  return {
    sealing,
    authentication,
    [Symbol.dispose]() {
      sealing.release()
      authentication.release()
    },
  }
}

/** Whether the data key authenticates every byte of the file. */
export function authenticates(dataKey: SecretBuffer, envelope: Envelope): boolean {
  using keys = versionKeys(dataKey, envelope.salt)
  return equalBytes(hmac(keys.authentication, authenticatedBytes(envelope)), envelope.mac)
}

export class Vault implements Disposable {
  readonly envelope: Envelope
  readonly index: VaultIndex
  readonly dataKey: SecretBuffer
  readonly #what: string

  /** Owns the data key from now on. Throws (and wipes it) unless the file is what was written. */
  constructor(envelope: Envelope, dataKey: SecretBuffer, what: string) {
    this.envelope = envelope
    this.dataKey = dataKey
    this.#what = what
    try {
      if (!authenticates(dataKey, envelope)) throw corrupt(what, 'its authentication code is wrong')
      using plain = this.#open(envelope.index, 'index')
      this.index = decodeIndex(plain.bytes, envelope.secrets.length, what)
    } catch (error) {
      dataKey.release()
      throw error
    }
  }

  #open(sealed: Sealed, purpose: string): SecretBuffer {
    using keys = versionKeys(this.dataKey, this.envelope.salt)
    const { cipher } = this.envelope
    const plain = open(cipher, keys.sealing, purposeOf(this.envelope, purpose), sealed)
    if (!plain) throw corrupt(this.#what, `its part "${purpose}" does not open`)
    return plain
  }

  /** The secret's plaintext; the caller releases it. */
  secret(index: number): SecretBuffer {
    const sealed = this.envelope.secrets[index]
    if (!sealed) throw corrupt(this.#what, 'a secret is missing')
    using padded = this.#open(sealed, `secret ${String(index)}`)
    const length =
      padded.length < lengthBytes
        ? Infinity
        : new DataView(padded.bytes.buffer, padded.bytes.byteOffset).getUint32(0)
    if (length > padded.length - lengthBytes) throw corrupt(this.#what, 'a secret is malformed')
    return padded.copy(lengthBytes, lengthBytes + length)
  }

  [Symbol.dispose](): void {
    this.dataKey.release()
  }
}

export interface VaultDraft {
  readonly store: string
  readonly generation: number
  readonly written: string
  readonly cipher: CipherName
  readonly keys: readonly KeyEntry[]
  readonly index: VaultIndex<SecretSource>
}

/** Encodes a file. Numbers among the index's sources refer to `from`, the file that it replaces. */
export function encodeVault(draft: VaultDraft, dataKey: SecretBuffer, from?: Vault): Buffer {
  const salt = randomBytes(fileSaltBytes)
  using keys = versionKeys(dataKey, salt)
  const sealed: Sealed[] = []
  const sealUnder = (plain: SecretBuffer, purpose: string): Sealed =>
    seal(draft.cipher, keys.sealing, purposeOf(draft, purpose), plain)
  const place = (source: SecretSource): number => {
    using fetched = typeof source === 'number' ? from?.secret(source) : undefined
    const secret = fetched ?? source
    if (typeof secret === 'number') throw new RangeError('a secret of no file') // a defect of the caller
    using padded = pad(secret)
    sealed.push(sealUnder(padded, `secret ${String(sealed.length)}`))
    return sealed.length - 1
  }
  const index: VaultIndex = {
    historyLimit: draft.index.historyLimit,
    auditKey: draft.index.auditKey === null ? null : place(draft.index.auditKey),
    credentials: draft.index.credentials.map((credential) => ({
      ...credential,
      versions: credential.versions.map((version) => ({
        ...version,
        fields: Object.fromEntries(
          Object.entries(version.fields).map(([name, source]) => [name, place(source)]),
        ),
      })),
    })),
  }
  using plainIndex = SecretBuffer.take(Buffer.from(canonicalText(indexToJson(index))))
  const { store, generation, written, cipher } = draft
  const body: EnvelopeBody = {
    store,
    generation,
    written,
    cipher,
    salt,
    keys: draft.keys,
    index: sealUnder(plainIndex, 'index'),
    secrets: sealed,
  }
  return encodeEnvelope(body, hmac(keys.authentication, authenticatedBytes(body)))
}

function pad(secret: SecretBuffer): SecretBuffer {
  const length = Math.ceil((lengthBytes + secret.length) / paddingBytes) * paddingBytes
  const padded = SecretBuffer.allocate(length)
  new DataView(padded.bytes.buffer, padded.bytes.byteOffset).setUint32(0, secret.length)
  padded.bytes.set(secret.bytes, lengthBytes)
  return padded
}

function indexToJson(index: VaultIndex): JsonObject {
  return {
    historyLimit: index.historyLimit,
    auditKey: index.auditKey,
    credentials: index.credentials.map(({ name, kind, created, expires, versions }) => ({
      name,
      kind,
      created,
      expires,
      versions: versions.map(({ version, created: at, fields }) => ({
        version,
        created: at,
        fields: Object.entries(fields).map(([field, secret]) => ({ name: field, secret })),
      })),
    })),
  }
}

function decodeIndex(bytes: Uint8Array, secretCount: number, what: string): VaultIndex {
  const part = `the index of ${what}`
  const top = new Fields(parseObject(bytes, part), part, [
    'historyLimit',
    'auditKey',
    'credentials',
  ])
  const secretOf = (fields: Fields, field: string): number =>
    fields.integer(field, 0, secretCount - 1)
  const versionOf = (value: unknown): CredentialVersion => {
    const fields = new Fields(value, part, ['version', 'created', 'fields'])
    const named = fields.list('fields', 1, 16).map((item): [string, number] => {
      const field = new Fields(item, part, ['name', 'secret'])
      return [field.string('name', namePattern), secretOf(field, 'secret')]
    })
    return {
      version: fields.integer('version', 1),
      created: fields.time('created'),
      fields: Object.fromEntries(named),
    }
  }
  const index: VaultIndex = {
    historyLimit: top.integer('historyLimit', 0, maxHistory),
    auditKey: top.raw('auditKey') === null ? null : secretOf(top, 'auditKey'),
    credentials: top.list('credentials', 0, 4096).map((value): Credential => {
      const fields = new Fields(value, part, ['name', 'kind', 'created', 'expires', 'versions'])
      return {
        name: fields.string('name', namePattern),
        kind: fields.oneOf('kind', kindNames),
        created: fields.time('created'),
        expires: fields.raw('expires') === null ? null : fields.time('expires'),
        versions: fields.list('versions', 1, maxHistory + 1).map(versionOf),
      }
    }),
  }
  requireCanonical(bytes, indexToJson(index), part)
  return index
}
