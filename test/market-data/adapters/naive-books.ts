/** Plain level books: one map per side, by the price's text as a number of ticks. Independent of lib/. */

/** A decimal as an integer multiple of 10^-12. */
function fixed(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(12, '0'))
}

export class NaiveBook {
  readonly bids = new Map<bigint, bigint>()
  readonly asks = new Map<bigint, bigint>()

  clear(): void {
    this.bids.clear()
    this.asks.clear()
  }

  set(isBid: boolean, price: string, size: string): void {
    const side = isBid ? this.bids : this.asks
    const quantity = fixed(size)
    if (quantity === 0n) side.delete(fixed(price))
    else side.set(fixed(price), quantity)
  }

  /** Every level, best first: equal books give equal texts. */
  text(): string {
    const sorted = (side: Map<bigint, bigint>, sign: bigint): string =>
      [...side]
        .sort(([left], [right]) => Number(sign * (left - right)))
        .map(([price, size]) => `${String(price)}x${String(size)}`)
        .join(' ')
    return `${sorted(this.bids, -1n)} | ${sorted(this.asks, 1n)}`
  }
}
