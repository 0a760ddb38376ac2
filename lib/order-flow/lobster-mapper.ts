/**
 * Maps each LOBSTER message to one book operation.
 *
 * A file starts in the middle of a day, so some events are about orders that were entered before it. An
 * opening book shows those orders only as totals per level. Each such level becomes one order (the opening
 * order). An event about an unknown id at a level's price takes from its opening order; new orders queue
 * behind it. That keeps price and size of every level exact as long as no event takes more than the
 * opening order has. An event that does is counted (unknownOrders) and not applied. Order counts and
 * queue positions inside an opening order are unknowable, and levels beyond the file's depth are absent
 * until an event shows them. A file has no events of orders beyond its depth, so a deletion may name less
 * than is open: the whole order is removed, and it is counted (reducedUnseen).
 */
import { Side } from '../book/side.js'
import type { PinnacleError } from '../errors/pinnacle-error.js'
import { emptyCounts, type FlowCounts } from './flow-counts.js'
import { LineProblem, brokenLine, flowError } from './flow-error.js'
import {
  FlowKind,
  NoteReason,
  emptyOperation,
  type FlowOperation,
  type FlowOrderId,
} from './flow-operation.js'
import { noteOrStop, type FlowPolicies } from './flow-policy.js'
import type { Line } from './line-reader.js'
import { LiveOrders, openingOrderId, type LiveOrder } from './live-orders.js'
import {
  LobsterType,
  parseLobsterMessage,
  type LobsterMessage,
  type OpeningLevel,
} from './lobster-csv.js'

/** Trading status by the price of a halt message. 0 halted, 1 trading, 2 quotes only. */
const statusOf: Readonly<Record<number, number>> = { [-1]: 0, 0: 2, 1: 1 }

export class LobsterMapper {
  readonly counts: FlowCounts = emptyCounts()
  readonly live = new LiveOrders()
  readonly #file: string
  readonly #brokenLines: 'stop' | 'skip'
  readonly #unknownOrders: 'stop' | 'skip'

  constructor(file: string, policies: FlowPolicies = {}) {
    this.#file = file
    this.#brokenLines = policies.brokenLines ?? 'stop'
    this.#unknownOrders = policies.unknownOrders ?? 'skip'
  }

  /** A level of the opening book. */
  openingLevel(level: OpeningLevel, timestampNs: number): FlowOperation {
    const id = openingOrderId(level.side, level.price)
    this.counts.events++
    this.counts.openingLevels++
    this.live.add(id, level.side, level.price, level.quantity)
    return { ...emptyOperation(), ...level, kind: FlowKind.Add, orderId: id, timestampNs }
  }

  /** The time of the message that the opening book includes. The line must be whole. */
  openingTime(line: Line): number {
    try {
      return parseLobsterMessage(line.text).timestampNs
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error
      throw brokenLine(this.#file, line.number, line.text, error.message)
    }
  }

  /** One line of the message file. */
  line(line: Line): FlowOperation {
    const operation = emptyOperation()
    operation.line = line.number
    this.counts.events++
    let message: LobsterMessage
    try {
      message = parseLobsterMessage(line.text)
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error
      return noteOrStop(operation, this.counts, NoteReason.BrokenLine, this.#brokenLines, () =>
        brokenLine(this.#file, line.number, line.text, error.message),
      )
    }
    operation.timestampNs = message.timestampNs
    operation.orderId = message.orderId
    operation.side = message.side
    operation.price = message.price
    operation.quantity = message.quantity
    return this.#map(message, operation)
  }

  #map(message: LobsterMessage, operation: FlowOperation): FlowOperation {
    switch (message.type) {
      case LobsterType.New:
        return this.#add(message, operation)
      case LobsterType.HiddenExecution:
        this.counts.trades++
        operation.kind = FlowKind.Trade
        return operation
      case LobsterType.Halt:
        this.counts.halts++
        operation.kind = FlowKind.Status
        operation.price = 0
        operation.quantity = statusOf[message.price] ?? 0
        return operation
      default:
        return this.#takeOff(message, operation)
    }
  }

  #add(message: LobsterMessage, operation: FlowOperation): FlowOperation {
    if (this.live.get(message.orderId) !== undefined) {
      return this.#inconsistent(operation, `order ${String(message.orderId)} is live already`)
    }
    this.counts.adds++
    this.live.add(message.orderId, message.side, message.price, message.quantity)
    operation.kind = FlowKind.Add
    return operation
  }

  #takeOff(message: LobsterMessage, operation: FlowOperation): FlowOperation {
    const order = this.live.get(message.orderId)
    if (order === undefined) return this.#takeFromOpening(message, operation)
    const id = String(message.orderId)
    if (order.side !== message.side || order.price !== message.price) {
      return this.#inconsistent(operation, `order ${id} is on another side or at another price`)
    }
    if (message.quantity > order.quantity) {
      return this.#inconsistent(operation, `order ${id} has only ${String(order.quantity)} open`)
    }
    if (message.type === LobsterType.Delete && message.quantity < order.quantity) {
      // A deletion is always total. The rest was taken off while the order was beyond the file's depth, which
      // the file does not show.
      this.counts.reducedUnseen++
      operation.quantity = order.quantity
      return this.#taken(
        { ...message, quantity: order.quantity },
        operation,
        message.orderId,
        order,
      )
    }
    return this.#taken(message, operation, message.orderId, order)
  }

  /** The order is older than the file. */
  #takeFromOpening(message: LobsterMessage, operation: FlowOperation): FlowOperation {
    const id = openingOrderId(message.side, message.price)
    const order = this.live.get(id)
    if (order === undefined || order.quantity < message.quantity) {
      return noteOrStop(operation, this.counts, NoteReason.UnknownOrder, this.#unknownOrders, () =>
        this.#unknownOrder(message, operation.line, order),
      )
    }
    this.counts.fromOpeningBook++
    operation.orderId = id
    return this.#taken(message, operation, id, order)
  }

  #taken(
    message: LobsterMessage,
    operation: FlowOperation,
    id: FlowOrderId,
    order: LiveOrder,
  ): FlowOperation {
    const whole = order.quantity === message.quantity
    this.live.reduce(id, order, message.quantity)
    if (message.type === LobsterType.Execution) {
      this.counts.executions++
      operation.kind = FlowKind.Execute
    } else {
      this.counts.cancels++
      operation.kind = whole ? FlowKind.Cancel : FlowKind.Reduce
    }
    return operation
  }

  #unknownOrder(
    message: LobsterMessage,
    line: number,
    opening: LiveOrder | undefined,
  ): PinnacleError {
    const side = message.side === Side.Buy ? 'bid' : 'ask'
    const cover =
      opening === undefined
        ? 'the opening book has no level at its price'
        : `its opening level has only ${String(opening.quantity)} left`
    return flowError(
      'ERR_PINNACLE_FLOW_UNKNOWN_ORDER',
      `${this.#file}:${String(line)}: order ${String(message.orderId)} (${side} ${String(message.quantity)} at ` +
        `${String(message.price)}) was entered before the file starts and ${cover}; give an opening book, or skip ` +
        'and count such events (unknownOrders: "skip", --unknown-orders skip)',
      { file: this.#file, line, orderId: message.orderId },
    )
  }

  #inconsistent(operation: FlowOperation, problem: string): FlowOperation {
    return noteOrStop(operation, this.counts, NoteReason.Inconsistent, this.#brokenLines, () =>
      inconsistent(this.#file, operation.line, problem),
    )
  }
}

export function inconsistent(file: string, line: number, problem: string): PinnacleError {
  return flowError(
    'ERR_PINNACLE_FLOW_INCONSISTENT',
    `${file}:${String(line)}: ${problem}; the file contradicts itself here. Correct it, or skip and count such ` +
      'events (brokenLines: "skip", --broken-lines skip)',
    { file, line },
  )
}
