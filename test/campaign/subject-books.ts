/** The books of an open manager in the model's form, to compare the two. */
import type { BookView, PersistenceManager, Side } from '../../lib/index.js'

const allLevels = 1_000_000

export function describeBooks(manager: PersistenceManager): string[] {
  return manager.instruments().map(({ name, kind }) => {
    const book = manager.book(name)
    const info = book.info()
    const side = (side: Side): string =>
      kind === 'orders' ? queuesText(book, side) : levelsText(book, side)
    return [
      `${name} ${kind} status ${String(info.status)} last ${String(info.lastSequence)}`,
      `trades ${String(info.tradeCount)} ${String(info.tradedQuantity)} ${String(info.lastTradePrice)}`,
      `buy ${side(0)}`,
      `sell ${side(1)}`,
    ].join('; ')
  })
}

function queuesText(book: BookView, side: Side): string {
  return book
    .depth(side, allLevels)
    .map(({ price, quantity, orders }) => {
      const queue = book.levelOrders(side, price)
      const sum = queue.reduce((total, order) => total + order.quantity, 0)
      const text = queue.map((order) => `${String(order.id)}:${String(order.quantity)}`).join(' ')
      const isWhole = sum === quantity && queue.length === orders
      return `${String(price)}[${text}]${isWhole ? '' : ` of ${String(orders)} with ${String(quantity)}`}`
    })
    .join(' ')
}

function levelsText(book: BookView, side: Side): string {
  return book
    .depth(side, allLevels)
    .map(({ price, quantity }) => `${String(price)}=${String(quantity)}`)
    .join(' ')
}
