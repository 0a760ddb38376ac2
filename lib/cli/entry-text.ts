/** A journal entry as a row of a table and as JSON. Pure. */
import type { InstrumentDefinition } from '../book/instrument.js'
import { formatDecimal } from '../decimal/decimal.js'
import type { HoleEntry, JournalEntry, TransactionPlace } from '../entry/entry.js'
import type { EntryCells, Scaled } from './entry-cells.js'
import { printable } from './text.js'
import { userCells } from './user-entry-text.js'

export type Instruments = ReadonlyMap<number, InstrumentDefinition>

/** Columns of the table; the widths fit what is usual, longer cells push the rest. */
const columns = [
  ['sequence', 12, 'right'],
  ['', 1, 'left'], // a bracket around the entries of a transaction
  ['timestamp', 20, 'right'],
  ['instrument', 12, 'left'],
  ['type', 10, 'left'],
  ['side', 4, 'left'],
  ['price', 14, 'right'],
  ['quantity', 12, 'right'],
  ['detail', 0, 'left'],
] as const

const brackets: Readonly<Record<TransactionPlace, string>> = { first: '┌', middle: '│', last: '└' }

export function tableHead(): string {
  return row(columns.map(([name]) => name))
}

export function tableRow(entry: JournalEntry, instruments: Instruments): string {
  const definition = instruments.get(entry.instrument)
  const name = entry.instrument === 0 ? '' : (definition?.name ?? `#${String(entry.instrument)}`)
  const cells = cellsOf(entry, definition)
  return row([
    String(entry.sequence),
    entry.transaction === undefined ? '' : brackets[entry.transaction],
    String(entry.timestampNs),
    printable(name),
    entry.type,
    cells.side,
    cells.price,
    cells.quantity,
    printable(cells.detail),
  ])
}

function cellsOf(entry: JournalEntry, definition: InstrumentDefinition | undefined): EntryCells {
  const scaled: Scaled = {
    price: (ticks) => decimal(ticks, definition?.priceScale),
    quantity: (lots) => decimal(lots, definition?.quantityScale),
  }
  const cells: EntryCells = { side: '', price: '', quantity: '', detail: '' }
  if ('side' in entry) cells.side = entry.side === 0 ? 'buy' : 'sell'
  if ('price' in entry) cells.price = scaled.price(entry.price)
  if ('quantity' in entry) cells.quantity = scaled.quantity(entry.quantity)
  switch (entry.type) {
    case 'instrument':
      cells.detail = `${entry.name}: prices of ${String(entry.priceScale)} decimals, quantities of ${String(entry.quantityScale)}, ${entry.kind}${entry.signedPrices ? ', signed prices' : ''}`
      break
    case 'replace':
      cells.detail = `order ${String(entry.orderId)} -> ${String(entry.newOrderId)}`
      break
    case 'add':
    case 'reduce':
    case 'cancel':
    case 'execute':
      cells.detail = `order ${String(entry.orderId)}`
      break
    case 'status':
      cells.detail = `status ${String(entry.status)}`
      break
    case 'hole':
      cells.detail = holeText(entry)
      break
    case 'user':
      return { ...cells, ...userCells(entry.userType, entry.payload, scaled) }
    case 'setLevel':
    case 'clear':
    case 'trade':
      break
  }
  return cells
}

function decimal(value: number, scale: number | undefined): string {
  return scale === undefined ? String(value) : formatDecimal(value, scale)
}

function holeText({
  firstSequence,
  sequence,
  snapshotSequence,
  entriesLeftOut,
}: HoleEntry): string {
  const lost = `entries ${String(firstSequence)} to ${String(sequence)} are lost`
  const leftOut =
    entriesLeftOut === 0
      ? ''
      : `, ${String(entriesLeftOut)} of them intact but refused by the books`
  const snapshot =
    snapshotSequence === 0 ? '' : `; up to ${String(snapshotSequence)} a snapshot has their effect`
  return lost + leftOut + snapshot
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => {
      const [, width, side] = columns[index] ?? ['', 0, 'left']
      return side === 'right' ? cell.padStart(width) : cell.padEnd(width)
    })
    .join('  ')
    .trimEnd()
}

/** The entry as an object for JSON lines: integers as numbers, wide ones as strings, bytes as base64. */
export function entryObject(
  entry: JournalEntry,
  instruments: Instruments,
): Record<string, unknown> {
  const definition = instruments.get(entry.instrument)
  const object: Record<string, unknown> = { ...entry }
  if (definition !== undefined && entry.type !== 'instrument')
    object['instrumentName'] = definition.name
  return object
}
