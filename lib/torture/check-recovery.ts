/**
 * Judges what a writer left behind: by the second reader first, which has no native code, then by the
 * engine's own inspection and recovery, all against the oracle and the writer's testimony.
 */
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { BookView } from '../book/book-view.js'
import { compareBooks } from '../order-flow/compare-books.js'
import type { ReferenceBook } from '../order-flow/reference-book.js'
import { inspect } from '../persistence/inspect.js'
import { PersistenceManager } from '../persistence/persistence-manager.js'
import { readJournal } from '../pure-reader/journal.js'
import { verifyPure, type PureReport } from '../pure-reader/verify.js'
import { mismatch } from './entry-match.js'
import { instrumentCount, tortureInstruments } from './flow.js'
import type { Oracle } from './oracle.js'

/** What recovery owes, from what was said on the pipes. */
export interface Claim {
  /** Everything up to here must be there. */
  atLeast: number
  /** Nothing behind this was ever asked for. */
  atMost: number
  /** A snapshot at this sequence was said to be there; 0: none. */
  snapshot: number
  /** The writer closed in order: nothing may be torn. */
  closed: boolean
}

export interface Judgement {
  violations: string[]
  /** The last sequence that recovery gave. */
  recovered: number
  /** Entries whose content was compared one by one. */
  compared: number
  orders: number
  torn: boolean
  snapshotUsed: number
}

/** Content behind what was compared before is compared again for so many entries. */
const overlap = 500

export class RecoveryCheck {
  readonly #oracle: Oracle
  readonly #dataDirectory: string
  readonly #claim: Claim
  readonly #judgement: Judgement = {
    violations: [],
    recovered: 0,
    compared: 0,
    orders: 0,
    torn: false,
    snapshotUsed: 0,
  }

  constructor(oracle: Oracle, dataDirectory: string, claim: Claim) {
    this.#oracle = oracle
    this.#dataDirectory = dataDirectory
    this.#claim = claim
  }

  async run(): Promise<Judgement> {
    if (!hasSegments(this.#dataDirectory)) {
      // Killed before the first segment had its name: there may be nothing, and nothing may be owed.
      const { atLeast } = this.#claim
      if (atLeast > 0) this.#violated(`the journal is gone, with ${String(atLeast)} entries`)
      return this.#judgement
    }
    const before = this.#readPurely()
    await this.#inspectNatively(before)
    await this.#recover(before)
    if (this.#judgement.violations.length === 0) this.#readAfter()
    return this.#judgement
  }

  #violated(what: string): void {
    this.#judgement.violations.push(what)
  }

  /** The second reader, before the engine has touched anything. */
  #readPurely(): PureReport {
    const from = Math.max(1, this.#oracle.sequence - overlap)
    let wrong = ''
    readJournal(this.#dataDirectory, (entry) => {
      const sequence = Number(entry.sequence)
      if (sequence < from || wrong !== '') return
      wrong = mismatch(sequence, this.#oracle.eventOf(sequence), entry)
      this.#judgement.compared++
    })
    if (wrong !== '') this.#violated(`before recovery ${wrong}`)
    const report = verifyPure(this.#dataDirectory)
    this.#judgement.torn = report.verdict === 'torn'
    const owed = this.#claim.closed ? 'clean' : 'clean or torn'
    if (report.verdict === 'corrupt' || (this.#claim.closed && report.verdict !== 'clean')) {
      const problems = report.problems.join('; ')
      this.#violated(`the second reader says ${report.verdict} instead of ${owed}: ${problems}`)
    }
    return report
  }

  async #inspectNatively(pure: PureReport): Promise<void> {
    const { recovery, snapshots } = await inspect(this.#dataDirectory)
    if (recovery.tail === 'corrupt') {
      this.#violated(`inspection says corrupt: ${recovery.break?.reason ?? 'no reason given'}`)
    }
    const last = lastOf(pure)
    if (recovery.lastSequence !== last) {
      this.#violated(
        `inspection reads to entry ${String(recovery.lastSequence)}, the second reader to ${String(last)}`,
      )
    }
    for (const { path: file, valid, detail } of snapshots) {
      if (!valid) this.#violated(`${file} has its name and does not verify: ${detail}`)
    }
  }

  async #recover(pure: PureReport): Promise<void> {
    const { atLeast, atMost, snapshot } = this.#claim
    const manager = await PersistenceManager.open({
      dataDirectory: this.#dataDirectory,
      create: false,
      snapshotIntervalMin: 0,
      segmentSize: '64KiB',
    })
    try {
      const { lastSequence, snapshotSequence } = manager.recovery
      this.#judgement.recovered = lastSequence
      this.#judgement.snapshotUsed = snapshotSequence
      if (lastSequence < atLeast) {
        this.#violated(
          `entries ${String(lastSequence + 1)} to ${String(atLeast)} were promised and are gone`,
        )
      }
      if (lastSequence > atMost) {
        this.#violated(
          `entries ${String(atMost + 1)} to ${String(lastSequence)} were never written`,
        )
      }
      if (lastSequence < this.#oracle.sequence && lastSequence >= instrumentCount) {
        this.#violated(`recovery gave entry ${String(this.#oracle.sequence)} before`)
      }
      if (snapshotSequence < snapshot) {
        this.#violated(
          `recovery used the snapshot at ${String(snapshotSequence)}, but one at ${String(snapshot)} was taken`,
        )
      }
      const last = lastOf(pure)
      if (lastSequence !== last) {
        this.#violated(
          `recovery gives entry ${String(lastSequence)} as the last, the second reader ${String(last)}`,
        )
      }
      this.#oracle.advanceTo(lastSequence)
      this.#compareBooks(manager, lastSequence)
      this.#comparePureBooks(pure)
    } finally {
      await manager.close()
    }
  }

  #compareBooks(manager: PersistenceManager, lastSequence: number): void {
    const defined = manager.instruments().map(({ name }) => name)
    const owed = tortureInstruments.slice(0, lastSequence).map(({ name }) => name)
    if (defined.join() !== owed.join()) {
      this.#violated(`the instruments are ${defined.join()} instead of ${owed.join()}`)
      return
    }
    for (const [index, name] of defined.entries()) {
      const book: BookView = manager.book(name)
      const reference = this.#oracle.books[index] as ReferenceBook
      const { equal, difference, orders } = compareBooks(book, reference)
      this.#judgement.orders += orders
      if (!equal) this.#violated(`${name} behind entry ${String(lastSequence)}: ${difference}`)
    }
  }

  /** Newest snapshot and what stands behind it, applied by the second reader's own books. */
  #comparePureBooks(pure: PureReport): void {
    if (pure.books === undefined || lastOf(pure) !== this.#oracle.sequence) return
    for (const [index, book] of pure.books.books.entries()) {
      const reference = this.#oracle.books[index]
      for (const sell of [false, true]) {
        const found = book
          .levels(sell)
          .map(({ price, orders }) => [
            Number(price),
            ...orders.map(({ id, quantity }) => `${String(id)}:${String(quantity)}`),
          ])
        const owed = (reference?.depth(sell ? 1 : 0) ?? []).map(({ price }) => [
          price,
          ...(reference?.levelOrders(sell ? 1 : 0, price) ?? []).map(
            ({ id, quantity }) => `${String(id)}:${String(quantity)}`,
          ),
        ])
        if (JSON.stringify(found) !== JSON.stringify(owed)) {
          this.#violated(
            `${book.name}, ${sell ? 'asks' : 'bids'}: the second reader's book differs`,
          )
        }
      }
    }
  }

  /** What recovery left must be clean, and the same. */
  #readAfter(): void {
    const after = verifyPure(this.#dataDirectory)
    const last = lastOf(after)
    if (after.verdict !== 'clean' || last !== this.#judgement.recovered) {
      this.#violated(
        `behind recovery the second reader says ${after.verdict}, to entry ${String(last)}: ` +
          after.problems.join('; '),
      )
    }
  }
}

function lastOf({ journal, books }: PureReport): number {
  return Math.max(Number(journal.lastSequence), Number(books?.lastSequence ?? 0n))
}

export function hasSegments(dataDirectory: string): boolean {
  const journal = path.join(dataDirectory, 'journal')
  return existsSync(journal) && readdirSync(journal).some((name) => name.endsWith('.segment'))
}
