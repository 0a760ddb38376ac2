/**
 * What the mapper knows of the orders that live: enough to say of every event, before it is staged,
 * whether the book will take it. It is rebuilt from the file alone, so a resumed run gets to the same
 * decisions as an uninterrupted one; and its count is compared with the recovered book's.
 */
import type { Side } from '../book/side.js'
import type { FlowOrderId } from './flow-operation.js'

export interface LiveOrder {
  side: Side
  price: number
  quantity: number
}

export class LiveOrders {
  readonly #orders = new Map<FlowOrderId, LiveOrder>()

  get count(): number {
    return this.#orders.size
  }

  get(id: FlowOrderId): LiveOrder | undefined {
    return this.#orders.get(id)
  }

  add(id: FlowOrderId, side: Side, price: number, quantity: number): void {
    this.#orders.set(id, { side, price, quantity })
  }

  /** Takes `quantity` off; the order leaves at 0. */
  reduce(id: FlowOrderId, order: LiveOrder, quantity: number): void {
    order.quantity -= quantity
    if (order.quantity === 0) this.#orders.delete(id)
  }

  remove(id: FlowOrderId): void {
    this.#orders.delete(id)
  }

  clear(): void {
    this.#orders.clear()
  }
}

/**
 * Id of the order that stands for everything that an opening book shows at one level: "OPEN" in the top
 * 32 of its 128 bits, then side and price, so that it can be told in a dump and meets no venue's id.
 */
export function openingOrderId(side: Side, price: number): bigint {
  return (0x4f50454en << 96n) | (BigInt(side) << 64n) | BigInt(price)
}
