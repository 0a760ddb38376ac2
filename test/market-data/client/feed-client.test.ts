// The feed client at a real TLS WebSocket server: a normal session, run-time subscriptions, the close.
import { readFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { CodedError } from '../../../lib/errors/pinnacle-error.js'
import { CoinbaseAdapter } from '../../../lib/market-data/adapters/coinbase.js'
import type { FeedClientOptions } from '../../../lib/market-data/client/feed-client-options.js'
import { FeedClient } from '../../../lib/market-data/client/feed-client.js'
import { levelMessage, tradeMessage, type TlsExchange } from '../tls-exchange.js'
import { dataOf, sentData, startRig, story, until } from './feed-rig.js'

const dataDirectory = process.env['PINNACLE_TEST_DATA'] ?? join('..', 'shared', 'data')
const recording = join(dataDirectory, 'coinbase', 'advanced-trade-2026', 'COINBASE.jsonl')

t.test('a session goes through its states and delivers every message in order', async (t) => {
  const frames = Array.from({ length: 200 }, (_, index) =>
    index % 5 === 4 ? tradeMessage('BTC-USD', index) : levelMessage('BTC-USD', index),
  )
  const { client, exchange, deliveries, states, gaps, problems } = await startRig(
    t,
    { frames },
    { channels: ['level2', 'market_trades'] },
  )
  await until('all data', () => dataOf(deliveries).length === 201)
  t.same(story(states), ['connecting', 'open', 'subscribed'])
  t.same(dataOf(deliveries), sentData(exchange, 1), 'the snapshot and 200 messages')
  t.same(gaps, [])
  t.same(problems, [])
  const stats = client.stats()
  t.equal(stats.buffered, 0)
  t.equal(stats.delivered, stats.frames)
  t.equal(stats.reconnects, 0)
  t.ok(stats.bytes > 201 * 100)
  await until('a heartbeat', () => client.stats().lastHeartbeatNs !== null)

  const { frame, parsed } = deliveries.find(({ parsed }) => parsed.kind === 'updates')!
  t.equal(frame.bytes.toString(), frame.text)
  t.equal(frame.connection, 1)
  const skewNs = frame.receivedNs - BigInt(Date.now()) * 1_000_000n
  t.ok(skewNs <= 1_000_000n && skewNs > -60_000_000_000n, 'received by the wall clock')
  t.ok(frame.receivedMonotonicNs <= process.hrtime.bigint(), 'and by the monotonic one')
  t.same(parsed, new CoinbaseAdapter().parse(frame.text))

  await client.close()
  t.equal(client.state, 'closed')
})

t.test(
  'a recorded session of Coinbase Advanced Trade arrives as it was recorded',
  { skip: existsSync(recording) ? false : `no recorded session at ${recording}` },
  async (t) => {
    const frames = readFileSync(recording, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { t: string; data?: string })
      .filter(({ t: type }) => type === 'recv')
      .map(({ data }) => data ?? '')
      .filter((data) => /"channel":"(l2_data|market_trades|ticker)"/.test(data))
    t.ok(frames.length > 900)
    const { client, exchange, deliveries, gaps } = await startRig(
      t,
      { frames, intervalMs: 0 },
      { products: ['BTC-USD', 'ETH-USD'], channels: ['level2', 'market_trades', 'ticker'] },
    )
    // The server itself adds a snapshot of each product.
    await until('all data', () => dataOf(deliveries).length === frames.length + 2)
    t.same(dataOf(deliveries), sentData(exchange, 1))
    t.equal(client.stats().malformed, 0)
    t.same(gaps, [])
  },
)

function requests(exchange: TlsExchange, connection: number): string[] {
  return exchange.received
    .filter((request) => request.connection === connection)
    .map(({ message }) => {
      const products = [...(message['product_ids'] as string[])].sort() // their order is irrelevant
      return `${String(message['type'])} ${String(message['channel'])} ${products.join(',')}`
    })
}

t.test('what is subscribed to can be changed while connected, and outlives a loss', async (t) => {
  const { client, exchange, states } = await startRig(t, { endless: true })
  await until('subscribed', () => client.state === 'subscribed')
  await client.subscribe({ products: ['ETH-USD'], channels: ['level2'] })
  await client.subscribe({ products: ['ETH-USD', 'BTC-USD'], channels: ['market_trades'] })
  await client.unsubscribe({ products: ['BTC-USD'], channels: ['level2', 'heartbeats'] })
  await client.unsubscribe({ products: ['SOL-USD'], channels: ['level2'] })
  await until('the requests', () => requests(exchange, 1).length >= 6)
  t.same(requests(exchange, 1), [
    'subscribe heartbeats BTC-USD',
    'subscribe level2 BTC-USD',
    'subscribe heartbeats ETH-USD',
    'subscribe level2 ETH-USD',
    'subscribe market_trades BTC-USD,ETH-USD',
    'unsubscribe level2 BTC-USD',
  ])
  exchange.cut()
  await until(
    'subscribed again',
    () => states.filter(({ state }) => state === 'subscribed').length === 2,
  )
  t.same(requests(exchange, 2).sort(), [
    'subscribe heartbeats BTC-USD,ETH-USD',
    'subscribe level2 ETH-USD',
    'subscribe market_trades BTC-USD,ETH-USD',
  ])
  t.same(client.products.sort(), ['BTC-USD', 'ETH-USD'])
  t.same(client.channels.sort(), ['heartbeats', 'level2', 'market_trades'])
})

t.test('a product that the exchange does not have is reported, and the others go on', async (t) => {
  const { client, exchange, problems, deliveries } = await startRig(
    t,
    { endless: true, products: ['BTC-USD', 'ETH-USD'] },
    { subscribeTimeoutMs: 100 },
  )
  await until('subscribed', () => client.state === 'subscribed')
  await client.subscribe({ products: ['NO-SUCH', 'ETH-USD'], channels: ['level2'] })
  const unconfirmed = (): CodedError[] =>
    problems.filter(({ code }) => code === 'ERR_PINNACLE_FEED_NOT_SUBSCRIBED')
  await until('what is not confirmed', () => unconfirmed().length > 0)
  t.match(problems[0], {
    code: 'ERR_PINNACLE_FEED_SERVER_ERROR',
    message: /Failed to subscribe \(NO-SUCH is not a valid product\)/,
    details: { message: 'Failed to subscribe', reason: 'NO-SUCH is not a valid product' },
  })
  t.same(
    unconfirmed().map(({ details }) => details),
    [{ missing: ['level2 NO-SUCH', 'level2 ETH-USD'] }],
    'what was confirmed before is not reported',
  )
  t.equal(client.stats().serverErrors, 2, 'one for the heartbeats, one for level2')
  const before = dataOf(deliveries).length
  await until('more data', () => dataOf(deliveries).length > before + 10)
  t.equal(exchange.connections, 1)
})

t.test('what the exchange does not have is refused before anything is sent', async (t) => {
  const { client } = await startRig(t)
  const wrong = { code: 'ERR_PINNACLE_FEED_INVALID_SUBSCRIPTION' }
  await t.rejects(client.subscribe({ products: ['BTC-USD'], channels: ['levle2'] }), wrong)
  await t.rejects(client.subscribe({ products: [], channels: ['level2'] }), wrong)
  const needsSignature = { code: 'ERR_PINNACLE_FEED_SIGNING' }
  await t.rejects(client.subscribe({ products: [], channels: ['user'] }), needsSignature)
  t.same(client.channels, ['heartbeats', 'level2'], 'and nothing of it is kept')

  const options: FeedClientOptions = {
    adapter: new CoinbaseAdapter(),
    products: ['BTC-USD'],
    channels: ['level2'],
    onFrame: () => undefined,
  }
  t.equal(new FeedClient(options).url, 'wss://advanced-trade-ws.coinbase.com/')
  for (const [change, code] of [
    [{ channels: ['nothing'] }, wrong.code],
    [{ channels: ['user'] }, needsSignature.code],
    [{ url: 'ws://localhost/' }, 'ERR_PINNACLE_FEED_INSECURE_URL'],
    [{ url: 'localhost' }, 'ERR_PINNACLE_INVALID_ARGUMENT'],
    [{ pins: ['x'] }, 'ERR_PINNACLE_INVALID_ARGUMENT'],
    [{ ca: 'no certificate' }, 'ERR_PINNACLE_INVALID_ARGUMENT'],
    [{ ca: [Buffer.from('x')] }, 'ERR_PINNACLE_INVALID_ARGUMENT'],
    [{ maxBufferedFrames: 0 }, 'ERR_PINNACLE_INVALID_ARGUMENT'],
    [{ heartbeatTimeoutMs: NaN }, 'ERR_PINNACLE_INVALID_ARGUMENT'],
    [{ maxMessageBytes: 1 }, 'ERR_PINNACLE_INVALID_ARGUMENT'],
    [{ backoff: { baseMs: -1 } }, 'ERR_PINNACLE_INVALID_ARGUMENT'],
    [{ onFrame: undefined }, 'ERR_PINNACLE_INVALID_ARGUMENT'],
  ] as [Partial<FeedClientOptions>, string][]) {
    t.throws(() => new FeedClient({ ...options, ...change }), { code }, JSON.stringify(change))
  }
})

t.test(
  'an authenticated channel is signed again on every connection, the others are not',
  async (t) => {
    let signatures = 0
    const { client, exchange, states } = await startRig(
      t,
      {},
      {
        channels: ['level2', 'user'],
        signer: () => Promise.resolve({ jwt: `token ${String(++signatures)}` }),
      },
    )
    await until('subscribed', () => client.state === 'subscribed')
    exchange.cut()
    await until(
      'subscribed again',
      () => states.filter(({ state }) => state === 'subscribed').length === 2,
    )
    const tokens = exchange.received.map(({ connection, message }) => [
      connection,
      message['channel'],
      message['jwt'],
    ])
    t.same(tokens, [
      [1, 'heartbeats', undefined],
      [1, 'level2', undefined],
      [1, 'user', 'token 1'],
      [2, 'heartbeats', undefined],
      [2, 'level2', undefined],
      [2, 'user', 'token 2'],
    ])
  },
)

t.test('a signature that fails ends the connection, which is tried again', async (t) => {
  let calls = 0
  const { client, states } = await startRig(
    t,
    {},
    {
      channels: ['user'],
      signer: () =>
        ++calls < 3
          ? Promise.reject(new Error('the store is locked'))
          : Promise.resolve({ jwt: 'x' }),
    },
  )
  await until('subscribed', () => client.state === 'subscribed')
  const lost = states.filter(({ state }) => state === 'lost')
  t.same(story(lost), ['lost ERR_PINNACLE_FEED_SIGNING', 'lost ERR_PINNACLE_FEED_SIGNING'])
  t.match(lost[0]?.reason?.message, /the store is locked/)
})

t.test('close unsubscribes, closes with a frame and delivers what was received', async (t) => {
  const frames = Array.from({ length: 50 }, (_, index) => levelMessage('BTC-USD', index))
  const { client, exchange, states, order, deliveries } = await startRig(
    t,
    { frames, intervalMs: 0 },
    { onFrame: () => new Promise((resolve) => setTimeout(resolve, 2)) },
  )
  await until('frames', () => client.stats().frames > 50)
  const closing = client.close()
  t.equal(client.close(), closing, 'a second close is the first')
  await closing
  t.equal(client.state, 'closed')
  t.same(requests(exchange, 1).slice(-2), [
    'unsubscribe heartbeats BTC-USD',
    'unsubscribe level2 BTC-USD',
  ])
  await until('the end at the server', () => exchange.closeCodes.length === 1)
  t.same(exchange.closeCodes, [1000])
  t.equal(exchange.open, 0)
  const closed = states.at(-1)
  t.match(closed, { state: 'closed', reason: null, undelivered: 0 })
  t.equal(order.at(-1), closed, 'the last that the consumer hears')
  const stats = client.stats()
  t.equal(deliveries.length, stats.frames, 'all frames were taken')
  t.equal(stats.dropped, 0)
  t.throws(() => client.start(), { code: 'ERR_PINNACLE_CLOSED' })
  await t.rejects(client.subscribe({ products: ['A'], channels: ['level2'] }), {
    code: 'ERR_PINNACLE_CLOSED',
  })
})

t.test('close does not wait for ever for a consumer that hangs', async (t) => {
  const { client, states, deliveries } = await startRig(
    t,
    { endless: true },
    { onFrame: () => new Promise(() => undefined), closeTimeoutMs: 50 },
  )
  await until('frames', () => client.stats().buffered >= 5)
  await client.close()
  const stats = client.stats()
  t.equal(deliveries.length, 1)
  t.ok(stats.dropped >= 5)
  t.match(states.at(-1), { state: 'closed', undelivered: stats.dropped }, 'and says what is left')
})

t.test('close ends a client that connects, waits, or was never started', async (t) => {
  const connecting = await startRig(t)
  await connecting.client.close()
  t.same(story(connecting.states).slice(-1), ['closed'])
  t.throws(() => connecting.client.start(), { code: 'ERR_PINNACLE_CLOSED' })

  const waiting = await startRig(
    t,
    {},
    { backoff: { baseMs: 60_000, capMs: 60_000 }, random: () => 0.9 },
  )
  await until('subscribed', () => waiting.client.state === 'subscribed')
  t.throws(() => waiting.client.start(), { code: 'ERR_PINNACLE_BUSY' })
  waiting.exchange.cut()
  await until('lost', () => waiting.client.state === 'lost')
  t.equal(waiting.states.at(-1)?.retryInMs, 54_000)
  await waiting.client.close()
  t.equal(waiting.exchange.connections, 1)

  const idle = new FeedClient({
    adapter: new CoinbaseAdapter(),
    products: ['BTC-USD'],
    channels: ['level2'],
    onFrame: () => undefined,
  })
  await idle.close()
  t.equal(idle.state, 'closed')
})
