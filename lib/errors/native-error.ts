import {
  PinnacleError,
  PinnacleRangeError,
  PinnacleTypeError,
  type CodedError,
  type ErrorOptionsWithDetails,
} from './pinnacle-error.js'

/** Codes that say that an argument's value is out of range: a RangeError. */
const rangeCodes: ReadonlySet<string> = new Set([
  'ERR_PINNACLE_INVALID_PRICE',
  'ERR_PINNACLE_INVALID_QUANTITY',
  'ERR_PINNACLE_INVALID_SIDE',
  'ERR_PINNACLE_INVALID_ORDER_ID',
  'ERR_PINNACLE_INVALID_TIMESTAMP',
  'ERR_PINNACLE_INVALID_SEQUENCE',
  'ERR_PINNACLE_INVALID_INSTRUMENT',
  'ERR_PINNACLE_INVALID_ENTRY_TYPE',
  'ERR_PINNACLE_BUFFER_LENGTH',
  'ERR_PINNACLE_ENTRY_TOO_LARGE',
  'ERR_PINNACLE_CONFIG_RANGE',
])

/** Codes that say that a call was malformed: a TypeError. */
const typeCodes: ReadonlySet<string> = new Set([
  'ERR_PINNACLE_INVALID_ARGUMENT',
  'ERR_PINNACLE_INVALID_OPERATION',
])

/** An error of the class that fits the code. */
export function errorOf(
  code: string,
  message: string,
  options?: ErrorOptionsWithDetails,
): CodedError {
  if (rangeCodes.has(code)) return new PinnacleRangeError(code, message, options)
  if (typeCodes.has(code)) return new PinnacleTypeError(code, message, options)
  return new PinnacleError(code, message, options)
}

/**
 * What the addon calls with `new`. The constructor returns the error of the fitting class instead of
 * itself, so that native code needs to know one class only.
 */
export const NativeErrorClass = function nativeError(
  code: string,
  message: string,
  options?: ErrorOptionsWithDetails,
): CodedError {
  return errorOf(code, message, options)
} as unknown as new (code: string, message: string, options?: ErrorOptionsWithDetails) => CodedError

/** The value as an Error, whatever was thrown. */
export function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value))
}
