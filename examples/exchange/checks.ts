/**
 * The invariants after every transaction, and so after every crash, at every past point and in every
 * follower.
 */
import type { BookView } from 'pinnacle-persistence'
import { Side } from 'pinnacle-persistence'
import { symbols } from './instruments.js'
import type { Positions } from './positions.js'

/** Checks the positions alone: each trade moves something from one account to another, and nothing else. */
export function imbalances(positions: Positions): string[] {
  let cash = 0n
  const lots = new Map<number, number>()
  for (const account of positions.accounts.values()) {
    cash += account.cash
    for (const [instrument, held] of account.positions) {
      lots.set(instrument, (lots.get(instrument) ?? 0) + held)
    }
  }
  const wrong = [...lots].filter(([, sum]) => sum !== 0)
  return [
    ...(cash === 0n ? [] : [`cash sums to ${String(cash)}`]),
    ...wrong.map(
      ([index, sum]) => `positions in instrument ${String(index)} sum to ${String(sum)}`,
    ),
  ]
}

interface Books {
  book(name: string): BookView
}

/** The disagreements between books and positions: on a resting order, or on the number of trades. */
export function disagreements(books: Books, positions: Positions): string[] {
  const wrong: string[] = []
  let resting = 0
  let trades = 0
  for (const symbol of symbols) {
    const book = books.book(symbol)
    trades += book.info().tradeCount
    for (const side of [Side.Buy, Side.Sell]) {
      for (const { price } of book.depth(side, 1_000_000)) {
        for (const order of book.levelOrders(side, price)) {
          resting++
          const known = positions.orders.get(order.id)
          if (known?.price === price && known.quantity === order.quantity) continue
          wrong.push(`order ${String(order.id)} of ${symbol} is not the positions' one`)
        }
      }
    }
  }
  if (resting !== positions.orders.size) {
    wrong.push(
      `${String(resting)} orders rest, and positions have ${String(positions.orders.size)}`,
    )
  }
  if (trades !== positions.trades) {
    wrong.push(`the books had ${String(trades)} trades, the positions ${String(positions.trades)}`)
  }
  return wrong
}
