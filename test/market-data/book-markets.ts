/**
 * Markets whose streams start without a book, with the true book kept beside: level changes as Binance sends
 * them, and orders as the channel `full` of Coinbase Exchange sends them. The tests make the values.
 */
import { randomOf } from '../seed.js'

export interface BookMarket {
  readonly product: string
  /** Ids of the trades that were sent. */
  readonly trades: string[]
  /** Number of the last event. */
  readonly sequence: number
  /** The next event: the message about it. */
  next(): string
  /** The whole book, as the exchange answers over HTTPS. */
  book(): string
  /** Path and query of that request. */
  readonly bookPath: string
  /** The answer to a request on the stream. */
  answer(request: Readonly<Record<string, unknown>>): string
  /** One line for each level or order, sorted. */
  truth(): string[]
}

const startMs = Date.UTC(2026, 6, 1)

/** A line of `truth`. */
export function levelLine(side: string, ticks: number, lots: number): string {
  return `${side} ${String(ticks)} ${String(lots)}`
}

/** Prices with two digits, sizes with one. */
export const scales = { priceScale: 2, quantityScale: 1 }

function decimal(units: number, digits: number): string {
  const text = String(units).padStart(digits + 1, '0')
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`
}

abstract class Market {
  readonly trades: string[] = []
  sequence = 1000
  protected readonly random: () => number
  protected tick = 0

  constructor(seed: number) {
    this.random = randomOf(seed)
  }

  protected below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  protected side(): 'buy' | 'sell' {
    return this.below(2) === 0 ? 'buy' : 'sell'
  }

  protected ticks(side: 'buy' | 'sell'): number {
    return side === 'buy' ? 10_000 - this.below(40) : 10_001 + this.below(40)
  }

  protected tradeId(): string {
    const id = String(5000 + this.trades.length)
    this.trades.push(id)
    return id
  }

  protected get iso(): string {
    return new Date(startMs + this.tick).toISOString()
  }
}

export class LevelsMarket extends Market implements BookMarket {
  readonly product = 'BTCUSDT'
  readonly bookPath = '/api/v3/depth?symbol=BTCUSDT&limit=5000'
  readonly #levels = new Map<string, number>()

  constructor(seed = 1) {
    super(seed)
    for (let count = 0; count < 60; ++count) this.next()
  }

  next(): string {
    const E = startMs + ++this.tick
    if (this.tick % 7 === 0) {
      const [t, p, q] = [Number(this.tradeId()), '100.00', '0.5']
      const data = { e: 'trade', E, s: this.product, t, p, q, T: E, m: false, M: true }
      return JSON.stringify({ stream: 'btcusdt@trade', data })
    }
    const U = this.sequence + 1
    const sides = { buy: [] as string[][], sell: [] as string[][] }
    for (let count = 1 + this.below(3); count > 0; --count) {
      ++this.sequence
      const side = this.side()
      const ticks = this.ticks(side)
      const lots = this.below(4) === 0 ? 0 : 1 + this.below(90)
      if (lots === 0) this.#levels.delete(`${side} ${String(ticks)}`)
      else this.#levels.set(`${side} ${String(ticks)}`, lots)
      sides[side].push([decimal(ticks, 2), decimal(lots, 1)])
    }
    const u = this.sequence
    const data = { e: 'depthUpdate', E, s: this.product, U, u, b: sides.buy, a: sides.sell }
    return JSON.stringify({ stream: 'btcusdt@depth@100ms', data })
  }

  book(): string {
    const of = (wanted: string): string[][] =>
      [...this.#levels].flatMap(([key, lots]) => {
        const [side, ticks] = key.split(' ')
        return side === wanted ? [[decimal(Number(ticks), 2), decimal(lots, 1)]] : []
      })
    return JSON.stringify({ lastUpdateId: this.sequence, bids: of('buy'), asks: of('sell') })
  }

  answer({ id }: Readonly<Record<string, unknown>>): string {
    return JSON.stringify({ result: null, id })
  }

  truth(): string[] {
    return [...this.#levels].map(([key, lots]) => `${key} ${String(lots)}`).sort()
  }
}

interface Resting {
  readonly side: 'buy' | 'sell'
  readonly ticks: number
  lots: number
}

export class OrdersMarket extends Market implements BookMarket {
  readonly product = 'BTC-USD'
  readonly bookPath = '/products/BTC-USD/book?level=3'
  readonly #orders = new Map<string, Resting>()
  #opened = 0
  /** Received and not open yet. */
  #coming: [string, Resting] | undefined

  constructor(seed = 2) {
    super(seed)
    for (let count = 0; count < 150; ++count) this.next()
  }

  next(): string {
    ++this.tick
    ++this.sequence
    if (this.#coming) return this.#open(...this.#coming)
    const chance = this.random()
    const orders = [...this.#orders]
    const one = orders[this.below(orders.length)]
    if (!one || chance < 0.5) return this.#receive()
    const [order_id, order] = one
    const { side } = order
    const price = decimal(order.ticks, 2)
    if (chance < 0.65) {
      this.#orders.delete(order_id)
      const remaining_size = decimal(order.lots, 1)
      return this.#message('done', { order_id, side, price, remaining_size, reason: 'canceled' })
    }
    if (chance < 0.8) {
      const old_size = decimal(order.lots, 1)
      order.lots = 1 + this.below(order.lots)
      const new_size = decimal(order.lots, 1)
      return this.#message('change', { order_id, side, price, old_size, new_size })
    }
    const lots = 1 + this.below(order.lots)
    order.lots -= lots
    if (order.lots === 0) this.#orders.delete(order_id)
    const ids = { maker_order_id: order_id, taker_order_id: this.#id(0) }
    const trade_id = Number(this.tradeId())
    return this.#message('match', { trade_id, ...ids, side, price, size: decimal(lots, 1) })
  }

  book(): string {
    const of = (wanted: string): string[][] =>
      [...this.#orders].flatMap(([id, { side, ticks, lots }]) =>
        side === wanted ? [[decimal(ticks, 2), decimal(lots, 1), id]] : [],
      )
    const { sequence, iso: time } = this
    return JSON.stringify({
      bids: of('buy'),
      asks: of('sell'),
      sequence,
      auction_mode: false,
      time,
    })
  }

  answer(): string {
    const channels = ['full', 'heartbeat'].map((name) => ({ name, product_ids: [this.product] }))
    return JSON.stringify({ type: 'subscriptions', channels })
  }

  truth(): string[] {
    return [...this.#orders]
      .map(([id, { side, ticks, lots }]) => `${id} ${levelLine(side, ticks, lots)}`)
      .sort()
  }

  #receive(): string {
    const side = this.side()
    const order: Resting = { side, ticks: this.ticks(side), lots: 1 + this.below(90) }
    const order_id = this.#id(++this.#opened)
    this.#coming = [order_id, order]
    const price = decimal(order.ticks, 2)
    return this.#message('received', {
      ...{ order_id, side, price, size: decimal(order.lots, 1), order_type: 'limit' },
    })
  }

  #open(order_id: string, order: Resting): string {
    this.#coming = undefined
    this.#orders.set(order_id, order)
    const { side, ticks, lots } = order
    const remaining_size = decimal(lots, 1)
    return this.#message('open', { order_id, side, price: decimal(ticks, 2), remaining_size })
  }

  #id(number: number): string {
    return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
  }

  #message(type: string, fields: Readonly<Record<string, unknown>>): string {
    const { sequence, product: product_id, iso: time } = this
    return JSON.stringify({ type, product_id, sequence, time, ...fields })
  }
}
