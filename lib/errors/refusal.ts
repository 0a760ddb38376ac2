/**
 * The cold side of the hot path: a call left a result code, and this makes the error of it, with what
 * the operation was about.
 */
import { lastUsersType, lastUserType } from '../registry/user-types.js'
import { errorOf } from './native-error.js'
import { PinnacleTypeError, type CodedError } from './pinnacle-error.js'
import { shown } from './shown.js'

/** What was asked for; only what the operation has. */
export interface OperationContext {
  readonly operation: string
  readonly instrument?: string
  readonly orderId?: unknown
  readonly newOrderId?: unknown
  readonly side?: unknown
  readonly price?: unknown
  readonly quantity?: unknown
  readonly status?: unknown
  readonly timestampNs?: unknown
  readonly userType?: unknown
  readonly payloadBytes?: unknown
  /** Index in a batch. */
  readonly index?: number
  /** Operations of the batch that were taken before it. */
  readonly taken?: number
}

type Describe = (context: OperationContext) => string

/** What a price must be. */
export const ticksText =
  'an integer number of ticks from 0 to 2^53 - 1 (from -(2^53 - 1) if the instrument has signedPrices)'
const lots = 'an integer number of lots from 1 to 2^53 - 1 (or 0 when it sets a level)'

const descriptions: Readonly<Record<string, Describe>> = {
  ERR_PINNACLE_INVALID_PRICE: (c) => `the price must be ${ticksText}, not ${shown(c.price)}`,
  ERR_PINNACLE_INVALID_QUANTITY: (c) => `the quantity must be ${lots}, not ${shown(c.quantity)}`,
  ERR_PINNACLE_INVALID_SIDE: (c) =>
    `the side must be Side.Buy (0) or Side.Sell (1), not ${shown(c.side)}`,
  ERR_PINNACLE_INVALID_ORDER_ID: (c) =>
    `order ids must be integers from 0 to 2^53 - 1 as numbers, or to 2^128 - 1 as bigints, not ${ids(c)}`,
  ERR_PINNACLE_INVALID_TIMESTAMP: (c) =>
    'the timestamp must be an integer number of nanoseconds, from 0 to 2^53 - 1 as a number or to ' +
    `2^64 - 1 as a bigint, not ${shown(c.timestampNs)}`,
  ERR_PINNACLE_INVALID_ENTRY_TYPE: (c) => userTypeText(c.userType),
  ERR_PINNACLE_UNKNOWN_ORDER: (c) =>
    `order ${bare(c.orderId)} is not in the book: it was never added, or a cancel, an execution or a clear ` +
    'removed it',
  ERR_PINNACLE_DUPLICATE_ORDER: (c) =>
    `order ${bare(c.newOrderId ?? c.orderId)} is already in the book; use an id that is not live, or ` +
    'replace the order',
  ERR_PINNACLE_QUANTITY_EXCEEDS_OPEN: (c) =>
    `${bare(c.quantity)} lots are more than order ${bare(c.orderId)} has open; book.order(id) says how much it has`,
  ERR_PINNACLE_QUANTITY_OVERFLOW: (c) =>
    `${bare(c.quantity)} more lots would raise the level at ${bare(c.price)} above 2^53 - 1; use larger lots`,
  ERR_PINNACLE_BOOK_FULL: () => 'the book is full: it can number no more orders; cancel some first',
  ERR_PINNACLE_INVALID_OPERATION: () =>
    "the instrument's book does not take this operation: setLevel is for instruments of kind 'levels', order " +
    "operations are for kind 'orders'",
  ERR_PINNACLE_ENTRY_TOO_LARGE: (c) =>
    `a payload of ${bare(c.payloadBytes)} bytes is larger than an entry or half a segment can be; split it, ` +
    'or set a larger segmentSize for a new data directory',
  ERR_PINNACLE_BUFFER_LENGTH: (c) =>
    `a payload of ${bare(c.payloadBytes)} bytes does not fit the staging area`,
  ERR_PINNACLE_TRANSACTION_ABORTED: () =>
    'an earlier operation of the transaction was refused, so nothing of it will be kept; let the refusal leave ' +
    "the transaction's function",
  ERR_PINNACLE_TRANSACTION_TOO_LARGE: () =>
    'this entry makes the transaction larger than a segment or half the window; make it smaller, or raise ' +
    'segmentSize and windowSize for a new data directory',
  ERR_PINNACLE_CLOSED: () => 'the journal is closed; open the data directory again',
  ERR_PINNACLE_NO_SPACE: () =>
    'the next segment could not be created, the disk is full; nothing was written. Free space and try again',
  ERR_PINNACLE_OUT_OF_MEMORY: () =>
    "there is not enough memory; nothing was written. Raise the limit (ulimit -v, the container's memory " +
    'limit) or free some, and try again',
  ERR_PINNACLE_JOURNAL_FAILED: () =>
    'the journal has failed (see cause) and accepts no more entries; close it, check the disk, and open it ' +
    'again: the recovery report says what survived',
  ERR_PINNACLE_DIRECTORY_LOST: () =>
    'the data directory or a file in it was removed, renamed or replaced while it was open (see cause), so the ' +
    'journal accepts no more entries; close it, put back what is missing, and open it again',
}

function userTypeText(userType: unknown): string {
  const usable = `0 to ${String(lastUsersType)}`
  const type = typeof userType === 'number' ? userType : NaN
  return Number.isInteger(type) && type > lastUsersType && type <= lastUserType
    ? `user type ${shown(userType)} is reserved for entries of this package; use one from ${usable}`
    : `the user type must be an integer from ${usable}, not ${shown(userType)}`
}

function bare(value: unknown): string {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : shown(value)
}

function ids(context: OperationContext): string {
  if (context.newOrderId === undefined) return shown(context.orderId)
  return `${shown(context.orderId)} and ${shown(context.newOrderId)}`
}

/** The error of a refused operation. `cause` is the journal's failure, if it has failed. */
export function refusalOf(code: string, context: OperationContext, cause?: Error): CodedError {
  const describe = descriptions[code]
  const what = describe ? describe(context) : (cause?.message ?? `it ended with ${code}`)
  const where = context.instrument === undefined ? '' : ` of ${context.instrument}`
  const position =
    context.index === undefined ? '' : ` (operation ${String(context.index)} of the batch)`
  const details = Object.fromEntries(
    Object.entries(context).filter(([, value]) => value !== undefined),
  )
  return errorOf(code, `${context.operation}${where} refused${position}: ${what}`, {
    details,
    ...(cause ? { cause } : {}),
  })
}

const numberCodes = {
  price: 'ERR_PINNACLE_INVALID_PRICE',
  quantity: 'ERR_PINNACLE_INVALID_QUANTITY',
  side: 'ERR_PINNACLE_INVALID_SIDE',
  status: 'ERR_PINNACLE_INVALID_QUANTITY',
  userType: 'ERR_PINNACLE_INVALID_ENTRY_TYPE',
} as const

/** The error for arguments of which one is not a number: names the first. */
export function notANumber(context: OperationContext): PinnacleTypeError {
  for (const [key, code] of Object.entries(numberCodes)) {
    if (!(key in context)) continue
    const value = context[key as keyof typeof numberCodes]
    if (typeof value === 'number') continue
    const where = context.instrument === undefined ? '' : ` of ${context.instrument}`
    return new PinnacleTypeError(
      code,
      `${context.operation}${where} refused: the ${key} must be a number, not ${shown(value)}; decimal strings ` +
        'convert with instrument.ticks() and instrument.lots()',
      { details: { ...context } },
    )
  }
  return new PinnacleTypeError(
    'ERR_PINNACLE_INVALID_ARGUMENT',
    `${context.operation} refused: an argument is missing or of the wrong type`,
    { details: { ...context } },
  )
}
