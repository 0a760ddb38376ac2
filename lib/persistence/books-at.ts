import { checkPath } from '../config/absolute.js'
import { BookSet } from '../book/book-set.js'
import { PinnacleRangeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import { lastSequenceOf } from '../journal/last-sequence.js'
import { native } from '../native/load.js'

/** All books as they were at a sequence, from a directory that is not open here; nothing is changed. */
export async function booksAt(
  dataDirectory: string,
  point: { sequence: number },
): Promise<BookSet> {
  const directory = checkPath(dataDirectory, 'the data directory')
  const { sequence } = point
  if (!Number.isSafeInteger(sequence) || sequence < 1) {
    throw new PinnacleRangeError(
      'ERR_PINNACLE_INVALID_SEQUENCE',
      `a point's sequence must be an integer from 1 to 2^53 - 1, not ${shown(sequence)}`,
    )
  }
  return new BookSet(await native().booksAt(directory, { sequence }))
}

/** All books as the newest entry that can be read left them; a writer may have the directory open. */
export async function latestBooks(dataDirectory: string): Promise<BookSet> {
  const sequence = Math.max(1, lastSequenceOf(dataDirectory))
  return new BookSet(await native().booksAt(dataDirectory, { sequence }))
}

/** All books as they were before the instrument's first entry after `timestamp`. */
export async function booksAtTime(
  dataDirectory: string,
  timestamp: bigint,
  instrument: number,
): Promise<BookSet> {
  return new BookSet(await native().booksAt(dataDirectory, { timestamp, instrument }))
}
