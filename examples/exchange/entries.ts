/**
 * The exchange's own entries. Each has at most 32 bytes, so it takes one line of the journal. The entry
 * itself names the instrument (`entry.instrument`), as the operations of a book do.
 */
import { Side, type UserEntry } from 'pinnacle-persistence'
import { numberOf, orderIdOf, ownerOf } from './order-id.js'

export const EntryKind = { order: 1, fill: 2 } as const

/** An accepted order: the first entry of its transaction. */
export interface OrderAccepted {
  orderId: bigint
  side: Side
  price: number
  quantity: number
}

/** The incoming order's half of a trade. The `execute` right before it is the resting order's half. */
export interface Fill {
  taker: number
  side: Side
  price: number
  quantity: number
}

/** A sale is a negative quantity. */
const signed = (side: Side, quantity: number): number => (side === Side.Sell ? -quantity : quantity)
const sideOf = (quantity: number): Side => (quantity < 0 ? Side.Sell : Side.Buy)

export function encodeOrder({ orderId, side, price, quantity }: OrderAccepted): Uint8Array {
  return encode([ownerOf(orderId), numberOf(orderId), price, signed(side, quantity)])
}

export function decodeOrder({ payload }: UserEntry): OrderAccepted {
  const [owner = 0, number = 0, price = 0, quantity = 0] = decode(payload)
  const orderId = orderIdOf(owner, number)
  return { orderId, side: sideOf(quantity), price, quantity: Math.abs(quantity) }
}

export function encodeFill({ taker, side, price, quantity }: Fill): Uint8Array {
  return encode([taker, price, signed(side, quantity)])
}

export function decodeFill({ payload }: UserEntry): Fill {
  const [taker = 0, price = 0, quantity = 0] = decode(payload)
  return { taker, side: sideOf(quantity), price, quantity: Math.abs(quantity) }
}

function encode(numbers: readonly number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(numbers).buffer)
}

function decode(payload: Uint8Array): number[] {
  // A payload is a view that may begin at any offset, so it is copied to an aligned one.
  return [...new Float64Array(payload.slice().buffer)]
}
