/** The flow's events as calls of the library: one at a time, or staged in a batch. */
import type { Book } from '../book/book.js'
import type { OperationBatch } from '../book/operation-batch.js'
import { appendReserved } from '../registry/user-types.js'
import { changesBook, FlowKind, type FlowOperation } from '../order-flow/flow-operation.js'
import type { PersistenceManager } from '../persistence/persistence-manager.js'
import { tortureInstruments, type PayloadEvent, type TortureEvent } from './flow.js'

/** Everything but payloads, which go into no batch. */
export type BookEvent = Exclude<TortureEvent, PayloadEvent>

/** The books of all instruments, in their order. */
export function booksOf(manager: PersistenceManager): Book[] {
  return tortureInstruments.map(({ name }) => manager.book(name))
}

/** Returns the entry's sequence. */
export function applyEvent(
  manager: PersistenceManager,
  books: readonly Book[],
  event: TortureEvent,
): number {
  switch (event.kind) {
    case 'payload':
      return event.fill === undefined
        ? manager.append(event.userType, event.bytes)
        : manager.journal[appendReserved](event.userType, event.bytes)
    case 'level': {
      const { side, price, quantity, timestampNs } = event
      return bookOf(books, event.instrument).setLevel(side, price, quantity, timestampNs)
    }
    case 'clear':
      return bookOf(books, event.instrument).clear(event.timestampNs)
    case 'order':
      return applyOperation(bookOf(books, event.operation.instrument), event.operation)
  }
}

export function stageEvent(batch: OperationBatch, books: readonly Book[], event: BookEvent): void {
  switch (event.kind) {
    case 'level':
      batch.stage(bookOf(books, event.instrument), { ...event, kind: 'setLevel' })
      return
    case 'clear':
      batch.stage(bookOf(books, event.instrument), event)
      return
    case 'order': {
      const { operation } = event
      if (!changesBook(operation)) throw new Error('the flow has no such event')
      batch.stage(bookOf(books, operation.instrument), operation)
    }
  }
}

function bookOf(books: readonly Book[], instrument: number): Book {
  return books[instrument] as Book
}

function applyOperation(book: Book, operation: FlowOperation): number {
  const { orderId, newOrderId, side, price, quantity, timestampNs } = operation
  switch (operation.kind) {
    case FlowKind.Add:
      return book.add(orderId, side, price, quantity, timestampNs)
    case FlowKind.Reduce:
      return book.reduce(orderId, quantity, timestampNs)
    case FlowKind.Execute:
      return book.execute(orderId, quantity, timestampNs)
    case FlowKind.Cancel:
      return book.cancel(orderId, timestampNs)
    case FlowKind.Replace:
      return book.replace(orderId, newOrderId, price, quantity, timestampNs)
    case FlowKind.Trade:
      return book.trade(side, price, quantity, timestampNs)
    case FlowKind.Status:
      return book.setStatus(quantity, timestampNs)
    case FlowKind.Clear:
    case FlowKind.Note:
      throw new Error('the flow has no such event')
  }
}
