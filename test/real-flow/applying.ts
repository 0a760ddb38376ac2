/** Applies operations to a journaled book one by one, and reads depths in one shape. */
import type { BookView } from '../../lib/book/book-view.js'
import type { Book } from '../../lib/book/book.js'
import type { Side } from '../../lib/book/side.js'
import { FlowKind, type FlowOperation } from '../../lib/order-flow/flow-operation.js'
import { isSourceEntry } from '../../lib/order-flow/flow-positions.js'
import type { JournalEntry } from '../../lib/entry/entry.js'
import { Journal } from '../../lib/journal/journal.js'

export function apply(book: Book, operation: FlowOperation): void {
  const { orderId, side, price, quantity, timestampNs } = operation
  switch (operation.kind) {
    case FlowKind.Add:
      book.add(orderId, side, price, quantity, timestampNs)
      return
    case FlowKind.Reduce:
      book.reduce(orderId, quantity, timestampNs)
      return
    case FlowKind.Cancel:
      book.cancel(orderId, timestampNs)
      return
    case FlowKind.Execute:
      book.execute(orderId, quantity, timestampNs)
      return
    case FlowKind.Replace:
      book.replace(orderId, operation.newOrderId, price, quantity, timestampNs)
      return
    case FlowKind.Clear:
      book.clear(timestampNs)
      return
    case FlowKind.Trade:
      book.trade(side, price, quantity, timestampNs)
      return
    case FlowKind.Status:
      book.setStatus(quantity, timestampNs)
      return
    case FlowKind.Note:
      return
  }
}

export interface Depthful {
  depth(side: Side, levels: number): { price: number; quantity: number; orders: number }[]
}

/** `price quantity orders` of each level, best first; equal depths give equal texts. */
export function depthText(book: Depthful | BookView, side: Side, levels: number): string {
  return book
    .depth(side, levels)
    .map(({ price, quantity, orders }) => `${String(price)} ${String(quantity)} ${String(orders)}`)
    .join('|')
}

/** The same without order counts, which an aggregated file does not know. */
export function sizesText(book: Depthful | BookView, side: Side, levels: number): string {
  return book
    .depth(side, levels)
    .map(({ price, quantity }) => `${String(price)} ${String(quantity)}`)
    .join('|')
}

/** Sequences of the entries of a run, in order: entry k belongs to source event k. */
export async function sourceEntries(dataDirectory: string): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = []
  for await (const entry of Journal.read(dataDirectory)) {
    if (isSourceEntry(entry)) entries.push(entry)
  }
  return entries
}

const entryTypes = {
  [FlowKind.Add]: 'add',
  [FlowKind.Reduce]: 'reduce',
  [FlowKind.Cancel]: 'cancel',
  [FlowKind.Execute]: 'execute',
  [FlowKind.Replace]: 'replace',
  [FlowKind.Clear]: 'clear',
  [FlowKind.Trade]: 'trade',
  [FlowKind.Status]: 'status',
  [FlowKind.Note]: 'user',
} as const

/** Compares the entry with the operation; returns '' or what differs. */
export function differenceOf(entry: JournalEntry | undefined, operation: FlowOperation): string {
  if (entry === undefined) return 'no entry'
  const wanted = entryTypes[operation.kind]
  if (entry.type !== wanted) return `type ${entry.type}, ${wanted} expected`
  const facts: [string, unknown, unknown][] = [
    ['timestamp', entry.timestampNs, BigInt(operation.timestampNs)],
  ]
  if ('orderId' in entry) facts.push(['order id', entry.orderId, BigInt(operation.orderId)])
  if ('side' in entry) facts.push(['side', entry.side, operation.side])
  if ('price' in entry) facts.push(['price', entry.price, operation.price])
  if ('quantity' in entry) facts.push(['quantity', entry.quantity, operation.quantity])
  const wrong = facts.find(([, found, expected]) => found !== expected)
  return wrong === undefined ? '' : `${wrong[0]} ${String(wrong[1])}, ${String(wrong[2])} expected`
}
