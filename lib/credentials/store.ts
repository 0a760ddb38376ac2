/**
 * The credentials of one data directory, unlocked.
 *
 * Invariants:
 * - A secret is decrypted for the length of a callback only, after the access was recorded.
 * - A change happens under the lock, on the newest version of the file, and is on disk when its promise
 *   resolves; where it rejects, the file is as it was. Changes of one store run one after the other.
 * - Everything is announced to the audit trail first; where that can't be done, nothing is done.
 */
import { absolutePath } from '../config/absolute.js'
import type { AuditSink } from '../audit/event.js'
import { audited, shownName, type Announced } from './announced.js'
import { encodeBackup } from './backup.js'
import { writeBackup } from './backup-files.js'
import { SeedContent, defaultHistory, type Content } from './content.js'
import {
  adding,
  expiring,
  findCredential,
  removing,
  rotating,
  type DraftIndex,
  type Edit,
} from './edit.js'
import { decodeEnvelope, maxKeyEntries } from './envelope.js'
import { CredentialCode, codeOf, credentialError } from '../secure/errors.js'
import type { KeyEntry } from './key-entry.js'
import type { KeyProvider } from './key-provider.js'
import { keyBytes, type CipherName } from '../secure/primitives.js'
import type { RecipientProvider } from './recipient.js'
import { expiryOf, expiryState, secretOf, summaryOf, type CredentialSummary } from './reading.js'
import { rewrapped, wrapForAll } from './rewrap.js'
import type { Secret } from './secret.js'
import { SecretBuffer } from '../secure/secret-buffer.js'
import { StoreFiles, type StoreFilesOptions } from './store-files.js'
import {
  checkFields,
  checkHistory,
  checkKind,
  checkName,
  releaseFields,
  type SecretFields,
} from './validation.js'
import { draftOf, rolledBack, unlock, writeFirst } from './unlock.js'
import { authenticates, encodeVault, Vault, type CredentialKind } from './vault.js'

export interface StoreOptions extends StoreFilesOptions {
  /** Who unlocks. The store owns it from now on and disposes of it. */
  readonly provider: KeyProvider
  /** The trail; `noAudit` declines it. */
  readonly audit: AuditSink
  /** Warn so many days before a credential expires; 14 by default. */
  readonly warnDays?: number
  readonly onWarning?: (message: string) => void
}

export interface CreateOptions extends StoreOptions {
  readonly cipher?: CipherName
  /** Old values kept of each credential; 3 by default. */
  readonly historyLimit?: number
}

export class CredentialStore implements AsyncDisposable {
  readonly #files: StoreFiles
  readonly #options: StoreOptions
  #provider: KeyProvider
  #content: Content
  #closed = false
  #last: Promise<unknown> = Promise.resolve()

  private constructor(files: StoreFiles, options: StoreOptions, content: Content) {
    this.#files = files
    this.#options = options
    this.#provider = options.provider
    this.#content = content
  }

  /** A new, empty store. Rejects where there is one. */
  static async create(options: CreateOptions): Promise<CredentialStore> {
    const files = new StoreFiles(options)
    const event = { action: 'credentials.create', target: files.path } as const
    return CredentialStore.#guarded(options, () =>
      audited(options.audit, event, () =>
        files.locked(async () => {
          if (await files.files.exists(files.path)) {
            throw credentialError(CredentialCode.Exists, `${files.path} is there already`)
          }
          const historyLimit = checkHistory(options.historyLimit ?? defaultHistory)
          const index = { historyLimit, auditKey: null, credentials: [] }
          const cipher = options.cipher ?? 'aes-256-gcm'
          const vault = await writeFirst(files, options.provider, cipher, index)
          return new CredentialStore(files, options, vault)
        }),
      ),
    )
  }

  /** Unlocks. Failures are counted and delay the next attempt. */
  static async open(options: StoreOptions): Promise<CredentialStore> {
    const files = new StoreFiles(options)
    const event = {
      action: 'credentials.unlock',
      target: files.path,
      detail: { key: options.provider.type },
    } as const
    return CredentialStore.#guarded(options, () =>
      audited(options.audit, event, async () => {
        const content = await files.locked(() => unlock(files, options.provider))
        return new CredentialStore(files, options, content)
      }),
    )
  }

  /** Disposes of the provider where opening fails. */
  static async #guarded(
    options: StoreOptions,
    opening: () => Promise<CredentialStore>,
  ): Promise<CredentialStore> {
    try {
      return await opening()
    } catch (error) {
      options.provider[Symbol.dispose]()
      throw error
    }
  }

  get formatVersion(): 1 | 2 {
    return this.#live() instanceof Vault ? 2 : 1
  }

  /** Counts the versions of the file; 0 for a file of the seed's format. */
  get generation(): number {
    const content = this.#live()
    return content instanceof Vault ? content.envelope.generation : 0
  }

  get keys(): readonly KeyEntry[] {
    const content = this.#live()
    return content instanceof Vault ? content.envelope.keys : []
  }

  list(): CredentialSummary[] {
    const { credentials } = this.#live().index
    return credentials.map((credential) =>
      summaryOf(credential, this.#files.clocks.wallMs(), this.#options.warnDays),
    )
  }

  /**
   * Hands a credential's fields to `callback` and wipes them when it returns or its promise settles. The
   * newest value, or the kept `version`. An expired one is handed out with a warning.
   */
  async withSecret<T>(
    name: string,
    callback: (secret: Secret) => T | Promise<T>,
    options: { readonly version?: number } = {},
  ): Promise<T> {
    const event = { action: 'credentials.access', target: shownName(name) } as const
    let secret: Secret
    try {
      secret = secretOf(this.#live(), name, options.version)
    } catch (error) {
      await this.#options.audit.record({ ...event, outcome: 'failed', code: codeOf(error) })
      throw error
    }
    using handed = secret
    await this.#options.audit.record({
      ...event,
      outcome: 'ok',
      detail: { version: secret.version },
    })
    await this.#warnOfExpiry(name)
    return await callback(handed)
  }

  async #warnOfExpiry(name: string): Promise<void> {
    const { expires } = findCredential(this.#live().index, name)
    const expiry = expiryState(expires, this.#files.clocks.wallMs(), this.#options.warnDays)
    if (expires === null || (expiry !== 'soon' && expiry !== 'expired')) return
    const word = expiry === 'expired' ? 'expired' : 'expires'
    this.#options.onWarning?.(
      `the credential "${name}" ${word} on ${expires}; make a new one at the exchange and run: ` +
        `pinnacle creds rotate ${name}`,
    )
    const action = 'credentials.expiry'
    await this.#options.audit.record({
      action,
      target: name,
      outcome: 'warning',
      detail: { expires },
    })
  }

  /** Adds a credential. Its fields are taken over and wiped, whether it succeeds or not. */
  async add(credential: {
    name: string
    kind: CredentialKind
    fields: SecretFields
    expires?: string | null
  }): Promise<void> {
    const { name, kind, fields } = credential
    await this.#change('add', name, fields, () => {
      checkKind(kind)
      checkFields(kind, fields)
      return adding({ name, kind, fields, expires: expiryOf(credential.expires) })
    })
  }

  /** A new value; the old one joins the history. Fields as with `add`. Drops the old expiry date. */
  async rotate(
    name: string,
    fields: SecretFields,
    options: { readonly expires?: string | null } = {},
  ): Promise<void> {
    await this.#change('rotate', name, fields, () => {
      const checked = (kind: CredentialKind): SecretFields => {
        checkFields(kind, fields)
        return fields
      }
      return rotating(name, checked, expiryOf(options.expires))
    })
  }

  async setExpiry(name: string, expires: string | null): Promise<void> {
    await this.#change('expiry', name, {}, () => expiring(name, expiryOf(expires)))
  }

  async remove(name: string): Promise<void> {
    await this.#change('remove', name, {}, () => removing(name))
  }

  async #change(
    change: string,
    name: string,
    fields: SecretFields,
    edit: () => Edit,
  ): Promise<void> {
    const event = {
      action: 'credentials.change',
      target: shownName(name),
      detail: { change },
    } as const
    try {
      await this.#exclusive(event, (vault) => {
        checkName(name)
        return this.#rewrite(vault, edit()(vault.index, this.#files.now()))
      })
    } finally {
      releaseFields(fields)
    }
  }

  /**
   * A new password (or any new unlocking key): new data key, new salt, every secret sealed anew. The store
   * owns the provider. Recipients keep their access; a token or password that is not at hand would lose
   * it, so such an entry must be removed first.
   */
  async changeKey(provider: KeyProvider): Promise<void> {
    const event = { action: 'credentials.password', target: this.#files.path } as const
    try {
      await this.#exclusive(event, async (vault) => {
        using dataKey = SecretBuffer.random(keyBytes)
        const context = { store: vault.envelope.store }
        const others = vault.envelope.keys.filter((entry) => !this.#provider.matches(entry))
        const keys = [
          await provider.wrap(dataKey, context),
          ...(await wrapForAll(others, undefined, dataKey, context)),
        ]
        await this.#rewrite(vault, vault.index, { keys, dataKey })
        this.#provider[Symbol.dispose]()
        this.#provider = provider
      })
    } catch (error) {
      if (this.#provider !== provider) provider[Symbol.dispose]()
      throw error
    }
  }

  /** Lets another key open the file too. The provider is disposed of. */
  async addKey(provider: KeyProvider): Promise<void> {
    const event = {
      action: 'credentials.key',
      target: this.#files.path,
      detail: { change: 'add', key: provider.type },
    } as const
    using owned = provider
    await this.#exclusive(event, async (vault) => {
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
      await this.#rewrite(vault, vault.index, {
        keys: [...(await rewrapped(vault, this.#provider)), added],
      })
    })
  }

  /** Takes a key's access away, and gives the file a new data key, so that an old copy of it is no help. */
  async removeKey(matches: (entry: KeyEntry) => boolean): Promise<void> {
    const event = {
      action: 'credentials.key',
      target: this.#files.path,
      detail: { change: 'remove' },
    } as const
    await this.#exclusive(event, async (vault) => {
      const kept = vault.envelope.keys.filter((entry) => !matches(entry))
      if (kept.length === vault.envelope.keys.length) {
        throw credentialError(CredentialCode.Unknown, 'the file has no such key')
      }
      if (!kept.some((entry) => this.#provider.matches(entry))) {
        throw credentialError(
          CredentialCode.NoKey,
          'the key that unlocked the store must stay; unlock with another one to remove it',
        )
      }
      using dataKey = SecretBuffer.random(keyBytes)
      const context = { store: vault.envelope.store }
      const keys = await wrapForAll(kept, this.#provider, dataKey, context)
      await this.#rewrite(vault, vault.index, { keys, dataKey })
    })
  }

  /** Keeps the audit trail's verification key in the store. The key is released. */
  async setAuditKey(key: SecretBuffer): Promise<void> {
    using owned = key
    const event = {
      action: 'credentials.key',
      target: this.#files.path,
      detail: { change: 'audit key' },
    } as const
    await this.#exclusive(event, (vault) =>
      this.#rewrite(vault, { ...vault.index, auditKey: owned }),
    )
  }

  /** The audit trail's verification key; the caller releases it. */
  auditKey(): SecretBuffer | undefined {
    const content = this.#live()
    return content.index.auditKey === null ? undefined : content.secret(content.index.auditKey)
  }

  /** Writes a file of the seed's format anew in the present one, under the same password. */
  async upgrade(cipher: CipherName = 'aes-256-gcm'): Promise<void> {
    const event = { action: 'credentials.upgrade', target: this.#files.path } as const
    await this.#queued(() =>
      audited(this.#options.audit, event, () =>
        this.#files.locked(async () => {
          const old = this.#live()
          if (!(old instanceof SeedContent)) {
            throw credentialError(
              CredentialCode.Invalid,
              'the file has the present version already',
            )
          }
          const credentials = old.index.credentials.map((credential) => ({
            ...credential,
            versions: credential.versions.map((version) => ({
              ...version,
              fields: Object.fromEntries(
                Object.entries(version.fields).map(([name, index]) => [name, old.secret(index)]),
              ),
            })),
          }))
          try {
            const index = { ...old.index, credentials }
            this.#content = await writeFirst(this.#files, this.#provider, cipher, index)
          } finally {
            for (const { versions } of credentials) {
              for (const { fields } of versions) releaseFields(fields)
            }
          }
          old[Symbol.dispose]()
        }),
      ),
    )
  }

  /**
   * A backup of the file at `destination`, which must not hold a newer one. With `recipients`, the backup can be
   * opened with their private keys too.
   */
  async backup(
    destination: string,
    options: { readonly recipients?: readonly RecipientProvider[] } = {},
  ): Promise<void> {
    const path = absolutePath(destination)
    const recipients = options.recipients ?? []
    const event = {
      action: 'credentials.backup',
      target: path,
      detail: { recipients: recipients.length },
    } as const
    await this.#queued(() =>
      audited(this.#options.audit, event, () =>
        this.#files.locked(async () => {
          let file = await this.#files.read()
          if (recipients.length > 0) file = await this.#withRecipients(file, recipients)
          const { files } = this.#files
          await writeBackup(files, path, encodeBackup(file, this.#files.now(), path))
        }),
      ),
    )
  }

  /** The same version of the file, with more who may open it. */
  async #withRecipients(file: Buffer, recipients: readonly RecipientProvider[]): Promise<Buffer> {
    const vault = this.#newest(file)
    const { store, keys } = vault.envelope
    const entries = [...keys]
    for (const recipient of recipients) entries.push(await recipient.wrap(vault.dataKey, { store }))
    return encodeVault(
      { ...draftOf(vault), keys: entries, index: vault.index },
      vault.dataKey,
      vault,
    )
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined)
    if (this.#closed) return
    this.#closed = true
    this.#content[Symbol.dispose]()
    this.#provider[Symbol.dispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #live(): Content {
    if (this.#closed)
      throw credentialError(CredentialCode.Closed, 'the credentials store is closed')
    return this.#content
  }

  #queued<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.catch(() => undefined).then(work)
    this.#last = result
    return result
  }

  /** Runs a change on the newest version of the file: audited, in turn, under the lock. */
  #exclusive<T>(event: Announced, work: (vault: Vault) => Promise<T>): Promise<T> {
    return this.#queued(() =>
      audited(this.#options.audit, event, () =>
        this.#files.locked(async () => {
          this.#live()
          return work(this.#newest(await this.#files.read()))
        }),
      ),
    )
  }

  /** The content of `file`, which another process may have changed since it was unlocked. */
  #newest(file: Buffer): Vault {
    const present = this.#live()
    if (!(present instanceof Vault)) {
      throw credentialError(
        CredentialCode.OldVersion,
        'the file has the old version 1, which is read only; run: pinnacle creds upgrade',
      )
    }
    const envelope = decodeEnvelope(file, this.#files.path)
    if (envelope.checksum === present.envelope.checksum) return present
    if (envelope.store !== present.envelope.store || !authenticates(present.dataKey, envelope)) {
      throw credentialError(
        CredentialCode.Stale,
        'the file was given another key or replaced since it was unlocked; unlock it again',
      )
    }
    if (envelope.generation < present.envelope.generation) throw rolledBack(this.#files.path)
    const newest = new Vault(envelope, present.dataKey.copy(), this.#files.path)
    this.#content = newest
    present[Symbol.dispose]()
    return newest
  }

  async #rewrite(
    vault: Vault,
    index: DraftIndex,
    given: { keys?: KeyEntry[]; dataKey?: SecretBuffer } = {},
  ): Promise<void> {
    const dataKey = given.dataKey ?? vault.dataKey
    const keys = given.keys ?? (await rewrapped(vault, this.#provider))
    const generation = vault.envelope.generation + 1
    const draft = { ...draftOf(vault), generation, written: this.#files.now(), keys, index }
    const bytes = encodeVault(draft, dataKey, vault)
    await this.#files.write(bytes)
    const written = decodeEnvelope(bytes, this.#files.path)
    this.#content = new Vault(written, dataKey.copy(), this.#files.path)
    vault[Symbol.dispose]()
    await this.#files.limiter.setGeneration(written.store, generation)
  }
}
