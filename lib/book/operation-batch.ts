/**
 * Operations staged one by one and applied by one native call: cheaper than single calls, and they may go to
 * any book. A batch stages in a buffer of its own, so single operations may come in between. Operations are
 * validated, journaled and applied in order, and each sees what those before it did. With `atomic` all of them
 * are one transaction: applied together or not at all.
 */
import { PinnacleError, PinnacleRangeError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import type { CodedError } from '../errors/pinnacle-error.js'
import { refusalOf, notANumber, type OperationContext } from '../errors/refusal.js'
import { shown } from '../errors/shown.js'
import { EntryType, Staging } from '../native/binding.js'
import { hasGivenTime, type OperationObserver, type StagingArea } from '../native/staging.js'
import type { Book } from './book.js'
import { operationOfEntryType, type BookOperation, type OperationField } from './operation.js'
import type { OrderIdLike } from './order-id.js'
import type { Side } from './side.js'
import { stageWideId, stageWideNewId, stageWideTime } from './stage-wide.js'
import type { Timestamp } from './timestamp.js'

const LANES = Staging.lanesPerOperation

/** How a batch is committed. */
export interface OperationBatchOptions {
  /** Commit by itself when this many operations are staged; 1 to 1024. Default: only commit() does. */
  autoCommit?: number
  /**
   * true: continue after an operation that its book refuses, and report it in the result. false (default):
   * stop there and throw; the operations after it are dropped.
   */
  skipRefused?: boolean
  /**
   * true: a commit takes all of its operations or, if one is refused, none of them, also after a crash; not
   * together with skipRefused. false (default): what was taken before the refused one is kept.
   */
  atomic?: boolean
}

/** An operation of a batch that its book refused. */
export interface RefusedOperation {
  /** Its place in the batch, from 0. */
  index: number
  /** Why: the error that the single call would have thrown. */
  error: CodedError
}

/** What a commit did. */
export interface BatchResult {
  /** Operations that were journaled and applied. */
  taken: number
  /** Sequence of the last entry written; 0 if none was. */
  lastSequence: number
  /** Operations that their books refused; only with skipRefused. */
  refused: RefusedOperation[]
}

/** The methods look at what they get. */
type Given = Required<BookOperation>

/**
 * Operations that are staged one by one and applied by one native call. Made by PersistenceManager.batch(),
 * used again after each commit, and holds up to 1,024 operations (then ERR_PINNACLE_BUSY). Staging checks types
 * only; the rest is checked at the commit. The methods are those of Book, with the book as the first argument,
 * and return the batch.
 */
export class OperationBatch {
  readonly #staging: StagingArea
  readonly #nameOf: (instrument: number) => string
  readonly #causeOf: (code: string) => Error | undefined
  readonly #autoCommit: number
  readonly #skipRefused: boolean
  readonly #atomic: boolean
  readonly #lanes = new Float64Array(LANES * Staging.maxOperations)
  readonly #words = new BigUint64Array(this.#lanes.buffer)
  #size = 0

  /** @internal Made by PersistenceManager. */
  constructor(
    staging: StagingArea,
    nameOf: (instrument: number) => string,
    causeOf: (code: string) => Error | undefined,
    options: OperationBatchOptions = {},
  ) {
    const { autoCommit, skipRefused = false, atomic = false } = options
    if (
      autoCommit !== undefined &&
      !(Number.isInteger(autoCommit) && autoCommit >= 1 && autoCommit <= Staging.maxOperations)
    ) {
      throw new PinnacleRangeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        `autoCommit must be an integer from 1 to ${String(Staging.maxOperations)}, not ${shown(autoCommit)}`,
      )
    }
    if (atomic && skipRefused) {
      throw new PinnacleTypeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        'a batch is atomic or skips what is refused, not both: an atomic batch keeps nothing if one operation is refused',
      )
    }
    this.#staging = staging
    this.#nameOf = nameOf
    this.#causeOf = causeOf
    this.#autoCommit = autoCommit ?? 0
    this.#skipRefused = skipRefused
    this.#atomic = atomic
  }

  /** Operations staged and not committed. */
  get size(): number {
    return this.#size
  }

  /** Stages Book.add(). */
  add(
    book: Book,
    orderId: OrderIdLike,
    side: Side,
    price: number,
    quantity: number,
    timestampNs: Timestamp = 0,
  ): this {
    if (typeof price !== 'number' || typeof quantity !== 'number' || typeof side !== 'number') {
      throw notANumber({ operation: 'add', orderId, side, price, quantity })
    }
    const at = this.#next(book)
    const lanes = this.#lanes
    const kind = EntryType.Add | this.#stageId(at, orderId) | this.#stageTime(at, timestampNs)
    lanes[at + Staging.side] = side
    lanes[at + Staging.price] = price
    lanes[at + Staging.quantity] = quantity
    return this.#staged(at, book, kind)
  }

  /** Stages Book.reduce(). */
  reduce(book: Book, orderId: OrderIdLike, quantity: number, timestampNs: Timestamp = 0): this {
    return this.#stageAmount('reduce', EntryType.Reduce, book, orderId, quantity, timestampNs)
  }

  /** Stages Book.execute(). */
  execute(book: Book, orderId: OrderIdLike, quantity: number, timestampNs: Timestamp = 0): this {
    return this.#stageAmount('execute', EntryType.Execute, book, orderId, quantity, timestampNs)
  }

  /** Stages Book.cancel(). */
  cancel(book: Book, orderId: OrderIdLike, timestampNs: Timestamp = 0): this {
    const at = this.#next(book)
    const kind = EntryType.Cancel | this.#stageId(at, orderId) | this.#stageTime(at, timestampNs)
    return this.#staged(at, book, kind)
  }

  /** Stages Book.replace(). */
  replace(
    book: Book,
    orderId: OrderIdLike,
    newOrderId: OrderIdLike,
    price: number,
    quantity: number,
    timestampNs: Timestamp = 0,
  ): this {
    if (typeof price !== 'number' || typeof quantity !== 'number') {
      throw notANumber({ operation: 'replace', orderId, newOrderId, price, quantity })
    }
    const at = this.#next(book)
    const lanes = this.#lanes
    let kind: number = EntryType.Replace | this.#stageTime(at, timestampNs)
    if (typeof orderId === 'number' && typeof newOrderId === 'number') {
      lanes[at + Staging.orderId] = orderId
      lanes[at + Staging.newOrderId] = newOrderId
    } else {
      kind |= stageWideId(this.#words, at, orderId)
      kind |= stageWideNewId(this.#words, at, newOrderId)
    }
    lanes[at + Staging.price] = price
    lanes[at + Staging.quantity] = quantity
    return this.#staged(at, book, kind)
  }

  /** Stages Book.setLevel(). */
  setLevel(
    book: Book,
    side: Side,
    price: number,
    quantity: number,
    timestampNs: Timestamp = 0,
  ): this {
    return this.#stageLevel(
      'setLevel',
      EntryType.SetLevel,
      book,
      side,
      price,
      quantity,
      timestampNs,
    )
  }

  /** Stages Book.trade(). */
  trade(book: Book, side: Side, price: number, quantity: number, timestampNs: Timestamp = 0): this {
    return this.#stageLevel('trade', EntryType.Trade, book, side, price, quantity, timestampNs)
  }

  /** Stages Book.clear(). */
  clear(book: Book, timestampNs: Timestamp = 0): this {
    const at = this.#next(book)
    return this.#staged(at, book, EntryType.Clear | this.#stageTime(at, timestampNs))
  }

  /** Stages Book.setStatus(). */
  setStatus(book: Book, status: number, timestampNs: Timestamp = 0): this {
    if (typeof status !== 'number') throw notANumber({ operation: 'setStatus', status })
    const at = this.#next(book)
    const kind = EntryType.Status | this.#stageTime(at, timestampNs)
    this.#lanes[at + Staging.quantity] = status
    return this.#staged(at, book, kind)
  }

  /** @internal Stages an operation that is a value: what it lacks is refused as a wrong argument would be. */
  stage(book: Book, operation: BookOperation): this {
    const { orderId, newOrderId, side, price, quantity, timestampNs } = operation as Given
    switch (operation.kind) {
      case 'add':
        return this.add(book, orderId, side, price, quantity, timestampNs)
      case 'reduce':
        return this.reduce(book, orderId, quantity, timestampNs)
      case 'cancel':
        return this.cancel(book, orderId, timestampNs)
      case 'execute':
        return this.execute(book, orderId, quantity, timestampNs)
      case 'replace':
        return this.replace(book, orderId, newOrderId, price, quantity, timestampNs)
      case 'setLevel':
        return this.setLevel(book, side, price, quantity, timestampNs)
      case 'clear':
        return this.clear(book, timestampNs)
      case 'trade':
        return this.trade(book, side, price, quantity, timestampNs)
      case 'status':
        return this.setStatus(book, quantity, timestampNs)
    }
  }

  /** Drops what is staged. */
  discard(): void {
    this.#size = 0
  }

  /**
   * Takes everything staged. Afterwards the batch is empty, whatever happened. If an operation is
   * refused (and skipRefused is off) the error's `details` say its `index` and how many were `taken`. Inside a
   * transaction the operations become part of it; ERR_PINNACLE_TRANSACTION_OPEN for a batch that is atomic by
   * itself, or skips what is refused.
   */
  commit(): BatchResult {
    const size = this.#size
    if (size === 0) return { taken: 0, lastSequence: 0, refused: [] }
    const staging = this.#staging
    if (staging.transaction !== undefined) this.#assertFitsTransaction()
    this.#size = 0
    const shared = staging.lanes
    shared[Staging.batchCount] = size
    shared[Staging.skipRefused] = this.#skipRefused ? 1 : 0
    shared[Staging.atomic] = this.#atomic ? 1 : 0
    if (staging.observer !== null) this.#applyObserved(staging.observer, size)
    else staging.engine.applyBatch(this.#lanes)
    if (staging.sleepers !== 0) staging.wake()
    if (shared[Staging.code] === 0 && shared[Staging.refused] === 0) {
      return { taken: size, lastSequence: shared[Staging.sequence] as number, refused: [] }
    }
    return this.#unclean(size)
  }

  #assertFitsTransaction(): void {
    if (!this.#atomic && !this.#skipRefused) return
    throw new PinnacleError(
      'ERR_PINNACLE_TRANSACTION_OPEN',
      `a batch that ${this.#atomic ? 'is atomic by itself' : 'skips what is refused'} was committed inside a ` +
        'transaction; use a plain batch there, which becomes part of it',
    )
  }

  /**
   * The observer gets what was taken, in order, once the call is over: all of it before what the state machine makes
   * of it, which has later sequences.
   */
  #applyObserved(observer: OperationObserver, size: number): void {
    observer.assertApplies()
    const shared = this.#staging.lanes
    const words = this.#words
    const at = (index: number): number => index * LANES
    const given = Array.from({ length: size }, (_, index) =>
      hasGivenTime(this.#lanes, words, at(index)),
    )
    shared[Staging.tellStamps] = 1
    this.#staging.engine.applyBatch(this.#lanes)
    shared[Staging.tellStamps] = 0
    const results = shared.slice(0, Staging.operations)
    const count = shared[Staging.count] as number
    const last = shared[Staging.sequence] as number
    const whole = this.#atomic ? ([last - count + 1, last] as const) : undefined
    const staging = this.#staging
    const outer = staging.deferred
    const entries = (staging.deferred = outer ?? [])
    try {
      for (let index = 0, told = 0; index < size && told < count; index++) {
        if (this.#lanes[at(index) + Staging.resultCode] !== 0) continue
        told++
        const sequence = this.#lanes[at(index) + Staging.resultSequence] as number
        const givenTime = given[index] as boolean
        observer.applied(this.#lanes, words, at(index), sequence, givenTime, whole)
      }
      if (!outer) observer.applyDeferred(entries)
    } finally {
      staging.deferred = outer
    }
    // (It may have made calls of its own.)
    shared.set(results)
  }

  /** The cold side of commit: something was refused. */
  #unclean(size: number): BatchResult {
    const shared = this.#staging.lanes
    const code = this.#staging.codeName()
    if (shared[Staging.code] === undefined) throw this.#refusalAt(0, 0, code)
    const taken = shared[Staging.count] as number
    const lastSequence = shared[Staging.sequence] as number
    const failedIndex = Math.max(0, shared[Staging.failedIndex] as number)
    if (!this.#skipRefused) throw this.#refusalAt(failedIndex, taken, code)
    const refused: RefusedOperation[] = []
    for (let index = 0; index < size; index++) {
      const resultCode = this.#lanes[index * LANES + Staging.resultCode] as number
      if (resultCode === 0) continue
      const name = this.#staging.errorNames[resultCode] ?? 'ERR_PINNACLE_INVALID_OPERATION'
      refused.push({ index, error: this.#refusalAt(index, taken, name) })
      if (refused.length === shared[Staging.refused]) break
    }
    const wholeBatchSeen = taken + refused.length === size
    if (wholeBatchSeen) return { taken, lastSequence: taken ? lastSequence : 0, refused }
    throw this.#refusalAt(failedIndex, taken, code)
  }

  #refusalAt(index: number, taken: number, code: string): CodedError {
    return this.#staging.refused(
      refusalOf(code, { ...this.#contextAt(index), index, taken }, this.#causeOf(code)),
    )
  }

  /** What was staged at `index`, read back from its lanes. */
  #contextAt(index: number): OperationContext {
    const at = index * LANES
    const lanes = this.#lanes
    const words = this.#words
    const kind = lanes[at + Staging.kind] as number
    const type = kind & 0xff
    const wideIds = (kind & Staging.rawIds) !== 0
    const wideTime = (kind & Staging.rawTime) !== 0
    const id = (low: number, high: number): number | bigint =>
      wideIds
        ? ((words[at + high] as bigint) << 64n) | (words[at + low] as bigint)
        : (lanes[at + low] as number)
    const facts = operationOfEntryType(type)
    const has = (field: OperationField): boolean => facts?.fields.includes(field) === true
    return {
      operation: facts?.method ?? 'operation',
      instrument: this.#nameOf(lanes[at + Staging.instrument] as number),
      orderId: has('orderId') ? id(Staging.orderId, Staging.orderIdHigh) : undefined,
      newOrderId: has('newOrderId') ? id(Staging.newOrderId, Staging.newOrderIdHigh) : undefined,
      side: has('side') ? lanes[at + Staging.side] : undefined,
      price: has('price') ? lanes[at + Staging.price] : undefined,
      quantity: has('quantity') ? lanes[at + Staging.quantity] : undefined,
      timestampNs: wideTime ? words[at + Staging.timestamp] : lanes[at + Staging.timestamp],
    }
  }

  /** First lane of the operation to stage. The operation counts once #staged is called. */
  #next(book: Book): number {
    // A wrong book must fail here, not become an operation on another persistence's instrument.
    if (!(book as Partial<Book> | null | undefined)?.belongsTo?.(this.#staging)) {
      throw new PinnacleTypeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        `a batch takes books of its own PersistenceManager, not ${shown(book)}`,
      )
    }
    if (this.#size === Staging.maxOperations) {
      throw new PinnacleRangeError(
        'ERR_PINNACLE_BUSY',
        `the batch is full with ${String(Staging.maxOperations)} operations; commit() it, or open it with autoCommit`,
      )
    }
    return this.#size * LANES
  }

  #staged(at: number, book: Book, kind: number): this {
    this.#lanes[at + Staging.kind] = kind
    this.#lanes[at + Staging.instrument] = book.instrument.index
    this.#size++
    if (this.#size === this.#autoCommit) this.commit()
    return this
  }

  #stageAmount(
    operation: string,
    type: number,
    book: Book,
    orderId: OrderIdLike,
    quantity: number,
    timestampNs: Timestamp,
  ): this {
    if (typeof quantity !== 'number') throw notANumber({ operation, orderId, quantity })
    const at = this.#next(book)
    const kind = type | this.#stageId(at, orderId) | this.#stageTime(at, timestampNs)
    this.#lanes[at + Staging.quantity] = quantity
    return this.#staged(at, book, kind)
  }

  #stageLevel(
    operation: string,
    type: number,
    book: Book,
    side: Side,
    price: number,
    quantity: number,
    timestampNs: Timestamp,
  ): this {
    if (typeof price !== 'number' || typeof quantity !== 'number' || typeof side !== 'number') {
      throw notANumber({ operation, side, price, quantity })
    }
    const at = this.#next(book)
    const lanes = this.#lanes
    const kind = type | this.#stageTime(at, timestampNs)
    lanes[at + Staging.side] = side
    lanes[at + Staging.price] = price
    lanes[at + Staging.quantity] = quantity
    return this.#staged(at, book, kind)
  }

  #stageId(at: number, orderId: OrderIdLike): number {
    if (typeof orderId === 'number') {
      this.#lanes[at + Staging.orderId] = orderId
      return 0
    }
    return stageWideId(this.#words, at, orderId)
  }

  #stageTime(at: number, timestampNs: Timestamp): number {
    if (typeof timestampNs === 'number') {
      this.#lanes[at + Staging.timestamp] = timestampNs
      return 0
    }
    return stageWideTime(this.#words, at, timestampNs)
  }
}
