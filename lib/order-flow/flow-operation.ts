/**
 * The operation of one source event. Each event makes exactly one journal entry, so the position in the source
 * is a count of entries, and a killed run can resume without bookkeeping of its own (see flow-positions.ts).
 * An event that changes no book becomes a note, which is an entry too.
 */
import type { Side } from '../book/side.js'

/** The book operations that flows use, by name, and the note. */
export const FlowKind = {
  Add: 'add',
  Reduce: 'reduce',
  Cancel: 'cancel',
  Execute: 'execute',
  Replace: 'replace',
  Clear: 'clear',
  Trade: 'trade',
  Status: 'status',
  Note: 'note',
} as const
export type FlowKind = (typeof FlowKind)[keyof typeof FlowKind]

/** Why an event became a note. The values are written to the journal. */
export const NoteReason = {
  /** The line could not be parsed; skipped at the caller's request. */
  BrokenLine: 1,
  /** The event is about an order that the book has never seen, and no opening level covers it. */
  UnknownOrder: 2,
  /** The event contradicts the book (a live id added again, more removed than is open). */
  Inconsistent: 3,
  /** A fill, whose effect on the book follows as an event of its own. */
  Fill: 4,
  /** A modification that changes nothing. */
  NoChange: 5,
  /** The book refuses the event because it lacks events that a salvage lost. */
  LostEvent: 6,
} as const
export type NoteReason = (typeof NoteReason)[keyof typeof NoteReason]

/** A number if it is a safe integer, else a bigint. */
export type FlowOrderId = number | bigint

export interface FlowOperation {
  kind: FlowKind
  /** Index in the source's list of instruments. */
  instrument: number
  orderId: FlowOrderId
  newOrderId: FlowOrderId
  side: Side
  /** Ticks. */
  price: number
  /** Lots; the status, for a status; the NoteReason, for a note. */
  quantity: number
  timestampNs: number | bigint
  /** Line of the file, from 1; without a file, the number of the event. */
  line: number
}

/** A FlowOperation that OperationBatch.stage takes. */
export type FlowBookOperation = FlowOperation & { kind: Exclude<FlowKind, 'note'> }

export function changesBook(operation: FlowOperation): operation is FlowBookOperation {
  return operation.kind !== FlowKind.Note
}

export function emptyOperation(): FlowOperation {
  return {
    kind: FlowKind.Note,
    instrument: 0,
    orderId: 0,
    newOrderId: 0,
    side: 0,
    price: 0,
    quantity: 0,
    timestampNs: 0,
    line: 0,
  }
}
