/** The numbers of a ticker that an exchange may omit: the best bid and ask, and the day's volume. */
import type { TickerUpdate } from '../feed-update.js'
import { optionalDecimalOf, optionalPriceOf, type JsonObject } from './frame-checks.js'

/** The names under which an exchange sends them. */
export type TickerFields = Readonly<
  Record<'bidPrice' | 'bidSize' | 'askPrice' | 'askSize' | 'volume', string>
>

/** Fills in the fields that the message has; others stay absent. */
export function readTickerNumbers(
  message: JsonObject,
  fields: TickerFields,
  update: TickerUpdate,
): void {
  const bidPrice = optionalPriceOf(message[fields.bidPrice], fields.bidPrice)
  if (bidPrice !== undefined) update.bidPrice = bidPrice
  const bidSize = optionalDecimalOf(message[fields.bidSize], fields.bidSize)
  if (bidSize !== undefined) update.bidSize = bidSize
  const askPrice = optionalPriceOf(message[fields.askPrice], fields.askPrice)
  if (askPrice !== undefined) update.askPrice = askPrice
  const askSize = optionalDecimalOf(message[fields.askSize], fields.askSize)
  if (askSize !== undefined) update.askSize = askSize
  const volume = optionalDecimalOf(message[fields.volume], fields.volume)
  if (volume !== undefined) update.volume = volume
}
