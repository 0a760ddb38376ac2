/**
 * A book as lines of text, one for each level, best first, orders in queue order: engine, second reader
 * and judge each draw theirs, and what is compared is what a violation shows.
 */
import type { BookView } from '../book/book-view.js'
import { Side } from '../book/side.js'
import { ReferenceBook } from '../order-flow/reference-book.js'
import type { PureBook } from '../pure-reader/book.js'
import type { ExpectedLevels } from './expected-levels.js'
import { tortureInstruments } from './flow.js'

export type BookPicture = readonly string[]

const allLevels = 1_000_000
const sides = [Side.Buy, Side.Sell] as const

interface DrawnOrder {
  id: number | bigint
  quantity: number | bigint
}

export function pictureOfView(book: BookView): string[] {
  const lines = sides.flatMap((side) =>
    book.depth(side, allLevels).map(({ price, quantity, orders }) => {
      const queue = book.instrument.kind === 'levels' ? [] : book.levelOrders(side, price)
      return levelLine(side, price, quantity, orders, queue)
    }),
  )
  return [...lines, totalLine(book.info().orders)]
}

export function pictureOfPure(book: PureBook): string[] {
  const { kind } = tortureInstruments.find(({ name }) => name === book.name) ?? {}
  let total = 0
  const lines = sides.flatMap((side) =>
    book.levels(side === Side.Sell).map(({ price, orders }) => {
      total += orders.length
      const quantity = orders.reduce((sum, order) => sum + order.quantity, 0n)
      return levelLine(side, price, quantity, orders.length, kind === 'levels' ? [] : orders)
    }),
  )
  return [...lines, totalLine(total)]
}

export function pictureOfExpected(book: ReferenceBook | ExpectedLevels): string[] {
  if (book instanceof ReferenceBook) {
    const lines = sides.flatMap((side) =>
      book
        .depth(side)
        .map(({ price, quantity, orders }) =>
          levelLine(side, price, quantity, orders, book.levelOrders(side, price)),
        ),
    )
    return [...lines, totalLine(book.orderCount)]
  }
  const lines = sides.flatMap((side) =>
    book.levels(side).map(({ price, quantity }) => levelLine(side, price, quantity, 1, [])),
  )
  return [...lines, totalLine(lines.length)]
}

/** The first line that differs, in both; '' if there is none. */
export function pictureDifference(found: BookPicture, expected: BookPicture): string {
  for (let at = 0; at < Math.max(found.length, expected.length); at++) {
    const [have, want] = [found[at] ?? 'nothing', expected[at] ?? 'nothing']
    if (have !== want) return `"${have}", "${want}" expected`
  }
  return ''
}

function levelLine(
  side: Side,
  price: number | bigint,
  quantity: number | bigint,
  orders: number,
  queue: readonly DrawnOrder[],
): string {
  const drawn = queue.map((order) => `${String(order.id)} x ${String(order.quantity)}`)
  const total = `${side === Side.Buy ? 'bid' : 'ask'} ${String(price)}: ${String(quantity)} in ${String(orders)}`
  return drawn.length === 0 ? total : `${total}: ${drawn.join(', ')}`
}

function totalLine(orders: number): string {
  return `orders: ${String(orders)}`
}
