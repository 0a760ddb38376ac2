/** A book of levels in plain maps: the truth that a recovered one is compared with. */
import { Side } from '../book/side.js'

export class ExpectedLevels {
  readonly #sides: readonly [Map<number, number>, Map<number, number>] = [new Map(), new Map()]

  set(side: Side, price: number, quantity: number): void {
    if (quantity === 0) this.#sides[side].delete(price)
    else this.#sides[side].set(price, quantity)
  }

  clear(): void {
    for (const side of this.#sides) side.clear()
  }

  /** Best first. */
  levels(side: Side): { price: number; quantity: number }[] {
    const sign = side === Side.Buy ? -1 : 1
    return [...this.#sides[side]]
      .map(([price, quantity]) => ({ price, quantity }))
      .sort((a, b) => sign * (a.price - b.price))
  }
}
