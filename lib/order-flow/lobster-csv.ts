/**
 * LOBSTER files, which have no header. Message: time (seconds after midnight), type, order id, size,
 * price x 10,000, direction of the resting order. Order book: per level ask price, ask size, bid price,
 * bid size; row i is the book after message i; an empty level is +-9999999999 with size 0.
 */
import { Side } from '../book/side.js'
import { LineProblem, flowError } from './flow-error.js'
import { decimalField, orderIdField, positiveField, splitFields, unsignedField } from './fields.js'
import { brokenLine } from './flow-error.js'
import { readLines } from './line-reader.js'

/** Decimal places of LOBSTER prices. */
export const lobsterPriceScale = 4

export const LobsterType = {
  New: 1,
  PartialCancel: 2,
  Delete: 3,
  Execution: 4,
  HiddenExecution: 5,
  Halt: 7,
} as const

export interface LobsterMessage {
  /** Since midnight. */
  timestampNs: number
  type: number
  orderId: number | bigint
  quantity: number
  /** Ticks of 1/10,000; for a halt the venue's status (-1 halted, 0 quoting resumes, 1 trading). */
  price: number
  side: Side
}

/** Throws LineProblem. */
export function parseLobsterMessage(text: string): LobsterMessage {
  const [time = '', typeText = '', id = '', size = '', price = '', direction = ''] = splitFields(
    text,
    6,
  )
  const type = unsignedField(typeText, 'type')
  const timestampNs = decimalField(time, 9, 'time')
  if (type === LobsterType.Halt) return haltMessage(timestampNs, price)
  if (!(type >= LobsterType.New && type <= LobsterType.HiddenExecution)) {
    throw new LineProblem(`type must be 1 to 5 or 7, not ${String(type)}`)
  }
  if (direction !== '1' && direction !== '-1') {
    throw new LineProblem(`direction must be 1 (buy) or -1 (sell), not "${direction.slice(0, 24)}"`)
  }
  return {
    timestampNs,
    type,
    orderId: orderIdField(id, 'order id'),
    quantity: positiveField(size, 'size'),
    price: unsignedField(price, 'price'),
    side: direction === '1' ? Side.Buy : Side.Sell,
  }
}

function haltMessage(timestampNs: number, price: string): LobsterMessage {
  if (price !== '-1' && price !== '0' && price !== '1') {
    throw new LineProblem(`the price of a halt must be -1, 0 or 1, not "${price.slice(0, 24)}"`)
  }
  return {
    timestampNs,
    type: LobsterType.Halt,
    orderId: 0,
    quantity: 0,
    price: Number(price),
    side: Side.Buy,
  }
}

export interface OpeningLevel {
  side: Side
  /** Ticks of 1/10,000. */
  price: number
  quantity: number
}

/** Levels of one order-book row, each side best first, empty levels left out. Throws LineProblem. */
export function parseLobsterOrderbookRow(text: string): OpeningLevel[] {
  const fields = text.split(',')
  if (fields.length === 0 || fields.length % 4 !== 0) {
    throw new LineProblem(
      `expected four fields a level (ask price, ask size, bid price, bid size), found ${String(fields.length)} fields`,
    )
  }
  const asks: OpeningLevel[] = []
  const bids: OpeningLevel[] = []
  for (let index = 0; index < fields.length; index += 4) {
    takeLevel(asks, Side.Sell, fields[index] ?? '', fields[index + 1] ?? '')
    takeLevel(bids, Side.Buy, fields[index + 2] ?? '', fields[index + 3] ?? '')
  }
  return [...asks, ...bids]
}

function takeLevel(levels: OpeningLevel[], side: Side, priceText: string, sizeText: string): void {
  const quantity = unsignedField(sizeText, 'size')
  if (quantity === 0 && /^-?9999999999$/.test(priceText)) return
  if (quantity === 0) throw new LineProblem('a level with a price must have a size')
  const price = unsignedField(priceText, 'price')
  const before = levels.at(-1)
  if (
    before !== undefined &&
    (side === Side.Sell ? price <= before.price : price >= before.price)
  ) {
    throw new LineProblem(
      `levels must be ordered best first, but ${priceText} follows ${String(before.price)}`,
    )
  }
  levels.push({ side, price, quantity })
}

/** The first row of an order-book file. */
export async function readOpeningBook(path: string): Promise<OpeningLevel[]> {
  for await (const lines of readLines(path)) {
    const line = lines[0]
    if (line === undefined) continue
    try {
      return parseLobsterOrderbookRow(line.text)
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error
      const cause = brokenLine(path, line.number, line.text, error.message)
      throw flowError(
        'ERR_PINNACLE_FLOW_OPENING_BOOK',
        `${path}:${String(line.number)} is no LOBSTER order-book row: ${error.message}; give the ` +
          'orderbook file that belongs to the message file',
        { file: path, line: line.number },
        cause,
      )
    }
  }
  throw flowError('ERR_PINNACLE_FLOW_EMPTY', `the opening book "${path}" is empty`, { file: path })
}
