/** Level books made of an adapter's updates, by product. */
import { Side } from '../../../lib/book/side.js'
import type { FeedUpdate } from '../../../lib/market-data/feed-update.js'
import { NaiveBook } from './naive-books.js'

export class UpdateBooks {
  readonly books = new Map<string, NaiveBook>()

  take(updates: readonly FeedUpdate[]): void {
    for (const update of updates) {
      if (update.type === 'book-snapshot') {
        const book = new NaiveBook()
        this.books.set(update.product, book)
        for (const { side, price, size } of update.levels) book.set(side === Side.Buy, price, size)
      } else if (update.type === 'levels') {
        const book = this.books.get(update.product) ?? new NaiveBook()
        this.books.set(update.product, book)
        for (const { side, price, size } of update.changes) book.set(side === Side.Buy, price, size)
      }
    }
  }

  text(product: string): string {
    return this.books.get(product)?.text() ?? 'no book'
  }
}
