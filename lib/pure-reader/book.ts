/** An order book made of plain maps and arrays: applies journal entries as docs/format.md defines them. */
import { holeType, viewOf, type PureEntry } from './segment.js'

export interface PureOrder {
  id: bigint
  quantity: bigint
}

export interface PureLevel {
  price: bigint
  orders: PureOrder[]
}

interface Known {
  sell: boolean
  price: bigint
}

const wide = 64n
const mostPrice = 2n ** 53n - 1n
const signedPricesFlag = 1

/** One instrument. Prices and quantities are ticks and lots. */
export class PureBook {
  readonly name: string
  readonly priceScale: number
  readonly quantityScale: number
  /** Prices may be negative. */
  readonly signedPrices: boolean
  readonly #levels: [Map<bigint, PureOrder[]>, Map<bigint, PureOrder[]>] = [
    new Map<bigint, PureOrder[]>(),
    new Map<bigint, PureOrder[]>(),
  ]
  readonly #known = new Map<bigint, Known>()

  /** `definition`: the payload of the instrument's entry. */
  constructor(definition: Uint8Array) {
    const end = definition.subarray(0, 32).indexOf(0)
    const view = viewOf(definition)
    const flags = view.getUint32(44, true)
    this.name = Buffer.from(definition.subarray(0, end < 0 ? 32 : end)).toString('utf8')
    this.priceScale = view.getUint32(32, true)
    this.quantityScale = view.getUint32(36, true)
    this.signedPrices = (flags & signedPricesFlag) !== 0
    if ((flags & ~signedPricesFlag) !== 0) {
      throw new Error(`instrument ${this.name} has flags that are not known (${String(flags)})`)
    }
  }

  /** The price, if the instrument allows it. */
  priceOf(price: bigint): bigint {
    if (price >= (this.signedPrices ? -mostPrice : 0n) && price <= mostPrice) return price
    throw new Error(`instrument ${this.name} has no price ${String(price)}`)
  }

  /** Best level first, orders in queue order. */
  levels(sell: boolean): PureLevel[] {
    const sign = sell ? 1 : -1
    return [...this.#levels[sell ? 1 : 0]]
      .map(([price, orders]) => ({ price, orders }))
      .sort((a, b) => sign * (a.price < b.price ? -1 : 1))
  }

  add(sell: boolean, price: bigint, id: bigint, quantity: bigint): void {
    if (this.#known.has(id)) throw new Error(`order ${String(id)} is there already`)
    const side = this.#levels[sell ? 1 : 0]
    const orders = side.get(price)
    if (orders === undefined) side.set(price, [{ id, quantity }])
    else orders.push({ id, quantity })
    this.#known.set(id, { sell, price })
  }

  #take(id: bigint, quantity: bigint | undefined): Known {
    const known = this.#known.get(id)
    if (known === undefined) throw new Error(`order ${String(id)} is not there`)
    const side = this.#levels[known.sell ? 1 : 0]
    const orders = side.get(known.price) ?? []
    const position = orders.findIndex((order) => order.id === id)
    const order = orders[position]
    if (order === undefined) throw new Error(`order ${String(id)} is not in its level`)
    if (quantity !== undefined && quantity > order.quantity) {
      throw new Error(`order ${String(id)} has less open`)
    }
    order.quantity -= quantity ?? order.quantity
    if (order.quantity === 0n) {
      orders.splice(position, 1)
      this.#known.delete(id)
      if (orders.length === 0) side.delete(known.price)
    }
    return known
  }

  apply(entry: PureEntry): void {
    const view = viewOf(entry.payload)
    const word = (index: number): bigint => view.getBigUint64(index * 8, true)
    const price = (index: number): bigint => this.priceOf(view.getBigInt64(index * 8, true))
    const id = (index: number): bigint => word(index) | (word(index + 1) << wide)
    const sell = (entry.flags & 1) !== 0
    switch (entry.type) {
      case 0x11:
        this.add(sell, price(2), id(0), word(3))
        break
      case 0x12:
      case 0x18:
        this.#take(id(0), word(3))
        break
      case 0x14:
        this.#take(id(0), undefined)
        break
      case 0x21:
        this.add(this.#take(word(0), undefined).sell, price(2), word(1), word(3))
        break
      case 0x22:
        this.add(this.#take(id(0), undefined).sell, price(4), id(2), word(5))
        break
      case 0x24: {
        const level = price(2)
        const synthetic = word(2) | ((sell ? 0xfffffffffffffffen : 0xffffffffffffffffn) << wide)
        const known = this.#known.get(synthetic)
        const order = known && this.#levels[sell ? 1 : 0].get(level)?.[0]
        if (word(3) === 0n) {
          if (known !== undefined) this.#take(synthetic, undefined)
        } else if (order !== undefined) {
          order.quantity = word(3)
        } else {
          this.add(sell, level, synthetic, word(3))
        }
        break
      }
      case 0x28:
        this.#known.clear()
        for (const side of this.#levels) side.clear()
        break
      case 0x41:
        price(2)
        break
      case 0x42:
        break
      default:
        throw new Error(`entry type ${String(entry.type)} is not known`)
    }
  }
}

/** All instruments of a journal, by index from 1. */
export class PureBooks {
  readonly books: PureBook[] = []
  lastSequence = 0n

  apply(entry: PureEntry): void {
    if (entry.type === 0x03) {
      if (entry.instrument !== this.books.length + 1) throw new Error('instrument out of its order')
      this.books.push(new PureBook(entry.payload))
    } else if (entry.type < 0x80 && entry.type !== holeType) {
      const book = this.books[entry.instrument - 1]
      if (book === undefined) throw new Error(`no instrument ${String(entry.instrument)}`)
      book.apply(entry)
    }
    this.lastSequence = entry.sequence
  }
}
