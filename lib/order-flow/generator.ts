/**
 * A seeded, realistic order flow for several instruments: limit orders around a moving middle, cancels,
 * partial cancels, executions of the first order at the best price, replaces. The same seed gives the
 * same events on every machine. To reach event n, the n - 1 before it are generated, which takes a
 * fraction of a second per million (skip).
 */
import type { InstrumentDefinition } from '../book/instrument.js'
import { Side } from '../book/side.js'
import { FlowKind, emptyOperation, type FlowOperation } from './flow-operation.js'
import type { FlowSource } from './flow-source.js'
import { GeneratedMarket, maxTick } from './generated-market.js'
import { Random } from './random.js'

export interface GeneratorOptions {
  /** 32 bits. */
  seed: number
  /** Default: three, of two decimals. */
  instruments?: readonly InstrumentDefinition[]
  /** Approximate number of live orders per instrument; at most 6,000. Default: 2,000. */
  liveOrders?: number
}

export const generatedInstruments: readonly InstrumentDefinition[] = [
  { name: 'ALPHA', priceScale: 2, quantityScale: 0 },
  { name: 'BRAVO', priceScale: 2, quantityScale: 0 },
  { name: 'CHARLIE', priceScale: 2, quantityScale: 0 },
]

/** Opening of the exchange, ns since midnight. */
const openingNs = 34_200_000_000_000
const chunkEvents = 1024
/** Most new orders are within `nearTicks` of the middle, the others within `farTicks`. */
const farTicks = 48
const nearTicks = 6
const lot = 100

export class FlowGenerator {
  readonly instruments: readonly InstrumentDefinition[]
  readonly #random: Random
  readonly #markets: GeneratedMarket[]
  /** The price that new orders are around, per instrument; it drifts. */
  readonly #middle: number[]
  readonly #liveOrders: number
  #lastId = 0
  #timestampNs = openingNs
  #events = 0

  constructor(options: GeneratorOptions) {
    this.instruments = options.instruments ?? generatedInstruments
    this.#liveOrders = Math.min(6_000, options.liveOrders ?? 2_000)
    this.#random = new Random(options.seed)
    this.#markets = this.instruments.map(() => new GeneratedMarket())
    this.#middle = this.instruments.map(() => 5_000 + this.#random.below(20_000))
  }

  /** Events generated so far. */
  get events(): number {
    return this.#events
  }

  /** Live orders in an instrument's book. */
  liveOrders(instrument: number): number {
    return this.#markets[instrument]?.count ?? 0
  }

  /** Generates `count` events and discards them. */
  skip(count: number): void {
    const operation = emptyOperation()
    for (let index = 0; index < count; index++) this.next(operation)
  }

  /** Writes the next event into `operation`. */
  next(operation: FlowOperation): void {
    const random = this.#random
    const instrument = random.below(this.#markets.length)
    const market = this.#markets[instrument]!
    this.#timestampNs += 1 + random.below(20_000)
    this.#events++
    operation.instrument = instrument
    operation.timestampNs = this.#timestampNs
    operation.line = this.#events
    operation.newOrderId = 0
    // A small market only grows; near its target size, adds and cancels balance.
    const draw = random.below(1000)
    const growing = market.count < this.#liveOrders
    if (market.count < 64 || draw < (growing ? 560 : 420)) this.#add(market, instrument, operation)
    else if (draw < 860) this.#cancel(market, operation)
    else if (draw < 890) this.#reduce(market, operation)
    else if (draw < 940) this.#replace(market, instrument, operation)
    else this.#execute(market, operation)
  }

  #add(market: GeneratedMarket, instrument: number, operation: FlowOperation): void {
    if (market.full) {
      this.#cancel(market, operation)
      return
    }
    const side = this.#random.below(2) as Side
    operation.kind = FlowKind.Add
    operation.side = side
    operation.orderId = ++this.#lastId
    operation.price = this.#drawPrice(market, instrument, side)
    operation.quantity = this.#drawQuantity()
    market.add(operation.orderId, side, operation.price, operation.quantity)
  }

  #cancel(market: GeneratedMarket, operation: FlowOperation): void {
    const slot = market.slotAt(this.#random.below(market.count))
    this.#describe(market, slot, operation)
    operation.kind = FlowKind.Cancel
    market.remove(slot)
  }

  #reduce(market: GeneratedMarket, operation: FlowOperation): void {
    const slot = market.slotAt(this.#random.below(market.count))
    this.#describe(market, slot, operation)
    if (operation.quantity < 2) {
      operation.kind = FlowKind.Cancel
      market.remove(slot)
      return
    }
    operation.kind = FlowKind.Reduce
    operation.quantity = 1 + this.#random.below(operation.quantity - 1)
    market.lessen(slot, operation.quantity)
  }

  #replace(market: GeneratedMarket, instrument: number, operation: FlowOperation): void {
    const slot = market.slotAt(this.#random.below(market.count))
    const side = market.sideOf(slot)
    operation.kind = FlowKind.Replace
    operation.side = side
    operation.orderId = market.idOf(slot)
    operation.newOrderId = ++this.#lastId
    market.remove(slot)
    operation.price = this.#drawPrice(market, instrument, side)
    operation.quantity = this.#drawQuantity()
    market.add(operation.newOrderId, side, operation.price, operation.quantity)
  }

  /** Executes the first order at the best price, partly or fully. */
  #execute(market: GeneratedMarket, operation: FlowOperation): void {
    let side = this.#random.below(2) as Side
    if (market.isEmpty(side)) side = side === Side.Buy ? Side.Sell : Side.Buy
    const slot = market.frontSlot(side)
    this.#describe(market, slot, operation)
    operation.kind = FlowKind.Execute
    const wanted = this.#drawQuantity()
    if (wanted >= operation.quantity) {
      market.remove(slot)
      return
    }
    operation.quantity = wanted
    market.lessen(slot, wanted)
  }

  #describe(market: GeneratedMarket, slot: number, operation: FlowOperation): void {
    operation.orderId = market.idOf(slot)
    operation.side = market.sideOf(slot)
    operation.price = market.priceOf(slot)
    operation.quantity = market.quantityOf(slot)
  }

  /** Mostly near the middle, and never crossing the other side. */
  #drawPrice(market: GeneratedMarket, instrument: number, side: Side): number {
    const random = this.#random
    const distance = random.below(random.below(4) === 0 ? farTicks : nearTicks)
    const step = random.below(64)
    let middle = this.#middle[instrument]!
    if (step === 0) middle++
    else if (step === 1) middle--
    middle = Math.max(1_000, Math.min(60_000, middle))
    this.#middle[instrument] = middle
    const price =
      side === Side.Buy
        ? Math.min(middle - distance, market.bestAsk() - 1)
        : Math.max(middle + 1 + distance, market.bestBid() + 1)
    return Math.max(1, Math.min(maxTick, price))
  }

  #drawQuantity(): number {
    const random = this.#random
    return random.below(5) === 0 ? 1 + random.below(3 * lot) : lot * (1 + random.below(5))
  }
}

export interface GeneratedFlowOptions extends GeneratorOptions {
  events: number
}

/** A given number of generated events, as a source. */
export class GeneratedFlow implements FlowSource {
  readonly key: string
  readonly name: string
  readonly instruments: readonly InstrumentDefinition[]
  readonly totalEvents: number
  readonly totalBytes = 0
  readonly bytesRead = 0
  readonly #generator: FlowGenerator

  constructor(options: GeneratedFlowOptions) {
    this.#generator = new FlowGenerator(options)
    this.instruments = this.#generator.instruments
    this.totalEvents = options.events
    const names = this.instruments.map(({ name }) => name).join('+')
    this.key = `generated:${String(options.seed)}:${String(options.events)}:${String(options.liveOrders ?? 0)}:${names}`
    this.name = `generated flow, seed ${String(options.seed)}`
  }

  // A source is asynchronous because files are.
  // eslint-disable-next-line @typescript-eslint/require-await
  async *operations(): AsyncGenerator<readonly FlowOperation[], void, undefined> {
    const operations = Array.from({ length: chunkEvents }, emptyOperation)
    let left = this.totalEvents
    while (left > 0) {
      const count = Math.min(left, chunkEvents)
      for (let index = 0; index < count; index++) this.#generator.next(operations[index]!)
      left -= count
      yield count === chunkEvents ? operations : operations.slice(0, count)
    }
  }

  counts(): undefined {
    return undefined
  }

  liveOrders(instrument: number): number {
    return this.#generator.liveOrders(instrument)
  }
}
