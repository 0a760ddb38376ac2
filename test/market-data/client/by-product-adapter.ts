/** Advanced Trade with numbers by product, like other exchanges: the server's `numbering: 'product'`. */
import { CoinbaseAdapter } from '../../../lib/market-data/adapters/coinbase.js'
import type { FeedAdapter } from '../../../lib/market-data/feed-adapter.js'
import type { ParsedFrame } from '../../../lib/market-data/feed-update.js'

export function byProductAdapter(): FeedAdapter {
  const inner = new CoinbaseAdapter()
  const parse = (frame: string): ParsedFrame => {
    const parsed = inner.parse(frame)
    if (parsed.kind !== 'updates') return parsed
    const number = parsed.sequences[0]?.last ?? 0
    const [update] = parsed.updates
    if (update?.type === 'levels') {
      return { ...parsed, sequences: [{ scope: update.product, first: number, last: number }] }
    }
    const updates = parsed.updates.map((each) =>
      each.type === 'book-snapshot' ? { ...each, sequence: number } : each,
    )
    return { ...parsed, sequences: [], updates }
  }
  return {
    name: 'by product',
    defaultUrl: inner.defaultUrl,
    channels: inner.channels,
    impliedChannels: inner.impliedChannels,
    authenticatedChannels: inner.authenticatedChannels,
    sequenceRule: 'contiguous',
    sequenceRestartsOnConnect: false,
    bookKind: () => inner.bookKind(),
    subscribe: (subscription, signed) => inner.subscribe(subscription, signed),
    unsubscribe: (subscription, signed) => inner.unsubscribe(subscription, signed),
    parse,
  }
}
