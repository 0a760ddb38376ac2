/** Compares a journaled book with the reference, level by level and order by order, in queue order. */
import type { BookView } from '../book/book-view.js'
import { Side } from '../book/side.js'
import type { ReferenceBook } from './reference-book.js'

export interface BookComparison {
  equal: boolean
  levels: number
  orders: number
  /** The first difference; '' if the books are equal. */
  difference: string
}

const allLevels = 1_000_000

export function compareBooks(book: BookView, reference: ReferenceBook): BookComparison {
  const comparison: BookComparison = { equal: true, levels: 0, orders: 0, difference: '' }
  for (const side of [Side.Buy, Side.Sell] as const) {
    const difference = compareSide(book, reference, side, comparison)
    if (difference !== '') return { ...comparison, equal: false, difference }
  }
  const orders = book.info().orders
  if (orders !== reference.orderCount) {
    const difference = `${String(orders)} orders, ${String(reference.orderCount)} expected`
    return { ...comparison, equal: false, difference }
  }
  return comparison
}

function compareSide(
  book: BookView,
  reference: ReferenceBook,
  side: Side,
  comparison: BookComparison,
): string {
  const name = side === Side.Buy ? 'bids' : 'asks'
  const levels = book.depth(side, allLevels)
  const expected = reference.depth(side)
  if (levels.length !== expected.length) {
    return `${name}: ${String(levels.length)} levels, ${String(expected.length)} expected`
  }
  for (const [index, level] of levels.entries()) {
    const want = expected[index]
    if (
      want?.price !== level.price ||
      want.quantity !== level.quantity ||
      want.orders !== level.orders
    ) {
      return `${name}, level ${String(index)}: ${JSON.stringify(level)}, ${JSON.stringify(want)} expected`
    }
    const orders = book.levelOrders(side, level.price)
    const wantOrders = reference.levelOrders(side, level.price)
    for (const [position, order] of orders.entries()) {
      const wantOrder = wantOrders[position]
      if (
        wantOrder === undefined ||
        BigInt(wantOrder.id) !== order.id ||
        wantOrder.quantity !== order.quantity
      ) {
        return (
          `${name} at ${String(level.price)}, place ${String(position)}: order ${String(order.id)} with ` +
          `${String(order.quantity)}, ${String(wantOrder?.id)} with ${String(wantOrder?.quantity)} expected`
        )
      }
      comparison.orders++
    }
    if (orders.length !== wantOrders.length)
      return `${name} at ${String(level.price)}: orders differ in number`
    comparison.levels++
  }
  return ''
}
