/**
 * Transactions of an execution and two entries of 32 bytes, against the same calls without one and
 * better-sqlite3's; the cost of a state machine that sees operations; and the cost in the engine alone.
 */
import { spawnSync } from 'node:child_process'
import path from 'node:path'

import { PersistenceManager, Side, type Durability, type StateMachine } from '../../lib/index.js'
import { buildNative } from '../limits.js'
import type { TransactionPeer } from '../peers/peers.js'
import { emptyResult, figureNamed, type Part, type PartResult } from '../part.js'
import { measure, median, ratio, windowed, type Case, type Figure } from '../rounds.js'

const group = 100
const plainName = 'an execution and two entries, without a transaction'
const transactionName = 'the same as a transaction'
const sqliteName = 'better-sqlite3, the same as a transaction'
const sqliteTogetherName = `better-sqlite3, one of ${String(group)} in one transaction`
const durableName = 'one transaction, awaited durable'
const durableGroupName = `${String(group)} transactions, awaited durable together`
const sqliteDurableName = 'better-sqlite3 FULL, one transaction'
const sqliteDurableGroupName = `better-sqlite3 FULL, ${String(group)} of them in one transaction`
const unseenName = 'execute, a state machine without applyOperation'
const seenName = 'execute, a state machine with an empty applyOperation'

interface NativeCost {
  work: string
  outside: number
  transaction: number
  operation: number
}

class Blind implements StateMachine {
  apply(): void {
    // Only the cost of the call counts.
  }
  snapshot(): Uint8Array {
    return new Uint8Array(1)
  }
  restore(): void {
    // It has no state.
  }
}

class Seeing extends Blind {
  applyOperation(): void {
    // As above.
  }
}

/** A manager with one order that can be executed forever. */
class Subject {
  readonly persistence: PersistenceManager
  readonly #execute: () => void
  readonly #trade: () => void

  static async open(
    dataDirectory: string,
    durability: Durability = 'interval',
    stateMachine?: StateMachine,
  ): Promise<Subject> {
    const persistence = await PersistenceManager.open({
      dataDirectory,
      durability,
      snapshotIntervalMin: 0,
      spareSegments: 8,
      compactionThreshold: '4GiB',
      instruments: [{ name: 'X', priceScale: 0, quantityScale: 0 }],
      ...(stateMachine ? { stateMachine } : {}),
    })
    return new Subject(persistence)
  }

  private constructor(persistence: PersistenceManager) {
    this.persistence = persistence
    const book = persistence.book('X')
    const { journal } = persistence
    book.add(1, Side.Sell, 100, 2 ** 50)
    this.#execute = () => {
      book.execute(1, 1)
    }
    const { lanes } = journal
    this.#trade = () => {
      book.execute(1, 1)
      for (let entry = 0; entry < 2; entry++) {
        for (let lane = 0; lane < 4; lane++) lanes[lane] = lane
        journal.appendLanes(1, 4)
      }
    }
  }

  execute(count: number): void {
    for (let i = 0; i < count; i++) this.#execute()
  }

  plain(count: number): void {
    for (let i = 0; i < count; i++) this.#trade()
  }

  transactions(count: number): void {
    for (let i = 0; i < count; i++) this.persistence.transaction(this.#trade)
  }
}

/** The median of `times` times `work`, µs. */
function timed(times: number, work: () => unknown): () => Promise<number> {
  return async () => {
    const values: number[] = []
    for (let i = 0; i < times; i++) {
      const start = performance.now()
      const pending = work()
      if (pending instanceof Promise) await pending
      values.push((performance.now() - start) * 1e3)
    }
    return median(values)
  }
}

const swift = (name: string, run: (count: number) => void): Case => ({
  name,
  round: windowed({ perWindow: 1000, windows: 100, run }),
})

function durableCases(subject: Subject, peer: TransactionPeer | undefined, times: number): Case[] {
  const unit = 'µs'
  const durably = (count: number) => (): Promise<unknown> => {
    const promises: Promise<number>[] = []
    for (let i = 0; i < count; i++) {
      subject.transactions(1)
      promises.push(subject.persistence.durable())
    }
    return Promise.all(promises)
  }
  const cases: Case[] = [
    { name: durableName, unit, round: timed(times, durably(1)) },
    { name: durableGroupName, unit, round: timed(times, durably(group)) },
  ]
  if (!peer) return cases
  return [
    ...cases,
    { name: sqliteDurableName, unit, round: timed(times, () => peer.each(1)) },
    { name: sqliteDurableGroupName, unit, round: timed(times, () => peer.together(group)) },
  ]
}

/** The engine's cost alone; undefined if the program could not be built. */
function nativeCosts(directory: string, rounds: number): NativeCost[] | undefined {
  const built = buildNative('transaction_bench')
  if ('problem' in built) return undefined
  const words = ['--rounds', String(rounds), '--directory', directory]
  const { stdout, status, stderr } = spawnSync(built.program, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`transaction_bench failed: ${stderr}`)
  const lines = stdout.trim().split('\n')
  return lines.map((line) => JSON.parse(line) as NativeCost)
}

function addNative(result: PartResult, costs: readonly NativeCost[]): void {
  for (const { work, outside, transaction, operation } of costs) {
    result.notes.push(
      `natively, ${work}: ${outside.toFixed(1)} ns outside; a transaction ${transaction.toFixed(1)} ns, ` +
        `an operation in it ${operation.toFixed(1)} ns more`,
    )
  }
  result.goals.transaction = Math.max(...costs.map(({ transaction }) => transaction))
  result.goals.transactionOperation = Math.max(...costs.map(({ operation }) => operation))
}

function compare(result: PartResult, figures: readonly Figure[]): void {
  const pairs: [what: string, of: string, to: string][] = [
    ['a transaction, of the same without one', transactionName, plainName],
    ["a transaction, faster than better-sqlite3's", sqliteName, transactionName],
    [
      'a transaction, faster than one of many in one of better-sqlite3',
      sqliteTogetherName,
      transactionName,
    ],
    ["a durable transaction, faster than better-sqlite3's", sqliteDurableName, durableName],
    [
      "a durable group, faster than better-sqlite3's one transaction",
      sqliteDurableGroupName,
      durableGroupName,
    ],
    ['an operation that a state machine sees, of one that it does not', seenName, unseenName],
  ]
  const isMeasured = (name: string): boolean => figures.some((figure) => figure.name === name)
  for (const [what, of, to] of pairs) {
    if (!isMeasured(of) || !isMeasured(to)) continue
    result.comparisons.push({
      what,
      ratio: ratio(figureNamed(figures, of), figureNamed(figures, to)),
    })
  }
}

export const transactions: Part = {
  name: 'transactions',
  async run({ directory, quick, limits, peers }) {
    const result = emptyResult(
      'transactions of an execution and two 32-byte entries, ns or µs each',
    )
    const data = (name: string): string => path.join(directory, name)
    const subject = await Subject.open(data('plain'))
    const appended = await Subject.open(data('durable'), 'appended')
    const unseen = await Subject.open(data('unseen'), 'interval', new Blind())
    const seen = await Subject.open(data('seen'), 'interval', new Seeing())
    const off = peers?.transactions(directory, 'OFF')
    const full = peers?.transactions(directory, 'FULL')
    const cases = [
      swift(plainName, (count) => subject.plain(count)),
      swift(transactionName, (count) => subject.transactions(count)),
      swift(unseenName, (count) => unseen.execute(count)),
      swift(seenName, (count) => seen.execute(count)),
    ]
    if (off) {
      cases.push(
        swift(sqliteName, (count) => off.each(count)),
        // A thousand are ten groups.
        swift(sqliteTogetherName, (count) => {
          for (let done = 0; done < count; done += group) off.together(group)
        }),
      )
      result.notes.push(`better-sqlite3: ${off.mode}`)
    }
    cases.push(...durableCases(appended, full, quick ? 10 : 40))
    result.figures = await measure(cases, quick ? 3 : 9)
    for (const { persistence } of [subject, appended, unseen, seen]) await persistence.close()
    off?.close()
    full?.close()
    compare(result, result.figures)
    const costs = limits ? nativeCosts(directory, quick ? 5 : 25) : undefined
    if (costs) addNative(result, costs)
    return result
  },
}
