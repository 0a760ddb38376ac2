/**
 * A market that runs with or without listeners: level books by product that change with each message. As at a
 * real exchange, the next snapshot has what a subscriber missed, so its books can be compared.
 */
import { levelsMessage, tradeMessage, type Level } from './exchange-messages.js'

export interface MarketMessage {
  readonly product: string
  readonly channel: 'level2' | 'market_trades'
  readonly text: string
}

/** Sizes by side and price. */
export type LevelBook = ReadonlyMap<string, string>

export class ExchangeMarket {
  readonly products: readonly string[]
  readonly #books = new Map<string, Map<string, string>>()
  #tick = 0
  #state: number

  constructor(products: readonly string[], seed = 1) {
    this.products = products
    this.#state = seed
    for (const product of products) this.#books.set(product, new Map())
    for (let count = 0; count < 40 * products.length; ++count) this.#change()
  }

  /** Sizes as `bid 100` → `1.5`. */
  book(product: string): LevelBook {
    return this.#books.get(product) ?? new Map<string, string>()
  }

  snapshot(product: string): string {
    const levels = [...this.book(product)].map(([key, size]): Level => {
      const [side, price] = key.split(' ') as [Level['side'], string]
      return { side, price, size }
    })
    return levelsMessage(product, this.#tick, levels, 'snapshot')
  }

  next(): MarketMessage {
    if (++this.#tick % 7 === 0) {
      const product = this.#product()
      return { product, channel: 'market_trades', text: tradeMessage(product, this.#tick) }
    }
    const { product, levels } = this.#change()
    return { product, channel: 'level2', text: levelsMessage(product, this.#tick, levels) }
  }

  #change(): { product: string; levels: Level[] } {
    const product = this.#product()
    const book = this.#books.get(product)
    const levels: Level[] = []
    for (let count = this.#below(3) + 1; count > 0; --count) {
      const side = this.#below(2) === 0 ? 'bid' : 'offer'
      const offset = this.#below(30)
      const price = String(side === 'bid' ? 100 - offset : 101 + offset)
      const size = this.#below(5) === 0 ? '0' : `${String(this.#below(50))}.5`
      levels.push({ side, price, size })
      if (size === '0') book?.delete(`${side} ${price}`)
      else book?.set(`${side} ${price}`, size)
    }
    return { product, levels }
  }

  #product(): string {
    return this.products[this.#below(this.products.length)] ?? ''
  }

  /** The generator of Numerical Recipes; its upper bits are good enough for a test. */
  #below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * limit)
  }
}
