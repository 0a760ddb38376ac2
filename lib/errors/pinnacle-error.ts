/**
 * The errors of this package. Each has a `code` (docs/errors.md lists them), a message that says what
 * happened and what to do, and often `cause`, `errno` and `details`. Misuse of a call is a TypeError
 * or a RangeError as well, so that it reads like any other misuse in JavaScript.
 */

import { brand } from './brand.js'

export type ErrorDetails = Readonly<Record<string, unknown>>

export interface ErrorOptionsWithDetails {
  readonly cause?: unknown
  /** The system's errno, as a positive number, if the system refused. */
  readonly errno?: number
  readonly details?: ErrorDetails
}

/** What all errors of this package have. */
export interface CodedError extends Error {
  readonly code: string
  readonly errno?: number
  readonly details?: ErrorDetails
}

function causeOf(options: ErrorOptionsWithDetails): ErrorOptions | undefined {
  return options.cause === undefined ? undefined : { cause: options.cause }
}

export class PinnacleError extends Error implements CodedError {
  override readonly name = 'PinnacleError'
  readonly code: string
  declare readonly errno?: number
  declare readonly details?: ErrorDetails

  constructor(code: string, message: string, options: ErrorOptionsWithDetails = {}) {
    super(message, causeOf(options))
    this.code = code
    if (options.errno) this.errno = options.errno
    if (options.details) this.details = options.details
  }
}

export class PinnacleTypeError extends TypeError implements CodedError {
  override readonly name = 'PinnacleTypeError'
  readonly code: string
  declare readonly errno?: number
  declare readonly details?: ErrorDetails

  constructor(code: string, message: string, options: ErrorOptionsWithDetails = {}) {
    super(message, causeOf(options))
    this.code = code
    if (options.errno) this.errno = options.errno
    if (options.details) this.details = options.details
  }
}

export class PinnacleRangeError extends RangeError implements CodedError {
  override readonly name = 'PinnacleRangeError'
  readonly code: string
  declare readonly errno?: number
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
