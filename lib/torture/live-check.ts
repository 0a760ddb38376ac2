/** Compares the state that a writer sees, live, with the one that its operations make. */
import type { PersistenceManager } from '../persistence/persistence-manager.js'
import { pictureDifference, pictureOfExpected, pictureOfView } from './book-picture.js'
import { tortureInstruments } from './flow.js'
import { ledgerDifference, type LedgerMachine } from './ledger.js'
import { Oracle } from './oracle.js'

export class LiveCheck {
  readonly #manager: PersistenceManager
  readonly #machine: LedgerMachine | undefined
  readonly #oracle: Oracle

  constructor(flowSeed: number, manager: PersistenceManager, machine: LedgerMachine | undefined) {
    this.#manager = manager
    this.#machine = machine
    this.#oracle = new Oracle(flowSeed)
  }

  /** Throws at the first difference. `written` never goes back. */
  compare(when: string, written: number): void {
    const frontier = this.#manager.appendedFrontier
    if (frontier !== written) {
      throw new Error(`${when} entry ${String(frontier)} is the last, not ${String(written)}`)
    }
    this.#oracle.advanceTo(written)
    const { books, ledger } = this.#oracle.state
    for (const [index, { name }] of tortureInstruments.entries()) {
      const expected = books[index]
      const found = pictureOfView(this.#manager.book(name))
      const difference = pictureDifference(found, expected ? pictureOfExpected(expected) : [])
      if (difference !== '') throw new Error(`${when} ${name}: ${difference}`)
    }
    if (this.#machine === undefined) return
    const difference = ledgerDifference(this.#machine.picture, ledger.picture())
    if (difference !== '') throw new Error(`${when} the state machine: ${difference}`)
  }
}
