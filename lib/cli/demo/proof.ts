/**
 * The uninterrupted run, in memory: the same flow applied to plain TypeScript books, and the comparison
 * of recovered books with them.
 */
import { compareBooks } from '../../order-flow/compare-books.js'
import { emptyOperation } from '../../order-flow/flow-operation.js'
import { FlowGenerator } from '../../order-flow/generator.js'
import { ReferenceBook } from '../../order-flow/reference-book.js'
import type { PersistenceManager } from '../../persistence/persistence-manager.js'
import type { DemoPlan } from './plan.js'

export interface Proof {
  equal: boolean
  /** Events of the flow that are in the books. */
  events: number
  books: number
  levels: number
  orders: number
  /** '' if all is equal. */
  difference: string
}

export class UninterruptedRun {
  readonly #generator: FlowGenerator
  readonly #books: readonly ReferenceBook[]
  readonly #operation = emptyOperation()

  constructor(plan: DemoPlan) {
    this.#generator = new FlowGenerator({ seed: plan.seed })
    this.#books = this.#generator.instruments.map(() => new ReferenceBook())
  }

  get events(): number {
    return this.#generator.events
  }

  /** Applies the flow up to its first `events` events. */
  advanceTo(events: number): void {
    const operation = this.#operation
    while (this.#generator.events < events) {
      this.#generator.next(operation)
      this.#books[operation.instrument]?.apply(operation)
    }
  }

  /** Every level and every order of every book, in queue order. */
  compare(manager: PersistenceManager): Proof {
    const proof: Proof = {
      equal: true,
      events: this.events,
      books: this.#books.length,
      levels: 0,
      orders: 0,
      difference: '',
    }
    for (const [index, { name }] of this.#generator.instruments.entries()) {
      const reference = this.#books[index]
      if (reference === undefined) continue
      const comparison = compareBooks(manager.book(name), reference)
      proof.levels += comparison.levels
      proof.orders += comparison.orders
      if (!comparison.equal && proof.equal) {
        proof.equal = false
        proof.difference = `${name}: ${comparison.difference}`
      }
    }
    return proof
  }
}
