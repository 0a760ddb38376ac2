import type { Instrument } from '../../book/instrument.js'
import { PinnacleRangeError } from '../../errors/pinnacle-error.js'

/** Ticks of an exchange's price. Throws if the instrument can't hold it. */
export function recordedPrice(instrument: Instrument, price: string): number {
  const ticks = instrument.ticks(price)
  if (ticks >= 0 || instrument.signedPrices) return ticks
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_PRICE',
    `${instrument.name} has a price of ${price} and was recorded without signed prices; record it into another ` +
      'directory, with them',
  )
}
