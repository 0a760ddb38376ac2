/** Candles drawn with characters, as wide and high as there is room. Pure. */
export interface DrawnCandle {
  open: number
  high: number
  low: number
  close: number
  /** Something may be missing in it. */
  gap: boolean
}

export interface CandleChartOptions {
  /** Columns and rows that may be used, axis included. */
  width: number
  height: number
  /** Text of a price on the axis. */
  priceText: (price: number) => string
  /** Texts under the first and the last column. */
  from: string
  to: string
  up: (text: string) => string
  down: (text: string) => string
  dim: (text: string) => string
}

const leastRows = 4
const leastColumns = 8

type Paint = (text: string) => string

interface Cell {
  text: string
  paint: Paint
}

/**
 * The newest candles that fit, oldest on the left; a body of blocks from open to close, a wick from low to high.
 * Each row is split in two, so that bodies end at half rows.
 */
export function candleChart(
  candles: readonly DrawnCandle[],
  options: CandleChartOptions,
): string[] {
  const { priceText, dim } = options
  const rows = Math.max(leastRows, options.height - 2)
  const lowest = Math.min(...candles.map(({ low }) => low))
  const highest = Math.max(...candles.map(({ high }) => high))
  const axisWidth = Math.max(priceText(lowest).length, priceText(highest).length)
  const columns = Math.max(leastColumns, options.width - axisWidth - 2)
  const shown = candles.slice(-columns)
  const low = Math.min(...shown.map((candle) => candle.low))
  const high = Math.max(...shown.map((candle) => candle.high))
  // A flat market is drawn in the middle.
  const span = high > low ? high - low : 1
  const halfRows = rows * 2
  /** Half rows from the bottom, 0 to 2 * rows - 1. */
  const halfRowOf = (price: number): number =>
    high > low
      ? Math.min(halfRows - 1, Math.floor(((price - low) / span) * halfRows))
      : Math.floor(halfRows / 2)
  const drawn = shown.map((candle) => ({
    candle,
    wick: [halfRowOf(candle.low), halfRowOf(candle.high)] as const,
    body: [
      halfRowOf(Math.min(candle.open, candle.close)),
      halfRowOf(Math.max(candle.open, candle.close)),
    ] as const,
  }))
  const lines: string[] = []
  for (let row = rows - 1; row >= 0; row--) {
    const marked = row === rows - 1 || row === 0 || row % 4 === 0
    const price = low + (span * (row + 0.5)) / rows
    const edge = row === rows - 1 ? high : row === 0 ? low : Math.round(price)
    const label = marked ? priceText(edge).padStart(axisWidth) : ' '.repeat(axisWidth)
    const cells = drawn.map(({ candle, wick, body }) => cellOf(row, wick, body, candle, options))
    lines.push(`${dim(`${label} ${marked ? '┤' : '│'}`)}${painted(cells)}`)
  }
  const flags = shown.map(({ gap }) => (gap ? '!' : '─')).join('')
  lines.push(dim(`${' '.repeat(axisWidth)} └${flags}`))
  const room = Math.max(shown.length, options.from.length + options.to.length + 1)
  const times = options.from.padEnd(room - options.to.length) + options.to
  lines.push(dim(`${' '.repeat(axisWidth + 2)}${times}`))
  return lines
}

function cellOf(
  row: number,
  wick: readonly [number, number],
  body: readonly [number, number],
  candle: DrawnCandle,
  { up, down }: CandleChartOptions,
): Cell {
  const paint = candle.close >= candle.open ? up : down
  const bottom = row * 2
  const isIn = ([from, to]: readonly [number, number], half: number): boolean =>
    half >= from && half <= to
  const lowerBody = isIn(body, bottom)
  const upperBody = isIn(body, bottom + 1)
  if (lowerBody && upperBody) return { text: '█', paint }
  if (lowerBody) return { text: '▄', paint }
  if (upperBody) return { text: '▀', paint }
  const lowerWick = isIn(wick, bottom)
  const upperWick = isIn(wick, bottom + 1)
  if (lowerWick && upperWick) return { text: '│', paint }
  if (lowerWick) return { text: '╷', paint }
  if (upperWick) return { text: '╵', paint }
  return { text: ' ', paint: (text) => text }
}

/** Colours once for neighbours of the same, or a line would be mostly escapes. */
function painted(cells: readonly Cell[]): string {
  let line = ''
  let run = ''
  let paint: Paint | undefined
  for (const cell of cells) {
    if (paint !== undefined && cell.paint !== paint && cell.text !== ' ') {
      line += paint(run)
      run = ''
      paint = undefined
    }
    if (cell.text !== ' ') paint ??= cell.paint
    run += cell.text
  }
  return line + (paint ? paint(run) : run)
}
