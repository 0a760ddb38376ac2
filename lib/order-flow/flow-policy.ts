/** What to do about events that can't be applied. Whatever is skipped is counted and leaves a note. */
import type { PinnacleError } from '../errors/pinnacle-error.js'
import type { FlowCounts } from './flow-counts.js'
import { FlowKind, NoteReason, type FlowOperation } from './flow-operation.js'

export type FlowPolicy = 'stop' | 'skip'

export interface FlowPolicies {
  /** Lines that can't be read, and events that contradict the book. Default: stop. */
  brokenLines?: FlowPolicy | undefined
  /** Events about orders born before the file that no opening level covers. Default: skip. */
  unknownOrders?: FlowPolicy | undefined
}

/** Reasons that a source itself gives. */
type MappedReason = Exclude<NoteReason, typeof NoteReason.LostEvent>

const countOf = {
  [NoteReason.BrokenLine]: 'brokenLines',
  [NoteReason.UnknownOrder]: 'unknownOrders',
  [NoteReason.Inconsistent]: 'inconsistent',
  [NoteReason.Fill]: 'fills',
  [NoteReason.NoChange]: 'unchanged',
} as const satisfies Record<MappedReason, keyof FlowCounts>

/** Makes the operation a note and counts it. */
export function note(
  operation: FlowOperation,
  counts: FlowCounts,
  reason: MappedReason,
): FlowOperation {
  operation.kind = FlowKind.Note
  operation.quantity = reason
  counts[countOf[reason]]++
  return operation
}

/** The same, unless the policy is to stop. */
export function noteOrStop(
  operation: FlowOperation,
  counts: FlowCounts,
  reason: MappedReason,
  policy: FlowPolicy,
  error: () => PinnacleError,
): FlowOperation {
  if (policy === 'stop') throw error()
  return note(operation, counts, reason)
}
