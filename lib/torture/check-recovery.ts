/**
 * Judges what a writer left in its directory: by the second reader first, which has no native code, then
 * by the engine's own inspection and recovery, all against the oracle and the writer's testimony.
 */
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { inspect } from '../persistence/inspect.js'
import { PersistenceManager } from '../persistence/persistence-manager.js'
import { readJournal } from '../pure-reader/journal.js'
import { verifyPure, type PureReport } from '../pure-reader/verify.js'
import {
  pictureDifference,
  pictureOfExpected,
  pictureOfPure,
  pictureOfView,
  type BookPicture,
} from './book-picture.js'
import { mismatch } from './entry-text.js'
import { instrumentCount, tortureInstruments } from './flow.js'
import { ledgerDifference, LedgerMachine } from './ledger.js'
import type { Oracle } from './oracle.js'

/** What recovery owes, from what was said on the pipes. */
export interface Claim {
  /** Everything up to here must be there. */
  atLeast: number
  /** No later entry was ever attempted. */
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
  /** Levels of all books, compared with all their orders. */
  levels: number
  torn: boolean
  snapshotUsed: number
}

/** The content of this many entries is compared again, though it was compared after an earlier fault. */
const overlap = 500

export class RecoveryCheck {
  readonly #oracle: Oracle
  readonly #dataDirectory: string
  /** The second reader is of the files. */
  #onlyInWindow = 0
  readonly #claim: Claim
  readonly #machine: LedgerMachine | undefined
  readonly #judgement: Judgement = {
    violations: [],
    recovered: 0,
    compared: 0,
    levels: 0,
    torn: false,
    snapshotUsed: 0,
  }

  /** `machine`: the directory was written with a state machine. */
  constructor(oracle: Oracle, dataDirectory: string, claim: Claim, machine = false) {
    this.#oracle = oracle
    this.#dataDirectory = dataDirectory
    this.#claim = claim
    this.#machine = machine ? new LedgerMachine() : undefined
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
    const { recovery, snapshots, window } = await inspect(this.#dataDirectory)
    this.#onlyInWindow = window.entries
    if (recovery.tail === 'corrupt') {
      this.#violated(`inspection says corrupt: ${recovery.break?.reason ?? 'no reason given'}`)
    }
    const last = lastOf(pure) + this.#onlyInWindow
    if (recovery.lastSequence !== last) {
      this.#violated(
        `inspection reads to entry ${String(recovery.lastSequence)}, the second reader and the window to ${String(last)}`,
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
      ...(this.#machine === undefined ? {} : { stateMachine: this.#machine }),
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
        this.#violated(
          `an earlier recovery gave entry ${String(this.#oracle.sequence)}, this one ends at ${String(lastSequence)}`,
        )
      }
      if (snapshotSequence < snapshot) {
        this.#violated(
          `recovery used the snapshot at ${String(snapshotSequence)}, but one at ${String(snapshot)} was taken`,
        )
      }
      const last = lastOf(pure) + this.#onlyInWindow
      if (lastSequence !== last) {
        this.#violated(
          `recovery gives entry ${String(lastSequence)} as the last, the second reader and the window ${String(last)}`,
        )
      }
      this.#oracle.advanceTo(lastSequence)
      this.#compareBooks(manager, lastSequence)
      this.#comparePureBooks(pure)
      this.#compareLedger(lastSequence)
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
      const picture = pictureOfView(manager.book(name))
      this.#judgement.levels += picture.length - 1
      this.#compare(`${name} after entry ${String(lastSequence)}`, index, picture)
    }
  }

  /** Newest snapshot and the entries after it, applied by the second reader's own books. */
  #comparePureBooks(pure: PureReport): void {
    if (pure.books === undefined || lastOf(pure) !== this.#oracle.sequence) return
    for (const [index, book] of pure.books.books.entries()) {
      this.#compare(`the second reader's book ${book.name}`, index, pictureOfPure(book))
    }
  }

  #compare(name: string, index: number, found: BookPicture): void {
    const expected = this.#oracle.state.books[index]
    const difference = pictureDifference(found, expected ? pictureOfExpected(expected) : [])
    if (difference !== '') this.#violated(`${name}: ${difference}`)
  }

  #compareLedger(lastSequence: number): void {
    if (this.#machine === undefined) return
    const { picture } = this.#machine
    const difference = ledgerDifference(picture, this.#oracle.state.ledger.picture())
    if (difference !== '') {
      this.#violated(`the state machine after entry ${String(lastSequence)}: ${difference}`)
    }
    if (picture.holes.length > 0) this.#violated('the state machine was given holes')
  }

  /** What recovery left must be clean, and the same. */
  #readAfter(): void {
    const after = verifyPure(this.#dataDirectory)
    const last = lastOf(after)
    if (after.verdict !== 'clean' || last !== this.#judgement.recovered) {
      this.#violated(
        `after recovery the second reader says ${after.verdict}, to entry ${String(last)}: ` +
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
