import type { BookKind } from '../book/instrument.js'
import type { Side } from '../book/side.js'

/** What all entries have. */
export interface EntryBase {
  /** Number of the entry: 1, 2, 3, … without gaps. */
  sequence: number
  /** The caller's time, or that of the journal's clock: ns, as a rule since 1970-01-01 UTC. */
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

/** The place of an entry in a transaction of several. */
export type TransactionPlace = 'first' | 'middle' | 'last'

/** Defines the instrument of its index. */
export interface InstrumentEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'instrument'
  /** 1 to 32 bytes of UTF-8. */
  name: string
  /** Decimal places of a price, 0 to 15. */
  priceScale: number
  /** Decimal places of a quantity, 0 to 15. */
  quantityScale: number
  /** What its book holds. */
  kind: BookKind
  /** Prices may be negative. Absent: they may not. */
  signedPrices?: boolean
}

/** A new order: Book.add(). */
export interface AddEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'add'
  /** Id of the order, a bigint even if a number was given. */
  orderId: bigint
  /** 0 (buy) or 1 (sell). */
  side: Side
  /** Ticks. */
  price: number
  /** Lots. */
  quantity: number
}

/** A partial cancel: Book.reduce(). It has neither price nor side. */
export interface ReduceEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'reduce'
  /** Id of the order. */
  orderId: bigint
  /** Lots that were taken off. */
  quantity: number
}

/** An order that left: Book.cancel(). It has no quantity. */
export interface CancelEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'cancel'
  /** Id of the order. */
  orderId: bigint
}

/** An execution: Book.execute(). It has neither price nor side. */
export interface ExecuteEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'execute'
  /** Id of the resting order. */
  orderId: bigint
  /** Lots that were executed. */
  quantity: number
}

/**
 * An order that left and came back at the end of a queue: Book.replace(). Its side is that of the old order.
 */
export interface ReplaceEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'replace'
  /** Id that it had. */
  orderId: bigint
  /** Id that it has now, which may be the same. */
  newOrderId: bigint
  /** Its new price in ticks. */
  price: number
  /** Lots that it has open now. */
  quantity: number
}

/** The new total of a level: Book.setLevel(). */
export interface SetLevelEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'setLevel'
  /** 0 (buy) or 1 (sell). */
  side: Side
  /** Ticks. */
  price: number
  /** Lots at the level; 0: the level left. */
  quantity: number
}

/** The book became empty: Book.clear(). */
export interface ClearEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'clear'
}

/** A trade that changed no order: Book.trade(). */
export interface TradeEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'trade'
  /** 0 (buy) or 1 (sell). */
  side: Side
  /** Ticks. */
  price: number
  /** Lots. */
  quantity: number
}

/** A change of the trading status: Book.setStatus(). */
export interface StatusEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'status'
  /** 0 halted, 1 trading, others are the caller's. */
  status: number
}

/**
 * Entries that a salvage could not keep: it put this one in their place, with the sequence of the last of them.
 * Their effect is missing from books and state, but for what a snapshot holds.
 */
export interface HoleEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'hole'
  /** The first entry that is lost; the entry's own sequence is the last. */
  firstSequence: number
  /** The books and the state up to this sequence come from a snapshot; 0: from none. */
  snapshotSequence: number
  /** Of the lost entries, those that were intact and were refused by the books, which lack earlier ones. */
  entriesLeftOut: number
}

/** An opaque payload: append(), appendBatch(), the lanes. */
export interface UserEntry extends EntryBase {
  /** Tells the entries apart. */
  type: 'user'
  /** 0 to 95: the caller's; above: of this package, or of a caller of version 0.1.0. */
  userType: number
  /**
   * Its bytes. Of entries() a copy that is the reader's to keep; in StateMachine.apply() it may be the array
   * that was appended.
   */
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

/** Any entry of a journal. `type` tells which it is. */
export type JournalEntry = InstrumentEntry | OperationEntry | HoleEntry | UserEntry

/** The types of entries, which ReadOptions.types filters by. */
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
