/**
 * The exchange: orders match by price, then time, in books that survive a crash. Each order is one
 * transaction: the entry that accepts it, the executions of the orders it meets, the fills, and its rest in
 * the book.
 */
import {
  PersistenceManager,
  Side,
  type Book,
  type BookSet,
  type PersistenceConfig,
} from 'pinnacle-persistence'
import { encodeFill, encodeOrder, EntryKind } from './entries.js'
import { instruments, type Symbol } from './instruments.js'
import { orderIdOf, ownerOf } from './order-id.js'
import { Positions } from './positions.js'

export interface OrderRequest {
  account: number
  symbol: Symbol
  side: Side
  /** The limit, in ticks. */
  price: number
  /** Lots. */
  quantity: number
  /** All of it at once or none of it; such an order never rests. */
  fillOrKill?: boolean
}

export interface Trade {
  makerId: bigint
  price: number
  quantity: number
}

export interface Acknowledgement {
  orderId: bigint
  trades: Trade[]
  /** Lots that rest in the book. */
  open: number
  /** The last entry of the order's transaction: everything up to it is on the device. */
  sequence: number
}

/** Thrown inside a transaction, to roll back the whole order. */
export class NotFilled extends Error {}

export class Exchange {
  readonly positions: Positions
  readonly persistence: PersistenceManager

  private constructor(persistence: PersistenceManager, positions: Positions) {
    this.persistence = persistence
    this.positions = positions
  }

  /** Opening is also the restart: books and positions are as they were at the last entry. */
  static async open(
    dataDirectory: string,
    options: Partial<PersistenceConfig> = {},
  ): Promise<Exchange> {
    const positions = new Positions()
    const persistence = await PersistenceManager.open({
      dataDirectory,
      instruments,
      stateMachine: positions,
      ...options,
    })
    return new Exchange(persistence, positions)
  }

  /** Resolves when the device has the order and all of its trades: acknowledge to the customer only then. */
  async submit(request: OrderRequest): Promise<Acknowledgement> {
    const acknowledgement = this.persistence.transaction(() => this.#take(request))
    await this.persistence.durable(acknowledgement.sequence)
    return acknowledgement
  }

  /** False: the order no longer exists, or belongs to another account. */
  async cancel(account: number, symbol: Symbol, orderId: bigint): Promise<boolean> {
    const book = this.persistence.book(symbol)
    if (ownerOf(orderId) !== account || !book.order(orderId)) return false
    await this.persistence.durable(book.cancel(orderId))
    return true
  }

  /** Past books and positions. A point inside a transaction is refused: no such state ever existed. */
  async at(sequence: number): Promise<{ books: BookSet; positions: Positions }> {
    const positions = await this.persistence.stateAt({ sequence }, new Positions())
    return { books: await this.persistence.booksAt({ sequence }), positions }
  }

  close(): Promise<void> {
    return this.persistence.close()
  }

  // Everything from here on runs inside a transaction. A refused operation, or an uncaught error, rolls it
  // all back.

  #take(request: OrderRequest): Acknowledgement {
    const { account, symbol, side, price, quantity } = request
    const book = this.persistence.book(symbol)
    // The positions do not change until the commit, and each transaction takes one number.
    const orderId = orderIdOf(account, this.positions.lastOrder + 1)
    const order = encodeOrder({ orderId, side, price, quantity })
    let sequence = this.persistence.append(EntryKind.order, order, { instrument: symbol })
    const trades: Trade[] = []
    let open = quantity
    for (
      let trade = nextTrade(book, request, open);
      trade;
      trade = nextTrade(book, request, open)
    ) {
      sequence = this.#trade(book, request, trade)
      trades.push(trade)
      open -= trade.quantity
    }
    if (open > 0 && request.fillOrKill) throw new NotFilled(`${String(open)} lots found no match`)
    if (open > 0) sequence = book.add(orderId, side, price, open)
    return { orderId, trades, open, sequence }
  }

  #trade(book: Book, { account, side, symbol }: OrderRequest, trade: Trade): number {
    const { makerId, price, quantity } = trade
    book.execute(makerId, quantity)
    const fill = encodeFill({ taker: account, side, price, quantity })
    return this.persistence.append(EntryKind.fill, fill, { instrument: symbol })
  }
}

/** Trades with the oldest order at the best price, as long as that is within the limit. */
function nextTrade(book: Book, { side, price }: OrderRequest, open: number): Trade | undefined {
  if (open === 0) return undefined
  const best = side === Side.Buy ? book.bestAsk() : book.bestBid()
  if (!best || (side === Side.Buy ? best.price > price : best.price < price)) return undefined
  const [maker] = book.levelOrders(side === Side.Buy ? Side.Sell : Side.Buy, best.price)
  if (!maker) return undefined
  return { makerId: maker.id, price: best.price, quantity: Math.min(open, maker.quantity) }
}
