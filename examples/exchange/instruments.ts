/**
 * The traded instruments. Every price has 2 decimals and every quantity 3: one lot times one tick is 0.00001
 * USD.
 */
import type { InstrumentDefinition } from 'pinnacle-persistence'

export const symbols = ['BTC-USD', 'ETH-USD', 'SOL-USD'] as const
export type Symbol = (typeof symbols)[number]

export const instruments: InstrumentDefinition[] = symbols.map((name) => ({
  name,
  priceScale: 2,
  quantityScale: 3,
}))
