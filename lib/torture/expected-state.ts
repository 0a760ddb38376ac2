/**
 * The state that a choice of the flow's events makes: books in plain maps and the ledger. Shares no code
 * with the engine.
 */
import { FlowKind, type FlowOperation } from '../order-flow/flow-operation.js'
import { ReferenceBook } from '../order-flow/reference-book.js'
import { ExpectedLevels } from './expected-levels.js'
import { tortureInstruments, type TortureEvent } from './flow.js'
import { ExpectedLedger } from './ledger.js'

export class ExpectedState {
  /** By instrument. */
  readonly books: readonly (ReferenceBook | ExpectedLevels)[] = tortureInstruments.map(
    ({ kind }) => (kind === 'levels' ? new ExpectedLevels() : new ReferenceBook()),
  )
  readonly ledger = new ExpectedLedger()

  /** Throws, and changes nothing, if the event does not fit its book: it needs one that is not there. */
  apply(sequence: number, event: TortureEvent): void {
    switch (event.kind) {
      case 'payload':
        this.ledger.apply(sequence, event)
        return
      case 'level':
        this.#levels(event.instrument).set(event.side, event.price, event.quantity)
        return
      case 'clear':
        this.#levels(event.instrument).clear()
        return
      case 'order': {
        const { operation } = event
        if (operation.kind === FlowKind.Trade || operation.kind === FlowKind.Status) return
        const book = this.books[operation.instrument]
        if (book instanceof ReferenceBook) book.apply(operation)
      }
    }
  }

  /** Whether a book can take the event now: what it needs is there. */
  fits(event: TortureEvent): boolean {
    if (event.kind !== 'order') return true
    const book = this.books[event.operation.instrument]
    return !(book instanceof ReferenceBook) || fitsInto(book, event.operation)
  }

  #levels(instrument: number): ExpectedLevels {
    return this.books[instrument] as ExpectedLevels
  }
}

function fitsInto(book: ReferenceBook, operation: Readonly<FlowOperation>): boolean {
  const { orderId, newOrderId, quantity } = operation
  const order = book.order(orderId)
  switch (operation.kind) {
    case FlowKind.Add:
      return order === undefined
    case FlowKind.Reduce:
    case FlowKind.Execute:
      return order !== undefined && order.quantity >= quantity
    case FlowKind.Cancel:
      return order !== undefined
    case FlowKind.Replace:
      return order !== undefined && book.order(newOrderId) === undefined
    case FlowKind.Trade:
    case FlowKind.Status:
      return true
    case FlowKind.Clear:
    case FlowKind.Note:
      return false
  }
}
