/** What an append checks of its arguments before the engine sees them, and the errors that it makes. */
import { isUint8Array } from 'node:util/types'
import { addDetails } from '../errors/details.js'
import { PinnacleTypeError } from '../errors/pinnacle-error.js'
import { notANumber, refusalOf } from '../errors/refusal.js'
import { shown } from '../errors/shown.js'
import { lastUserType } from '../registry/user-types.js'

/**
 * Whether it can be staged: larger numbers would set flags of its lane, which change the meaning of other lanes. The
 * engine refuses reserved types. (lastUserType is all ones.)
 */
export function isUserType(userType: number): boolean {
  return typeof userType === 'number' && (userType & lastUserType) === userType
}

export function notAUserType(
  userType: number,
  operation: 'append' | 'appendBatch' = 'append',
): Error {
  const context = { operation, userType }
  if (typeof userType !== 'number') return notANumber(context)
  return refusalOf('ERR_PINNACLE_INVALID_ENTRY_TYPE', context)
}

export function checkPayload(payload: unknown): void {
  // (The second look knows arrays of another realm: node:vm, a test runner.)
  if (payload instanceof Uint8Array || isUint8Array(payload)) return
  throw new PinnacleTypeError(
    'ERR_PINNACLE_INVALID_ARGUMENT',
    `a payload must be a Uint8Array (a Buffer is one), not ${shown(payload)}`,
  )
}

/** The error, saying how many payloads of the batch were journaled. */
export function withTaken(error: unknown, taken: number): unknown {
  if (error instanceof Error) addDetails(error, { taken })
  return error
}
