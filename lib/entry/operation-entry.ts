/** A book operation's entry, made of the lanes that it was staged in: the same that the journal would give back. */
import { EntryType, Staging } from '../native/binding.js'
import type { Side } from '../book/side.js'
import type { OperationEntry } from './entry.js'

/**
 * `at`: the operation's first lane. Its timestamp lane holds the entry's time as a raw word; `givenTime` says whether
 * the caller gave that.
 */
export function operationEntryOf(
  lanes: Float64Array,
  words: BigUint64Array,
  at: number,
  sequence: number,
  givenTime: boolean,
): OperationEntry {
  // (The journal has no negative zero; adding zero makes it a plain one.)
  const lane = (index: number): number => (lanes[at + index] as number) + 0
  const kind = lane(Staging.kind)
  const wide = (kind & Staging.rawIds) !== 0
  const id = (low: number, high: number): bigint =>
    wide
      ? ((words[at + high] as bigint) << 64n) | (words[at + low] as bigint)
      : BigInt(lanes[at + low] as number)
  const base = {
    sequence,
    timestampNs: words[at + Staging.timestamp] as bigint,
    instrument: lane(Staging.instrument),
    givenTime,
  }
  const orderId = (): bigint => id(Staging.orderId, Staging.orderIdHigh)
  const side = (): Side => (lane(Staging.side) === 1 ? 1 : 0)
  const price = lane(Staging.price)
  const quantity = lane(Staging.quantity)
  switch (kind & 0xff) {
    case EntryType.Add:
      return { type: 'add', ...base, orderId: orderId(), side: side(), price, quantity }
    case EntryType.Reduce:
      return { type: 'reduce', ...base, orderId: orderId(), quantity }
    case EntryType.Cancel:
      return { type: 'cancel', ...base, orderId: orderId() }
    case EntryType.Execute:
      return { type: 'execute', ...base, orderId: orderId(), quantity }
    case EntryType.Replace: {
      const newOrderId = id(Staging.newOrderId, Staging.newOrderIdHigh)
      return { type: 'replace', ...base, orderId: orderId(), newOrderId, price, quantity }
    }
    case EntryType.SetLevel:
      return { type: 'setLevel', ...base, side: side(), price, quantity }
    case EntryType.Trade:
      return { type: 'trade', ...base, side: side(), price, quantity }
    case EntryType.Clear:
      return { type: 'clear', ...base }
    default:
      return { type: 'status', ...base, status: quantity }
  }
}
