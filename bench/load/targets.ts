/** What the generator drives: nothing at all, a journal, or a book of many orders. */
import { PersistenceManager, Side, type Stats, type WritePath } from '../../lib/index.js'
import { addOrders } from '../million.js'
import type { BusyCores } from './busy-cores.js'
import type { Load } from './generator.js'

export const maxBatch = 256

export interface Target {
  load: Load
  /** Called between two turns of the event loop; the turn itself starts after it. */
  onTurn?(): void
  /** Waits for the work that onTurn started. */
  settle(): Promise<void>
  stats(): Stats | undefined
  close(): Promise<void>
}

/** The generator and the machine alone, with its other cores idle or busy. */
export function nothing(others?: BusyCores): Target {
  let done = 0
  return {
    load: {
      one() {
        done++
      },
      several(count) {
        done += count
      },
    },
    onTurn() {
      if (others) others.busy = true
    },
    settle() {
      if (others) others.busy = false
      return Promise.resolve()
    },
    stats: () => undefined,
    async close() {
      await others?.close()
      if (done === 0) throw new Error('nothing was done')
    },
  }
}

const syncIntervalMs = 10

export async function appends(
  directory: string,
  segmentSize: string,
  backgroundCpus: number[],
  writePath: WritePath = 'auto',
): Promise<Target> {
  const persistence = await PersistenceManager.open({
    dataDirectory: directory,
    durability: 'interval',
    journalSyncIntervalMs: syncIntervalMs,
    snapshotIntervalMin: 0,
    compactionThreshold: '64GiB',
    segmentSize,
    backgroundCpus,
    writePath,
    windowSize: '128MiB',
  })
  const { journal } = persistence
  const lanes = journal.lanes
  let value = 0
  return {
    load: {
      one() {
        value++
        lanes[0] = value
        lanes[1] = value
        lanes[2] = value
        lanes[3] = value
        journal.appendLanes(1, 4)
      },
      several(count) {
        for (let lane = 0; lane < 4 * count; lane++) lanes[lane] = ++value
        journal.appendLanesBatch(1, 4, count)
      },
    },
    settle: () => Promise.resolve(),
    stats: () => persistence.stats(),
    close: () => persistence.close(),
  }
}

export type Background = 'none' | 'snapshots' | 'snapshots and compaction'

export class BookTarget implements Target {
  readonly load: Load
  background: Background = 'none'
  readonly #persistence: PersistenceManager
  #running: Promise<void> | undefined
  #failure: unknown

  static async open(
    directory: string,
    orders: number,
    segmentSize: string,
    backgroundCpus: number[],
  ): Promise<BookTarget> {
    const persistence = await PersistenceManager.open({
      dataDirectory: directory,
      durability: 'interval',
      journalSyncIntervalMs: syncIntervalMs,
      snapshotIntervalMin: 0,
      keepSnapshots: 1,
      compactionThreshold: 0,
      segmentSize,
      spareSegments: 8,
      backgroundCpus,
      expectedOrders: Math.ceil(orders * 1.1),
      instruments: [{ name: 'BENCH', priceScale: 2, quantityScale: 0 }],
    })
    addOrders(persistence, [persistence.book('BENCH')], orders)
    await persistence.durable()
    return new BookTarget(persistence, orders)
  }

  private constructor(persistence: PersistenceManager, orders: number) {
    this.#persistence = persistence
    const book = persistence.book('BENCH')
    const batch = persistence.batch()
    // Alternately adds and cancels the oldest: the number of live orders stays.
    let next = orders + 1
    let oldest = 1
    let adds = false
    const side = (id: number): Side => (id % 2 === 0 ? Side.Buy : Side.Sell)
    const price = (id: number): number =>
      id % 2 === 0 ? 100_000 - ((id * 7919) % 5000) : 100_001 + ((id * 7919) % 5000)
    this.load = {
      one() {
        adds = !adds
        if (adds) {
          book.add(next, side(next), price(next), 10)
          next++
        } else book.cancel(oldest++)
      },
      several(count) {
        for (let i = 0; i < count; i++) {
          adds = !adds
          if (adds) {
            batch.add(book, next, side(next), price(next), 10)
            next++
          } else batch.cancel(book, oldest++)
        }
        batch.commit()
      },
    }
  }

  onTurn(): void {
    if (this.background === 'none' || this.#running) return
    this.#running = this.#work()
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => {
        this.#running = undefined
      })
  }

  async settle(): Promise<void> {
    await this.#running
    if (this.#failure) throw new Error('the work beside the load failed', { cause: this.#failure })
  }

  stats(): Stats {
    return this.#persistence.stats()
  }

  async close(): Promise<void> {
    await this.settle()
    await this.#persistence.close()
  }

  async #work(): Promise<void> {
    await this.#persistence.snapshot()
    if (this.background === 'snapshots and compaction') {
      await this.#persistence.compact({ force: true })
    }
  }
}
