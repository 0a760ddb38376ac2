/** Order ids: numbers, 64- and 128-bit integers, UUIDs. */
import { PinnacleRangeError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'

/** A number must be an integer of 0 to 2^53 - 1; a bigint may have up to 128 bits. */
export type OrderIdLike = number | bigint

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The 128-bit order id of a UUID, whose first digit is the most significant. */
export function orderIdFromUuid(uuid: string): bigint {
  if (typeof uuid !== 'string' || !uuidPattern.test(uuid)) {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ORDER_ID',
      `${shown(uuid)} is not a UUID; write 32 hex digits as 8-4-4-4-12`,
    )
  }
  return BigInt(`0x${uuid.replaceAll('-', '')}`)
}

/** The UUID, in lower case, of an order id of up to 128 bits. */
export function uuidFromOrderId(id: bigint): string {
  const digits = toOrderId(id).toString(16).padStart(32, '0')
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-')
}

/** The id as a bigint; throws if it is not an order id. */
export function toOrderId(id: OrderIdLike): bigint {
  if (typeof id === 'number') {
    if (Number.isSafeInteger(id) && id >= 0) return BigInt(id)
  } else if (typeof id === 'bigint') {
    if (id >= 0n && id >> 128n === 0n) return id
  } else {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ORDER_ID',
      `an order id must be a number or a bigint, not ${shown(id)}; convert a UUID with orderIdFromUuid`,
    )
  }
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_ORDER_ID',
    `an order id must be an integer from 0 to 2^53 - 1 as a number, or to 2^128 - 1 as a bigint, not ${shown(id)}`,
  )
}
