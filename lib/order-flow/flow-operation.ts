/**
 * What one source event does: exactly one journal entry. That makes the position in the source a count of
 * entries, so a killed run knows without any bookkeeping of its own where to go on (see flow-position.ts).
 * An event that changes no book becomes a note, which is an entry too.
 */
import type { Side } from '../book/side.js'

/** The operations of books that flows have, by their names, and the note. */
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
  /** The line could not be read; skipped because the caller asked for it. */
  BrokenLine: 1,
  /** The event is about an order that the book never saw, and no opening level covers it. */
  UnknownOrder: 2,
  /** The event contradicts the book (a live id added again, more taken off than is open). */
  Inconsistent: 3,
  /** A fill, whose effect on the book follows as an event of its own. */
  Fill: 4,
  /** A modification that changes nothing. */
  NoChange: 5,
  /** The book refuses the event, since it lacks events that a salvage lost. */
  LostEvent: 6,
} as const
export type NoteReason = (typeof NoteReason)[keyof typeof NoteReason]

/** A number where it is a safe integer, a bigint beyond. */
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
  /** Line of the file, from 1; number of the event, where there is no file. */
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
