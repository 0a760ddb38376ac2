import { toTimestamp } from '../book/timestamp.js'
import { PinnacleRangeError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'

/** A point of the past: a sequence, or a time. */
export type PastPoint = PastSequence | PastTime

/** The state after an entry. */
export interface PastSequence {
  /** Its sequence, 1 to appendedFrontier. */
  sequence: number
}

/** The state before the instrument's first entry with a later time. */
export interface PastTime {
  /** ns, as the entries count them. */
  timestamp: bigint
}

/** The point as the engine takes it; `instrument`: index of the one that a time is of. */
export function checkPoint(
  point: PastPoint,
  instrument: number,
): { sequence: number } | { timestamp: bigint; instrument: number } {
  const given: unknown = point
  if (typeof given === 'object' && given !== null) {
    const { sequence, timestamp } = given as { sequence?: unknown; timestamp?: unknown }
    if (sequence !== undefined && timestamp === undefined) {
      if (Number.isSafeInteger(sequence) && (sequence as number) >= 1) {
        return { sequence: sequence as number }
      }
      throw new PinnacleRangeError(
        'ERR_PINNACLE_INVALID_SEQUENCE',
        `a point's sequence must be an integer from 1 to 2^53 - 1, not ${shown(sequence)}`,
      )
    }
    if (timestamp !== undefined && sequence === undefined) {
      return { timestamp: toTimestamp(timestamp as bigint), instrument }
    }
  }
  throw new PinnacleTypeError(
    'ERR_PINNACLE_INVALID_ARGUMENT',
    'a point is { sequence } or { timestamp }, one of the two',
  )
}
