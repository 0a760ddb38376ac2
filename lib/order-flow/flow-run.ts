/**
 * Journals a source into a data directory, from its position to its end. After a kill at any moment the same
 * call continues with the first event that is missing. If a salvage lost events in the middle, the books may
 * refuse later events that need them; each of those becomes a note.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Book } from '../book/book.js'
import type { OperationBatch } from '../book/operation-batch.js'
import { encodeMark, encodeNote } from '../entry/flow-payload.js'
import { appendReserved, UserType } from '../registry/user-types.js'
import type { CodedError } from '../errors/pinnacle-error.js'
import type { JournalEntry } from '../entry/entry.js'
import type { PersistenceManager } from '../persistence/persistence-manager.js'
import type { FlowCounts } from './flow-counts.js'
import { flowError } from './flow-error.js'
import { changesBook, FlowKind, NoteReason, type FlowOperation } from './flow-operation.js'
import type { FlowPosition, FlowPositions } from './flow-positions.js'
import { countRecovered, endOther, positionLost, positionOf } from './flow-resume.js'
import type { FlowSource } from './flow-source.js'
import { LiveOrders } from './live-orders.js'
import { identifiesEvent, matchesEntry } from './matches-entry.js'

export interface FlowRunOptions {
  /** 'full', or the factor by which the flow's own time is accelerated. Default: 'full'. */
  speed?: 'full' | number
  /** Operations per native call. Default: 256. */
  batchSize?: number
  /** Events between two marks; a resume counts at most this many. Default: 65,536. */
  markEvery?: number
  /** Stop after this many events of the source. Default: at its end. */
  stopAfter?: number
  /**
   * The event to continue with, from 1. Needed only if a salvage lost the position; otherwise it must be the
   * next event.
   */
  fromEvent?: number
  /** Ends the run after the last journaled event; a later run continues from there. */
  signal?: AbortSignal
  /** About every 50 ms, and at the end. */
  onProgress?: (progress: FlowProgress) => void
}

export interface FlowProgress {
  /** Events of the source that are in the journal. */
  events: number
  /** Of them, journaled by this run. */
  eventsOfRun: number
  totalEvents: number | undefined
  bytesRead: number
  totalBytes: number
}

export interface FlowRunResult {
  /** Events that earlier runs had journaled. */
  resumedFrom: number
  /** Events of the source that are in the journal now. */
  events: number
  eventsOfRun: number
  /** Upper bound of how many of `events` a salvage lost; the books lack their effect. */
  lostEvents: number
  /** Events of this run that a book refused because it lacks lost ones: each became a note. */
  leftOut: number
  complete: boolean
  /** The signal ended the run. */
  interrupted: boolean
  durationMs: number
  /** Of the whole source; undefined before its end, and if the source keeps no counts. */
  counts: FlowCounts | undefined
}

const defaultBatchSize = 256
const defaultMarkEvery = 65_536
const progressEveryMs = 50
const turnEveryMs = 8

/** The errors of a book that lacks an earlier operation. */
const lacksOthers: ReadonlySet<string> = new Set([
  'ERR_PINNACLE_UNKNOWN_ORDER',
  'ERR_PINNACLE_DUPLICATE_ORDER',
  'ERR_PINNACLE_QUANTITY_EXCEEDS_OPEN',
  'ERR_PINNACLE_QUANTITY_OVERFLOW',
])

/** `positions` must be the state machine that `manager` was opened with. */
export async function runFlow(
  manager: PersistenceManager,
  positions: FlowPositions,
  source: FlowSource,
  options: FlowRunOptions = {},
): Promise<FlowRunResult> {
  await countRecovered(manager, positions)
  const position = positionOf(positions, source, options.fromEvent)
  const run = new FlowRun(manager, positions, source, options, position)
  if (position?.complete === true) return run.nothingToDo()
  endOther(manager, positions, source)
  return run.run()
}

class FlowRun {
  readonly #manager: PersistenceManager
  readonly #positions: FlowPositions
  readonly #source: FlowSource
  readonly #options: FlowRunOptions
  readonly #resumeAt: number
  readonly #fresh: boolean
  /** Events that the books lack: if there are any, the books differ from the source's. */
  #lost: number
  /** Entries that the skipped events must have made, by event number. */
  readonly #unproven: ReadonlyMap<number, JournalEntry>
  readonly #atLeast: number
  /** Of them, those that matched and can be of no other event. */
  #proofs = 0
  #begun = false
  #leftOut = 0
  readonly #batch: OperationBatch
  readonly #batchSize: number
  readonly #markEvery: number
  readonly #books: Book[] = []
  /** The orders that the skipped events leave, to check the recovered books against. */
  readonly #skipped: LiveOrders[] = []
  readonly #startedMs = performance.now()
  /** Events of the source so far: skipped or staged. */
  #events = 0
  #journaled: number
  #nextMark: number
  #lastProgressMs = 0
  #lastTurnMs = performance.now()
  #paceStartMs = 0
  #paceStartNs: number | undefined

  constructor(
    manager: PersistenceManager,
    positions: FlowPositions,
    source: FlowSource,
    options: FlowRunOptions,
    position: FlowPosition | undefined,
  ) {
    this.#manager = manager
    this.#positions = positions
    this.#source = source
    this.#options = options
    this.#fresh = position === undefined
    this.#resumeAt = position?.events ?? 0
    this.#lost = position?.lost ?? 0
    this.#unproven = position?.atLeast === undefined ? new Map() : positions.unproven
    this.#atLeast = position?.atLeast ?? this.#resumeAt
    this.#journaled = this.#resumeAt
    this.#batch = manager.batch()
    // One by one if the books lack events: the note of a refused event must precede the next event.
    this.#batchSize = this.#lost > 0 ? 1 : (options.batchSize ?? defaultBatchSize)
    this.#markEvery = options.markEvery ?? defaultMarkEvery
    this.#nextMark = this.#resumeAt + this.#markEvery
  }

  nothingToDo(): FlowRunResult {
    return { ...this.#result(true, false), counts: undefined }
  }

  async run(): Promise<FlowRunResult> {
    const stopAfter = this.#options.stopAfter ?? Infinity
    let ended = true
    try {
      ended = await this.#takeAll(stopAfter)
    } catch (error) {
      if (this.#begun) this.#keepWhatIsGood()
      throw error
    }
    this.#flush()
    if (this.#resumeAt <= this.#events) {
      this.#begin()
      this.#mark(false, ended)
      if (ended) this.#checkEnd()
    } else if (ended) {
      throw this.#unproven.size > 0 ? this.#positionLost(this.#events) : this.#sourceEnded()
    }
    this.#progress(true)
    return this.#result(ended, this.#interrupted())
  }

  /** All events that were journaled before are skipped, which proves the position; from here on marks are written. */
  #begin(): void {
    if (this.#begun) return
    this.#checkResumed()
    this.#begun = true
    this.#mark(true, false, true)
  }

  /** Journals the events before a broken line, and a mark with their position. */
  #keepWhatIsGood(): void {
    try {
      this.#flush()
      this.#mark(false, false)
    } catch {
      // The journal accepts no more entries. The first error says why, and recovery counts what is there.
    }
  }

  #interrupted(): boolean {
    return this.#options.signal?.aborted === true
  }

  /** Returns whether the source reached its end. */
  async #takeAll(stopAfter: number): Promise<boolean> {
    for await (const operations of this.#source.operations()) {
      for (const operation of operations) {
        if (this.#events >= stopAfter) return false
        if (this.#events < this.#resumeAt) {
          this.#skip(operation)
          continue
        }
        this.#begin()
        if (this.#options.speed !== undefined && this.#options.speed !== 'full') {
          await this.#pace(operation, this.#options.speed)
        }
        if (this.#interrupted()) return false
        this.#take(operation)
      }
      await this.#turn()
      if (this.#interrupted()) return false
    }
    return true
  }

  #take(operation: FlowOperation): void {
    this.#events++
    const book = this.#bookOf(operation)
    if (!changesBook(operation)) {
      this.#flush()
      this.#note(operation, book)
      return
    }
    if (book === undefined) throw new Error('an operation without instrument')
    this.#batch.stage(book, operation)
    if (this.#batch.size < this.#batchSize) return
    if (this.#lost > 0) this.#flushOrNote(operation, book)
    else this.#flush()
  }

  #flushOrNote(operation: FlowOperation, book: Book): void {
    try {
      this.#flush()
    } catch (error) {
      if (!lacksOthers.has((error as CodedError).code)) throw error
      this.#leftOut++
      this.#note({ ...operation, quantity: NoteReason.LostEvent }, book)
    }
  }

  #note(operation: FlowOperation, book: Book | undefined): void {
    const payload = encodeNote(operation.quantity, operation.line)
    const timestampNs = operation.timestampNs
    this.#manager.journal[appendReserved](UserType.flow, payload, {
      timestampNs,
      ...(book === undefined ? {} : { instrument: book.instrument.name }),
    })
    this.#advance(1)
  }

  #flush(): void {
    if (this.#batch.size === 0) return
    try {
      this.#advance(this.#batch.commit().taken)
    } catch (error) {
      const taken = (error as { details?: { taken?: unknown } }).details?.taken
      if (typeof taken === 'number') this.#advance(taken)
      throw error
    }
    if (this.#journaled >= this.#nextMark) this.#mark(true, false)
  }

  /** Runs in the same turn as the write of the entries, so that a snapshot never sees one without the other. */
  #advance(events: number): void {
    this.#journaled += events
    this.#positions.advance(events)
  }

  #mark(running: boolean, complete: boolean, start = false): void {
    this.#nextMark = this.#journaled + this.#markEvery
    const { key, name } = this.#source
    const events = this.#journaled
    const mark = { key, name, events, lost: this.#lost, complete, running, start }
    this.#manager.journal[appendReserved](UserType.flow, encodeMark(mark))
  }

  /** The operation's book; undefined for a note of an event that names no instrument. */
  #bookOf(operation: FlowOperation): Book | undefined {
    const index = operation.instrument
    const known = this.#books[index]
    if (known !== undefined) return known
    const definition = this.#source.instruments[index]
    if (definition === undefined) return undefined
    this.#manager.defineInstrument(definition)
    const book = this.#manager.book(definition.name)
    const { orders } = book.info()
    const first = this.#fresh || this.#skipped[index] === undefined
    if (first && orders > 0) {
      throw flowError(
        'ERR_PINNACLE_FLOW_RESUME_MISMATCH',
        `the book of ${definition.name} already holds ${String(orders)} orders that are not from ${this.#source.name}; ` +
          'give the flow an instrument name or a data directory of its own',
        { instrument: definition.name, orders },
      )
    }
    this.#books[index] = book
    return book
  }

  #skip(operation: FlowOperation): void {
    this.#events++
    this.#prove(operation)
    if (operation.kind === FlowKind.Note) return
    const live = (this.#skipped[operation.instrument] ??= new LiveOrders())
    const order = live.get(operation.orderId)
    switch (operation.kind) {
      case FlowKind.Add:
        live.add(operation.orderId, operation.side, operation.price, operation.quantity)
        return
      case FlowKind.Reduce:
      case FlowKind.Execute:
        if (order !== undefined) live.reduce(operation.orderId, order, operation.quantity)
        return
      case FlowKind.Cancel:
        live.remove(operation.orderId)
        return
      case FlowKind.Replace:
        live.remove(operation.orderId)
        live.add(operation.newOrderId, operation.side, operation.price, operation.quantity)
        return
      case FlowKind.Clear:
        live.clear()
        return
      case FlowKind.Trade:
      case FlowKind.Status:
        return
    }
  }

  /** Each entry kept after a hole must match the event that it is counted as. */
  #prove(operation: FlowOperation): void {
    const entry = this.#unproven.get(this.#events)
    if (entry === undefined) return
    if (!matchesEntry(operation, this.#indexOf(operation), entry)) throw this.#positionLost()
    if (identifiesEvent(entry)) this.#proofs++
  }

  #indexOf(operation: FlowOperation): number | undefined {
    const name = this.#source.instruments[operation.instrument]?.name
    return this.#manager.instruments().find((instrument) => instrument.name === name)?.index
  }

  #positionLost(atMost = this.#resumeAt): Error {
    return positionLost(this.#source, this.#atLeast, atMost)
  }

  /** The skipped events must leave exactly the number of orders that were recovered. */
  #checkResumed(): void {
    if (this.#unproven.size > 0) {
      if (this.#proofs === 0) throw this.#positionLost()
      this.#lost = Math.max(0, this.#lost - this.#positions.unprovenKept)
    }
    if (this.#lost > 0) return
    for (const [index, live] of this.#skipped.entries()) {
      const definition = this.#source.instruments[index]
      if (definition !== undefined) this.#checkCount(definition.name, live.count)
    }
  }

  #checkEnd(): void {
    if (this.#lost > 0) return
    for (const [index, { name }] of this.#source.instruments.entries()) {
      const expected = this.#source.liveOrders(index)
      if (expected !== undefined) this.#checkCount(name, expected)
    }
  }

  #checkCount(name: string, expected: number): void {
    const { orders } = this.#manager.book(name).info()
    if (orders === expected) return
    throw flowError(
      'ERR_PINNACLE_FLOW_RESUME_MISMATCH',
      `the book of ${name} holds ${String(orders)} orders where the first ${String(this.#journaled)} events of ` +
        `${this.#source.name} leave ${String(expected)}; something else has written to it. Run the flow into a data ` +
        'directory of its own',
      { instrument: name, orders, expected },
    )
  }

  #sourceEnded(): Error {
    return flowError(
      'ERR_PINNACLE_FLOW_SOURCE_CHANGED',
      `${this.#source.name} ends behind ${String(this.#events)} events, but ${String(this.#resumeAt)} of them are in ` +
        'the journal; the file was changed since. Give the file that the run started with',
      { events: this.#events, journaled: this.#resumeAt },
    )
  }

  async #pace(operation: FlowOperation, speed: number): Promise<void> {
    const timestampNs = Number(operation.timestampNs)
    if (this.#paceStartNs === undefined) {
      this.#paceStartNs = timestampNs
      this.#paceStartMs = performance.now()
    }
    for (;;) {
      const dueMs = this.#paceStartMs + (timestampNs - this.#paceStartNs) / 1e6 / speed
      const waitMs = dueMs - performance.now()
      if (waitMs <= 0 || this.#interrupted()) return
      this.#flush()
      this.#progress(false)
      // A slice at a time, so that a gap in the flow delays neither progress nor an interrupt.
      await sleep(Math.min(waitMs, progressEveryMs), undefined, { ref: true })
    }
  }

  /** Lets timers, snapshots and signals run. */
  async #turn(): Promise<void> {
    this.#progress(false)
    const now = performance.now()
    if (now - this.#lastTurnMs < turnEveryMs) return
    await nextTurn()
    this.#lastTurnMs = performance.now()
  }

  #progress(last: boolean): void {
    const { onProgress } = this.#options
    if (onProgress === undefined) return
    const now = performance.now()
    if (!last && now - this.#lastProgressMs < progressEveryMs) return
    this.#lastProgressMs = now
    onProgress({
      events: this.#journaled,
      eventsOfRun: this.#journaled - this.#resumeAt,
      totalEvents: this.#source.totalEvents,
      bytesRead: this.#source.bytesRead,
      totalBytes: this.#source.totalBytes,
    })
  }

  #result(complete: boolean, interrupted: boolean): FlowRunResult {
    return {
      resumedFrom: this.#resumeAt,
      events: this.#journaled,
      eventsOfRun: this.#journaled - this.#resumeAt,
      lostEvents: this.#lost,
      leftOut: this.#leftOut,
      complete,
      interrupted,
      durationMs: performance.now() - this.#startedMs,
      counts: complete ? this.#source.counts() : undefined,
    }
  }
}
