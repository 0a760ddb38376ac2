import type { HistoryProduct, Tick } from '../../../lib/market-data/history/tick.js'

export const product: HistoryProduct = { name: 'BTC-USD', priceScale: 2, quantityScale: 8 }
export const startNs = 1_763_942_400_000_000_000n // 2025-11-24T00:00:00Z

/** The tick of a sequence, always the same. A day has 500 of them. */
export function tickOf(sequence: number): Tick {
  const timeNs = startNs + BigInt(sequence) * 172_800_000_001n
  return {
    sequence,
    timeNs,
    receivedNs: timeNs + 1_234_567n,
    tradeId: `t${String(sequence)}`,
    side: sequence % 3 === 0 ? 1 : 0,
    price: 9_007_199_254_740_991 - (sequence % 97),
    quantity: 1 + ((sequence * 7919) % 100_003),
  }
}

export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}
