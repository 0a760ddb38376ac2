/**
 * Journal entries as one line of text each: what the flow has at a sequence, and what one of the two
 * readers gives there. Equal texts are equal entries; long payloads count by length and hash.
 */
import { createHash } from 'node:crypto'
import type { JournalEntry } from '../entry/entry.js'
import { FlowKind, type FlowOperation } from '../order-flow/flow-operation.js'
import type { PureEntry } from '../pure-reader/segment.js'
import { tortureInstruments, type TortureEvent } from './flow.js'

const hashDigits = 16
const unknown = 'not part of the flow'

type Plain = readonly (string | number | bigint)[]

/** What must be at the sequence; `event` undefined: an instrument's definition. */
export function expectedText(sequence: number, event: TortureEvent | undefined): string {
  return text(event === undefined ? plainInstrument(sequence) : plainEvent(event))
}

/** What a reader gives. */
export function entryText(entry: JournalEntry | PureEntry): string {
  return text('checksum' in entry ? plainPure(entry) : plainEntry(entry))
}

/** '' if the entry is what it must be; otherwise both. */
export function mismatch(
  sequence: number,
  event: TortureEvent | undefined,
  entry: JournalEntry | PureEntry,
): string {
  return textMismatch(sequence, entryText(entry), expectedText(sequence, event))
}

export function textMismatch(sequence: number, found: string, expected: string): string {
  return found === expected ? '' : `entry ${String(sequence)} is [${found}], not [${expected}]`
}

function text(plain: Plain): string {
  return plain.join(', ')
}

function plainInstrument(sequence: number): Plain {
  const definition = tortureInstruments[sequence - 1]
  if (definition === undefined) return ['nothing']
  return ['instrument', sequence, definition.name, definition.kind ?? 'orders']
}

function plainEvent(event: TortureEvent): Plain {
  switch (event.kind) {
    case 'payload':
      return plainUser(event.userType, event.bytes)
    case 'level': {
      const { instrument, timestampNs, side, price, quantity } = event
      return [instrument + 1, BigInt(timestampNs), 'setLevel', side, price, quantity]
    }
    case 'clear':
      return [event.instrument + 1, BigInt(event.timestampNs), 'clear']
    case 'order': {
      const { operation } = event
      const instrument = operation.instrument + 1
      return [instrument, BigInt(operation.timestampNs), ...plainOperation(operation)]
    }
  }
}

function plainOperation(operation: Readonly<FlowOperation>): Plain {
  const { orderId, newOrderId, side, price, quantity } = operation
  switch (operation.kind) {
    case FlowKind.Add:
      return ['add', BigInt(orderId), side, price, quantity]
    case FlowKind.Reduce:
      return ['reduce', BigInt(orderId), quantity]
    case FlowKind.Execute:
      return ['execute', BigInt(orderId), quantity]
    case FlowKind.Cancel:
      return ['cancel', BigInt(orderId)]
    case FlowKind.Replace:
      return ['replace', BigInt(orderId), BigInt(newOrderId), price, quantity]
    case FlowKind.Trade:
      return ['trade', side, price, quantity]
    case FlowKind.Status:
      return ['status', quantity]
    case FlowKind.Clear:
    case FlowKind.Note:
      return [unknown]
  }
}

function plainEntry(entry: JournalEntry): Plain {
  const place = [entry.instrument, entry.timestampNs] as const
  switch (entry.type) {
    case 'instrument':
      return ['instrument', entry.instrument, entry.name, entry.kind]
    case 'user':
      return plainUser(entry.userType, entry.payload)
    case 'add':
      return [...place, 'add', entry.orderId, entry.side, entry.price, entry.quantity]
    case 'reduce':
    case 'execute':
      return [...place, entry.type, entry.orderId, entry.quantity]
    case 'cancel':
      return [...place, 'cancel', entry.orderId]
    case 'replace': {
      const { orderId, newOrderId, price, quantity } = entry
      return [...place, 'replace', orderId, newOrderId, price, quantity]
    }
    case 'setLevel':
      return [...place, 'setLevel', entry.side, entry.price, entry.quantity]
    case 'clear':
      return [...place, 'clear']
    case 'trade':
      return [...place, 'trade', entry.side, entry.price, entry.quantity]
    case 'status':
      return [...place, 'status', entry.status]
    default:
      // A type that later versions have.
      return [unknown, (entry as JournalEntry).type]
  }
}

/** As docs/format.md words it. */
function plainPure(entry: PureEntry): Plain {
  if (entry.type >= 0x80) return plainUser(entry.type - 0x80, entry.payload)
  const view = new DataView(
    entry.payload.buffer,
    entry.payload.byteOffset,
    entry.payload.byteLength,
  )
  const word = (index: number): bigint => view.getBigUint64(index * 8, true)
  const number = (index: number): number => Number(word(index))
  const place = [entry.instrument, entry.timestampNs] as const
  const side = entry.flags & 1
  switch (entry.type) {
    case 0x03: {
      const name = Buffer.from(entry.payload.subarray(0, 32)).toString('latin1')
      const kind = view.getUint32(40, true) === 1 ? 'levels' : 'orders'
      return ['instrument', entry.instrument, name.slice(0, name.indexOf('\0')), kind]
    }
    case 0x11:
      return [...place, 'add', wide(word(0), word(1)), side, number(2), number(3)]
    case 0x12:
      return [...place, 'reduce', wide(word(0), word(1)), number(3)]
    case 0x18:
      return [...place, 'execute', wide(word(0), word(1)), number(3)]
    case 0x14:
      return [...place, 'cancel', wide(word(0), word(1))]
    case 0x21:
      return [...place, 'replace', word(0), word(1), number(2), number(3)]
    case 0x22:
      return [
        ...place,
        'replace',
        wide(word(0), word(1)),
        wide(word(2), word(3)),
        number(4),
        number(5),
      ]
    case 0x24:
      return [...place, 'setLevel', side, number(2), number(3)]
    case 0x28:
      return [...place, 'clear']
    case 0x41:
      return [...place, 'trade', side, number(2), number(3)]
    case 0x42:
      return [...place, 'status', number(3)]
    default:
      return [unknown, entry.type]
  }
}

function plainUser(userType: number, bytes: Uint8Array): Plain {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, hashDigits)
  return ['user', userType, `${String(bytes.length)} bytes`, hash]
}

function wide(low: bigint, high: bigint): bigint {
  return low | (high << 64n)
}
