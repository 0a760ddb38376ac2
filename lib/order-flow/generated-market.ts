/**
 * One instrument of the generator: a ladder of price levels with orders in time order, in typed arrays.
 * It answers what the generator asks (best price, first order at the best, any live order) in constant
 * time. Not a book for anybody else: it has bounds that only the generator keeps.
 */
import { Side } from '../book/side.js'

/** Orders that can live at once, and prices (ticks from 1) that orders can have. */
const maxLiveOrders = 8192
export const maxTick = 65_535

const none = -1

export class GeneratedMarket {
  readonly #id = new Float64Array(maxLiveOrders)
  readonly #price = new Int32Array(maxLiveOrders)
  readonly #quantity = new Int32Array(maxLiveOrders)
  readonly #side = new Uint8Array(maxLiveOrders)
  readonly #next = new Int32Array(maxLiveOrders)
  readonly #previous = new Int32Array(maxLiveOrders)
  /** Live slots, dense, so that one can be drawn; and each slot's place in it. */
  readonly #live = new Int32Array(maxLiveOrders)
  readonly #placeOf = new Int32Array(maxLiveOrders)
  readonly #heads = [new Int32Array(maxTick + 2), new Int32Array(maxTick + 2)] as const
  readonly #tails = [new Int32Array(maxTick + 2), new Int32Array(maxTick + 2)] as const
  #count = 0
  /** 0 and maxTick + 1: the side is empty. */
  #best: [number, number] = [0, maxTick + 1]

  constructor() {
    for (const lists of [this.#heads, this.#tails]) for (const list of lists) list.fill(none)
    for (let slot = 0; slot < maxLiveOrders; slot++) this.#live[slot] = slot
  }

  get count(): number {
    return this.#count
  }

  get full(): boolean {
    return this.#count === maxLiveOrders
  }

  bestBid(): number {
    return this.#best[0]
  }

  bestAsk(): number {
    return this.#best[1]
  }

  isEmpty(side: Side): boolean {
    return side === Side.Buy ? this.#best[0] === 0 : this.#best[1] > maxTick
  }

  /** Slot of the first order at the best price. The side must not be empty. */
  frontSlot(side: Side): number {
    return this.#heads[side][this.#best[side]]!
  }

  /** Slot of the live order at a place from 0 to count - 1. */
  slotAt(place: number): number {
    return this.#live[place]!
  }

  idOf(slot: number): number {
    return this.#id[slot]!
  }

  priceOf(slot: number): number {
    return this.#price[slot]!
  }

  quantityOf(slot: number): number {
    return this.#quantity[slot]!
  }

  sideOf(slot: number): Side {
    return this.#side[slot] === 0 ? Side.Buy : Side.Sell
  }

  /** The market must not be full. */
  add(id: number, side: Side, price: number, quantity: number): void {
    const place = this.#count++
    const slot = this.#live[place]!
    this.#placeOf[slot] = place
    this.#id[slot] = id
    this.#side[slot] = side
    this.#price[slot] = price
    this.#quantity[slot] = quantity
    const tails = this.#tails[side]
    const tail = tails[price]!
    this.#previous[slot] = tail
    this.#next[slot] = none
    if (tail === none) this.#heads[side][price] = slot
    else this.#next[tail] = slot
    tails[price] = slot
    const best = this.#best
    if (side === Side.Buy ? price > best[0] : price < best[1]) best[side] = price
  }

  /** Takes some off; less than the order has. */
  lessen(slot: number, quantity: number): void {
    this.#quantity[slot] = this.#quantity[slot]! - quantity
  }

  remove(slot: number): void {
    const place = this.#placeOf[slot]!
    const lastPlace = --this.#count
    const last = this.#live[lastPlace]!
    this.#live[place] = last
    this.#placeOf[last] = place
    this.#live[lastPlace] = slot
    this.#unlink(slot)
  }

  #unlink(slot: number): void {
    const side = this.#side[slot] as Side
    const price = this.#price[slot]!
    const next = this.#next[slot]!
    const previous = this.#previous[slot]!
    if (previous === none) this.#heads[side][price] = next
    else this.#next[previous] = next
    if (next === none) this.#tails[side][price] = previous
    else this.#previous[next] = previous
    if (price === this.#best[side] && this.#heads[side][price] === none) this.#findBest(side)
  }

  #findBest(side: Side): void {
    const heads = this.#heads[side]
    let price = this.#best[side]
    if (side === Side.Buy) while (price > 0 && heads[price] === none) price--
    else while (price <= maxTick && heads[price] === none) price++
    this.#best[side] = price
  }
}
