import type { NativeBookReader, NativeLevels, NativeOrder } from '../native/book-binding.js'
import { PinnacleRangeError } from '../errors/pinnacle-error.js'
import { ticksText } from '../errors/refusal.js'
import { shown } from '../errors/shown.js'
import type { Instrument } from './instrument.js'
import { toOrderId, type OrderIdLike } from './order-id.js'
import type { Side } from './side.js'

export interface Level {
  /** Ticks. */
  price: number
  /** Lots open at this price. */
  quantity: number
  orders: number
}

export interface Order {
  id: bigint
  side: Side
  price: number
  /** Lots still open. */
  quantity: number
}

export interface QueuePosition {
  ordersAhead: number
  quantityAhead: number
}

export interface BookInfo {
  orders: number
  bidLevels: number
  askLevels: number
  /** Equal books have equal digests. */
  digest: bigint
  memoryBytes: number
  /** Trading status, or null if none was journaled. */
  status: number | null
  /** Sequence of the instrument's last entry; 0 if it has none. */
  lastSequence: number
  lastTimestampNs: bigint
  /** Executions and trades. */
  tradeCount: number
  tradedQuantity: number
  lastTradePrice: number | null
}

const maxDepth = 1_000_000

/** Reading of one book, the live one or one of the past. Prices are ticks, quantities lots. */
export class BookView {
  readonly instrument: Instrument
  readonly #reader: NativeBookReader

  constructor(instrument: Instrument, reader: NativeBookReader) {
    this.instrument = instrument
    this.#reader = reader
  }

  /** Up to `levels` levels, best first. */
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

  bestBid(): Level | null {
    return this.depth(0, 1)[0] ?? null
  }

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
