/**
 * Translates an order-level event into operations of its book. A feed that starts in the middle of the day
 * sends events of orders that the book never had; such events change nothing and are counted.
 */
import type { Book } from '../../book/book.js'
import type { Order } from '../../book/book-view.js'
import { orderIdFromUuid } from '../../book/order-id.js'
import type { OrderUpdate, RestingOrder } from '../feed-update.js'
import type { PlannedOperation } from './planned-entry.js'
import { NotRecordable } from './not-recordable.js'
import { recordedPrice } from './recorded-price.js'

const digitsPattern = /^\d{1,38}$/
const maxOrderId = 2n ** 128n - 1n

/** Converts an exchange's order id for a book: a UUID, or an integer of up to 128 bits. */
function orderIdOf(text: string): bigint {
  if (digitsPattern.test(text)) {
    const id = BigInt(text)
    if (id <= maxOrderId) return id
  }
  try {
    return orderIdFromUuid(text)
  } catch {
    throw new NotRecordable(`orderId ${JSON.stringify(text)} is neither a UUID nor an integer`)
  }
}

type OpenOrder = Pick<Order, 'side' | 'price' | 'quantity'>

/** The orders of one frame: those of the books, plus the effects of the frame's earlier events. */
export class OrderOperations {
  readonly #changed = new Map<string, OpenOrder | null>()
  /** Instruments whose book the frame replaces. */
  readonly #replaced = new Set<number>()

  /** Prepares for the next frame. */
  reset(): void {
    if (this.#changed.size > 0) this.#changed.clear()
    if (this.#replaced.size > 0) this.#replaced.clear()
  }

  /** Replaces a book with all of its orders. */
  snapshot(book: Book, orders: readonly RestingOrder[], timestampNs: bigint): PlannedOperation[] {
    const { instrument } = book
    const operations: PlannedOperation[] = [{ kind: 'clear', instrument, timestampNs }]
    const ids = new Map<string, OpenOrder>()
    for (const order of orders) {
      const orderId = orderIdOf(order.orderId)
      const key = keyOf(book, orderId)
      if (ids.has(key)) throw new NotRecordable(`order ${order.orderId} is listed twice`)
      const { side } = order
      const price = recordedPrice(instrument, order.price)
      const quantity = instrument.lots(order.size)
      if (quantity === 0) throw new NotRecordable(`order ${order.orderId} is listed without size`)
      ids.set(key, { side, price, quantity })
      operations.push({ kind: 'add', instrument, timestampNs, orderId, side, price, quantity })
    }
    this.#forget(book)
    for (const [key, order] of ids) this.#changed.set(key, order)
    return operations
  }

  /** The book is empty. */
  clear(book: Book, timestampNs: bigint): PlannedOperation {
    this.#forget(book)
    return { kind: 'clear', instrument: book.instrument, timestampNs }
  }

  #forget(book: Book): void {
    this.#replaced.add(book.instrument.index)
    const prefix = `${String(book.instrument.index)} `
    for (const key of this.#changed.keys()) {
      if (key.startsWith(prefix)) this.#changed.delete(key)
    }
  }

  #open(book: Book, key: string, orderId: bigint): OpenOrder | null {
    const changed = this.#changed.get(key)
    if (changed !== undefined) return changed
    return this.#replaced.has(book.instrument.index) ? null : book.order(orderId)
  }

  /** Undefined if the event changes nothing. */
  of(book: Book, update: OrderUpdate, timestampNs: bigint): PlannedOperation | undefined {
    const { instrument } = book
    const orderId = orderIdOf(update.orderId)
    const key = keyOf(book, orderId)
    const open = this.#open(book, key, orderId)
    const base = { instrument, timestampNs, orderId }
    switch (update.event) {
      case 'open': {
        if (open) throw new NotRecordable(`order ${update.orderId} is in the book already`)
        const { side } = update
        const price = recordedPrice(instrument, needed(update.price, 'price'))
        const quantity = instrument.lots(needed(update.size, 'size'))
        if (quantity === 0) return undefined
        this.#changed.set(key, { side, price, quantity })
        return { kind: 'add', ...base, side, price, quantity }
      }
      case 'done':
        if (!open) return undefined
        this.#changed.set(key, null)
        return { kind: 'cancel', ...base }
      case 'change': {
        if (!open) return undefined
        const quantity = instrument.lots(needed(update.size, 'size'))
        const price =
          update.price === undefined ? open.price : recordedPrice(instrument, update.price)
        if (quantity === 0) {
          this.#changed.set(key, null)
          return { kind: 'cancel', ...base }
        }
        if (price === open.price && quantity === open.quantity) return undefined
        this.#changed.set(key, { ...open, price, quantity })
        // Only a smaller size keeps the place in the queue.
        return price === open.price && quantity < open.quantity
          ? { kind: 'reduce', ...base, quantity: open.quantity - quantity }
          : { kind: 'replace', ...base, newOrderId: orderId, price, quantity }
      }
      case 'match': {
        if (!open) return undefined
        const quantity = instrument.lots(needed(update.size, 'size'))
        if (quantity === 0) return undefined
        if (quantity > open.quantity) {
          throw new NotRecordable(
            `order ${update.orderId} was matched for ${update.size ?? ''}, more than it has open`,
          )
        }
        const left = open.quantity - quantity
        this.#changed.set(key, left === 0 ? null : { ...open, quantity: left })
        return { kind: 'execute', ...base, quantity }
      }
    }
  }
}

function keyOf(book: Book, orderId: bigint): string {
  return `${String(book.instrument.index)} ${String(orderId)}`
}

function needed(text: string | undefined, field: string): string {
  if (text === undefined) throw new NotRecordable(`${field} is missing`)
  return text
}
