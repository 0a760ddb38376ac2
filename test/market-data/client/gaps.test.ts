// Missing, repeated and late numbers: what is reported, what is repaired, and that the books are right in the
// end.
import t from 'tap'
import { CoinbaseAdapter } from '../../../lib/market-data/adapters/coinbase.js'
import type { FeedDelivery } from '../../../lib/market-data/client/feed-events.js'
import type { FeedAdapter } from '../../../lib/market-data/feed-adapter.js'
import { ExchangeMarket } from '../exchange-market.js'
import type { TlsExchange } from '../tls-exchange.js'
import { byProductAdapter } from './by-product-adapter.js'
import { startRig, story, until, type Rig } from './feed-rig.js'
import { booksOf, sorted } from './level-books.js'

const products = ['BTC-USD', 'ETH-USD']

/** Stops the market and waits until everything sent has arrived. */
async function settle({ exchange, deliveries, client }: Rig): Promise<void> {
  exchange.stopMarket()
  await until('a quiet feed', () => exchange.unsentBytes === 0)
  let before = -1
  await until('the last message', () => {
    const now = deliveries.filter(({ parsed }) => hasData(parsed)).length
    const isLast = now === before && client.state === 'subscribed'
    before = now
    return isLast
  })
}

function hasData(parsed: FeedDelivery['parsed']): boolean {
  return 'channel' in parsed && parsed.channel === 'l2_data'
}

function numbersOf(deliveries: readonly FeedDelivery[], connection: number): number[] {
  return deliveries
    .filter(({ frame }) => frame.connection === connection)
    .map(({ parsed }) => ('sequences' in parsed ? (parsed.sequences[0]?.last ?? -1) : -1))
}

t.test('books equal the exchange’s after gaps, losses and repetitions', async (t) => {
  const market = new ExchangeMarket(products)
  const rig = await startRig(
    t,
    {
      market,
      burst: 3,
      faults: [
        { connection: 1, before: 40, what: 'duplicate' },
        { connection: 1, before: 80, what: 'skip' },
        { connection: 2, before: 30, what: 'drop' },
        { connection: 3, before: 50, what: 'skip' },
        { connection: 4, before: 20, what: 'late' },
        { connection: 5, before: 25, what: 'duplicate' },
        { connection: 5, before: 60, what: 'close' },
      ],
    },
    { products, channels: ['level2', 'market_trades'] },
  )
  const { client, exchange, deliveries, states, gaps, order } = rig
  await until('the sixth connection', () => exchange.connections === 6)
  await until('some of its data', () => numbersOf(deliveries, 6).length > 50)
  await settle(rig)

  const books = booksOf(deliveries)
  for (const product of products) {
    t.ok(market.book(product).size > 20)
    t.same(sorted(books.get(product)), sorted(market.book(product)), product)
  }
  const sequenceGaps = gaps.filter(({ reason }) => reason === 'sequence')
  t.equal(sequenceGaps.length, 3)
  for (const gap of sequenceGaps) {
    t.equal(gap.scope, '')
    t.equal(gap.firstMissed, gap.lastMissed)
    const after = order.slice(order.indexOf(gap) + 1)
    const next = after.find((item) => 'frame' in item)
    t.match(next?.parsed, { sequences: [{ last: (gap.lastMissed ?? 0) + 1 }] }, 'reported in front')
  }
  t.same(story(states.filter(({ state }) => state === 'lost')), [
    'lost ERR_PINNACLE_FEED_GAP',
    'lost ERR_PINNACLE_FEED_LOST',
    'lost ERR_PINNACLE_FEED_GAP',
    'lost ERR_PINNACLE_FEED_GAP',
    'lost ERR_PINNACLE_FEED_LOST',
  ])
  t.equal(gaps.filter(({ reason }) => reason === 'disconnected').length, 5)
  const stats = client.stats()
  t.match(stats, { gaps: 3, missed: 3, duplicates: 2, malformed: 0, dropped: 0, reconnects: 5 })
  for (let connection = 1; connection <= 6; ++connection) {
    const numbers = numbersOf(deliveries, connection)
    t.same(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
      'ascending, and each once',
    )
  }
})

function requestsBehind(exchange: TlsExchange, count: number): string[] {
  return exchange.received
    .slice(count)
    .map(({ message }) => [message['type'], message['channel'], message['product_ids']].join(' '))
}

t.test('a gap of one product is repaired by its snapshot, on the same connection', async (t) => {
  const market = new ExchangeMarket(products)
  const rig = await startRig(
    t,
    {
      market,
      numbering: 'product',
      faults: [
        { before: 60, what: 'duplicate' },
        { before: 100, what: 'skip' },
      ],
    },
    { adapter: byProductAdapter, products, channels: ['level2'] },
  )
  const { client, exchange, deliveries, gaps } = rig
  await until('subscribed', () => client.state === 'subscribed')
  const asked = exchange.received.length
  await until('a gap', () => gaps.length > 0)
  await until('the requests', () => exchange.received.length >= asked + 2)
  const seen = deliveries.length
  await until('more data', () => deliveries.length > seen + 100)
  await settle(rig)

  const [gap] = gaps
  t.equal(gaps.length, 1)
  t.match(gap, { reason: 'sequence', connection: 1 })
  t.ok(products.includes(gap?.scope ?? ''))
  t.same(requestsBehind(exchange, asked), [
    `unsubscribe level2 ${String(gap?.scope)}`,
    `subscribe level2 ${String(gap?.scope)}`,
  ])
  t.equal(exchange.connections, 1)
  const books = booksOf(deliveries)
  for (const product of products) {
    t.same(sorted(books.get(product)), sorted(market.book(product)), product)
  }
  t.match(client.stats(), { gaps: 1, missed: 1, duplicates: 1, outOfOrder: 0 })
})

t.test('what comes late is counted and not delivered: its snapshot has it', async (t) => {
  const market = new ExchangeMarket(['BTC-USD'])
  const rig = await startRig(
    t,
    { market, numbering: 'product', faults: [{ before: 50, what: 'late' }] },
    { adapter: byProductAdapter, channels: ['level2'] },
  )
  const { client, exchange, deliveries, gaps } = rig
  await until('the late one', () => client.stats().outOfOrder === 1)
  const seen = deliveries.length
  await until('more data', () => deliveries.length > seen + 50)
  await settle(rig)
  t.match(client.stats(), { gaps: 1, missed: 1, outOfOrder: 1, duplicates: 0 })
  const missed = gaps[0]?.firstMissed
  t.notOk(numbersOf(deliveries, 1).includes(missed ?? 0))
  t.ok(exchange.sent[0]?.some((text) => text.includes(`"sequence_num":${String(missed)},`)))
  t.same(sorted(booksOf(deliveries).get('BTC-USD')), sorted(market.book('BTC-USD')))
})

t.test('numbers that go on across connections show exactly what a loss left out', async (t) => {
  const market = new ExchangeMarket(['BTC-USD'])
  const rig = await startRig(
    t,
    { market, numbering: 'product', faults: [{ connection: 1, before: 50, what: 'drop' }] },
    {
      adapter: byProductAdapter,
      channels: ['level2'],
      backoff: { baseMs: 40, capMs: 40 },
      random: () => 0.99,
    },
  )
  const { client, deliveries, gaps, exchange } = rig
  await until('both gaps', () => exchange.connections === 2 && gaps.length >= 1)
  const seen = deliveries.length
  await until('more data', () => deliveries.length > seen + 50)
  await settle(rig)
  t.match(gaps[0], { reason: 'disconnected', scope: '' })
  t.same(sorted(booksOf(deliveries).get('BTC-USD')), sorted(market.book('BTC-USD')))
  t.equal(client.stats().malformed, 0)
})

t.test('a consumer that finds a book wrong gets its snapshot, or everything again', async (t) => {
  const market = new ExchangeMarket(products)
  const rig = await startRig(t, { market }, { products, channels: ['level2'] })
  const { client, exchange, states } = rig
  await until('subscribed', () => client.state === 'subscribed')
  const asked = exchange.received.length
  client.resync('ETH-USD')
  await until('the requests', () => exchange.received.length >= asked + 2)
  t.same(requestsBehind(exchange, asked), [
    'unsubscribe level2 ETH-USD',
    'subscribe level2 ETH-USD',
  ])
  t.equal(exchange.connections, 1)
  client.resync()
  await until('a new connection', () => exchange.connections === 2)
  t.ok(story(states).includes('lost ERR_PINNACLE_FEED_GAP'))
  await until('some data', () => client.state === 'subscribed')
  await settle(rig)
  const books = booksOf(rig.deliveries)
  for (const product of products) {
    t.same(sorted(books.get(product)), sorted(market.book(product)), product)
  }
})

t.test('a book that the checksum refutes is a gap, and gets its snapshot', async (t) => {
  const market = new ExchangeMarket(products)
  let changes = 0
  const rig = await startRig(
    t,
    { market },
    {
      adapter: () => refuting('ETH-USD', () => ++changes === 30),
      products,
      channels: ['level2'],
    },
  )
  const { client, exchange, gaps, order } = rig
  await until('subscribed', () => client.state === 'subscribed')
  const asked = exchange.received.length
  await until('the requests', () => exchange.received.length >= asked + 2)
  t.same(requestsBehind(exchange, asked), [
    'unsubscribe level2 ETH-USD',
    'subscribe level2 ETH-USD',
  ])
  t.match(gaps, [{ reason: 'sequence', scope: 'ETH-USD', firstMissed: null, lastMissed: null }])
  const next = order.slice(order.indexOf(gaps[0]!)).find((item) => 'frame' in item)
  t.match(next?.parsed, { updates: [{ type: 'book-mismatch' }] }, 'reported in front')
  const seen = rig.deliveries.length
  await until('more data', () => rig.deliveries.length > seen + 50)
  await settle(rig)
  t.equal(exchange.connections, 1)
  const books = booksOf(rig.deliveries)
  t.same(sorted(books.get('ETH-USD')), sorted(market.book('ETH-USD')))
})

/** Claims that one change of the product does not fit. */
function refuting(product: string, isWrong: () => boolean): FeedAdapter {
  const adapter = new CoinbaseAdapter()
  const parse = adapter.parse.bind(adapter)
  adapter.parse = (frame) => {
    const parsed = parse(frame)
    if (parsed.kind !== 'updates') return parsed
    const [update] = parsed.updates
    if (update?.type !== 'levels' || update.product !== product || !isWrong()) return parsed
    const { exchangeTimeNs } = update
    const reason = 'for a test'
    return { ...parsed, updates: [{ type: 'book-mismatch', product, exchangeTimeNs, reason }] }
  }
  return adapter
}
