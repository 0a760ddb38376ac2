/**
 * The exchange's own entries. Each has 32 bytes at most, so it takes one line of the journal. Their instrument is in
 * the entry itself (`entry.instrument`), as it is for the operations of a book.
 */
import { Side, type UserEntry } from 'pinnacle-persistence'
import { numberOf, orderIdOf, ownerOf } from './order-id.js'

export const EntryKind = { order: 1, fill: 2 } as const

/** An order that was accepted: the first entry of its transaction. */
export interface OrderAccepted {
  orderId: bigint
  side: Side
  price: number
  quantity: number
}

/** The incoming order's half of a trade. The resting order's half is the `execute` right before it. */
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
  // A payload is a view that may begin anywhere, so it is copied to where numbers may lie.
  return [...new Float64Array(payload.slice().buffer)]
}
