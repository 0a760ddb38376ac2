/**
 * The mapper's record of live orders: enough to decide before an event is staged whether the book will
 * accept it. It is rebuilt from the file alone, so a resumed run makes the same decisions as an
 * uninterrupted one. Its count is compared with the recovered book's.
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

  /** Subtracts `quantity`; removes the order at 0. */
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
 * Id of the order that represents one level of an opening book: "OPEN" in the top 32 of its 128 bits, then
 * side and price, so that it is recognizable in a dump and never equals a venue's id.
 */
export function openingOrderId(side: Side, price: number): bigint {
  return (0x4f50454en << 96n) | (BigInt(side) << 64n) | BigInt(price)
}
