/**
 * Looks ahead from an entry with flags of a transaction: its entries are applied together or not at all.
 * "Entries" of docs/format.md.
 */
import {
  continuesFlag,
  moreFollowsFlag,
  readEntry,
  transactionFlags,
  type PureEntry,
  type SegmentHeader,
} from './segment.js'

export interface Ahead {
  /** `open`: its end is missing. `contradicted`: a valid entry in it can't be part of it. */
  kind: 'whole' | 'open' | 'contradicted'
  /** After its last entry; otherwise the place at which it breaks. */
  offset: number
  /** The expected sequence at that place. */
  sequence: bigint
}

/** Whether it has a flag of a transaction. */
export function isInTransaction({ flags }: PureEntry): boolean {
  return (flags & transactionFlags) !== 0
}

/** `first` is the next entry to apply, and has flags of a transaction. */
export function lookAhead(segment: Uint8Array, header: SegmentHeader, first: PureEntry): Ahead {
  const begins = (first.flags & continuesFlag) === 0
  if (!begins || !header.mayHaveTransactions) {
    return { kind: 'contradicted', offset: first.offset, sequence: first.sequence }
  }
  let offset = first.offset + first.bytes
  let sequence = first.sequence + 1n
  for (let more = true; more;) {
    const entry = readEntry(segment, header, offset)
    if (entry === undefined) return { kind: 'open', offset, sequence }
    // (A hole never continues.)
    const continues = (entry.flags & continuesFlag) !== 0
    if (!continues || entry.sequence !== sequence) return { kind: 'contradicted', offset, sequence }
    more = (entry.flags & moreFollowsFlag) !== 0
    offset += entry.bytes
    sequence += 1n
  }
  return { kind: 'whole', offset, sequence }
}
