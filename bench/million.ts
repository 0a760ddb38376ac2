/** A book of many orders, spread over ten thousand levels. */
import { Side, type Book, type PersistenceManager } from '../lib/index.js'

export function addOrders(persistence: PersistenceManager, books: Book[], orders: number): void {
  const batch = persistence.batch({ autoCommit: 1024 })
  for (let id = 1; id <= orders; id++) {
    const side = id % 2 === 0 ? Side.Buy : Side.Sell
    const distance = (id * 7919) % 5000
    const price = side === Side.Buy ? 100_000 - distance : 100_001 + distance
    batch.add(books[id % books.length] as Book, id, side, price, 10)
  }
  batch.commit()
}
