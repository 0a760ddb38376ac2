/** Draws a book's depth: asks above, bids below, best prices in the middle, a bar for each level. Pure. */
import type { Level } from '../book/book-view.js'
import type { Colors } from './output.js'
import { count, padEnd, padStart, plural } from './text.js'

export interface DepthPicture {
  /** Best first. */
  bids: readonly Level[]
  asks: readonly Level[]
  formatPrice: (ticks: number) => string
  formatQuantity: (lots: number) => string
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const

/** A bar of `columns` columns for the whole, to an eighth of a column. Never empty for a part above 0. */
export function barOf(part: number, whole: number, columns: number): string {
  if (part <= 0 || whole <= 0) return ''
  const units = Math.max(1, Math.round((Math.min(part, whole) / whole) * columns * 8))
  return '█'.repeat(Math.floor(units / 8)) + (eighths[units % 8] ?? '')
}

export function drawDepth(picture: DepthPicture, colors: Colors, barColumns = 32): string[] {
  const { bids, asks, formatPrice, formatQuantity } = picture
  const all = [...bids, ...asks]
  const largest = Math.max(0, ...all.map((level) => level.quantity))
  const priceColumns = Math.max(5, ...all.map((level) => formatPrice(level.price).length))
  const quantityColumns = Math.max(8, ...all.map((level) => formatQuantity(level.quantity).length))
  const row = (level: Level, paint: (text: string) => string): string => {
    const price = padStart(formatPrice(level.price), priceColumns)
    const quantity = padStart(formatQuantity(level.quantity), quantityColumns)
    const orders = padStart(count(level.orders), 6)
    return `  ${paint(price)}  ${quantity}  ${colors.dim(orders)}  ${paint(barOf(level.quantity, largest, barColumns))}`.trimEnd()
  }
  const lines = [
    colors.dim(
      `  ${padStart('price', priceColumns)}  ${padStart('quantity', quantityColumns)}  ${padStart('orders', 6)}`,
    ),
  ]
  for (const level of [...asks].reverse()) lines.push(row(level, colors.red))
  lines.push(
    colors.dim(`  ${padEnd(spreadText(picture), priceColumns + quantityColumns + 10)}`).trimEnd(),
  )
  for (const level of bids) lines.push(row(level, colors.green))
  return lines
}

function spreadText({ bids, asks, formatPrice }: DepthPicture): string {
  const [bid] = bids
  const [ask] = asks
  if (bid === undefined && ask === undefined) return '(the book is empty)'
  if (bid === undefined) return '── no bids'
  if (ask === undefined) return '── no asks'
  const spread = ask.price - bid.price
  if (spread < 0) return `── crossed by ${formatPrice(-spread)} (${plural(-spread, 'tick')})`
  if (spread === 0) return '── locked'
  return `── spread ${formatPrice(spread)} (${plural(spread, 'tick')})`
}
