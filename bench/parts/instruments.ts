/** A thousand instruments in one directory against one: the same orders, the same operations. */
import path from 'node:path'

import { PersistenceManager, Side, type Book } from '../../lib/index.js'
import { emptyResult, figureNamed, type Part } from '../part.js'
import { measure, ratio, windowed } from '../rounds.js'

const many = 1000
const liveOrders = 10_000
/**
 * Levels per side in each book: few enough that ten orders keep them all, so no operation creates or removes
 * one.
 */
const levels = 2

/** Adds and cancels that rotate over the books, with `liveOrders` orders live. */
class Rotation {
  #next = 0

  constructor(readonly books: readonly Book[]) {
    for (; this.#next < liveOrders; this.#next++) this.#add(this.#next)
  }

  pair(): void {
    this.#add(this.#next)
    this.#bookOf(this.#next - liveOrders).cancel(this.#next - liveOrders + 1)
    this.#next++
  }

  #bookOf(order: number): Book {
    return this.books[order % this.books.length] as Book
  }

  #add(order: number): void {
    const turn = Math.floor(order / this.books.length)
    const side = turn % 2 === 0 ? Side.Buy : Side.Sell
    const distance = Math.floor(turn / 2) % levels
    const price = side === Side.Buy ? 99_999 - distance : 100_001 + distance
    this.#bookOf(order).add(order + 1, side, price, 10)
  }
}

export const instruments: Part = {
  name: 'instruments',
  async run({ directory, quick }) {
    const result = emptyResult(`${String(many)} instruments against one, ns an operation`)
    const open = async (count: number) => {
      const names = Array.from({ length: count }, (_, index) => `I${String(index)}`)
      const persistence = await PersistenceManager.open({
        dataDirectory: path.join(directory, String(count)),
        durability: 'appended',
        snapshotIntervalMin: 0,
        compactionThreshold: '4GiB',
        expectedOrders: Math.ceil((2 * liveOrders) / count),
        instruments: names.map((name) => ({ name, priceScale: 2, quantityScale: 0 })),
      })
      const rotation = new Rotation(names.map((name) => persistence.book(name)))
      return { persistence, rotation }
    }
    const one = await open(1)
    const thousand = await open(many)
    const pairs = ({ rotation }: typeof one) =>
      windowed({
        perWindow: 2000,
        windows: 40,
        run: (count) => {
          for (let i = 0; i < count; i += 2) rotation.pair()
        },
      })
    const oneName = 'one instrument, add and cancel'
    const manyName = `${String(many)} instruments, add and cancel`
    result.figures = await measure(
      [
        { name: oneName, round: pairs(one) },
        { name: manyName, round: pairs(thousand) },
      ],
      quick ? 3 : 9,
    )
    // Each instrument has entries that are not durable; one call makes them so.
    for (let i = 0; i < many; i++) thousand.rotation.pair()
    const before = thousand.persistence.stats().syncs
    await thousand.persistence.durable()
    const after = thousand.persistence.stats()
    if (after.durableFrontier !== after.appendedFrontier) throw new Error('not all is durable')
    result.goals.instrumentsSync = after.syncs - before
    await one.persistence.close()
    await thousand.persistence.close()
    const found = ratio(figureNamed(result.figures, manyName), figureNamed(result.figures, oneName))
    result.comparisons.push({ what: `${String(many)} instruments, of one`, ratio: found })
    result.goals.instruments = found.median
    result.notes.push(`${liveOrders.toLocaleString('en')} live orders in both, single calls`)
    return result
  },
}
