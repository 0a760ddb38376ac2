/**
 * Journals a source into a data directory, from where it stands to its end. After a kill at any moment
 * the same call goes on with the very event that is missing.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Book } from '../book/book.js'
import type { OperationBatch } from '../book/operation-batch.js'
import type { PersistenceManager } from '../persistence/persistence-manager.js'
import type { FlowCounts } from './flow-counts.js'
import { flowError } from './flow-error.js'
import { FlowKind, type FlowOperation } from './flow-operation.js'
import { encodeMark, encodeNote, flowUserType, isSourceEntry } from './flow-positions.js'
import type { FlowPosition, FlowPositions } from './flow-positions.js'
import type { FlowSource } from './flow-source.js'
import { LiveOrders } from './live-orders.js'
import type { NoteReason } from './flow-operation.js'

export interface FlowRunOptions {
  /** 'full', or the factor by which the flow's own time is sped up. Default: 'full'. */
  speed?: 'full' | number
  /** Operations a native call. Default: 256. */
  batchSize?: number
  /** Events between two marks: what a resume has to count at most. Default: 65,536. */
  markEvery?: number
  /** Stop behind so many events of the source. Default: at its end. */
  stopAfter?: number
  /** Ends the run behind what is journaled; a later run goes on from there. */
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
  complete: boolean
  /** The signal ended the run. */
  interrupted: boolean
  durationMs: number
  /** Of the whole source; undefined before its end, and where the source keeps none. */
  counts: FlowCounts | undefined
}

const defaultBatchSize = 256
const defaultMarkEvery = 65_536
const progressEveryMs = 50
const turnEveryMs = 8

/** `positions` must be the state machine that `manager` was opened with. */
export async function runFlow(
  manager: PersistenceManager,
  positions: FlowPositions,
  source: FlowSource,
  options: FlowRunOptions = {},
): Promise<FlowRunResult> {
  const position = await findPosition(manager, positions, source)
  const run = new FlowRun(manager, positions, source, options, position)
  return position?.complete === true ? run.nothingToDo() : run.run()
}

/**
 * Brings the position of a run that was killed up to the end of the recovered journal. To be called
 * before anything is appended.
 */
export async function countRecovered(
  manager: PersistenceManager,
  positions: FlowPositions,
): Promise<void> {
  if (positions.running === undefined) return
  const from = positions.countFrom(manager.recovery.snapshotSequence)
  const to = manager.recovery.lastSequence
  let events = 0
  if (from <= to) {
    for await (const entry of manager.journal.entries({ from, to })) {
      if (isSourceEntry(entry)) events++
    }
  }
  positions.counted(events, to)
}

/** Where the source stands. A run of another source that was killed is laid to rest. */
async function findPosition(
  manager: PersistenceManager,
  positions: FlowPositions,
  source: FlowSource,
): Promise<FlowPosition | undefined> {
  await countRecovered(manager, positions)
  const { running } = positions
  if (running !== undefined) {
    manager.append(flowUserType, encodeMark({ ...running, running: false }))
  }
  return positions.get(source.key)
}

class FlowRun {
  readonly #manager: PersistenceManager
  readonly #positions: FlowPositions
  readonly #source: FlowSource
  readonly #options: FlowRunOptions
  readonly #resumeAt: number
  readonly #fresh: boolean
  readonly #batch: OperationBatch
  readonly #batchSize: number
  readonly #markEvery: number
  readonly #books: Book[] = []
  /** What the skipped events leave behind, to check the recovered books by. */
  readonly #skipped: LiveOrders[] = []
  readonly #startedMs = performance.now()
  /** Events of the source that were staged, journaled before, or are skipped. */
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
    this.#journaled = this.#resumeAt
    this.#batch = manager.batch()
    this.#batchSize = options.batchSize ?? defaultBatchSize
    this.#markEvery = options.markEvery ?? defaultMarkEvery
    this.#nextMark = this.#resumeAt + this.#markEvery
  }

  nothingToDo(): FlowRunResult {
    return { ...this.#result(true, false), counts: undefined }
  }

  async run(): Promise<FlowRunResult> {
    const stopAfter = this.#options.stopAfter ?? Infinity
    this.#mark(true, false)
    let ended = true
    try {
      ended = await this.#takeAll(stopAfter)
    } catch (error) {
      this.#keepWhatIsGood()
      throw error
    }
    this.#flush()
    if (this.#resumeAt > this.#events) throw this.#sourceEnded()
    if (this.#resumeAt === this.#events) this.#checkResumed()
    const complete = ended
    this.#mark(false, complete)
    if (complete) this.#checkEnd()
    this.#progress(true)
    return this.#result(complete, this.#interrupted())
  }

  /** What stands before a broken line is kept, and the position says so. */
  #keepWhatIsGood(): void {
    try {
      this.#flush()
      this.#mark(false, false)
    } catch {
      // The journal takes nothing more. The first error says why, and recovery counts what is there.
    }
  }

  #interrupted(): boolean {
    return this.#options.signal?.aborted === true
  }

  /** Returns whether the source came to its end. */
  async #takeAll(stopAfter: number): Promise<boolean> {
    for await (const operations of this.#source.operations()) {
      for (const operation of operations) {
        if (this.#events >= stopAfter) return false
        if (this.#events < this.#resumeAt) {
          this.#skip(operation)
          continue
        }
        if (this.#events === this.#resumeAt) this.#checkResumed()
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
    if (operation.kind === FlowKind.Note) {
      this.#flush()
      this.#note(operation, book)
      return
    }
    if (book === undefined) throw new Error('an operation without instrument')
    stage(this.#batch, book, operation)
    if (this.#batch.size >= this.#batchSize) this.#flush()
  }

  #note(operation: FlowOperation, book: Book | undefined): void {
    const payload = encodeNote(operation.quantity as NoteReason, operation.line)
    const timestampNs = operation.timestampNs
    this.#manager.append(flowUserType, payload, {
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

  /** In the same turn as the entries were written, so that a snapshot never sees one without the other. */
  #advance(events: number): void {
    this.#journaled += events
    this.#positions.advance(events)
  }

  #mark(running: boolean, complete: boolean): void {
    this.#nextMark = this.#journaled + this.#markEvery
    const { key, name } = this.#source
    const mark = { key, name, events: this.#journaled, complete, running }
    this.#manager.append(flowUserType, encodeMark(mark))
  }

  /** The operation's book; undefined for a note of an event that names none. */
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

  /** The skipped events must leave exactly as many orders as were recovered. */
  #checkResumed(): void {
    for (const [index, live] of this.#skipped.entries()) {
      const definition = this.#source.instruments[index]
      if (definition !== undefined) this.#checkCount(definition.name, live.count)
    }
  }

  #checkEnd(): void {
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

  /** Timers, snapshots and signals get their turn. */
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
      complete,
      interrupted,
      durationMs: performance.now() - this.#startedMs,
      counts: complete ? this.#source.counts() : undefined,
    }
  }
}

function stage(batch: OperationBatch, book: Book, operation: FlowOperation): void {
  const { orderId, side, price, quantity, timestampNs } = operation
  switch (operation.kind) {
    case FlowKind.Add:
      batch.add(book, orderId, side, price, quantity, timestampNs)
      return
    case FlowKind.Reduce:
      batch.reduce(book, orderId, quantity, timestampNs)
      return
    case FlowKind.Cancel:
      batch.cancel(book, orderId, timestampNs)
      return
    case FlowKind.Execute:
      batch.execute(book, orderId, quantity, timestampNs)
      return
    case FlowKind.Replace:
      batch.replace(book, orderId, operation.newOrderId, price, quantity, timestampNs)
      return
    case FlowKind.Clear:
      batch.clear(book, timestampNs)
      return
    case FlowKind.Trade:
      batch.trade(book, side, price, quantity, timestampNs)
      return
    case FlowKind.Status:
      batch.setStatus(book, quantity, timestampNs)
      return
    case FlowKind.Note:
      throw new Error('a note is not staged')
  }
}
