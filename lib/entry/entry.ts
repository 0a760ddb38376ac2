import type { BookKind } from '../book/instrument.js'
import type { Side } from '../book/side.js'

export interface EntryBase {
  sequence: number
  timestampNs: bigint
  /** Index of the instrument; 0 if the entry belongs to none. */
  instrument: number
  /** Whether the timestamp came from the caller and not from the journal's clock. */
  givenTime: boolean
  /**
   * The place in its transaction; only entries of a transaction of several have it. A reader may not get all entries
   * between the first and the last: some may be of another instrument or type, or book operations.
   */
  transaction?: TransactionPlace
}

export type TransactionPlace = 'first' | 'middle' | 'last'

/** Defines the instrument of its index. */
export interface InstrumentEntry extends EntryBase {
  type: 'instrument'
  name: string
  priceScale: number
  quantityScale: number
  kind: BookKind
  /** Prices may be negative. Absent: they may not. */
  signedPrices?: boolean
}

export interface AddEntry extends EntryBase {
  type: 'add'
  orderId: bigint
  side: Side
  price: number
  quantity: number
}

/** `quantity` is what was taken off. */
export interface ReduceEntry extends EntryBase {
  type: 'reduce'
  orderId: bigint
  quantity: number
}

export interface CancelEntry extends EntryBase {
  type: 'cancel'
  orderId: bigint
}

/** `quantity` is what was executed. */
export interface ExecuteEntry extends EntryBase {
  type: 'execute'
  orderId: bigint
  quantity: number
}

export interface ReplaceEntry extends EntryBase {
  type: 'replace'
  orderId: bigint
  newOrderId: bigint
  price: number
  quantity: number
}

/** `quantity` is the level's new total; 0 removes it. */
export interface SetLevelEntry extends EntryBase {
  type: 'setLevel'
  side: Side
  price: number
  quantity: number
}

export interface ClearEntry extends EntryBase {
  type: 'clear'
}

export interface TradeEntry extends EntryBase {
  type: 'trade'
  side: Side
  price: number
  quantity: number
}

export interface StatusEntry extends EntryBase {
  type: 'status'
  status: number
}

/**
 * Entries that a salvage could not keep: it put this one in their place, with the sequence of the last of them.
 * Their effect is missing from books and state, but for what a snapshot holds.
 */
export interface HoleEntry extends EntryBase {
  type: 'hole'
  /** The first entry that is lost; the entry's own sequence is the last. */
  firstSequence: number
  /** The books and the state up to this sequence come from a snapshot; 0: from none. */
  snapshotSequence: number
  /** Of the lost entries, those that were intact and were refused by the books, which lack earlier ones. */
  entriesLeftOut: number
}

/** An opaque payload. */
export interface UserEntry extends EntryBase {
  type: 'user'
  /** 0 to 95: the caller's; above: of this package, or of a caller of version 0.1.0. */
  userType: number
  payload: Uint8Array
}

/** What an operation of a book journals. */
export type OperationEntry =
  | AddEntry
  | ReduceEntry
  | CancelEntry
  | ExecuteEntry
  | ReplaceEntry
  | SetLevelEntry
  | ClearEntry
  | TradeEntry
  | StatusEntry

/** What a state machine may be given. */
export type AppliedEntry = UserEntry | OperationEntry

export type JournalEntry = InstrumentEntry | OperationEntry | HoleEntry | UserEntry

export type JournalEntryType = JournalEntry['type']

export const journalEntryTypes: readonly JournalEntryType[] = [
  'instrument',
  'add',
  'reduce',
  'cancel',
  'execute',
  'replace',
  'setLevel',
  'clear',
  'trade',
  'status',
  'hole',
  'user',
]
