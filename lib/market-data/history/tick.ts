/** The contents of price history, and its errors. Prices are ticks and quantities lots, as in the journal. */
import type { Side } from '../../book/side.js'
import {
  PinnacleError,
  PinnacleRangeError,
  PinnacleTypeError,
} from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'
import { maxScale } from '../../decimal/decimal.js'

/** A product as history names it; an instrument fits. */
export interface HistoryProduct {
  /** 1 to 64 printable characters. */
  name: string
  /** Decimal places of a price, 0 to 15. */
  priceScale: number
  /** Decimal places of a quantity, 0 to 15. */
  quantityScale: number
  /** Prices may be negative. Files don't say so; the archiver does. Default: false. */
  signedPrices?: boolean
}

/** One trade. */
export interface Tick {
  /** Sequence of the journal entry; strictly increasing by product. */
  sequence: number
  /** The exchange's time, nanoseconds since the epoch. It decides the day and the candle. */
  timeNs: bigint
  /** Local wall clock at receipt: ns since 1970-01-01 UTC. */
  receivedNs: bigint
  /** The exchange's id. */
  tradeId: string
  /** The aggressor's: 0 bought, 1 sold. */
  side: Side
  /** Ticks. */
  price: number
  /** Lots. */
  quantity: number
}

/** Something may be missing from `fromNs` to `toNs`. */
export interface HistoryGap {
  /** Sequence of the journal entry. */
  sequence: number
  /** Begin: ns since 1970-01-01 UTC. */
  fromNs: bigint
  /** End: ns since 1970-01-01 UTC. */
  toNs: bigint
  /** Why, as GapReason. */
  reason: string
}

export const dayNs = 86_400_000_000_000n
const maxTimeNs = (1n << 63n) - 1n

export function dayOf(timeNs: bigint): string {
  return new Date(Number(timeNs / dayNs) * 86_400_000).toISOString().slice(0, 10)
}

/** A file of the archive can't be used. */
export function corruptFile(file: string, what: string, cause?: unknown): PinnacleError {
  return new PinnacleError(
    'ERR_PINNACLE_HISTORY_CORRUPT',
    `${file} is not a usable history file: ${what}. Move it out of the history directory, or put it back from a ` +
      'backup; what the journal still has can be archived again',
    { details: { file }, ...(cause === undefined ? {} : { cause }) },
  )
}

function invalid(what: string): never {
  throw new PinnacleTypeError('ERR_PINNACLE_INVALID_ARGUMENT', what)
}

/** Name of a product's directory: no name can escape the history directory or hide in it. */
export function directoryNameOf(product: string): string {
  // eslint-disable-next-line no-control-regex
  if (typeof product !== 'string' || !/^[^\u0000-\u001f\u007f]{1,64}$/.test(product)) {
    invalid(`a product's name must be 1 to 64 printable characters, not ${shown(product)}`)
  }
  if (!product.isWellFormed()) invalid(`${shown(product)} is not well-formed text`)
  return encodeURIComponent(product).replace(/^\./, '%2E').replaceAll('*', '%2A')
}

export function checkProduct(product: HistoryProduct): void {
  directoryNameOf(product.name)
  for (const scale of [product.priceScale, product.quantityScale]) {
    if (Number.isInteger(scale) && scale >= 0 && scale <= maxScale) continue
    throw new PinnacleRangeError(
      'ERR_PINNACLE_DECIMAL_SCALE',
      `the scales of ${product.name} must be integers from 0 to ${String(maxScale)}, not ${shown(scale)}`,
    )
  }
}

export function checkTime(name: string, value: unknown): void {
  if (typeof value === 'bigint' && value >= 0n && value <= maxTimeNs) return
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_TIMESTAMP',
    `${name} must be nanoseconds since the epoch, a bigint from 0 to 2^63 - 1, not ${shown(value)}`,
  )
}

export function checkSequence(value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_SEQUENCE',
    `a sequence must be an integer from 0 to 2^53 - 1, not ${shown(value)}`,
  )
}

export function checkTick(tick: Tick, { signedPrices = false }: HistoryProduct): void {
  checkSequence(tick.sequence)
  checkTime('timeNs', tick.timeNs)
  checkTime('receivedNs', tick.receivedNs)
  if (typeof tick.tradeId !== 'string' || !tick.tradeId.isWellFormed()) {
    invalid(`tradeId must be well-formed text, not ${shown(tick.tradeId)}`)
  }
  if ((tick.side as unknown) !== 0 && (tick.side as unknown) !== 1) {
    throw new PinnacleRangeError(
      'ERR_PINNACLE_INVALID_SIDE',
      `the side must be Side.Buy (0) or Side.Sell (1), not ${shown(tick.side)}`,
    )
  }
  for (const [name, value, least] of [
    ['price', tick.price, signedPrices ? -Number.MAX_SAFE_INTEGER : 0],
    ['quantity', tick.quantity, 0],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least) continue
    throw new PinnacleRangeError(
      name === 'price' ? 'ERR_PINNACLE_INVALID_PRICE' : 'ERR_PINNACLE_INVALID_QUANTITY',
      `the ${name} must be an integer from ${least === 0 ? '0' : '-(2^53 - 1)'} to 2^53 - 1, not ${shown(value)}`,
    )
  }
}

export function checkGap(gap: HistoryGap): void {
  checkSequence(gap.sequence)
  checkTime('fromNs', gap.fromNs)
  checkTime('toNs', gap.toNs)
  if (gap.toNs < gap.fromNs) invalid('a gap must not end before it begins')
  if (typeof gap.reason !== 'string' || !gap.reason.isWellFormed()) {
    invalid(`a gap's reason must be well-formed text, not ${shown(gap.reason)}`)
  }
}
