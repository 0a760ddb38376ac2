/**
 * The expected books, written as plainly as possible: maps and lists, no code of the library. A book of
 * orders keeps price-time priority in lists; a book of levels keeps one quantity per price.
 */
import type { BookKind, Side } from '../../lib/index.js'
import type { Entry, Operation } from './history.js'

interface ModelOrder {
  id: bigint
  side: Side
  price: number
  quantity: number
}

type OrderOperation = Exclude<Operation, { kind: 'instrument' | 'user' }>

class ModelBook {
  readonly name: string
  readonly kind: BookKind
  /** For each side, the queue at each price, oldest order first. */
  readonly queues: [Map<number, ModelOrder[]>, Map<number, ModelOrder[]>] = [
    new Map<number, ModelOrder[]>(),
    new Map<number, ModelOrder[]>(),
  ]
  readonly orders = new Map<bigint, ModelOrder>()
  /** For each side, the quantity at each price, in a book of levels. */
  readonly levels: [Map<number, number>, Map<number, number>] = [
    new Map<number, number>(),
    new Map<number, number>(),
  ]
  status: number | null = null
  lastSequence = 0
  /** null: the journal's clock set it. */
  lastTimestampNs: bigint | null = 0n
  tradeCount = 0
  tradedQuantity = 0
  lastTradePrice: number | null = null

  constructor(name: string, kind: BookKind) {
    this.name = name
    this.kind = kind
  }

  /** Returns why the operation is refused; '' if it was applied. */
  apply(operation: OrderOperation): string {
    switch (operation.kind) {
      case 'add':
        if (this.orders.has(operation.orderId)) return 'duplicate order'
        this.#join(operation.orderId, operation.side, operation.price, operation.quantity)
        return ''
      case 'reduce':
      case 'execute': {
        const order = this.orders.get(operation.orderId)
        if (!order) return 'unknown order'
        if (operation.quantity > order.quantity) return 'quantity exceeds open'
        if (operation.kind === 'execute') this.#traded(order.price, operation.quantity)
        order.quantity -= operation.quantity
        if (order.quantity === 0) this.#leave(order)
        return ''
      }
      case 'cancel': {
        const order = this.orders.get(operation.orderId)
        if (!order) return 'unknown order'
        this.#leave(order)
        return ''
      }
      case 'replace': {
        const order = this.orders.get(operation.orderId)
        if (!order) return 'unknown order'
        const isTaken = this.orders.has(operation.newOrderId)
        if (operation.newOrderId !== operation.orderId && isTaken) return 'duplicate order'
        this.#leave(order)
        this.#join(operation.newOrderId, order.side, operation.price, operation.quantity)
        return ''
      }
      case 'setLevel':
        if (operation.quantity === 0) this.levels[operation.side].delete(operation.price)
        else this.levels[operation.side].set(operation.price, operation.quantity)
        return ''
      case 'clear':
        this.orders.clear()
        for (const side of [0, 1] as const) {
          this.queues[side].clear()
          this.levels[side].clear()
        }
        return ''
      case 'trade':
        this.#traded(operation.price, operation.quantity)
        return ''
      case 'status':
        this.status = operation.status
        return ''
    }
  }

  #join(id: bigint, side: Side, price: number, quantity: number): void {
    const order = { id, side, price, quantity }
    this.orders.set(id, order)
    const queue = this.queues[side].get(price)
    if (queue) queue.push(order)
    else this.queues[side].set(price, [order])
  }

  #leave(order: ModelOrder): void {
    this.orders.delete(order.id)
    const queues = this.queues[order.side]
    const rest = (queues.get(order.price) ?? []).filter((each) => each !== order)
    if (rest.length > 0) queues.set(order.price, rest)
    else queues.delete(order.price)
  }

  #traded(price: number, quantity: number): void {
    this.tradeCount++
    this.tradedQuantity += quantity
    this.lastTradePrice = price
  }
}

/** All books of a journal, at some sequence. */
export class ModelBooks {
  readonly books: ModelBook[] = []

  book(instrument: number): ModelBook | undefined {
    return this.books[instrument - 1]
  }

  /** Returns why the books refuse the entry; '' if they accepted it. */
  apply({ operation, instrument, sequence, timestampNs }: Entry): string {
    if (operation.kind === 'user') return ''
    if (operation.kind === 'instrument') {
      if (instrument !== this.books.length + 1) return 'instrument out of its order'
      if (this.books.some(({ name }) => name === operation.name)) return 'instrument defined twice'
      this.books.push(new ModelBook(operation.name, operation.book))
      return ''
    }
    const book = this.book(instrument)
    if (!book) return 'unknown instrument'
    const why = book.apply(operation)
    if (why !== '') return why
    book.lastSequence = sequence
    book.lastTimestampNs = timestampNs
    return ''
  }

  /** A text for each book with everything visible of it. */
  describe(): string[] {
    return this.books.map((book) => {
      const side = (side: Side): string =>
        book.kind === 'orders' ? queuesText(book, side) : levelsText(book, side)
      return [
        `${book.name} ${book.kind} status ${String(book.status)} last ${String(book.lastSequence)}`,
        `trades ${String(book.tradeCount)} ${String(book.tradedQuantity)} ${String(book.lastTradePrice)}`,
        `buy ${side(0)}`,
        `sell ${side(1)}`,
      ].join('; ')
    })
  }
}

function bestFirst(prices: Iterable<number>, side: Side): number[] {
  return [...prices].sort((left, right) => (side === 0 ? right - left : left - right))
}

function queuesText(book: ModelBook, side: Side): string {
  return bestFirst(book.queues[side].keys(), side)
    .map((price) => {
      const queue = book.queues[side].get(price) ?? []
      return `${String(price)}[${queue.map(({ id, quantity }) => `${String(id)}:${String(quantity)}`).join(' ')}]`
    })
    .join(' ')
}

function levelsText(book: ModelBook, side: Side): string {
  return bestFirst(book.levels[side].keys(), side)
    .map((price) => `${String(price)}=${String(book.levels[side].get(price))}`)
    .join(' ')
}
