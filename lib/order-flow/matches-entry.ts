/** Whether a journal entry is the one that an operation of a source makes. */
import { decodeFlowPayload } from '../entry/flow-payload.js'
import { UserType } from '../registry/user-types.js'
import type { JournalEntry } from '../entry/entry.js'
import { FlowKind, NoteReason, type FlowOperation } from './flow-operation.js'

/** `instrument` is the index of the operation's instrument in the journal; undefined: it has none there. */
export function matchesEntry(
  operation: FlowOperation,
  instrument: number | undefined,
  entry: JournalEntry,
): boolean {
  if (entry.type === 'user') return matchesNote(operation, entry.userType, entry.payload)
  if (entry.instrument !== instrument) return false
  if (entry.givenTime && entry.timestampNs !== BigInt(operation.timestampNs)) return false
  const { kind, orderId, newOrderId, side, price, quantity } = operation
  switch (entry.type) {
    case 'add':
      return (
        kind === FlowKind.Add &&
        entry.orderId === BigInt(orderId) &&
        entry.side === side &&
        entry.price === price &&
        entry.quantity === quantity
      )
    case 'reduce':
    case 'execute':
      return (
        kind === (entry.type === 'reduce' ? FlowKind.Reduce : FlowKind.Execute) &&
        entry.orderId === BigInt(orderId) &&
        entry.quantity === quantity
      )
    case 'cancel':
      return kind === FlowKind.Cancel && entry.orderId === BigInt(orderId)
    case 'replace':
      return (
        kind === FlowKind.Replace &&
        entry.orderId === BigInt(orderId) &&
        entry.newOrderId === BigInt(newOrderId) &&
        entry.price === price &&
        entry.quantity === quantity
      )
    case 'trade':
      return (
        kind === FlowKind.Trade &&
        entry.side === side &&
        entry.price === price &&
        entry.quantity === quantity
      )
    case 'status':
      return kind === FlowKind.Status && entry.status === quantity
    case 'clear':
      return kind === FlowKind.Clear
    default:
      return false
  }
}

/** Whether the entry can only be of this event; entries that change an order may repeat. */
export function identifiesEvent(entry: JournalEntry): boolean {
  return entry.type === 'add' || entry.type === 'replace' || entry.type === 'user'
}

function matchesNote(operation: FlowOperation, userType: number, payload: Uint8Array): boolean {
  const note = userType === UserType.flow ? decodeFlowPayload(payload) : undefined
  if (note?.kind !== 'note' || note.line !== operation.line) return false
  // The note of an event that could not be applied replaces any operation.
  if (note.reason === NoteReason.LostEvent) return true
  return operation.kind === FlowKind.Note && note.reason === operation.quantity
}
