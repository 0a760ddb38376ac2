/** What the journal says of each order: the same as its acknowledgement, read back. */
import type { JournalEntry } from 'pinnacle-persistence'
import { decodeOrder, EntryKind } from './entries.js'
import type { Printed } from './venue.js'

export interface JournaledOrder {
  trades: { makerId: bigint; quantity: number }[]
  /** Lots left to rest in the book. */
  open: number
}

export async function ordersOf(
  entries: AsyncIterable<JournalEntry>,
): Promise<Map<string, JournaledOrder>> {
  const orders = new Map<string, JournaledOrder>()
  let current: JournaledOrder | undefined
  for await (const entry of entries) {
    if (entry.type === 'user' && entry.userType === EntryKind.order) {
      current = { trades: [], open: 0 }
      orders.set(String(decodeOrder(entry).orderId), current)
    } else if (entry.type === 'execute') {
      current?.trades.push({ makerId: entry.orderId, quantity: entry.quantity })
    } else if (entry.type === 'add' && current) {
      current.open = entry.quantity
    }
  }
  return orders
}

/** The parts of an acknowledged order that the journal lacks. */
export function missing(orders: Map<string, JournaledOrder>, printed: Printed): string[] {
  const { orderId, trades, open } = printed
  const order = orders.get(orderId)
  if (!order) return [`order ${orderId} was acknowledged and is not there`]
  const same =
    order.open === open &&
    order.trades.length === trades.length &&
    order.trades.every(
      ({ makerId, quantity }, index) =>
        String(makerId) === trades[index]?.makerId && quantity === trades[index].quantity,
    )
  return same ? [] : [`order ${orderId} differs from its acknowledgement`]
}
