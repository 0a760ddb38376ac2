/** The hot path: appends and book operations against what `fs` costs for the same bytes. */
import { closeSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'

import { PersistenceManager, Side, type Book } from '../lib/index.js'
import { type Case } from './rounds.js'

export interface HotPath {
  cases: Case[]
  close: () => Promise<void>
}

/** Live orders in the book: adds and cancels keep it there. */
const liveOrders = 10_000
const batchSize = 512

export async function hotPath(directory: string): Promise<HotPath> {
  const persistence = await PersistenceManager.open({
    dataDirectory: path.join(directory, 'hot'),
    snapshotIntervalMin: 0,
    spareSegments: 4,
    expectedOrders: 4 * liveOrders,
    instruments: [{ name: 'BENCH', priceScale: 2, quantityScale: 0 }],
  })
  const { journal } = persistence
  const file = openSync(path.join(directory, 'plain.log'), 'w')
  const line = Buffer.alloc(64, 0x5a)
  const flow = new BookFlow(persistence.book('BENCH'))
  const batch = persistence.batch()
  let value = 0
  const lanes = (count: number): void => {
    for (let i = 0; i < count; i++) {
      value++
      journal.lanes[0] = value
      journal.lanes[1] = value
      journal.lanes[2] = value
      journal.lanes[3] = value
      journal.appendLanes(1, 4)
    }
  }
  const cases: Case[] = [
    {
      name: 'fs.writeSync, 64 bytes',
      perWindow: 200,
      windows: 40,
      run: (count) => {
        for (let i = 0; i < count; i++) writeSync(file, line)
      },
      one: () => writeSync(file, line),
    },
    {
      name: 'journal append, single, 32 bytes',
      perWindow: 1000,
      windows: 100,
      run: lanes,
      one: () => {
        lanes(1)
      },
    },
    {
      name: `journal append, batch of ${String(batchSize)}, 32 bytes`,
      perWindow: 4 * batchSize,
      windows: 50,
      run: (count) => {
        for (let i = 0; i < count; i += batchSize) {
          for (let lane = 0; lane < 4 * batchSize; lane += 4) {
            value++
            journal.lanes[lane] = value
            journal.lanes[lane + 1] = value
            journal.lanes[lane + 2] = value
            journal.lanes[lane + 3] = value
          }
          journal.appendLanesBatch(1, 4, batchSize)
        }
      },
    },
    {
      name: 'book operation with journal, single',
      perWindow: 1000,
      windows: 100,
      run: (count) => {
        for (let i = 0; i < count; i++) flow.next()
      },
      one: () => {
        flow.next()
      },
    },
    {
      name: 'book operation with journal, batch of 1000',
      perWindow: 1000,
      windows: 100,
      run: (count) => {
        for (let i = 0; i < count; i++) flow.stage(batch)
        batch.commit()
      },
    },
  ]
  return {
    cases,
    async close() {
      closeSync(file)
      await persistence.close()
    },
  }
}

/** Adds around a mid price, each paid for by a cancel, a partial cancel or an execution later. */
class BookFlow {
  readonly #book: Book
  #next = 1
  #oldest = 1
  #turn = 0

  constructor(book: Book) {
    this.#book = book
  }

  /** What comes next: 0 add, 1 cancel the oldest, 2 reduce the newest, 3 execute the newest. */
  #kind(): number {
    const turn = this.#turn++ % 8
    if (this.#next - this.#oldest < liveOrders) return 0
    return turn < 3 ? 0 : turn < 6 ? 1 : turn === 6 ? 2 : 3
  }

  next(): void {
    switch (this.#kind()) {
      case 0: {
        const id = this.#next++
        this.#book.add(id, sideOf(id), priceOf(id), 10)
        break
      }
      case 1:
        this.#book.cancel(this.#oldest++)
        break
      case 2:
        this.#book.reduce(this.#next - 1, 1)
        break
      default:
        this.#book.execute(this.#next - 1, 1)
    }
  }

  stage(batch: ReturnType<PersistenceManager['batch']>): void {
    switch (this.#kind()) {
      case 0: {
        const id = this.#next++
        batch.add(this.#book, id, sideOf(id), priceOf(id), 10)
        break
      }
      case 1:
        batch.cancel(this.#book, this.#oldest++)
        break
      case 2:
        batch.reduce(this.#book, this.#next - 1, 1)
        break
      default:
        batch.execute(this.#book, this.#next - 1, 1)
    }
  }
}

function sideOf(id: number): Side {
  return id % 2 === 0 ? Side.Buy : Side.Sell
}

/** Within 100 ticks of a mid that wanders, most of them near it. */
function priceOf(id: number): number {
  const distance = ((id * 7919) % 101) * ((id * 104729) % 3 === 0 ? 1 : 0.2)
  const mid = 100_000 + ((id >> 10) % 64)
  return Math.floor(id % 2 === 0 ? mid - 1 - distance : mid + 1 + distance)
}
