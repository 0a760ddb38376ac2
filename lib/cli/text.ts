/** Numbers, sizes and durations as people read them. Pure. */

export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function bytes(value: number): string {
  let amount = value
  let unit = 0
  while (amount >= 1024 && unit < byteUnits.length - 1) {
    amount /= 1024
    unit++
  }
  return `${unit === 0 ? String(amount) : significant(amount)} ${byteUnits[unit] ?? 'B'}`
}

export function nanoseconds(value: number): string {
  if (value < 1_000) return `${String(Math.round(value))} ns`
  if (value < 1_000_000) return `${significant(value / 1_000)} µs`
  if (value < 1_000_000_000) return `${significant(value / 1_000_000)} ms`
  return seconds(value / 1_000_000_000)
}

export function milliseconds(value: number): string {
  return nanoseconds(value * 1e6)
}

function seconds(value: number): string {
  if (value < 60) return `${significant(value)} s`
  const whole = Math.round(value)
  const minutes = Math.floor(whole / 60)
  const rest = String(whole % 60).padStart(2, '0')
  if (minutes < 60) return `${String(minutes)}m ${rest}s`
  return `${String(Math.floor(minutes / 60))}h ${String(minutes % 60).padStart(2, '0')}m`
}

/** Events a second. */
export function rate(events: number, milliseconds: number): string {
  const perSecond = milliseconds <= 0 ? 0 : (events / milliseconds) * 1000
  if (perSecond >= 1e6) return `${significant(perSecond / 1e6)} M/s`
  if (perSecond >= 1e4) return `${significant(perSecond / 1e3)} k/s`
  return `${significant(perSecond)}/s`
}

/** Three digits that count. */
function significant(value: number): string {
  if (value >= 100) return String(Math.round(value))
  if (value >= 10) return value.toFixed(1)
  return value.toFixed(2)
}

export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`
}

// Escape sequences and whatever else takes no column.
// eslint-disable-next-line no-control-regex
const invisible = /\u001b\[[0-9;]*m/g

export function width(text: string): number {
  return [...text.replace(invisible, '')].length
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)))
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - width(text))) + text
}

/** Lines of a table. `align` has one letter a column: l or r. */
export function table(rows: readonly (readonly string[])[], align: string): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, width(cell))
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) =>
        align[column] === 'r'
          ? padStart(cell, widths[column] ?? 0)
          : padEnd(cell, widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}

/** Control characters must not reach a terminal from a file. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·')
}
