/** The lines are kept in a journal of their own below the data directory, one entry a line. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { absolutePath } from '../config/absolute.js'
import { setTimeout as delay } from 'node:timers/promises'
import { codeOf, CredentialCode } from '../secure/errors.js'
import { UserType } from '../registry/user-types.js'
import { Journal } from '../journal/journal.js'

export interface StoredLine {
  /** In the journal. */
  readonly sequence: number
  readonly bytes: Uint8Array
}

export interface AuditWriter {
  /** Returns the line's sequence in the journal. */
  append(bytes: Uint8Array): number
  /** Resolves when everything appended is durable. */
  durable(): Promise<void>
}

export interface AuditStorage {
  /** Runs `work` as the only writer, of all processes. */
  write<T>(work: (writer: AuditWriter) => Promise<T>): Promise<T>
  /** From the given sequence of the journal on; beside a writer too. */
  read(from: number): AsyncIterable<StoredLine>
}

const pollMs = 20

/**
 * The journal is open only while lines are written: a running trading process and a `pinnacle` command
 * then write to one trail in turn.
 */
export class JournalAuditStorage implements AuditStorage {
  readonly directory: string
  readonly #lockTimeoutMs: number

  constructor(dataDirectory: string, lockTimeoutMs = 10_000) {
    this.directory = join(absolutePath(dataDirectory), 'audit')
    this.#lockTimeoutMs = lockTimeoutMs
  }

  async write<T>(work: (writer: AuditWriter) => Promise<T>): Promise<T> {
    const journal = await this.#open()
    try {
      return await work({
        append: (bytes) => journal.append(UserType.audit.line, bytes),
        durable: async () => {
          await journal.durable()
        },
      })
    } finally {
      await journal.close()
    }
  }

  async #open(): Promise<Journal> {
    const deadline = performance.now() + this.#lockTimeoutMs
    for (;;) {
      try {
        return await Journal.open({
          dataDirectory: this.directory,
          segmentSize: '1MiB',
          spareSegments: 0,
          durability: 'appended',
        })
      } catch (error) {
        if (codeOf(error) !== CredentialCode.Locked || performance.now() >= deadline) throw error
      }
      await delay(pollMs)
    }
  }

  async *read(from: number): AsyncGenerator<StoredLine, void, undefined> {
    if (!existsSync(this.directory)) return
    const options = from > 1 ? { from, types: ['user' as const] } : { types: ['user' as const] }
    for await (const entry of Journal.read(this.directory, options)) {
      if (entry.type === 'user' && entry.userType === UserType.audit.line) {
        yield { sequence: entry.sequence, bytes: entry.payload }
      }
    }
  }
}
