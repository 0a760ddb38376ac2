/**
 * The stores that Node users would use instead, each in the mode that proved fastest in the comparison;
 * docs/benchmarks.md names the modes. Only calls of the benchmarks have types here.
 */
import path from 'node:path'

import { installPeers } from './install.js'

const payloadBytes = 32

export interface AppendPeer {
  name: string
  /** Its mode, for the report. */
  mode: string
  /** Stores `count` payloads in its fastest way, not synced. */
  append(count: number): void | Promise<void>
  close(): void | Promise<void>
}

export interface DurablePeer {
  name: string
  mode: string
  /** Stores `count` payloads, durable when it returns. */
  append(count: number): void | Promise<void>
  close(): void | Promise<void>
}

export interface TransactionPeer {
  name: string
  mode: string
  /** `count` transactions of one updated row and two payloads, each with its own commit. */
  each(count: number): void
  /** The same in one commit. */
  together(count: number): void
  close(): void
}

interface LmdbDatabase {
  putSync(key: number, value: Buffer, options?: { append: boolean }): void
  transactionSync(action: () => void): void
  close(): Promise<void>
}
interface Lmdb {
  open(options: Record<string, unknown>): LmdbDatabase
}
interface SqliteStatement {
  run(...values: unknown[]): unknown
}
interface SqliteDatabase {
  pragma(text: string): unknown
  exec(text: string): unknown
  prepare(text: string): SqliteStatement
  transaction(action: (count: number) => void): (count: number) => void
  close(): void
}
type Sqlite = new (path: string) => SqliteDatabase
interface LevelBatch {
  put(key: Buffer, value: Buffer): LevelBatch
  write(options?: { sync: boolean }): Promise<void>
}
interface LevelDatabase {
  open(): Promise<void>
  batch(): LevelBatch
  close(): Promise<void>
}
interface Level {
  ClassicLevel: new (path: string, options: Record<string, unknown>) => LevelDatabase
}
interface Sonic {
  write(data: Buffer): boolean
  flushSync(): void
  once(event: 'ready' | 'close', listener: () => void): void
  end(): void
}
type SonicBoom = new (options: Record<string, unknown>) => Sonic

const payload = Buffer.alloc(payloadBytes, 0x5a)
const line = Buffer.alloc(64, 0x5a)
/** LevelDB's batch size in the comparison; larger batches were slower. */
const levelBatch = 1000

export class Peers {
  readonly #require: NodeJS.Require

  static install(): Peers | { problem: string } {
    const installed = installPeers()
    if ('problem' in installed) return installed
    const peers = new Peers(installed.require)
    try {
      for (const name of ['lmdb', 'better-sqlite3', 'classic-level', 'sonic-boom']) {
        installed.require(name)
      }
    } catch (error) {
      return { problem: `a peer can't be loaded: ${error instanceof Error ? error.message : ''}` }
    }
    return peers
  }

  private constructor(require: NodeJS.Require) {
    this.#require = require
  }

  async appending(directory: string): Promise<AppendPeer[]> {
    return [
      this.#lmdb(path.join(directory, 'lmdb'), true),
      this.#sqlite(path.join(directory, 'sqlite.db'), 'OFF'),
      await this.#level(path.join(directory, 'level')),
      await this.#sonic(path.join(directory, 'sonic.log')),
    ]
  }

  durable(directory: string): { lmdb: DurablePeer; sqlite: DurablePeer } {
    return {
      lmdb: this.#lmdb(path.join(directory, 'lmdb-durable'), false),
      sqlite: this.#sqlite(path.join(directory, 'sqlite-durable.db'), 'FULL'),
    }
  }

  /** better-sqlite3: the others have no rows to update beside their appends. */
  transactions(directory: string, synchronous: 'OFF' | 'FULL'): TransactionPeer {
    const file = path.join(directory, `sqlite-transactions-${synchronous}.db`)
    const { database, mode } = this.#openSqlite(file, synchronous)
    database.exec('CREATE TABLE entry (payload BLOB)')
    database.exec('CREATE TABLE live (id INTEGER PRIMARY KEY, quantity INTEGER)')
    database.exec('INSERT INTO live VALUES (1, 1125899906842624)')
    const execute = database.prepare('UPDATE live SET quantity = quantity - 1 WHERE id = 1')
    const insert = database.prepare('INSERT INTO entry VALUES (?)')
    const transaction = database.transaction((count) => {
      for (let i = 0; i < count; i++) {
        execute.run()
        insert.run(payload)
        insert.run(payload)
      }
    })
    return {
      name: 'better-sqlite3',
      mode: `${mode}; one row updated, two payloads inserted`,
      each(count) {
        for (let i = 0; i < count; i++) transaction(1)
      },
      together: (count) => {
        transaction(count)
      },
      close: () => {
        database.close()
      },
    }
  }

  #openSqlite(
    file: string,
    synchronous: 'OFF' | 'FULL',
  ): { database: SqliteDatabase; mode: string } {
    const Database = this.#require('better-sqlite3') as Sqlite
    const database = new Database(file)
    database.pragma('journal_mode = WAL')
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma(`synchronous = ${synchronous}`)
    const mode = `WAL, synchronous=${synchronous}, locking_mode=EXCLUSIVE, prepared`
    return { database, mode }
  }

  #lmdb(directory: string, noSync: boolean): AppendPeer {
    const lmdb = this.#require('lmdb') as Lmdb
    const database = lmdb.open({
      path: directory,
      encoding: 'binary',
      keyEncoding: 'uint32',
      compression: false,
      noMemInit: true,
      mapSize: 2 ** 32,
      noSync,
      ...(noSync ? {} : { overlappingSync: false }),
    })
    let key = 0
    return {
      name: 'lmdb',
      mode: `transactionSync, putSync with append${noSync ? ', noSync' : ', synced at commit'}`,
      append(count) {
        database.transactionSync(() => {
          for (let i = 0; i < count; i++) database.putSync(key++, payload, { append: true })
        })
      },
      close: () => database.close(),
    }
  }

  #sqlite(file: string, synchronous: 'OFF' | 'FULL'): AppendPeer {
    const { database, mode } = this.#openSqlite(file, synchronous)
    database.exec('CREATE TABLE entry (payload BLOB)')
    const insert = database.prepare('INSERT INTO entry VALUES (?)')
    const transaction = database.transaction((count) => {
      for (let i = 0; i < count; i++) insert.run(payload)
    })
    return {
      name: 'better-sqlite3',
      mode: `${mode}, one transaction`,
      append: (count) => {
        if (count === 1) insert.run(payload)
        else transaction(count)
      },
      close: () => {
        database.close()
      },
    }
  }

  async #level(directory: string): Promise<AppendPeer> {
    const { ClassicLevel } = this.#require('classic-level') as Level
    const database = new ClassicLevel(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
      writeBufferSize: 64 * 2 ** 20,
    })
    await database.open()
    let key = 0
    return {
      name: 'classic-level',
      mode: `chained batches of ${String(levelBatch)}, not synced, no compression`,
      async append(count) {
        for (let start = 0; start < count; start += levelBatch) {
          const batch = database.batch()
          for (let i = 0; i < levelBatch; i++) {
            const bytes = Buffer.allocUnsafe(8)
            bytes.writeDoubleBE(key++)
            batch.put(bytes, payload)
          }
          await batch.write()
        }
      },
      close: () => database.close(),
    }
  }

  async #sonic(file: string): Promise<AppendPeer> {
    const Boom = this.#require('sonic-boom') as SonicBoom
    const stream = new Boom({ dest: file, sync: true, minLength: 4096, contentMode: 'buffer' })
    await new Promise<void>((resolve) => {
      stream.once('ready', resolve)
    })
    return {
      name: 'sonic-boom',
      mode: 'sync, minLength 4096, lines of 64 bytes as Buffers',
      append(count) {
        for (let i = 0; i < count; i++) stream.write(line)
        stream.flushSync()
      },
      close: () =>
        new Promise((resolve) => {
          stream.once('close', resolve)
          stream.end()
        }),
    }
  }
}
