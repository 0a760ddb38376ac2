/** The operations of books: what each is called, the entry that it journals, and what it is about. */
import { EntryType } from '../native/binding.js'
import type { OrderIdLike } from './order-id.js'
import type { Side } from './side.js'
import type { Timestamp } from './timestamp.js'

/** What an operation is about, beside book and time. A status is a quantity to the journal. */
export type OperationField = 'orderId' | 'newOrderId' | 'side' | 'price' | 'quantity'

interface OperationFacts {
  readonly entryType: number
  /** Of Book and OperationBatch; errors name it. */
  readonly method: string
  readonly fields: readonly OperationField[]
}

export const operations = {
  add: {
    entryType: EntryType.Add,
    method: 'add',
    fields: ['orderId', 'side', 'price', 'quantity'],
  },
  reduce: { entryType: EntryType.Reduce, method: 'reduce', fields: ['orderId', 'quantity'] },
  cancel: { entryType: EntryType.Cancel, method: 'cancel', fields: ['orderId'] },
  execute: { entryType: EntryType.Execute, method: 'execute', fields: ['orderId', 'quantity'] },
  replace: {
    entryType: EntryType.Replace,
    method: 'replace',
    fields: ['orderId', 'newOrderId', 'price', 'quantity'],
  },
  setLevel: {
    entryType: EntryType.SetLevel,
    method: 'setLevel',
    fields: ['side', 'price', 'quantity'],
  },
  clear: { entryType: EntryType.Clear, method: 'clear', fields: [] },
  trade: { entryType: EntryType.Trade, method: 'trade', fields: ['side', 'price', 'quantity'] },
  status: { entryType: EntryType.Status, method: 'setStatus', fields: ['quantity'] },
} as const satisfies Readonly<Record<string, OperationFacts>>

export type OperationKind = keyof typeof operations

/** An operation as a value. What its kind has no use for is not looked at. */
export interface BookOperation {
  readonly kind: OperationKind
  readonly orderId?: OrderIdLike
  readonly newOrderId?: OrderIdLike
  readonly side?: Side
  readonly price?: number
  /** Lots; the status, of kind 'status'. */
  readonly quantity?: number
  readonly timestampNs?: Timestamp
}

const byEntryType: ReadonlyMap<number, OperationFacts> = new Map(
  Object.values(operations).map((facts) => [facts.entryType, facts]),
)

/** undefined if the entry type is not that of an operation. */
export function operationOfEntryType(entryType: number): OperationFacts | undefined {
  return byEntryType.get(entryType)
}
