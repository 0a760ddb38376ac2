/**
 * The errors of this package. Each has a `code` (docs/errors.md lists them), a message that says what
 * happened and what to do, and often `cause`, `errno` and `details`. Misuse of a call is a TypeError
 * or a RangeError as well, so that it reads like any other misuse in JavaScript.
 */

import { brand } from './brand.js'

/**
 * Facts of an error, by name: `index`, `taken`, `transactionIndex`, … docs/errors.md says which codes have
 * which.
 */
export type ErrorDetails = Readonly<Record<string, unknown>>

/** What an error may have beside code and message. */
export interface ErrorOptionsWithDetails {
  /** The error that it comes from. */
  readonly cause?: unknown
  /** The system's errno, as a positive number, if the system refused. */
  readonly errno?: number
  /** Facts, by name. */
  readonly details?: ErrorDetails
}

/** What all errors of this package have. */
export interface CodedError extends Error {
  /** 'ERR_PINNACLE_…'; docs/errors.md lists all. */
  readonly code: string
  /** The system's errno, a positive number, if the system refused. */
  readonly errno?: number
  /** Facts, by name. */
  readonly details?: ErrorDetails
}

function causeOf(options: ErrorOptionsWithDetails): ErrorOptions | undefined {
  return options.cause === undefined ? undefined : { cause: options.cause }
}

/** An error that is not a misuse of a call. `code` says which. */
export class PinnacleError extends Error implements CodedError {
  /** Name of the class. */
  override readonly name = 'PinnacleError'
  /** 'ERR_PINNACLE_…'; docs/errors.md lists all. */
  readonly code: string
  /** The system's errno, a positive number, if the system refused. */
  declare readonly errno?: number
  /** Facts, by name. */
  declare readonly details?: ErrorDetails

  constructor(code: string, message: string, options: ErrorOptionsWithDetails = {}) {
    super(message, causeOf(options))
    this.code = code
    if (options.errno) this.errno = options.errno
    if (options.details) this.details = options.details
  }
}

/** A call with an argument of the wrong type. */
export class PinnacleTypeError extends TypeError implements CodedError {
  /** Name of the class. */
  override readonly name = 'PinnacleTypeError'
  /** 'ERR_PINNACLE_…'; docs/errors.md lists all. */
  readonly code: string
  /** The system's errno, a positive number, if the system refused. */
  declare readonly errno?: number
  /** Facts, by name. */
  declare readonly details?: ErrorDetails

  constructor(code: string, message: string, options: ErrorOptionsWithDetails = {}) {
    super(message, causeOf(options))
    this.code = code
    if (options.errno) this.errno = options.errno
    if (options.details) this.details = options.details
  }
}

/** A call with an argument out of range. */
export class PinnacleRangeError extends RangeError implements CodedError {
  /** Name of the class. */
  override readonly name = 'PinnacleRangeError'
  /** 'ERR_PINNACLE_…'; docs/errors.md lists all. */
  readonly code: string
  /** The system's errno, a positive number, if the system refused. */
  declare readonly errno?: number
  /** Facts, by name. */
  declare readonly details?: ErrorDetails

  constructor(code: string, message: string, options: ErrorOptionsWithDetails = {}) {
    super(message, causeOf(options))
    this.code = code
    if (options.errno) this.errno = options.errno
    if (options.details) this.details = options.details
  }
}

brand(PinnacleError, 'PinnacleError')
brand(PinnacleTypeError, 'PinnacleTypeError')
brand(PinnacleRangeError, 'PinnacleRangeError')

/**
 * Whether the value is an error of this package, of whichever of its three classes, and of whichever copy
 * of the package in this process.
 */
export function isPinnacleError(value: unknown): value is CodedError {
  return (
    value instanceof PinnacleError ||
    value instanceof PinnacleTypeError ||
    value instanceof PinnacleRangeError
  )
}
