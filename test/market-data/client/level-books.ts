/** Level books as a consumer keeps them, in the same form as the test's market. */
import { Side } from '../../../lib/book/side.js'
import type { FeedDelivery } from '../../../lib/market-data/client/feed-events.js'

export function booksOf(deliveries: readonly FeedDelivery[]): Map<string, Map<string, string>> {
  const books = new Map<string, Map<string, string>>()
  for (const { parsed } of deliveries) {
    if (parsed.kind !== 'updates') continue
    for (const update of parsed.updates) {
      if (update.type !== 'book-snapshot' && update.type !== 'levels') continue
      const isWhole = update.type === 'book-snapshot'
      const book = isWhole ? new Map<string, string>() : books.get(update.product)
      if (!book) continue // a change of an unknown product
      books.set(update.product, book)
      for (const { side, price, size } of isWhole ? update.levels : update.changes) {
        const key = `${side === Side.Buy ? 'bid' : 'offer'} ${price}`
        if (size === '0') book.delete(key)
        else book.set(key, size)
      }
    }
  }
  return books
}

/** In a fixed order, so that two books can be compared. */
export function sorted(book: ReadonlyMap<string, string> | undefined): string[] {
  return [...(book ?? [])].map(([level, size]) => `${level}: ${size}`).sort()
}
