/**
 * The history of a journal's calls and promises: every appended entry with its content, the snapshots taken,
 * and the durable acknowledgements. The campaign records it while it writes the directory, and never reads it
 * back from one.
 */
import { createHash } from 'node:crypto'
import type { BookKind, InstrumentDefinition, JournalEntry, Side } from '../../lib/index.js'

export type Operation =
  | { kind: 'instrument'; name: string; priceScale: number; quantityScale: number; book: BookKind }
  | { kind: 'add'; orderId: bigint; side: Side; price: number; quantity: number }
  | { kind: 'reduce'; orderId: bigint; quantity: number }
  | { kind: 'execute'; orderId: bigint; quantity: number }
  | { kind: 'cancel'; orderId: bigint }
  | { kind: 'replace'; orderId: bigint; newOrderId: bigint; price: number; quantity: number }
  | { kind: 'setLevel'; side: Side; price: number; quantity: number }
  | { kind: 'clear' }
  | { kind: 'trade'; side: Side; price: number; quantity: number }
  | { kind: 'status'; status: number }
  | { kind: 'user'; userType: number; payload: Uint8Array }

export interface Entry {
  sequence: number
  /** 0: it belongs to no instrument. */
  instrument: number
  /** The caller's time; null: none, so any time is right. */
  timestampNs: bigint | null
  operation: Operation
}

export interface TakenSnapshot {
  sequence: number
  /** Whether it contains a state machine's state. */
  hasState: boolean
}

/** One line of history. A copy that is continued separately gets its own history. */
export interface History {
  entries: Entry[]
  /** The highest sequence for which durable(), snapshot() or close() resolved. */
  acknowledged: number
  snapshots: TakenSnapshot[]
}

export function newHistory(): History {
  return { entries: [], acknowledged: 0, snapshots: [] }
}

/** For a copy of the directory: only the copy's history gets later entries. */
export function forkHistory(history: History): History {
  return {
    entries: [...history.entries],
    acknowledged: history.acknowledged,
    snapshots: [...history.snapshots],
  }
}

export function instrumentOperation(definition: InstrumentDefinition): Operation {
  const { name, priceScale, quantityScale, kind = 'orders' } = definition
  return { kind: 'instrument', name, priceScale, quantityScale, book: kind }
}

/** How the read entry differs from the appended one; '' if they agree. */
export function difference(read: JournalEntry, entry: Entry | undefined): string {
  if (entry === undefined) return `entry ${String(read.sequence)} was never appended`
  const found = textOf(
    read,
    entry.timestampNs === null ? null : read.timestampNs,
    operationOf(read),
  )
  const wanted = textOf(entry, entry.timestampNs, entry.operation)
  return found === wanted
    ? ''
    : `entry ${String(read.sequence)} reads ${found} instead of ${wanted}`
}

/** A line of text with all of an entry's content. */
function textOf(
  { sequence, instrument }: { sequence: number; instrument: number },
  timestampNs: bigint | null,
  operation: Operation,
): string {
  const time = timestampNs === null ? 'any time' : String(timestampNs)
  return `${String(sequence)} i${String(instrument)} ${time} ${textOfOperation(operation)}`
}

function textOfOperation(operation: Operation): string {
  return Object.entries(operation)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        `${name}=${value instanceof Uint8Array ? shortened(value) : String(value)}`,
    )
    .sort()
    .join(' ')
}

function operationOf(read: JournalEntry): Operation {
  switch (read.type) {
    case 'instrument': {
      const { name, priceScale, quantityScale, kind } = read
      return { kind: 'instrument', name, priceScale, quantityScale, book: kind }
    }
    case 'add': {
      const { orderId, side, price, quantity } = read
      return { kind: 'add', orderId, side, price, quantity }
    }
    case 'reduce':
    case 'execute':
      return { kind: read.type, orderId: read.orderId, quantity: read.quantity }
    case 'cancel':
      return { kind: 'cancel', orderId: read.orderId }
    case 'replace': {
      const { orderId, newOrderId, price, quantity } = read
      return { kind: 'replace', orderId, newOrderId, price, quantity }
    }
    case 'setLevel':
    case 'trade':
      return { kind: read.type, side: read.side, price: read.price, quantity: read.quantity }
    case 'clear':
      return { kind: 'clear' }
    case 'status':
      return { kind: 'status', status: read.status }
    case 'user':
      return { kind: 'user', userType: read.userType, payload: read.payload }
    case 'hole':
      throw new Error(`entry ${String(read.sequence)} is a hole, which nobody appends`)
  }
}

/** Long payloads by their digest. */
function shortened(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  if (text.length <= 64) return text
  return `${String(bytes.length)} bytes ${createHash('sha1').update(bytes).digest('hex')}`
}
