/**
 * Writes price history below `<directory>/history`. One archive at a time writes a directory: the writer of
 * the data directory, whose lock excludes others.
 *
 * - Every flush writes a new part of each day that got rows; `archived.json` follows once all are durable.
 * - The journal sequence identifies a row. A partition (product, kind, day) ignores rows at or below its own
 *   last sequence. So replaying the journal from the archived sequence duplicates nothing, wherever a kill
 *   interrupted a flush.
 * - Rows that could not be written stay in memory, and the next flush writes them.
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { absolutePath } from '../../config/absolute.js'
import { PinnacleError, PinnacleRangeError } from '../../errors/pinnacle-error.js'
import { syncPath, temporarySuffix, writeHistoryFile, type HistoryKind } from './history-file.js'
import { daysIn, mergeDay, namesIn, openDay, partFile } from './partition.js'
import {
  checkGap,
  checkProduct,
  checkSequence,
  checkTick,
  corruptFile,
  dayNs,
  dayOf,
  directoryNameOf,
  type HistoryGap,
  type HistoryProduct,
  type Tick,
} from './tick.js'

export interface HistoryArchiveOptions {
  /** The data directory; history is its subdirectory `history`. */
  directory: string
  /** Days to keep, today included. Default: all. */
  retentionDays?: number
  /** Milliseconds since the epoch; for tests. */
  now?: () => number
}

interface Partition {
  product: HistoryProduct
  kind: HistoryKind
  directory: string
  day: string
  lastSequence: number
  lastPart: number
  rows: (Tick | HistoryGap)[]
}

export class HistoryArchive {
  readonly #root: string
  readonly #retentionDays: number | undefined
  readonly #now: () => number
  readonly #partitions = new Map<string, Partition>()
  readonly #products = new Map<string, HistoryProduct>()
  #archived = 0
  #appended = 0
  #work: Promise<unknown> = Promise.resolve()

  private constructor(options: HistoryArchiveOptions) {
    this.#root = historyDirectory(options.directory)
    this.#retentionDays = options.retentionDays
    this.#now = options.now ?? Date.now
  }

  static async open(options: HistoryArchiveOptions): Promise<HistoryArchive> {
    const { retentionDays } = options
    if (
      retentionDays !== undefined &&
      !(Number.isSafeInteger(retentionDays) && retentionDays >= 1)
    ) {
      throw new PinnacleRangeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        'retentionDays must be an integer from 1 on; leave it out to keep all days',
      )
    }
    const archive = new HistoryArchive(options)
    await archive.#load()
    return archive
  }

  /** Everything up to this journal sequence is archived and durable. */
  get archivedSequence(): number {
    return this.#archived
  }

  append(product: HistoryProduct, ticks: readonly Tick[]): void {
    this.#check(product)
    for (const tick of ticks) checkTick(tick, product)
    for (const tick of ticks) this.#take(product, 'ticks', dayOf(tick.timeNs), tick)
  }

  /** Stored with the day in which it ends, so that retention can't drop a gap that reaches into kept days. */
  gap(product: HistoryProduct, gap: HistoryGap): void {
    this.#check(product)
    checkGap(gap)
    this.#take(product, 'gaps', dayOf(gap.toNs), gap)
  }

  /**
   * Makes the appended rows durable, and returns the sequence up to which everything is. `through`:
   * everything in the journal up to this sequence was appended, even if its last entries were neither tick
   * nor gap.
   */
  flush(through?: number): Promise<number> {
    if (through !== undefined) checkSequence(through)
    return this.#serially(async () => {
      const target = Math.max(this.#archived, through ?? this.#appended)
      for (const partition of this.#partitions.values()) {
        if (partition.rows.length > 0) await this.#write(partition)
      }
      if (target > this.#archived) {
        await writeArchived(this.#root, target)
        this.#archived = target
      }
      return this.#archived
    })
  }

  /** Merges the parts of past days, and deletes days beyond retention. */
  maintain(): Promise<void> {
    return this.#serially(async () => {
      const today = dayOf(BigInt(this.#now()) * 1_000_000n)
      const oldest = this.#oldestDay()
      for (const product of this.#products.values()) {
        for (const kind of ['ticks', 'gaps'] as const) {
          const directory = this.#directoryOf(product, kind)
          for (const [day, parts] of await daysIn(directory)) {
            if (oldest !== undefined && day < oldest) {
              // The merged file goes last: without it, parts that it replaced would count again.
              for (const part of [...parts].reverse()) {
                await rm(partFile(directory, day, part), { force: true })
              }
              await syncPath(directory)
              this.#partitions.delete(`${directory}/${day}`)
            } else if (day < today && (parts.length > 1 || parts[0] !== 0)) {
              await mergeDay(directory, kind, day, product)
            }
          }
        }
      }
    })
  }

  /** Flushes and merges; afterwards the archive can be dropped. */
  async close(): Promise<number> {
    const sequence = await this.flush()
    await this.maintain()
    return sequence
  }

  #serially<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#work.then(work)
    this.#work = result.catch(() => undefined)
    return result
  }

  #oldestDay(): string | undefined {
    if (this.#retentionDays === undefined) return undefined
    const oldest = BigInt(this.#now()) * 1_000_000n - BigInt(this.#retentionDays - 1) * dayNs
    return dayOf(oldest > 0n ? oldest : 0n)
  }

  #directoryOf(product: HistoryProduct, kind: HistoryKind): string {
    return path.join(this.#root, directoryNameOf(product.name), kind)
  }

  #check(product: HistoryProduct): void {
    checkProduct(product)
    const known = this.#products.get(product.name)
    if (known === undefined) {
      const { name, priceScale, quantityScale } = product
      this.#products.set(name, { name, priceScale, quantityScale })
    } else if (
      known.priceScale !== product.priceScale ||
      known.quantityScale !== product.quantityScale
    ) {
      throw new PinnacleError(
        'ERR_PINNACLE_HISTORY_SCALE',
        `the history of ${product.name} has the scales ${String(known.priceScale)} and ` +
          `${String(known.quantityScale)}, not ${String(product.priceScale)} and ` +
          `${String(product.quantityScale)}; keep the scales or move the old history away`,
      )
    }
  }

  #take(product: HistoryProduct, kind: HistoryKind, day: string, row: Tick | HistoryGap): void {
    this.#appended = Math.max(this.#appended, row.sequence)
    if (row.sequence <= this.#archived) return
    const oldest = this.#oldestDay()
    if (oldest !== undefined && day < oldest) return
    const directory = this.#directoryOf(product, kind)
    const key = `${directory}/${day}`
    let partition = this.#partitions.get(key)
    if (partition === undefined) {
      const { name, priceScale, quantityScale } = product
      partition = {
        product: { name, priceScale, quantityScale },
        kind,
        directory,
        day,
        lastSequence: 0,
        lastPart: 0,
        rows: [],
      }
      this.#partitions.set(key, partition)
    }
    const last = partition.rows.at(-1)?.sequence ?? partition.lastSequence
    if (row.sequence > last) partition.rows.push({ ...row })
  }

  async #write(partition: Partition): Promise<void> {
    const { directory, day, kind, product, rows } = partition
    const firstSequence = rows[0]?.sequence ?? 0
    const lastSequence = rows.at(-1)?.sequence ?? 0
    await makeDurableDirectory(this.#root, directory)
    const file = partFile(directory, day, partition.lastPart + 1)
    const facts = { product, firstSequence, lastSequence, replacesThrough: 0 }
    const batch = rows.slice()
    await writeHistoryFile(file, kind, facts, [batch])
    partition.lastPart++
    partition.lastSequence = lastSequence
    // Rows may have arrived meanwhile.
    partition.rows = partition.rows.slice(batch.length)
  }

  async #load(): Promise<void> {
    await makeDurableDirectory(path.dirname(this.#root), this.#root)
    for (const name of await namesIn(this.#root)) {
      if (name.endsWith(temporarySuffix)) await rm(path.join(this.#root, name), { force: true })
    }
    this.#archived = await readArchived(this.#root)
    this.#appended = this.#archived
    for (const name of await namesIn(this.#root)) {
      if (name === archivedName) continue
      for (const kind of ['ticks', 'gaps'] as const) {
        await this.#loadDays(path.join(this.#root, name, kind), kind)
      }
    }
  }

  async #loadDays(directory: string, kind: HistoryKind): Promise<void> {
    for (const name of await namesIn(directory)) {
      if (name.endsWith(temporarySuffix)) await rm(path.join(directory, name), { force: true })
    }
    for (const day of (await daysIn(directory)).keys()) {
      const { files, superseded, lastPart } = await openDay(directory, kind, day)
      await Promise.all(files.map((file) => file.close()))
      for (const file of superseded) await rm(file, { force: true })
      const facts = files.at(-1)?.facts
      if (facts === undefined) continue
      this.#check(facts.product)
      const { product, lastSequence } = facts
      const partition = { product, kind, directory, day, lastSequence, lastPart, rows: [] }
      this.#partitions.set(`${directory}/${day}`, partition)
    }
  }
}

export function historyDirectory(dataDirectory: string): string {
  return path.join(absolutePath(dataDirectory), 'history')
}

const archivedName = 'archived.json'

/** Everything up to this journal sequence is in the history's files; 0 without files. */
export function readArchivedSequence(dataDirectory: string): Promise<number> {
  return readArchived(historyDirectory(dataDirectory))
}

async function readArchived(root: string): Promise<number> {
  const file = path.join(root, archivedName)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
  const match = /^\{"version":1,"sequence":(\d{1,16})\}\n$/.exec(text)
  const sequence = Number(match?.[1] ?? Number.NaN)
  if (Number.isSafeInteger(sequence)) return sequence
  throw corruptFile(file, 'it holds no sequence')
}

async function writeArchived(root: string, sequence: number): Promise<void> {
  const file = path.join(root, archivedName)
  const temporary = file + temporarySuffix
  const handle = await open(temporary, 'w')
  try {
    await handle.writeFile(`{"version":1,"sequence":${String(sequence)}}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  await syncPath(root)
}

/** Makes every name from `from` down to the directory durable. */
async function makeDurableDirectory(from: string, directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true })
  if (first === undefined) return
  for (let parent = path.dirname(directory); ; parent = path.dirname(parent)) {
    await syncPath(parent)
    if (parent === from || parent === path.dirname(parent)) return
  }
}
