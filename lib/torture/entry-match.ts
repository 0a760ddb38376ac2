/** Whether a journal entry, as one of the two readers gives it, is the one that the flow has there. */
import type { JournalEntry } from '../journal/entry.js'
import { FlowKind, type FlowOperation } from '../order-flow/flow-operation.js'
import type { PureEntry } from '../pure-reader/segment.js'
import { tortureInstruments, type TortureEvent } from './flow.js'

const shownBytes = 8

/** An entry as plain values; the same for the flow's event and for what was read. */
type Plain = readonly (string | number | bigint)[]

/** '' where the entry is what it must be; otherwise both. `event` undefined: an instrument's definition. */
export function mismatch(
  sequence: number,
  event: TortureEvent | undefined,
  entry: JournalEntry | PureEntry,
): string {
  const expected = event === undefined ? plainInstrument(sequence) : plainEvent(event)
  const found = 'checksum' in entry ? plainPure(entry) : plainEntry(entry)
  const equal =
    expected.length === found.length && expected.every((value, index) => value === found[index])
  if (equal) return ''
  return `entry ${String(sequence)} is [${shown(found)}], not [${shown(expected)}]`
}

/** Payloads by their beginning only. */
function shown(plain: Plain): string {
  const texts = plain.map((value) => {
    if (typeof value !== 'string' || plain[0] !== 'user' || value === 'user') return String(value)
    const begin = Buffer.from(value.slice(0, shownBytes), 'latin1').toString('hex')
    return `${String(value.length)} bytes ${begin}`
  })
  return texts.join(', ')
}

function plainInstrument(sequence: number): Plain {
  const definition = tortureInstruments[sequence - 1]
  if (definition === undefined) return ['nothing']
  return ['instrument', sequence, definition.name]
}

function plainEvent(event: TortureEvent): Plain {
  if (event.kind === 'payload') return ['user', event.userType, latin1(event.bytes)]
  const { operation } = event
  const instrument = operation.instrument + 1
  const timestampNs = BigInt(operation.timestampNs)
  return [instrument, timestampNs, ...plainOperation(operation)]
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
      return ['not part of the flow']
  }
}

function plainEntry(entry: JournalEntry): Plain {
  const place = [entry.instrument, entry.timestampNs] as const
  switch (entry.type) {
    case 'instrument':
      return ['instrument', entry.instrument, entry.name]
    case 'user':
      return ['user', entry.userType, latin1(entry.payload)]
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
    case 'trade':
      return [...place, 'trade', entry.side, entry.price, entry.quantity]
    case 'status':
      return [...place, 'status', entry.status]
    case 'setLevel':
    case 'clear':
    case 'hole':
      return ['not part of the flow']
  }
}

/** As docs/format.md words it. */
function plainPure(entry: PureEntry): Plain {
  if (entry.type >= 0x80) return ['user', entry.type - 0x80, latin1(entry.payload)]
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
      const name = latin1(entry.payload.subarray(0, 32))
      return ['instrument', entry.instrument, name.slice(0, name.indexOf('\0'))]
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
    case 0x41:
      return [...place, 'trade', side, number(2), number(3)]
    case 0x42:
      return [...place, 'status', number(3)]
    default:
      return ['not part of the flow', entry.type]
  }
}

function wide(low: bigint, high: bigint): bigint {
  return low | (high << 64n)
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
