/**
 * A price-time order book in plain TypeScript, made to be obviously right and not fast: the truth that
 * the journaled books are compared with. It shares no code with them.
 */
import { Side } from '../book/side.js'
import { FlowKind, type FlowOperation, type FlowOrderId } from './flow-operation.js'

export interface ReferenceOrder {
  id: FlowOrderId
  side: Side
  price: number
  quantity: number
}

export interface ReferenceLevel {
  price: number
  quantity: number
  orders: number
}

/** Orders of a level in time order: a Map keeps the order of insertion. */
type Queue = Map<FlowOrderId, ReferenceOrder>

export class ReferenceBook {
  readonly #orders = new Map<FlowOrderId, ReferenceOrder>()
  readonly #sides: readonly [Map<number, Queue>, Map<number, Queue>] = [new Map(), new Map()]

  get orderCount(): number {
    return this.#orders.size
  }

  apply(operation: FlowOperation): void {
    switch (operation.kind) {
      case FlowKind.Add:
        this.add(operation.orderId, operation.side, operation.price, operation.quantity)
        return
      case FlowKind.Reduce:
      case FlowKind.Execute:
        this.reduce(operation.orderId, operation.quantity)
        return
      case FlowKind.Cancel:
        this.#leave(this.#existing(operation.orderId))
        return
      case FlowKind.Replace: {
        const old = this.#existing(operation.orderId)
        this.#leave(old)
        this.add(operation.newOrderId, old.side, operation.price, operation.quantity)
        return
      }
      case FlowKind.Clear:
        this.#orders.clear()
        this.#sides[Side.Buy].clear()
        this.#sides[Side.Sell].clear()
        return
      case FlowKind.Trade:
      case FlowKind.Status:
      case FlowKind.Note:
        return
    }
  }

  add(id: FlowOrderId, side: Side, price: number, quantity: number): void {
    if (this.#orders.has(id)) throw new Error(`reference book: order ${String(id)} is live already`)
    const order = { id, side, price, quantity }
    this.#orders.set(id, order)
    const levels = this.#sides[side]
    const queue = levels.get(price)
    if (queue === undefined) levels.set(price, new Map([[id, order]]))
    else queue.set(id, order)
  }

  reduce(id: FlowOrderId, quantity: number): void {
    const order = this.#existing(id)
    if (quantity > order.quantity)
      throw new Error(`reference book: order ${String(id)} has less open`)
    order.quantity -= quantity
    if (order.quantity === 0) this.#leave(order)
  }

  order(id: FlowOrderId): ReferenceOrder | undefined {
    return this.#orders.get(id)
  }

  /** Best first. */
  depth(side: Side, levels = Infinity): ReferenceLevel[] {
    const prices = [...this.#sides[side].keys()].sort((a, b) => (side === Side.Buy ? b - a : a - b))
    return prices.slice(0, levels).map((price) => {
      const orders = this.levelOrders(side, price)
      const quantity = orders.reduce((sum, order) => sum + order.quantity, 0)
      return { price, quantity, orders: orders.length }
    })
  }

  /** In time order. */
  levelOrders(side: Side, price: number): ReferenceOrder[] {
    return [...(this.#sides[side].get(price)?.values() ?? [])]
  }

  #existing(id: FlowOrderId): ReferenceOrder {
    const order = this.#orders.get(id)
    if (order === undefined) throw new Error(`reference book: order ${String(id)} is unknown`)
    return order
  }

  #leave(order: ReferenceOrder): void {
    this.#orders.delete(order.id)
    const levels = this.#sides[order.side]
    const queue = levels.get(order.price)
    queue?.delete(order.id)
    if (queue?.size === 0) levels.delete(order.price)
  }
}
