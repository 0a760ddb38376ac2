/**
 * The state machine: cash and positions of every account, and the orders that rest in the books. It gets the
 * entries of a transaction once that is committed, in order, live and again at recovery. A follower in
 * another process runs the same class over the journal's entries.
 *
 * A trade is two entries of one transaction. The book's `execute` names the resting order: its id has the
 * owner, and its price and side were remembered at its `add`. The `fill` after it is the incoming order's
 * half. If one of them ever existed without the other, positions and cash would not sum to zero.
 */
import {
  Side,
  type JournalEntry,
  type OperationEntry,
  type StateMachine,
  type UserEntry,
} from 'pinnacle-persistence'
import { decodeFill, decodeOrder, EntryKind } from './entries.js'
import { numberOf, ownerOf } from './order-id.js'

export interface OpenOrder {
  instrument: number
  side: Side
  price: number
  quantity: number
}

export interface Account {
  /** In units of one lot times one tick. */
  cash: bigint
  /** Lots, by the instrument's index. */
  positions: Map<number, number>
}

/** As JSON, which has neither maps nor bigints. */
interface Saved {
  lastOrder: number
  trades: number
  accounts: [number, string, [number, number][]][]
  orders: [string, OpenOrder][]
}

export class Positions implements StateMachine {
  /** The number of the newest order; the next one gets the number after it. */
  lastOrder = 0
  trades = 0
  readonly accounts = new Map<number, Account>()
  readonly orders = new Map<bigint, OpenOrder>()

  apply(entry: UserEntry): void {
    if (entry.userType === EntryKind.order) {
      this.lastOrder = numberOf(decodeOrder(entry).orderId)
    } else if (entry.userType === EntryKind.fill) {
      const { taker, side, price, quantity } = decodeFill(entry)
      this.#trade(taker, entry.instrument, side, price, quantity)
    }
  }

  applyOperation(entry: OperationEntry): void {
    if (entry.type === 'add') {
      const { orderId, instrument, side, price, quantity } = entry
      this.orders.set(orderId, { instrument, side, price, quantity })
    } else if (entry.type === 'cancel') {
      this.orders.delete(entry.orderId)
    } else if (entry.type === 'execute') {
      this.#execute(entry.orderId, entry.quantity)
    }
  }

  /** Takes the relevant entries from a reader of the journal. */
  follow(entry: JournalEntry): void {
    if (entry.type === 'user') this.apply(entry)
    else if (entry.type !== 'instrument' && entry.type !== 'hole') this.applyOperation(entry)
  }

  account(account: number): Account {
    let found = this.accounts.get(account)
    if (!found) this.accounts.set(account, (found = { cash: 0n, positions: new Map() }))
    return found
  }

  snapshot(): Uint8Array {
    const saved: Saved = {
      lastOrder: this.lastOrder,
      trades: this.trades,
      accounts: [...this.accounts].map(([id, { cash, positions }]) => [
        id,
        String(cash),
        [...positions],
      ]),
      orders: [...this.orders].map(([id, order]) => [String(id), order]),
    }
    return new TextEncoder().encode(JSON.stringify(saved))
  }

  restore(bytes: Uint8Array): void {
    const saved = JSON.parse(new TextDecoder().decode(bytes)) as Saved
    this.lastOrder = saved.lastOrder
    this.trades = saved.trades
    this.accounts.clear()
    for (const [id, cash, positions] of saved.accounts) {
      this.accounts.set(id, { cash: BigInt(cash), positions: new Map(positions) })
    }
    this.orders.clear()
    for (const [id, order] of saved.orders) this.orders.set(BigInt(id), order)
  }

  #execute(orderId: bigint, quantity: number): void {
    const order = this.orders.get(orderId)
    if (!order) throw new Error(`order ${String(orderId)} was executed but never added`)
    this.trades++
    this.#trade(ownerOf(orderId), order.instrument, order.side, order.price, quantity)
    order.quantity -= quantity
    if (order.quantity === 0) this.orders.delete(orderId)
  }

  #trade(account: number, instrument: number, side: Side, price: number, quantity: number): void {
    const found = this.account(account)
    const change = side === Side.Buy ? quantity : -quantity
    found.positions.set(instrument, (found.positions.get(instrument) ?? 0) + change)
    found.cash -= BigInt(price) * BigInt(change)
  }
}
