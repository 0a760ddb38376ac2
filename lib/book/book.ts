/**
 * A live book. Each operation writes its lanes into the shared staging area and makes one native call,
 * which validates, journals and applies. Nothing is allocated on the way unless the call is refused, or
 * an id or a timestamp is a bigint.
 *
 * Only types are checked here, because a Float64Array would turn "12" into 12 silently; ranges and
 * integrality are checked once, in native code.
 */
import { refusalOf, notANumber, type OperationContext } from '../errors/refusal.js'
import type { CodedError } from '../errors/pinnacle-error.js'
import { EntryType, Staging } from '../native/binding.js'
import { hasGivenTime, type OperationObserver, type StagingArea } from '../native/staging.js'
import { BookView } from './book-view.js'
import type { Instrument } from './instrument.js'
import type { OrderIdLike } from './order-id.js'
import type { Side } from './side.js'
import { stageWideId, stageWideNewId, stageWideTime } from './stage-wide.js'
import type { Timestamp } from './timestamp.js'

const OPERATION = Staging.operations
const KIND = OPERATION + Staging.kind
const INSTRUMENT = OPERATION + Staging.instrument
const ORDER_ID = OPERATION + Staging.orderId
const PRICE = OPERATION + Staging.price
const QUANTITY = OPERATION + Staging.quantity
const TIMESTAMP = OPERATION + Staging.timestamp
const NEW_ORDER_ID = OPERATION + Staging.newOrderId
const SIDE = OPERATION + Staging.side
const CODE = Staging.code
const SEQUENCE = Staging.sequence

/**
 * The live book of one instrument. Each operation is checked, journaled and applied in one call, and returns
 * the sequence of its entry. A refused one throws and changes nothing. Prices are ticks, quantities lots; order
 * ids are numbers from 0 to 2^53 - 1 or bigints of up to 128 bits; without a time, or with 0, the journal's
 * clock is used. Each may throw ERR_PINNACLE_INVALID_ORDER_ID, _INVALID_SIDE, _INVALID_PRICE,
 * _INVALID_QUANTITY, _INVALID_TIMESTAMP or _INVALID_OPERATION (not one for this kind of instrument),
 * ERR_PINNACLE_CLOSED, _NO_SPACE and _JOURNAL_FAILED.
 */
export class Book extends BookView {
  readonly #staging: StagingArea
  readonly #index: number
  readonly #causeOf: (code: string) => Error | undefined

  /** @internal Made by PersistenceManager. `causeOf` gives the cause of a code. */
  constructor(
    instrument: Instrument,
    staging: StagingArea,
    causeOf: (code: string) => Error | undefined,
  ) {
    super(instrument, staging.engine)
    this.#staging = staging
    this.#index = instrument.index
    this.#causeOf = causeOf
  }

  /** @internal Whether the book belongs to this staging area. */
  belongsTo(staging: StagingArea): boolean {
    return this.#staging === staging
  }

  /**
   * A new order joins the end of the queue at its price. ERR_PINNACLE_DUPLICATE_ORDER,
   * ERR_PINNACLE_QUANTITY_OVERFLOW, ERR_PINNACLE_BOOK_FULL.
   */
  add(
    orderId: OrderIdLike,
    side: Side,
    price: number,
    quantity: number,
    timestampNs: Timestamp = 0,
  ): number {
    if (typeof price !== 'number' || typeof quantity !== 'number' || typeof side !== 'number') {
      throw this.#notANumber('add', { orderId, side, price, quantity })
    }
    const lanes = this.#staging.lanes
    const kind = EntryType.Add | this.#stageId(orderId) | this.#stageTime(timestampNs)
    lanes[SIDE] = side
    lanes[PRICE] = price
    lanes[QUANTITY] = quantity
    this.#call(kind)
    if (lanes[CODE] !== 0) {
      throw this.#refusal('add', { orderId, side, price, quantity, timestampNs })
    }
    return lanes[SEQUENCE] as number
  }

  /**
   * Takes `quantity` off an order: a partial cancel. With nothing left open it leaves.
   * ERR_PINNACLE_UNKNOWN_ORDER, ERR_PINNACLE_QUANTITY_EXCEEDS_OPEN.
   */
  reduce(orderId: OrderIdLike, quantity: number, timestampNs: Timestamp = 0): number {
    if (typeof quantity !== 'number') throw this.#notANumber('reduce', { orderId, quantity })
    const lanes = this.#staging.lanes
    const kind = EntryType.Reduce | this.#stageId(orderId) | this.#stageTime(timestampNs)
    lanes[QUANTITY] = quantity
    this.#call(kind)
    if (lanes[CODE] !== 0) throw this.#refusal('reduce', { orderId, quantity, timestampNs })
    return lanes[SEQUENCE] as number
  }

  /** The order leaves. ERR_PINNACLE_UNKNOWN_ORDER. */
  cancel(orderId: OrderIdLike, timestampNs: Timestamp = 0): number {
    const lanes = this.#staging.lanes
    this.#call(EntryType.Cancel | this.#stageId(orderId) | this.#stageTime(timestampNs))
    if (lanes[CODE] !== 0) throw this.#refusal('cancel', { orderId, timestampNs })
    return lanes[SEQUENCE] as number
  }

  /**
   * `quantity` of the order is executed, at its price. With nothing left open it leaves.
   * ERR_PINNACLE_UNKNOWN_ORDER, ERR_PINNACLE_QUANTITY_EXCEEDS_OPEN.
   */
  execute(orderId: OrderIdLike, quantity: number, timestampNs: Timestamp = 0): number {
    if (typeof quantity !== 'number') throw this.#notANumber('execute', { orderId, quantity })
    const lanes = this.#staging.lanes
    const kind = EntryType.Execute | this.#stageId(orderId) | this.#stageTime(timestampNs)
    lanes[QUANTITY] = quantity
    this.#call(kind)
    if (lanes[CODE] !== 0) throw this.#refusal('execute', { orderId, quantity, timestampNs })
    return lanes[SEQUENCE] as number
  }

  /**
   * The order leaves and joins the end of the queue at `price` with `quantity` open, as `newOrderId`, which may
   * be its own. ERR_PINNACLE_UNKNOWN_ORDER, ERR_PINNACLE_DUPLICATE_ORDER, ERR_PINNACLE_QUANTITY_OVERFLOW.
   */
  replace(
    orderId: OrderIdLike,
    newOrderId: OrderIdLike,
    price: number,
    quantity: number,
    timestampNs: Timestamp = 0,
  ): number {
    if (typeof price !== 'number' || typeof quantity !== 'number') {
      throw this.#notANumber('replace', { orderId, newOrderId, price, quantity })
    }
    const lanes = this.#staging.lanes
    let kind: number = EntryType.Replace | this.#stageTime(timestampNs)
    if (typeof orderId === 'number' && typeof newOrderId === 'number') {
      lanes[ORDER_ID] = orderId
      lanes[NEW_ORDER_ID] = newOrderId
    } else {
      kind |= this.#stageWideIds(orderId, newOrderId)
    }
    lanes[PRICE] = price
    lanes[QUANTITY] = quantity
    this.#call(kind)
    if (lanes[CODE] !== 0) {
      throw this.#refusal('replace', { orderId, newOrderId, price, quantity, timestampNs })
    }
    return lanes[SEQUENCE] as number
  }

  /**
   * Sets the total of a level; 0 removes the level, which may be absent. Only for instruments of kind 'levels'
   * (ERR_PINNACLE_INVALID_OPERATION).
   */
  setLevel(side: Side, price: number, quantity: number, timestampNs: Timestamp = 0): number {
    if (typeof price !== 'number' || typeof quantity !== 'number' || typeof side !== 'number') {
      throw this.#notANumber('setLevel', { side, price, quantity })
    }
    const lanes = this.#staging.lanes
    const kind = EntryType.SetLevel | this.#stageTime(timestampNs)
    lanes[SIDE] = side
    lanes[PRICE] = price
    lanes[QUANTITY] = quantity
    this.#call(kind)
    if (lanes[CODE] !== 0) {
      throw this.#refusal('setLevel', { side, price, quantity, timestampNs })
    }
    return lanes[SEQUENCE] as number
  }

  /** All orders and levels leave. Last trade, counts and status stay. */
  clear(timestampNs: Timestamp = 0): number {
    const lanes = this.#staging.lanes
    this.#call(EntryType.Clear | this.#stageTime(timestampNs))
    if (lanes[CODE] !== 0) throw this.#refusal('clear', { timestampNs })
    return lanes[SEQUENCE] as number
  }

  /** Journals a trade that changes no order: a hidden execution, an off-book print. It counts in info(). */
  trade(side: Side, price: number, quantity: number, timestampNs: Timestamp = 0): number {
    if (typeof price !== 'number' || typeof quantity !== 'number' || typeof side !== 'number') {
      throw this.#notANumber('trade', { side, price, quantity })
    }
    const lanes = this.#staging.lanes
    const kind = EntryType.Trade | this.#stageTime(timestampNs)
    lanes[SIDE] = side
    lanes[PRICE] = price
    lanes[QUANTITY] = quantity
    this.#call(kind)
    if (lanes[CODE] !== 0) throw this.#refusal('trade', { side, price, quantity, timestampNs })
    return lanes[SEQUENCE] as number
  }

  /**
   * Journals the trading status, an integer from 0 to 2^53 - 1: 0 halted, 1 trading, others are the caller's.
   */
  setStatus(status: number, timestampNs: Timestamp = 0): number {
    if (typeof status !== 'number') throw this.#notANumber('setStatus', { status })
    const lanes = this.#staging.lanes
    const kind = EntryType.Status | this.#stageTime(timestampNs)
    lanes[QUANTITY] = status
    this.#call(kind)
    if (lanes[CODE] !== 0) {
      throw this.#refusal('setStatus', { status, quantity: status, timestampNs })
    }
    return lanes[SEQUENCE] as number
  }

  #stageId(orderId: OrderIdLike): number {
    if (typeof orderId === 'number') {
      this.#staging.lanes[ORDER_ID] = orderId
      return 0
    }
    try {
      return stageWideId(this.#staging.words, OPERATION, orderId)
    } catch (error) {
      throw this.#staging.refused(error)
    }
  }

  #stageWideIds(orderId: OrderIdLike, newOrderId: OrderIdLike): number {
    const { words } = this.#staging
    try {
      return stageWideId(words, OPERATION, orderId) | stageWideNewId(words, OPERATION, newOrderId)
    } catch (error) {
      throw this.#staging.refused(error)
    }
  }

  #stageTime(timestampNs: Timestamp): number {
    if (typeof timestampNs === 'number') {
      this.#staging.lanes[TIMESTAMP] = timestampNs
      return 0
    }
    try {
      return stageWideTime(this.#staging.words, OPERATION, timestampNs)
    } catch (error) {
      throw this.#staging.refused(error)
    }
  }

  #call(kind: number): void {
    const staging = this.#staging
    const lanes = staging.lanes
    lanes[KIND] = kind
    lanes[INSTRUMENT] = this.#index
    if (staging.observer !== null) {
      this.#callObserved(staging.observer)
      return
    }
    staging.engine.apply()
    if (staging.sleepers !== 0) staging.wake()
  }

  #callObserved(observer: OperationObserver): void {
    const staging = this.#staging
    const { lanes, words } = staging
    observer.assertApplies()
    const givenTime = hasGivenTime(lanes, words, OPERATION)
    staging.engine.applyAndTell()
    if (staging.sleepers !== 0) staging.wake()
    if (lanes[CODE] !== 0) return
    const sequence = lanes[SEQUENCE] as number
    observer.applied(lanes, words, OPERATION, sequence, givenTime)
    // (It may have made calls of its own.)
    lanes[CODE] = 0
    lanes[SEQUENCE] = sequence
  }

  #notANumber(operation: string, fields: Partial<OperationContext>): CodedError {
    return this.#staging.refused(notANumber(this.#context(operation, fields)))
  }

  #context(operation: string, fields: Partial<OperationContext>): OperationContext {
    return { operation, instrument: this.instrument.name, ...fields }
  }

  #refusal(operation: string, fields: Partial<OperationContext>): CodedError {
    const code = this.#staging.codeName()
    return this.#staging.refused(
      refusalOf(code, this.#context(operation, fields), this.#causeOf(code)),
    )
  }
}
