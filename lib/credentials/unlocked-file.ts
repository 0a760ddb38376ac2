/**
 * The unlocked file of a store: its newest content, who unlocks it, and how it is replaced. A change happens under
 * the lock, on the newest version of the file. It is on disk when its promise resolves; if the promise rejects, the
 * file is unchanged. Changes run one after the other, and each is announced to the audit trail first.
 */
import type { AuditSink } from '../audit/event.js'
import { CredentialCode, credentialError } from '../secure/errors.js'
import type { SecretBuffer } from '../secure/secret-buffer.js'
import { audited, type Announced } from './announced.js'
import type { Content } from './content.js'
import type { DraftIndex } from './edit.js'
import { decodeEnvelope } from './envelope.js'
import type { KeyEntry } from './key-entry.js'
import type { KeyProvider } from './key-provider.js'
import { rewrapped } from './rewrap.js'
import type { StoreFiles } from './store-files.js'
import { draftOf, rolledBack } from './unlock.js'
import { authenticates, encodeVault, Vault } from './vault.js'

export class UnlockedFile {
  readonly files: StoreFiles
  readonly #audit: AuditSink
  #provider: KeyProvider
  #content: Content
  #closed = false
  #last: Promise<unknown> = Promise.resolve()

  /** Owns the provider and the content from now on. */
  constructor(files: StoreFiles, audit: AuditSink, provider: KeyProvider, content: Content) {
    this.files = files
    this.#audit = audit
    this.#provider = provider
    this.#content = content
  }

  get content(): Content {
    this.assertOpen()
    return this.#content
  }

  assertOpen(): void {
    if (this.#closed)
      throw credentialError(CredentialCode.Closed, 'the credentials store is closed')
  }

  get provider(): KeyProvider {
    return this.#provider
  }

  /** Unlocks with another one from now on. */
  changeProvider(provider: KeyProvider): void {
    this.#provider[Symbol.dispose]()
    this.#provider = provider
  }

  /** The content that was just written; the caller disposes of the old one. */
  replaceContent(content: Content): void {
    this.#content = content
  }

  /** Runs `work` in turn, announced, under the lock. */
  locked<T>(event: Announced, work: () => Promise<T>): Promise<T> {
    const run = (): Promise<T> => audited(this.#audit, event, () => this.files.locked(work))
    const result = this.#last.catch(() => undefined).then(run)
    this.#last = result
    return result
  }

  /** The same on the newest version of the file. */
  exclusive<T>(event: Announced, work: (vault: Vault) => Promise<T>): Promise<T> {
    return this.locked(event, async () => {
      this.assertOpen()
      return work(this.newest(await this.files.read()))
    })
  }

  /** The content of `file`, which another process may have changed since it was unlocked. */
  newest(file: Buffer): Vault {
    const present = this.content
    if (!(present instanceof Vault)) {
      throw credentialError(
        CredentialCode.OldVersion,
        'the file has the old version 1, which is read only; run: pinnacle creds upgrade',
      )
    }
    const envelope = decodeEnvelope(file, this.files.path)
    if (envelope.checksum === present.envelope.checksum) return present
    if (envelope.store !== present.envelope.store || !authenticates(present.dataKey, envelope)) {
      throw credentialError(
        CredentialCode.Stale,
        'the file was given another key or replaced since it was unlocked; unlock it again',
      )
    }
    if (envelope.generation < present.envelope.generation) throw rolledBack(this.files.path)
    const newest = new Vault(envelope, present.dataKey.copy(), this.files.path)
    this.#content = newest
    present[Symbol.dispose]()
    return newest
  }

  /** Writes the next version of the file. */
  async rewrite(
    vault: Vault,
    index: DraftIndex,
    given: { keys?: KeyEntry[]; dataKey?: SecretBuffer } = {},
  ): Promise<void> {
    const dataKey = given.dataKey ?? vault.dataKey
    const keys = given.keys ?? (await rewrapped(vault, this.#provider))
    const generation = vault.envelope.generation + 1
    const draft = { ...draftOf(vault), generation, written: this.files.now(), keys, index }
    const bytes = encodeVault(draft, dataKey, vault)
    await this.files.write(bytes)
    const written = decodeEnvelope(bytes, this.files.path)
    this.#content = new Vault(written, dataKey.copy(), this.files.path)
    vault[Symbol.dispose]()
    await this.files.limiter.setGeneration(written.store, generation)
  }

  /** Idempotent; waits for the changes that run. */
  async close(): Promise<void> {
    await this.#last.catch(() => undefined)
    if (this.#closed) return
    this.#closed = true
    this.#content[Symbol.dispose]()
    this.#provider[Symbol.dispose]()
  }
}
