import { PinnacleError } from '../errors/pinnacle-error.js'
import type { JournalEntry } from './entry.js'

/** Whether the last sequence that a reader wants cuts a transaction, in a chunk that has its transactions whole. */
export class TransactionCut {
  readonly #to: number
  #begin = 0
  /** The ends of the transaction that is cut; 0: none is. */
  #first = 0
  #last = 0

  constructor(to: number) {
    this.#to = to
  }

  /** Of every entry of the chunk, in order. */
  note({ sequence, transaction }: JournalEntry): void {
    if (transaction === 'first') this.#begin = sequence
    if (transaction !== 'last' || this.#begin > this.#to || sequence <= this.#to) return
    this.#first = this.#begin
    this.#last = sequence
  }

  /** Throws if the entry of this sequence belongs to the transaction that is cut. */
  assertWhole(sequence: number): void {
    if (this.#last === 0 || sequence < this.#first) return
    const [to, first, last] = [String(this.#to), String(this.#first), String(this.#last)]
    throw new PinnacleError(
      'ERR_PINNACLE_INSIDE_TRANSACTION',
      `entry ${to} lies inside the transaction of the entries ${first} to ${last}, which is there as a whole or ` +
        `not at all; take ${String(this.#first - 1)} or ${last} as the last entry`,
    )
  }
}
