import type { NativeBookReader, NativeLevels, NativeOrder } from '../native/book-binding.js'
import { PinnacleRangeError } from '../errors/pinnacle-error.js'
import { ticksText } from '../errors/refusal.js'
import { shown } from '../errors/shown.js'
import type { Instrument } from './instrument.js'
import { toOrderId, type OrderIdLike } from './order-id.js'
import type { Side } from './side.js'

/** One price level of a book: its orders in sum. */
export interface Level {
  /** Ticks. */
  price: number
  /** Lots open at this price. */
  quantity: number
  /** Orders at this price; of an instrument of kind 'levels' it is 1. */
  orders: number
}

/** A live order. */
export interface Order {
  /** Its id, always a bigint: 0 to 2^128 - 1. */
  id: bigint
  /** Side.Buy (0) or Side.Sell (1). */
  side: Side
  /** Ticks. */
  price: number
  /** Lots still open. */
  quantity: number
}

/** What is ahead of an order in the queue of its level. */
export interface QueuePosition {
  /** Orders that came before it. */
  ordersAhead: number
  /** Lots of these orders. */
  quantityAhead: number
}

/** Facts of one book. */
export interface BookInfo {
  /** Live orders. */
  orders: number
  /** Price levels on the buy side. */
  bidLevels: number
  /** Price levels on the sell side. */
  askLevels: number
  /** Equal books have equal digests. */
  digest: bigint
  /** Bytes of memory that the book takes. */
  memoryBytes: number
  /** Trading status of the last setStatus(); null: there was none. */
  status: number | null
  /** Sequence of the instrument's last entry; 0 if it has none. */
  lastSequence: number
  /** Time of the instrument's last entry, in ns; 0n: it has none. */
  lastTimestampNs: bigint
  /** Executions and trades since the instrument was defined. */
  tradeCount: number
  /** Lots of these. */
  tradedQuantity: number
  /** Ticks of the last of these; null: there was none. */
  lastTradePrice: number | null
}

const maxDepth = 1_000_000

/** Reading of one book, the live one or one of the past. Prices are ticks, quantities lots. */
export class BookView {
  /** The instrument that it is the book of. */
  readonly instrument: Instrument
  readonly #reader: NativeBookReader

  /** @internal Made by PersistenceManager and BookSet. */
  constructor(instrument: Instrument, reader: NativeBookReader) {
    this.instrument = instrument
    this.#reader = reader
  }

  /**
   * Up to `levels` levels (1 to 1,000,000; default 10) that have orders, best first. ERR_PINNACLE_INVALID_SIDE,
   * ERR_PINNACLE_INVALID_ARGUMENT.
   */
  depth(side: Side, levels = 10): Level[] {
    return levelsOf(this.depthColumns(side, levels))
  }

  /** The same as three arrays: less to allocate if many levels are read often. */
  depthColumns(side: Side, levels = 10): NativeLevels {
    checkSide(side)
    if (!Number.isInteger(levels) || levels < 1 || levels > maxDepth) {
      throw new PinnacleRangeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        `levels must be an integer from 1 to ${String(maxDepth)}, not ${shown(levels)}`,
      )
    }
    return this.#reader.depth(this.instrument.index, side, levels)
  }

  /** The buy level of the highest price; null: nobody buys. */
  bestBid(): Level | null {
    return this.depth(0, 1)[0] ?? null
  }

  /** The sell level of the lowest price; null: nobody sells. */
  bestAsk(): Level | null {
    return this.depth(1, 1)[0] ?? null
  }

  /** The live order of this id, or null. */
  order(orderId: OrderIdLike): Order | null {
    return this.#reader.order(this.instrument.index, toOrderId(orderId))
  }

  /** What is ahead of the order in its level, or null if there is no such order. */
  queuePosition(orderId: OrderIdLike): QueuePosition | null {
    return this.#reader.queuePosition(this.instrument.index, toOrderId(orderId))
  }

  /** All orders of a level in time order; empty if there is no such level. */
  levelOrders(side: Side, price: number): Order[] {
    checkSide(side)
    if (!Number.isSafeInteger(price) || (price < 0 && !this.instrument.signedPrices)) {
      throw new PinnacleRangeError(
        'ERR_PINNACLE_INVALID_PRICE',
        `a price must be ${ticksText}, not ${shown(price)}`,
      )
    }
    const orders: NativeOrder[] | null = this.#reader.levelOrders(
      this.instrument.index,
      side,
      price,
    )
    return orders ?? []
  }

  /** Equal books have equal digests. Reads the whole book. */
  digest(): bigint {
    return this.#reader.bookInfo(this.instrument.index).digest
  }

  /** Facts of the book. Computes the digest, so it reads the whole book. */
  info(): BookInfo {
    const info = this.#reader.bookInfo(this.instrument.index)
    return {
      orders: info.orders,
      bidLevels: info.bidLevels,
      askLevels: info.askLevels,
      digest: info.digest,
      memoryBytes: info.memoryBytes,
      status: info.status,
      lastSequence: info.lastSequence,
      lastTimestampNs: info.lastTimestamp,
      tradeCount: info.tradeCount,
      tradedQuantity: info.tradedQuantity,
      lastTradePrice: info.lastTradePrice,
    }
  }
}

function checkSide(side: Side): void {
  if ((side as unknown) === 0 || (side as unknown) === 1) return
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_SIDE',
    `a side must be Side.Buy (0) or Side.Sell (1), not ${shown(side)}`,
  )
}

function levelsOf(columns: NativeLevels): Level[] {
  const levels: Level[] = []
  for (let index = 0; index < columns.prices.length; index++) {
    levels.push({
      price: columns.prices[index] ?? 0,
      quantity: columns.quantities[index] ?? 0,
      orders: columns.orders[index] ?? 0,
    })
  }
  return levels
}
