/**
 * Maps each Databento order-by-order event to one book operation. A adds, C takes its size off, M
 * modifies, R clears; T and F change nothing (a fill is followed by the C that takes it off).
 *
 * A modification that only reduces the size keeps the order's place in the queue; one that changes the
 * price or raises the size loses it.
 */
import { Side } from '../book/side.js'
import {
  parseDatabentoEvent,
  parseDatabentoHeader,
  type DatabentoColumns,
  type DatabentoEvent,
} from './databento-csv.js'
import { emptyCounts, type FlowCounts } from './flow-counts.js'
import { LineProblem, brokenLine, flowError } from './flow-error.js'
import { FlowKind, NoteReason, emptyOperation, type FlowOperation } from './flow-operation.js'
import { note, noteOrStop, type FlowPolicies } from './flow-policy.js'
import type { Line } from './line-reader.js'
import { LiveOrders } from './live-orders.js'
import { inconsistent } from './lobster-mapper.js'

export interface DatabentoMapperOptions extends FlowPolicies {
  /** Decimal digits of a tick. */
  priceScale: number
  /** Prices may be negative. */
  signedPrices?: boolean | undefined
  /** Index of the symbol's instrument; throws if the symbol can't get one. */
  instrumentOf: (symbol: string, line: number) => number
}

export class DatabentoMapper {
  readonly counts: FlowCounts = emptyCounts()
  readonly #file: string
  readonly #options: DatabentoMapperOptions
  readonly #live: LiveOrders[] = []
  #columns: DatabentoColumns | undefined

  constructor(file: string, options: DatabentoMapperOptions) {
    this.#file = file
    this.#options = options
  }

  /** Live orders of all instruments. */
  liveOf(instrument: number): LiveOrders {
    return (this.#live[instrument] ??= new LiveOrders())
  }

  /** The first line. */
  header(line: Line): void {
    try {
      this.#columns = parseDatabentoHeader(line.text)
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error
      throw brokenLine(this.#file, line.number, line.text, error.message)
    }
  }

  /** A line after the header. */
  line(line: Line): FlowOperation {
    const operation = emptyOperation()
    operation.line = line.number
    this.counts.events++
    let event: DatabentoEvent
    try {
      if (this.#columns === undefined) throw new LineProblem('there is no header before it')
      const { priceScale, signedPrices } = this.#options
      event = parseDatabentoEvent(line.text, this.#columns, priceScale, signedPrices)
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error
      return noteOrStop(operation, this.counts, NoteReason.BrokenLine, this.#stopOrSkip(), () =>
        brokenLine(this.#file, line.number, line.text, error.message),
      )
    }
    operation.instrument = this.#options.instrumentOf(event.symbol, line.number)
    operation.timestampNs = event.timestampNs
    operation.orderId = event.orderId
    operation.side = event.side ?? Side.Buy
    operation.price = event.price
    operation.quantity = event.quantity
    return this.#map(event, operation, this.liveOf(operation.instrument))
  }

  #stopOrSkip(): 'stop' | 'skip' {
    return this.#options.brokenLines ?? 'stop'
  }

  #map(event: DatabentoEvent, operation: FlowOperation, live: LiveOrders): FlowOperation {
    switch (event.action) {
      case 'A':
        return this.#add(event, operation, live)
      case 'C':
        return this.#cancel(event, operation, live)
      case 'M':
        return this.#modify(event, operation, live)
      case 'T':
        this.counts.trades++
        // The event's side is the aggressor's; an entry's side is that of the resting order.
        if (event.side === null) this.counts.tradesWithoutSide++
        else operation.side = event.side === Side.Buy ? Side.Sell : Side.Buy
        operation.kind = FlowKind.Trade
        return operation
      case 'F':
        return note(operation, this.counts, NoteReason.Fill)
      case 'R':
        this.counts.clears++
        live.clear()
        operation.kind = FlowKind.Clear
        return operation
    }
  }

  #add(event: DatabentoEvent, operation: FlowOperation, live: LiveOrders): FlowOperation {
    if (live.get(event.orderId) !== undefined) {
      return this.#inconsistent(operation, `order ${String(event.orderId)} is live already`)
    }
    this.counts.adds++
    live.add(event.orderId, operation.side, event.price, event.quantity)
    operation.kind = FlowKind.Add
    return operation
  }

  #cancel(event: DatabentoEvent, operation: FlowOperation, live: LiveOrders): FlowOperation {
    const order = live.get(event.orderId)
    if (order === undefined) return this.#unknown(operation)
    if (event.quantity > order.quantity) {
      const open = String(order.quantity)
      return this.#inconsistent(operation, `order ${String(event.orderId)} has only ${open} open`)
    }
    this.counts.cancels++
    operation.kind = event.quantity === order.quantity ? FlowKind.Cancel : FlowKind.Reduce
    live.reduce(event.orderId, order, event.quantity)
    return operation
  }

  #modify(event: DatabentoEvent, operation: FlowOperation, live: LiveOrders): FlowOperation {
    const order = live.get(event.orderId)
    if (order === undefined) return this.#unknown(operation)
    if (order.side !== operation.side) {
      return this.#inconsistent(operation, `order ${String(event.orderId)} is on the other side`)
    }
    const taken = order.quantity - event.quantity
    if (event.price === order.price && taken === 0) {
      return note(operation, this.counts, NoteReason.NoChange)
    }
    this.counts.replaces++
    if (event.price === order.price && taken > 0) {
      operation.kind = FlowKind.Reduce
      operation.quantity = taken
    } else {
      operation.kind = FlowKind.Replace
      operation.newOrderId = event.orderId
    }
    order.price = event.price
    order.quantity = event.quantity
    return operation
  }

  #unknown(operation: FlowOperation): FlowOperation {
    const policy = this.#options.unknownOrders ?? 'skip'
    return noteOrStop(operation, this.counts, NoteReason.UnknownOrder, policy, () =>
      flowError(
        'ERR_PINNACLE_FLOW_UNKNOWN_ORDER',
        `${this.#file}:${String(operation.line)}: order ${String(operation.orderId)} was entered before the file ` +
          'starts; start from a file that begins with the empty book, or skip and count such events ' +
          '(unknownOrders: "skip", --unknown-orders skip)',
        { file: this.#file, line: operation.line, orderId: operation.orderId },
      ),
    )
  }

  #inconsistent(operation: FlowOperation, problem: string): FlowOperation {
    return noteOrStop(operation, this.counts, NoteReason.Inconsistent, this.#stopOrSkip(), () =>
      inconsistent(this.#file, operation.line, problem),
    )
  }
}
