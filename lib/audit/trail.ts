/**
 * The audit trail of one data directory.
 *
 * Invariants:
 * - `record` resolves when its line is durable and the head names it; if that fails it rejects, and the
 *   announced action is not done.
 * - The head never runs ahead of the journal. After a crash between the two, the lines past the head are
 *   checked (hash, key, order) and the head follows them; a line that fails the check is tampering.
 * - A trail that does not end at the line that its head names accepts no more lines. It stays as evidence;
 *   "pinnacle audit restart" sets it aside and begins a new one.
 */
import { randomBytes } from 'node:crypto'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { absolutePath } from '../config/absolute.js'
import { realClocks, type Clocks } from '../secure/clocks.js'
import { codeOf, CredentialCode, credentialError, fileError } from '../secure/errors.js'
import { withFileLock } from '../secure/file-lock.js'
import { realFiles, type FileOperations } from '../secure/file-operations.js'
import { SecureFiles } from '../secure/secure-files.js'
import { SecretBuffer } from '../secure/secret-buffer.js'
import type { AuditEvent, AuditSink } from './event.js'
import {
  encodeRootKey,
  headFile,
  keyFile,
  readHead,
  readRootKey,
  writeHead,
  type Head,
  type RootKey,
} from './head.js'
import {
  auditKeyBytes,
  decodeLine,
  encodeLine,
  firstPrevious,
  hashOf,
  isAuthentic,
  nextKey,
} from './line.js'
import { JournalAuditStorage, type AuditStorage, type AuditWriter } from './storage.js'

/** Where a trail is. */
export interface AuditTrailOptions {
  /** Directory of the trail; one of its own, or a data directory. */
  readonly dataDirectory: string
  /** Milliseconds to wait for another process that writes a line. Default: 10,000. */
  readonly lockTimeoutMs?: number
  /** @internal For tests. */
  readonly storage?: AuditStorage
  /** What the trail does with files; for tests. */
  readonly files?: FileOperations
  /** The clocks that it goes by; for tests. */
  readonly clocks?: Clocks
}

interface Pending {
  readonly event: AuditEvent
  readonly time: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const lockFile = 'audit.lock'

function tampered(problem: string): Error {
  return credentialError(
    CredentialCode.AuditTampered,
    `the audit trail is not what was written: ${problem}; inspect it with "pinnacle audit verify". It accepts ` +
      'no more lines: "pinnacle audit restart" sets it aside as evidence and begins a new one',
  )
}

/**
 * The audit trail of one data directory: lines that are chained by hash and authenticated by keys that evolve.
 * Errors: ERR_PINNACLE_AUDIT_UNAVAILABLE (a line can't be written), ERR_PINNACLE_AUDIT_TAMPERED (the trail is
 * not what was written; restart() begins a new one).
 */
export class AuditTrail implements AuditSink {
  /** Its directory, absolute. */
  readonly dataDirectory: string
  /** @internal */
  readonly storage: AuditStorage
  /** @internal */
  readonly files: SecureFiles
  readonly #clocks: Clocks
  readonly #lockTimeoutMs: number
  #pending: Pending[] = []
  #writing: Promise<void> | undefined

  constructor(options: AuditTrailOptions) {
    this.dataDirectory = absolutePath(options.dataDirectory)
    this.#lockTimeoutMs = options.lockTimeoutMs ?? 10_000
    this.storage =
      options.storage ?? new JournalAuditStorage(this.dataDirectory, this.#lockTimeoutMs)
    this.files = new SecureFiles(options.files ?? realFiles)
    this.#clocks = options.clocks ?? realClocks
  }

  /**
   * Resolves once the event's line is durable. Lines that are announced while others are being written go out
   * together.
   */
  record(event: AuditEvent): Promise<void> {
    const time = new Date(this.#clocks.wallMs()).toISOString()
    return new Promise((resolve, reject) => {
      this.#pending.push({ event, time, resolve, reject })
      this.#writing ??= this.#drain()
    })
  }

  /** Resolves when everything announced so far is on disk or has failed. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending
      this.#pending = []
      try {
        await this.#exclusive(() => this.storage.write((writer) => this.#write(writer, batch)))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        const failure = codeOf(error) === CredentialCode.AuditTampered ? error : unavailable(error)
        for (const { reject } of batch) reject(failure)
      }
    }
    this.#writing = undefined
  }

  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    await this.files.checkDirectory(this.dataDirectory)
    const path = join(this.dataDirectory, lockFile)
    return withFileLock(path, this.#lockTimeoutMs, async () => {
      await this.files.removeLeftovers(join(this.dataDirectory, headFile))
      return work()
    })
  }

  async #write(writer: AuditWriter, batch: readonly Pending[]): Promise<void> {
    const begun = await readHead(this.files, this.dataDirectory)
    let head = begun ? await this.#caughtUp(begun) : await this.#begin(writer, batch[0]?.time)
    try {
      for (const { event, time } of batch) head = appended(writer, head, event, time)
      await writer.durable()
      await writeHead(this.files, this.dataDirectory, head)
    } finally {
      head[Symbol.dispose]()
    }
  }

  /** A new trail. Its verification key is on disk before its first line. */
  async #begin(writer: AuditWriter, at: string | undefined): Promise<Head> {
    for await (const line of this.storage.read(0)) {
      throw tampered(`${headFile} is missing, and there is a line (entry ${String(line.sequence)})`)
    }
    const trail = randomBytes(16).toString('hex')
    const key = SecretBuffer.random(auditKeyBytes)
    const path = join(this.dataDirectory, keyFile)
    await this.files.replace(path, encodeRootKey(trail, key))
    const empty = headOf({ trail, sequence: 0, journalSequence: 0, hash: firstPrevious }, key)
    const time = at ?? new Date(this.#clocks.wallMs()).toISOString()
    const event: AuditEvent = { action: 'audit.create', target: this.dataDirectory, outcome: 'ok' }
    return appended(writer, empty, event, time)
  }

  /** Checks that the trail continues from its head, and takes in the lines that a crash left past it. */
  async #caughtUp(head: Head): Promise<Head> {
    let present = head
    let seen = head.sequence === 0
    try {
      for await (const { sequence, bytes } of this.storage.read(head.journalSequence)) {
        if (!seen) {
          if (sequence !== head.journalSequence || !isHeadOf(head, bytes)) {
            throw tampered(`line ${String(head.sequence)} was changed or removed`)
          }
          seen = true
          continue
        }
        present = followed(present, sequence, bytes)
      }
    } catch (error) {
      present[Symbol.dispose]()
      const gone = [
        'ERR_PINNACLE_OUT_OF_REACH',
        'ERR_PINNACLE_NOT_FOUND',
        'ERR_PINNACLE_INVALID_SEQUENCE',
      ]
      throw gone.includes(codeOf(error)) ? tampered('lines at its end are missing') : error
    }
    if (seen) return present
    present[Symbol.dispose]()
    throw tampered(`it ends before line ${String(head.sequence)}, which was the last`)
  }

  /** @internal The verification key, if it is still beside the trail. */
  rootKey(path = join(this.dataDirectory, keyFile)): Promise<RootKey | undefined> {
    return readRootKey(this.files, path)
  }

  /** Removes the verification key from beside the trail, once it is kept elsewhere. */
  async forgetRootKey(): Promise<void> {
    await this.files.remove(join(this.dataDirectory, keyFile))
  }

  /** Sets a damaged trail aside, whole, and begins a new one. Returns the suffix of the old one's files. */
  async restart(): Promise<string> {
    const suffix = `.${new Date(this.#clocks.wallMs()).toISOString().replace(/[:.]/g, '-')}`
    await this.#exclusive(async () => {
      for (const name of ['audit', headFile, keyFile]) {
        const path = join(this.dataDirectory, name)
        try {
          await rename(path, path + suffix)
        } catch (error) {
          if ((error as { code?: unknown }).code !== 'ENOENT') {
            throw fileError(`can't put ${path} aside`, error)
          }
        }
      }
    })
    await this.record({
      action: 'audit.create',
      target: this.dataDirectory,
      outcome: 'warning',
      detail: { putAside: `audit${suffix}` },
    })
    return suffix
  }
}

function unavailable(cause: unknown): Error {
  const { message } = cause as { message?: unknown }
  return credentialError(
    CredentialCode.AuditUnavailable,
    `the audit trail can't be written, so nothing was done: ${String(message)}`,
    { cause },
  )
}

function headOf(facts: Omit<Head, 'key' | typeof Symbol.dispose>, key: SecretBuffer): Head {
  return {
    ...facts,
    key,
    [Symbol.dispose]() {
      key.release()
    },
  }
}

/** Appends a line; the old head's key is wiped. */
function appended(writer: AuditWriter, head: Head, event: AuditEvent, time: string): Head {
  const sequence = head.sequence + 1
  const position = { trail: head.trail, sequence, previous: head.hash }
  const bytes = encodeLine(event, position, time, head.key)
  const journalSequence = writer.append(bytes)
  const key = nextKey(head.key)
  head[Symbol.dispose]()
  return headOf({ trail: head.trail, sequence, journalSequence, hash: hashOf(bytes) }, key)
}

/** Whether the line is the one that the head names as the last. */
function isHeadOf(head: Head, bytes: Uint8Array): boolean {
  if (hashOf(bytes) !== head.hash) return false
  try {
    const line = decodeLine(bytes)
    return line.sequence === head.sequence && line.trail === head.trail
  } catch {
    return false
  }
}

/** The head after a line that is already in the journal. */
function followed(head: Head, journalSequence: number, bytes: Uint8Array): Head {
  const sequence = head.sequence + 1
  const problem = (): Error =>
    tampered(`a line after line ${String(head.sequence)} is not authentic`)
  let line
  try {
    line = decodeLine(bytes)
  } catch {
    throw problem()
  }
  const fits =
    line.trail === head.trail && line.sequence === sequence && line.previous === head.hash
  if (!fits || !isAuthentic(line, head.key)) throw problem()
  const key = nextKey(head.key)
  head[Symbol.dispose]()
  return headOf({ trail: head.trail, sequence, journalSequence, hash: hashOf(bytes) }, key)
}
