import { PinnacleRangeError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'

/**
 * Nanoseconds, since 1970-01-01 UTC or since whatever the caller counts from. As a number it must be an
 * integer of at most 2^53 - 1, which present wall-clock nanoseconds exceed: give those as a bigint.
 * 0 means the journal's own clock.
 */
export type Timestamp = number | bigint

const maxTimestamp = 2n ** 64n - 1n

/** The timestamp as an unsigned 64-bit integer; throws if it is not a timestamp. */
export function toTimestamp(timestampNs: Timestamp): bigint {
  if (typeof timestampNs === 'number') {
    if (Number.isSafeInteger(timestampNs) && timestampNs >= 0) return BigInt(timestampNs)
  } else if (typeof timestampNs === 'bigint') {
    if (timestampNs >= 0n && timestampNs <= maxTimestamp) return timestampNs
  } else {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_TIMESTAMP',
      `a timestamp must be nanoseconds as a number or a bigint, not ${shown(timestampNs)}`,
    )
  }
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_TIMESTAMP',
    'a timestamp must be an integer number of nanoseconds, from 0 to 2^53 - 1 as a number or to 2^64 - 1 ' +
      `as a bigint, not ${shown(timestampNs)}`,
  )
}
