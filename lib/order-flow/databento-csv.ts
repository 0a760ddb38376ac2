/**
 * Databento order-by-order (mbo) CSV. Columns are found by name in the header. Prices are decimals, as
 * `pretty_px` writes them; a price without a point is refused, since the other export writes
 * 10^-9 units as integers and nothing else would tell the two apart.
 */
import { Side } from '../book/side.js'
import { LineProblem } from './flow-error.js'
import { decimalField, orderIdField, signedDecimalField, unsignedField } from './fields.js'
import { parseTimestamp } from './iso-time.js'

const wanted = ['ts_event', 'action', 'side', 'price', 'size', 'order_id', 'symbol'] as const
type Column = (typeof wanted)[number]

export type DatabentoAction = 'A' | 'C' | 'M' | 'T' | 'F' | 'R'

export interface DatabentoEvent {
  timestampNs: bigint
  action: DatabentoAction
  /** null: the venue gives none. */
  side: Side | null
  /** Ticks at the reader's price scale. */
  price: number
  quantity: number
  orderId: number | bigint
  symbol: string
}

export interface DatabentoColumns {
  readonly at: Readonly<Record<Column, number>>
  readonly count: number
}

/** Whether the line is the header of an mbo file. */
export function isDatabentoHeader(text: string): boolean {
  const names = text.split(',')
  return wanted.every((name) => names.includes(name))
}

/** Throws LineProblem. */
export function parseDatabentoHeader(text: string): DatabentoColumns {
  const names = text.split(',')
  const at = {} as Record<Column, number>
  for (const name of wanted) {
    const index = names.indexOf(name)
    if (index === -1) throw new LineProblem(`the header has no column "${name}"`)
    if (names.indexOf(name, index + 1) !== -1) {
      throw new LineProblem(`the header has the column "${name}" twice`)
    }
    at[name] = index
  }
  return { at, count: names.length }
}

/** Throws LineProblem. */
export function parseDatabentoEvent(
  text: string,
  columns: DatabentoColumns,
  priceScale: number,
  signedPrices = false,
): DatabentoEvent {
  const fields = text.split(',')
  if (fields.length !== columns.count) {
    throw new LineProblem(
      `expected ${String(columns.count)} fields as in the header, found ${String(fields.length)}`,
    )
  }
  const field = (name: Column): string => fields[columns.at[name]] ?? ''
  const action = field('action')
  if (!isAction(action)) {
    throw new LineProblem(`action must be one of A C M T F R, not "${action.slice(0, 24)}"`)
  }
  const side = sideOf(field('side'))
  const symbol = field('symbol')
  if (symbol.length === 0) throw new LineProblem('symbol is empty')
  const timestampNs = parseTimestamp(field('ts_event'), 'ts_event')
  const orderId = orderIdField(field('order_id'), 'order_id')
  const quantity = unsignedField(field('size'), 'size')
  if (action === 'R') return { timestampNs, action, side, price: 0, quantity, orderId, symbol }
  const price = priceOf(field('price'), priceScale, signedPrices)
  if (quantity === 0) throw new LineProblem('size must be at least 1')
  if (side === null && (action === 'A' || action === 'M')) {
    throw new LineProblem('side must be A (ask) or B (bid) for an order, not N')
  }
  return { timestampNs, action, side, price, quantity, orderId, symbol }
}

function isAction(text: string): text is DatabentoAction {
  return text.length === 1 && 'ACMTFR'.includes(text)
}

function sideOf(text: string): Side | null {
  if (text === 'B') return Side.Buy
  if (text === 'A') return Side.Sell
  if (text === 'N') return null
  throw new LineProblem(`side must be A, B or N, not "${text.slice(0, 24)}"`)
}

function priceOf(text: string, priceScale: number, signedPrices: boolean): number {
  if (!text.includes('.')) {
    throw new LineProblem(
      `price "${text.slice(0, 24)}" has no decimal point; export the file with decimal prices (pretty_px)`,
    )
  }
  if (signedPrices) return signedDecimalField(text, priceScale, 'price')
  if (text.startsWith('-')) {
    throw new LineProblem(
      `price "${text.slice(0, 24)}" is negative; the instrument takes that with signed prices (--signed-prices)`,
    )
  }
  return decimalField(text, priceScale, 'price')
}
