/** Staging of what a float64 can't hold: ids above 2^53 and timestamps as bigints. */
import { Staging } from '../native/binding.js'
import { toOrderId, type OrderIdLike } from './order-id.js'
import { toTimestamp, type Timestamp } from './timestamp.js'

/** Writes the id as two raw words and returns the flag that says so. */
export function stageWideId(words: BigUint64Array, operation: number, id: OrderIdLike): number {
  const value = toOrderId(id)
  words[operation + Staging.orderId] = BigInt.asUintN(64, value)
  words[operation + Staging.orderIdHigh] = value >> 64n
  return Staging.rawIds
}

/** The same for the new id of a replace. */
export function stageWideNewId(words: BigUint64Array, operation: number, id: OrderIdLike): number {
  const value = toOrderId(id)
  words[operation + Staging.newOrderId] = BigInt.asUintN(64, value)
  words[operation + Staging.newOrderIdHigh] = value >> 64n
  return Staging.rawIds
}

/** Writes the timestamp as a raw word and returns the flag that says so. */
export function stageWideTime(
  words: BigUint64Array,
  operation: number,
  timestampNs: Timestamp,
): number {
  words[operation + Staging.timestamp] = toTimestamp(timestampNs)
  return Staging.rawTime
}
