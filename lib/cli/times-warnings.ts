import type { PastBook } from '../book/book-set.js'
import { count } from './text.js'

/** The warning if a point given as a time is beyond the entries, or times are out of order around it. */
export function timesWarnings(book: PastBook): string[] {
  const { times } = book
  if (times === undefined) return []
  const { name } = book.instrument
  const warnings: string[] = []
  if (times.beyondLastEntry) {
    warnings.push(
      times.lastTimestamp === 0n
        ? `${name} has no entry yet; the time asked for lies beyond all there are`
        : `the time asked for lies beyond the last entry of ${name}, which has ns:${String(times.lastTimestamp)}; ` +
            'this is its state at the end of the journal',
    )
  }
  const entry = times.outOfOrder
  if (entry) {
    warnings.push(
      `times of ${name} are out of order around the point: entry ${count(entry.sequence)} has ` +
        `ns:${String(entry.timestamp)}, after one with ns:${String(entry.aheadTimestamp)}` +
        (entry.acrossPoint ? ', and the time asked for lies between the two' : '') +
        `; this is the state at entry ${count(book.sequence)}, and a sequence is exact`,
    )
  }
  return warnings
}
