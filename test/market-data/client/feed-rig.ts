/** A feed client at an exchange of the test's own; keeps everything it reports. */
import type { Test } from 'tap'
import { CoinbaseAdapter } from '../../../lib/market-data/adapters/coinbase.js'
import type { FeedClientOptions } from '../../../lib/market-data/client/feed-client-options.js'
import { FeedClient } from '../../../lib/market-data/client/feed-client.js'
import type {
  FeedDelivery,
  FeedGap,
  FeedNotice,
  FeedStateChange,
} from '../../../lib/market-data/client/feed-events.js'
import type { CodedError } from '../../../lib/errors/pinnacle-error.js'
import { startTlsExchange, type TlsExchange, type TlsExchangeOptions } from '../tls-exchange.js'

export interface Rig {
  readonly exchange: TlsExchange
  readonly client: FeedClient
  readonly deliveries: FeedDelivery[]
  /** Frames and notices in the order in which the consumer got them. */
  readonly order: (FeedDelivery | FeedNotice)[]
  readonly states: FeedStateChange[]
  readonly gaps: FeedGap[]
  readonly problems: CodedError[]
}

const limitMs = 20_000

/** Waits for a condition; the error of a vain wait names it. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + limitMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

export type ClientPart = Partial<FeedClientOptions>

export async function startRig(
  t: Test,
  exchangeOptions: TlsExchangeOptions = {},
  clientOptions: ClientPart | ((exchange: TlsExchange) => ClientPart) = {},
): Promise<Rig> {
  const exchange = await startTlsExchange(exchangeOptions)
  const order: (FeedDelivery | FeedNotice)[] = []
  const deliveries: FeedDelivery[] = []
  const own = typeof clientOptions === 'function' ? clientOptions(exchange) : clientOptions
  const client = new FeedClient({
    adapter: () => new CoinbaseAdapter(),
    url: exchange.url,
    ca: exchange.ca,
    pins: [exchange.pin],
    products: ['BTC-USD'],
    channels: ['level2'],
    backoff: { baseMs: 5, capMs: 50 },
    closeTimeoutMs: 1000,
    ...own,
    onFrame: (delivery) => {
      order.push(delivery)
      deliveries.push(delivery)
      return own.onFrame?.(delivery)
    },
    onNotice: (notice) => {
      order.push(notice)
      return own.onNotice?.(notice)
    },
  })
  const states: FeedStateChange[] = []
  const gaps: FeedGap[] = []
  const problems: CodedError[] = []
  client.on('state', (change) => states.push(change))
  client.on('gap', (gap) => gaps.push(gap))
  client.on('problem', (problem) => problems.push(problem))
  t.teardown(async () => {
    await client.close()
    await exchange.close()
  })
  client.start()
  return { exchange, client, deliveries, order, states, gaps, problems }
}

/** States by name, with the code of the reason. */
export function story(states: readonly FeedStateChange[]): string[] {
  return states.map(({ state, reason }) => (reason ? `${state} ${reason.code}` : state))
}

/** Messages of the market that were delivered, in order. */
export function dataOf(deliveries: readonly FeedDelivery[]): string[] {
  return deliveries
    .filter(({ parsed }) => parsed.kind !== 'malformed')
    .filter(
      ({ parsed }) =>
        'channel' in parsed && ['l2_data', 'market_trades', 'ticker'].includes(parsed.channel),
    )
    .map(({ frame }) => frame.text)
}

/** What the exchange sent on one connection (from 1) and a subscriber to data should see. */
export function sentData(exchange: TlsExchange, connection: number): string[] {
  return (exchange.sent[connection - 1] ?? []).filter((text) =>
    /^\{"channel":"(l2_data|market_trades|ticker)"/.test(text),
  )
}
