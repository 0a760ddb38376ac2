/**
 * A writer that is going to be killed, stopped or starved of space: goes on with the flow where its
 * data directory stands, and says on descriptor 3 what it does and what it was told (testimony.ts).
 * SIGTERM lets it close in order. Exit code 1: it failed or contradicted itself; stderr says how.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Book } from '../book/book.js'
import type { OperationBatch } from '../book/operation-batch.js'
import { isPinnacleError } from '../errors/pinnacle-error.js'
import { compareBooks } from '../order-flow/compare-books.js'
import { FlowKind, type FlowOperation } from '../order-flow/flow-operation.js'
import { Random } from '../order-flow/random.js'
import { PersistenceManager } from '../persistence/persistence-manager.js'
import { Acknowledgements } from './acknowledgements.js'
import { instrumentCount, TortureFlow, tortureInstruments, type TortureEvent } from './flow.js'
import { leaveWithParent } from './leave-with-parent.js'
import { Oracle } from './oracle.js'
import { Speaker, Word } from './testimony.js'
import { configOf, type WriterPlan } from './writer-plan.js'

const longestRound = 300
const pendingWaits = 8
const retryMs = 4

class Writer {
  readonly #plan: WriterPlan
  readonly #manager: PersistenceManager
  readonly #speaker: Speaker
  readonly #acknowledgements: Acknowledgements
  readonly #random: Random
  readonly #flow: TortureFlow
  readonly #books: readonly Book[]
  readonly #batch: OperationBatch
  /** Only where refusals are expected; moves with `#written`. */
  readonly #oracle: Oracle | undefined
  #written: number
  #segments = 0
  stopping = false

  constructor(plan: WriterPlan, manager: PersistenceManager, speaker: Speaker) {
    this.#plan = plan
    this.#manager = manager
    this.#speaker = speaker
    this.#acknowledgements = new Acknowledgements(manager, (...pairs) => {
      speaker.say(...pairs)
    })
    this.#random = new Random(plan.lifeSeed)
    this.#flow = new TortureFlow(plan.flowSeed)
    this.#written = manager.appendedFrontier
    this.#flow.skip(this.#written - instrumentCount)
    this.#books = tortureInstruments.map(({ name }) => manager.book(name))
    this.#batch = manager.batch()
    this.#segments = this.#segmentsBegun()
    if (plan.expectFull) this.#oracle = new Oracle(plan.flowSeed)
  }

  async run(): Promise<void> {
    const plan = this.#plan
    const manager = this.#manager
    this.#speaker.say(Word.opened, this.#written)
    const snapshots = plan.snapshots ? this.#keepSnapshots() : Promise.resolve()
    while (!this.stopping) {
      if (this.#flow.events >= plan.mostEvents) {
        this.#acknowledgements.frontier()
        await sleep(2)
        continue
      }
      await this.#round()
      this.#acknowledgements.frontier()
      this.#tellRolls()
      await (this.#random.below(4) === 0 ? sleep(1) : nextTurn())
    }
    await snapshots
    await manager.close()
    this.#speaker.say(Word.closed, this.#written)
  }

  async #round(): Promise<void> {
    const { style, commit } = this.#plan
    const batched = style === 'batch' || (style === 'mixed' && this.#random.below(2) === 0)
    const events = 1 + this.#random.below(batched ? longestRound : 40)
    for (let left = events; left > 0 && !this.stopping;) {
      if (batched) left -= await this.#takeBatch(left)
      else {
        await this.#takeOne(this.#flow.next())
        left--
      }
      if (commit === 'each') await this.#commit()
      else if (commit === 'group') await this.#joinGroup()
      else if (commit === 'blocking') this.#acknowledgements.sync(this.#written)
    }
  }

  /** For the last entry, by its number or without one, or for one before it. */
  #commit(): Promise<void> {
    const draw = this.#random.below(8)
    if (draw === 0) return this.#acknowledgements.wait(this.#written, false)
    const asked = draw === 1 ? this.#written - this.#random.below(50) : this.#written
    return this.#acknowledgements.wait(Math.max(instrumentCount, asked))
  }

  /** Several waits are open at a time, for different sequences. */
  async #joinGroup(): Promise<void> {
    const commit = this.#commit()
    if (this.#acknowledgements.waiting >= pendingWaits) await commit
    else commit.catch(die)
  }

  async #takeOne(event: TortureEvent): Promise<void> {
    this.#speaker.say(Word.attempted, this.#written + 1)
    await this.#insist(() => {
      this.#returned(this.#write(event), 1)
    })
  }

  #write(event: TortureEvent): number {
    if (event.kind === 'payload') return this.#manager.append(event.userType, event.bytes)
    return apply(this.#bookOf(event.operation), event.operation)
  }

  /** Up to `most` operations in one call, and the payload that ends them; returns how many there were. */
  async #takeBatch(most: number): Promise<number> {
    const batch = this.#batch
    const staged: FlowOperation[] = []
    let behind: TortureEvent | undefined
    while (staged.length < most && behind === undefined) {
      const event = this.#flow.next()
      if (event.kind === 'book') staged.push(event.operation)
      else behind = event
    }
    let done = 0
    this.#speaker.say(Word.attempted, this.#written + staged.length)
    const taken = await this.#insist(() => {
      for (const operation of staged.slice(done)) stage(batch, this.#bookOf(operation), operation)
      try {
        const { taken, lastSequence } = batch.commit()
        done += taken
        if (taken > 0) this.#returned(lastSequence, taken)
      } catch (error) {
        const taken = takenOf(error)
        done += taken
        if (taken > 0) this.#returned(this.#written + taken, taken)
        throw error
      }
    })
    // What stands behind operations that were given up would come out of its turn.
    if (!taken) return most
    if (behind !== undefined) await this.#takeOne(behind)
    return staged.length + (behind === undefined ? 0 : 1)
  }

  #returned(sequence: number, taken: number): void {
    this.#written += taken
    if (sequence !== this.#written) {
      throw new Error(
        `sequence ${String(sequence)} was returned instead of ${String(this.#written)}`,
      )
    }
    if (this.#plan.durability === 'durable') this.#acknowledgements.returned(sequence)
    else this.#speaker.say(Word.returned, sequence)
  }

  /** Tries again for as long as the disk is full; a refusal may leave no trace. false: given up. */
  async #insist(attempt: () => void): Promise<boolean> {
    let refusals = 0
    for (;;) {
      try {
        attempt()
        if (refusals > 0) this.#speaker.say(Word.accepted, refusals)
        return true
      } catch (error) {
        if (!this.#plan.expectFull || !isFull(error)) throw error
        this.#speaker.say(Word.refused, this.#written + 1)
        if (refusals++ === 0) this.#compare()
        if (this.stopping) return false
        await sleep(retryMs)
      }
    }
  }

  /** The live books and the frontier are those of the operations that were taken. */
  #compare(): void {
    const frontier = this.#manager.appendedFrontier
    if (frontier !== this.#written) {
      throw new Error(
        `${String(frontier)} is appended behind a refusal, not ${String(this.#written)}`,
      )
    }
    const oracle = this.#oracle
    if (oracle === undefined) return
    oracle.advanceTo(this.#written)
    for (const [index, book] of this.#books.entries()) {
      const reference = oracle.books[index]
      const { equal, difference } = reference
        ? compareBooks(book, reference)
        : { equal: false, difference: 'no such book' }
      if (!equal) throw new Error(`behind a refusal ${book.instrument.name}: ${difference}`)
    }
  }

  async #keepSnapshots(): Promise<void> {
    while (!this.stopping) {
      const asked = this.#written
      this.#speaker.say(Word.snapshotBegun, asked)
      try {
        const { sequence } = await this.#manager.snapshot()
        this.#speaker.say(Word.snapshotTaken, sequence)
        if (sequence < asked) {
          throw new Error(
            `a snapshot asked for at entry ${String(asked)} was taken at ${String(sequence)}`,
          )
        }
      } catch (error) {
        if (!this.#plan.expectFull || !isFull(error)) throw error
        this.#speaker.say(Word.snapshotRefused, 1)
      }
      if (this.#plan.compaction) {
        this.#speaker.say(Word.compactionBegun, this.#written)
        await this.#manager.compact({ force: true })
        this.#speaker.say(Word.compactionEnded, this.#written)
      }
      await sleep(1 + this.#random.below(25))
    }
  }

  #tellRolls(): void {
    const segments = this.#segmentsBegun()
    if (segments !== this.#segments) this.#speaker.say(Word.rolled, segments)
    this.#segments = segments
  }

  #segmentsBegun(): number {
    const { segmentsCreated, segmentsRecycled } = this.#manager.stats()
    return segmentsCreated + segmentsRecycled
  }

  #bookOf(operation: FlowOperation): Book {
    return this.#books[operation.instrument] as Book
  }
}

function apply(book: Book, operation: FlowOperation): number {
  const { orderId, newOrderId, side, price, quantity, timestampNs } = operation
  switch (operation.kind) {
    case FlowKind.Add:
      return book.add(orderId, side, price, quantity, timestampNs)
    case FlowKind.Reduce:
      return book.reduce(orderId, quantity, timestampNs)
    case FlowKind.Execute:
      return book.execute(orderId, quantity, timestampNs)
    case FlowKind.Cancel:
      return book.cancel(orderId, timestampNs)
    case FlowKind.Replace:
      return book.replace(orderId, newOrderId, price, quantity, timestampNs)
    case FlowKind.Trade:
      return book.trade(side, price, quantity, timestampNs)
    case FlowKind.Status:
      return book.setStatus(quantity, timestampNs)
    case FlowKind.Clear:
    case FlowKind.Note:
      throw new Error('the flow has no such event')
  }
}

function stage(batch: OperationBatch, book: Book, operation: FlowOperation): void {
  const { orderId, newOrderId, side, price, quantity, timestampNs } = operation
  switch (operation.kind) {
    case FlowKind.Add:
      batch.add(book, orderId, side, price, quantity, timestampNs)
      return
    case FlowKind.Reduce:
      batch.reduce(book, orderId, quantity, timestampNs)
      return
    case FlowKind.Execute:
      batch.execute(book, orderId, quantity, timestampNs)
      return
    case FlowKind.Cancel:
      batch.cancel(book, orderId, timestampNs)
      return
    case FlowKind.Replace:
      batch.replace(book, orderId, newOrderId, price, quantity, timestampNs)
      return
    case FlowKind.Trade:
      batch.trade(book, side, price, quantity, timestampNs)
      return
    case FlowKind.Status:
      batch.setStatus(book, quantity, timestampNs)
      return
    case FlowKind.Clear:
    case FlowKind.Note:
      throw new Error('the flow has no such event')
  }
}

function isFull(error: unknown): boolean {
  return isPinnacleError(error) && error.code === 'ERR_PINNACLE_NO_SPACE'
}

function takenOf(error: unknown): number {
  const taken = (error as { details?: { taken?: unknown } }).details?.taken
  return typeof taken === 'number' ? taken : 0
}

function die(error: unknown): never {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exit(1)
}

process.on('unhandledRejection', die)
leaveWithParent()
const plan = JSON.parse(process.argv[2] ?? '') as WriterPlan
try {
  const manager = await PersistenceManager.open(configOf(plan))
  manager.on('compactionFailed', die)
  manager.on('failure', die)
  const writer = new Writer(plan, manager, new Speaker())
  process.once('SIGTERM', () => (writer.stopping = true))
  await writer.run()
} catch (error) {
  if (plan.expectFull && isFull(error)) process.exitCode = 2
  else die(error)
}
