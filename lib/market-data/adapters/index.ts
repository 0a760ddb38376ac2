/** The supported exchanges. To add one, write an adapter and name it here. */
import { PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { didYouMean } from '../../errors/likely-spelling.js'
import { shown } from '../../errors/shown.js'
import type { FeedAdapter } from '../feed-adapter.js'
import { AdapterCode } from './adapter-error.js'
import { BinanceAdapter } from './binance.js'
import { CoinbaseExchangeAdapter } from './coinbase-exchange.js'
import { CoinbaseAdapter } from './coinbase.js'
import { KrakenAdapter } from './kraken.js'

const adapters: ReadonlyMap<string, () => FeedAdapter> = new Map([
  ['coinbase', (): FeedAdapter => new CoinbaseAdapter()],
  ['coinbase-exchange', (): FeedAdapter => new CoinbaseExchangeAdapter()],
  ['kraken', (): FeedAdapter => new KrakenAdapter()],
  ['binance', (): FeedAdapter => new BinanceAdapter()],
])

/** Names that adapterByName accepts. */
export const exchangeNames: readonly string[] = [...adapters.keys()]

/** A new adapter of the exchange. Each connection has its own: an adapter may remember its subscriptions. */
export function adapterByName(exchange: string): FeedAdapter {
  const make = adapters.get(exchange)
  if (make) return make()
  const hint = typeof exchange === 'string' ? didYouMean(exchange, exchangeNames) : ''
  throw new PinnacleTypeError(
    AdapterCode.UnknownExchange,
    `there is no adapter for the exchange ${shown(exchange)}; known are ${exchangeNames.join(', ')}${hint}`,
    { details: { exchange, known: exchangeNames } },
  )
}
