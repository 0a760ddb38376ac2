/**
 * The credentials of one data directory, unlocked.
 *
 * Invariants:
 * - A secret is decrypted for the length of a callback only, after the access was recorded.
 * - A change happens under the lock, on the newest version of the file, and is on disk when its promise
 *   resolves; if it rejects, the file is as it was. Changes of one store run one after the other.
 * - Everything is announced to the audit trail first; if that can't be done, nothing is done.
 */
import type { AuditSink } from '../audit/event.js'
import { audited, shownName } from './announced.js'
import { backupStore } from './backup-store.js'
import { defaultHistory, type Content } from './content.js'
import { adding, expiring, findCredential, removing, rotating, type Edit } from './edit.js'
import { CredentialCode, codeOf, credentialError } from '../secure/errors.js'
import type { KeyEntry } from './key-entry.js'
import { addKey, changeKey, removeKey, setAuditKey } from './key-changes.js'
import type { KeyProvider } from './key-provider.js'
import type { CipherName } from '../secure/primitives.js'
import type { RecipientProvider } from './recipient.js'
import { expiryOf, expiryState, secretOf, summaryOf, type CredentialSummary } from './reading.js'
import type { Secret } from './secret.js'
import type { SecretBuffer } from '../secure/secret-buffer.js'
import { StoreFiles, type StoreFilesOptions } from './store-files.js'
import {
  checkFields,
  checkHistory,
  checkKind,
  checkName,
  releaseFields,
  type SecretFields,
} from './validation.js'
import { unlock, writeFirst } from './unlock.js'
import { UnlockedFile } from './unlocked-file.js'
import { upgrade } from './upgrade.js'
import { Vault, type CredentialKind } from './vault.js'

/** What opening a store takes. */
export interface StoreOptions extends StoreFilesOptions {
  /** Who unlocks. The store owns it from now on and disposes of it. */
  readonly provider: KeyProvider
  /** The trail; `noAudit` declines it. */
  readonly audit: AuditSink
  /** Warn this many days before a credential expires; 14 by default. */
  readonly warnDays?: number
  /** Called when a credential that is used has expired or soon will. */
  readonly onWarning?: (message: string) => void
}

/** What making a store takes. */
export interface CreateOptions extends StoreOptions {
  /** The cipher of the file. Default: 'aes-256-gcm'. */
  readonly cipher?: CipherName
  /** Old values kept of each credential. Default: 3. */
  readonly historyLimit?: number
}

/**
 * The credentials of one data directory, unlocked. A secret is decrypted for the length of a callback only. A
 * change is on disk when its promise resolves; if it rejects, the file is as it was. Every access and change is
 * recorded first, and not done if that fails (ERR_PINNACLE_AUDIT_UNAVAILABLE). After close():
 * ERR_PINNACLE_CLOSED.
 */
export class CredentialStore implements AsyncDisposable {
  readonly #file: UnlockedFile
  readonly #options: StoreOptions

  private constructor(files: StoreFiles, options: StoreOptions, content: Content) {
    this.#file = new UnlockedFile(files, options.audit, options.provider, content)
    this.#options = options
  }

  /** A new, empty store. ERR_PINNACLE_CREDENTIALS_EXIST, ERR_PINNACLE_UNSAFE_FILE. */
  static async create(options: CreateOptions): Promise<CredentialStore> {
    const files = new StoreFiles(options)
    const event = { action: 'credentials.create', target: files.path } as const
    return CredentialStore.#guarded(options, () =>
      audited(options.audit, event, () =>
        files.locked(async () => {
          if (await files.files.exists(files.path)) {
            throw credentialError(CredentialCode.Exists, `${files.path} already exists`)
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

  /**
   * Unlocks. Failures are counted and delay the next attempt (ERR_PINNACLE_LOCKED_OUT).
   * ERR_PINNACLE_WRONG_PASSWORD, ERR_PINNACLE_CREDENTIALS_NOT_FOUND, _CORRUPT, _NO_KEY, _ROLLED_BACK.
   */
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

  /** Disposes of the provider if opening fails. */
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

  /** Version of the file's format. 1, that of the seed, is read only: upgrade() changes it to 2. */
  get formatVersion(): 1 | 2 {
    return this.#file.content instanceof Vault ? 2 : 1
  }

  /** Number of the file's version, which each change counts up; 0 for a file of the seed's format. */
  get generation(): number {
    const content = this.#file.content
    return content instanceof Vault ? content.envelope.generation : 0
  }

  /** The keys that open the file. */
  get keys(): readonly KeyEntry[] {
    const content = this.#file.content
    return content instanceof Vault ? content.envelope.keys : []
  }

  /** What there is, without secrets. */
  list(): CredentialSummary[] {
    const { credentials } = this.#file.content.index
    return credentials.map((credential) =>
      summaryOf(credential, this.#file.files.clocks.wallMs(), this.#options.warnDays),
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
      secret = secretOf(this.#file.content, name, options.version)
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
    const { expires } = findCredential(this.#file.content.index, name)
    const expiry = expiryState(expires, this.#file.files.clocks.wallMs(), this.#options.warnDays)
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

  /**
   * Sets or removes the expiry date: a date (its end in UTC) or an ISO 8601 time, null: none.
   * ERR_PINNACLE_UNKNOWN_CREDENTIAL, ERR_PINNACLE_INVALID_CREDENTIAL.
   */
  async setExpiry(name: string, expires: string | null): Promise<void> {
    await this.#change('expiry', name, {}, () => expiring(name, expiryOf(expires)))
  }

  /** Removes a credential with its history. ERR_PINNACLE_UNKNOWN_CREDENTIAL. */
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
    const file = this.#file
    try {
      await file.exclusive(event, (vault) => {
        checkName(name)
        return file.rewrite(vault, edit()(vault.index, file.files.now()))
      })
    } finally {
      releaseFields(fields)
    }
  }

  /**
   * A new password (or any new unlocking key): new data key, new salt, every secret sealed again. The store
   * owns the provider. Recipients keep their access; a token or password that is not at hand would lose
   * it, so such an entry must be removed first.
   */
  changeKey(provider: KeyProvider): Promise<void> {
    return changeKey(this.#file, provider)
  }

  /** Lets another key open the file too. The provider is disposed of. */
  addKey(provider: KeyProvider): Promise<void> {
    return addKey(this.#file, provider)
  }

  /** Revokes a key and gives the file a new data key: the data key of an old copy does not open it. */
  removeKey(matches: (entry: KeyEntry) => boolean): Promise<void> {
    return removeKey(this.#file, matches)
  }

  /** Keeps the audit trail's verification key in the store. The key is released. */
  setAuditKey(key: SecretBuffer): Promise<void> {
    return setAuditKey(this.#file, key)
  }

  /** The audit trail's verification key; the caller releases it. */
  auditKey(): SecretBuffer | undefined {
    const { content } = this.#file
    return content.index.auditKey === null ? undefined : content.secret(content.index.auditKey)
  }

  /** Rewrites a file of the seed's format in the present one, under the same password. */
  upgrade(cipher: CipherName = 'aes-256-gcm'): Promise<void> {
    return upgrade(this.#file, cipher)
  }

  /**
   * A backup of the file at `destination`, which must not hold a newer one. With `recipients`, the backup can be
   * opened with their private keys too.
   */
  backup(
    destination: string,
    options: { readonly recipients?: readonly RecipientProvider[] } = {},
  ): Promise<void> {
    return backupStore(this.#file, destination, options.recipients ?? [])
  }

  /** Waits for changes under way, then wipes the keys and disposes of the provider. Idempotent. */
  async close(): Promise<void> {
    await this.#file.close()
  }

  /** As close(), for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
