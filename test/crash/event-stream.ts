/**
 * A stream of book events in which event i is a function of i alone, and the book that its first n events
 * make, kept in plain maps. Every event is accepted, so it makes exactly one journal entry: the number of
 * recovered entries identifies the recovered prefix.
 */
import type { Side } from '../../lib/index.js'

export type StreamEvent =
  | { type: 'add'; id: number; side: Side; price: number; quantity: number }
  | { type: 'execute'; id: number; quantity: number }
  | { type: 'cancel'; id: number }
  | { type: 'trade'; price: number }

const lag = 50

export function eventAt(index: number): StreamEvent {
  const group = Math.floor(index / 4)
  const turn = index % 4
  if (turn < 2) {
    const side: Side = (group + turn) % 2 === 0 ? 0 : 1
    const distance = (group * 7 + turn * 3) % 40
    const price = side === 0 ? 1000 - distance : 1001 + distance
    return { type: 'add', id: 4 * group + turn, side, price, quantity: 10 + (group % 5) }
  }
  if (turn === 2 && group % 5 === 0) return { type: 'execute', id: 4 * group, quantity: 3 }
  if (group < lag || (turn === 2 && (group - lag) % 5 === 0)) return { type: 'trade', price: group }
  return { type: 'cancel', id: 4 * (group - lag) + turn - 2 }
}

export interface OracleOrder {
  side: Side
  price: number
  quantity: number
}

/** Moves forward only. Orders are in order of arrival, which is their queue order. */
export class Oracle {
  readonly orders = new Map<number, OracleOrder>()
  events = 0

  advanceTo(events: number): void {
    for (; this.events < events; this.events++) this.#apply(eventAt(this.events))
  }

  /** Price to ids with open quantities, in queue order. */
  levels(side: Side): Map<number, [bigint, number][]> {
    const levels = new Map<number, [bigint, number][]>()
    for (const [id, order] of this.orders) {
      if (order.side !== side) continue
      const level = levels.get(order.price)
      if (level === undefined) levels.set(order.price, [[BigInt(id), order.quantity]])
      else level.push([BigInt(id), order.quantity])
    }
    return levels
  }

  #apply(event: StreamEvent): void {
    if (event.type === 'add') {
      this.orders.set(event.id, { side: event.side, price: event.price, quantity: event.quantity })
    } else if (event.type === 'execute') {
      const order = this.orders.get(event.id)
      if (order === undefined)
        throw new Error(`the stream executes unknown order ${String(event.id)}`)
      order.quantity -= event.quantity
    } else if (event.type === 'cancel' && !this.orders.delete(event.id)) {
      throw new Error(`the stream cancels unknown order ${String(event.id)}`)
    }
  }
}
