/**
 * Encodes the owner of an order. An order id has 128 bits: the upper half is the account, the lower half a
 * number unique to the order. So the journal, the books and every past book name an order's owner, without a
 * lookup.
 */
const half = 64n
const lowerHalf = (1n << half) - 1n

export function orderIdOf(account: number, number: number): bigint {
  return (BigInt(account) << half) | BigInt(number)
}

export function ownerOf(orderId: bigint): number {
  return Number(orderId >> half)
}

export function numberOf(orderId: bigint): number {
  return Number(orderId & lowerHalf)
}
