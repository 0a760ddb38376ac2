/**
 * Order flow's entries of version 0.1.0, which had the user type of a feed's raw frames. An entry of type 102 is
 * order flow's if no frame of a feed precedes it and its bytes are a mark or a note; else it is the feed's.
 */
import { decodeFlowPayload } from './flow-payload.js'
import { UserType } from '../registry/user-types.js'

/** The fields of an entry that decide it. */
export interface TypedPayload {
  readonly sequence: number
  readonly userType: number
  readonly payload: Uint8Array
}

/** Whether the entry is order flow's if no frame of a feed precedes it. */
export function isOldFlowEntry({ userType, payload }: Omit<TypedPayload, 'sequence'>): boolean {
  return userType === UserType.feed.raw && decodeFlowPayload(payload) !== undefined
}

/** Sees a journal's entries in order, and remembers the first frame. */
export class OldFlowEntries {
  #firstFrame = Infinity

  /** The user type that such an entry has today. */
  typeOf(entry: TypedPayload): number {
    const { sequence, userType } = entry
    if (userType === UserType.feed.frame) this.#firstFrame = Math.min(this.#firstFrame, sequence)
    return sequence < this.#firstFrame && isOldFlowEntry(entry) ? UserType.flow : userType
  }
}
