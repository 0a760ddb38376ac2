/**
 * Entries out of verified bytes, as native/journal/format.h lays them out. The bytes come from the native
 * reader, which has checked lengths and checksums; what is checked here is only what this version can't
 * know: types that a newer one may write.
 */
import { EntryType } from '../native/binding.js'
import { PinnacleError } from '../errors/pinnacle-error.js'
import type { Side } from '../book/side.js'
import type { EntryBase, JournalEntry, TransactionPlace } from './entry.js'

const lineBytes = 64
const headerBytes = 24
const trailerBytes = 8
const flagSell = 0x01
const flagGivenTime = 0x02
const flagContinues = 0x04
const flagMoreFollows = 0x08
const transactionFlags = flagContinues | flagMoreFollows
const instrumentNameBytes = 32
const signedPricesFlag = 1

const utf8 = new TextDecoder()

/** Calls `visit` for every entry in `bytes`, in order. */
export function decodeEntries(bytes: Uint8Array, visit: (entry: JournalEntry) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let offset = 0
  while (offset < bytes.byteLength) {
    const payloadBytes = bytes.byteLength - offset < lineBytes ? -1 : view.getUint32(offset, true)
    const end = offset + entryBytes(payloadBytes)
    if (payloadBytes < 0 || end > bytes.byteLength) {
      throw new PinnacleError(
        'ERR_PINNACLE_CORRUPT',
        `an entry at byte ${String(offset)} of ${String(bytes.byteLength)} is cut off; run "pinnacle verify"`,
        { details: { offset, bytes: bytes.byteLength } },
      )
    }
    const entry = decodeEntry(bytes, view, offset, payloadBytes)
    const flags = view.getUint8(offset + 7) & transactionFlags
    // (The last of its keys, as in what a state machine is given live.)
    if (flags !== 0) entry.transaction = placeOf(flags)
    visit(entry)
    offset = end
  }
}

/** Bytes that an entry with this payload takes in the journal. */
export function entryBytes(payloadBytes: number): number {
  return Math.ceil((payloadBytes + headerBytes + trailerBytes) / lineBytes) * lineBytes
}

// eslint-disable-next-line max-lines-per-function -- a table: the fields of each type of entry
function decodeEntry(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  payloadBytes: number,
): JournalEntry {
  const instrument = view.getUint16(offset + 4, true)
  const type = view.getUint8(offset + 6)
  const flags = view.getUint8(offset + 7)
  const sequence = safeInteger(view, offset + 8)
  const timestampNs = view.getBigUint64(offset + 16, true)
  const givenTime = (flags & flagGivenTime) !== 0
  const side: Side = (flags & flagSell) === 0 ? 0 : 1
  const payload = offset + headerBytes
  const base: EntryBase = { sequence, timestampNs, instrument, givenTime }
  if (type >= EntryType.FirstUserType) {
    // A copy, so that one small payload does not keep the whole chunk alive (a Buffer's slice is not a copy).
    const copy = new Uint8Array(bytes.subarray(payload, payload + payloadBytes))
    return { type: 'user', ...base, userType: type - EntryType.FirstUserType, payload: copy }
  }
  switch (type) {
    case EntryType.Add:
      return {
        type: 'add',
        ...base,
        orderId: wideId(view, payload),
        side,
        price: priceAt(view, payload + 16),
        quantity: safeInteger(view, payload + 24),
      }
    case EntryType.Reduce:
      return {
        type: 'reduce',
        ...base,
        orderId: wideId(view, payload),
        quantity: safeInteger(view, payload + 24),
      }
    case EntryType.Cancel:
      return { type: 'cancel', ...base, orderId: wideId(view, payload) }
    case EntryType.Execute:
      return {
        type: 'execute',
        ...base,
        orderId: wideId(view, payload),
        quantity: safeInteger(view, payload + 24),
      }
    case EntryType.Replace:
      return {
        type: 'replace',
        ...base,
        orderId: view.getBigUint64(payload, true),
        newOrderId: view.getBigUint64(payload + 8, true),
        price: priceAt(view, payload + 16),
        quantity: safeInteger(view, payload + 24),
      }
    case EntryType.ReplaceWide:
      return {
        type: 'replace',
        ...base,
        orderId: wideId(view, payload),
        newOrderId: wideId(view, payload + 16),
        price: priceAt(view, payload + 32),
        quantity: safeInteger(view, payload + 40),
      }
    case EntryType.SetLevel:
    case EntryType.Trade:
      return {
        type: type === EntryType.Trade ? 'trade' : 'setLevel',
        ...base,
        side,
        price: priceAt(view, payload + 16),
        quantity: safeInteger(view, payload + 24),
      }
    case EntryType.Clear:
      return { type: 'clear', ...base }
    case EntryType.Status:
      return { type: 'status', ...base, status: safeInteger(view, payload + 24) }
    case EntryType.Hole:
      return {
        type: 'hole',
        ...base,
        firstSequence: safeInteger(view, payload),
        snapshotSequence: safeInteger(view, payload + 8),
        entriesLeftOut: safeInteger(view, payload + 16),
      }
    case EntryType.Instrument:
      return {
        type: 'instrument',
        ...base,
        name: instrumentName(bytes, payload),
        priceScale: view.getUint32(payload + instrumentNameBytes, true),
        quantityScale: view.getUint32(payload + instrumentNameBytes + 4, true),
        kind: view.getUint32(payload + instrumentNameBytes + 8, true) === 1 ? 'levels' : 'orders',
        ...signedPricesOf(view.getUint32(payload + instrumentNameBytes + 12, true)),
      }
    default:
      throw new PinnacleError(
        'ERR_PINNACLE_NEWER_VERSION',
        `entry ${String(sequence)} is of type 0x${type.toString(16)}, which this version does not know; a ` +
          'newer version of pinnacle-persistence wrote it, read it with that one',
        { details: { sequence, type } },
      )
  }
}

function placeOf(flags: number): TransactionPlace {
  if ((flags & flagContinues) === 0) return 'first'
  return (flags & flagMoreFollows) === 0 ? 'last' : 'middle'
}

/** Two halves make a number without a BigInt in between; the format keeps values below 2^53. */
function safeInteger(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32
}

/** The same for a price, which may be negative. */
function priceAt(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getInt32(offset + 4, true) * 2 ** 32
}

function signedPricesOf(flags: number): { signedPrices?: true } {
  return (flags & signedPricesFlag) === 0 ? {} : { signedPrices: true }
}

function wideId(view: DataView, offset: number): bigint {
  const low = view.getBigUint64(offset, true)
  const high = view.getBigUint64(offset + 8, true)
  return high === 0n ? low : (high << 64n) | low
}

function instrumentName(bytes: Uint8Array, offset: number): string {
  let end = offset
  while (end < offset + instrumentNameBytes && bytes[end] !== 0) end++
  return utf8.decode(bytes.subarray(offset, end))
}
