// Invalid input from an exchange: each has its outcome, and none ends the process or the feed.
import t from 'tap'
import type { FeedStateChange } from '../../../lib/market-data/client/feed-events.js'
import { dataOf, startRig, story, until } from './feed-rig.js'

const once = { connection: 1, before: 10 } as const

for (const [name, what, code, message] of [
  ['binary message', 'binary', 'ERR_PINNACLE_FEED_PROTOCOL', /binary message/],
  ['text that is not UTF-8', 'broken-utf8', 'ERR_PINNACLE_FEED_PROTOCOL', /UTF-8/],
  ['message above the limit', 'oversize', 'ERR_PINNACLE_FEED_MESSAGE_TOO_LARGE', /4096 bytes/],
] as const) {
  t.test(`a ${name} ends the connection, and the client reconnects`, async (t) => {
    const { client, exchange, states, gaps, deliveries } = await startRig(
      t,
      { endless: true, faults: [{ ...once, what, bytes: 5000 }] },
      { maxMessageBytes: 4096 },
    )
    await until('the second connection', () => gaps.length > 0)
    const lost = states.find(({ state }) => state === 'lost')
    t.match(lost?.reason, { code, message })
    t.equal(exchange.connections, 2)
    t.same(
      gaps.map(({ reason, connection }) => [reason, connection]),
      [['disconnected', 2]],
    )
    t.ok(deliveries.every(({ parsed }) => parsed.kind === 'updates'))
    t.equal(client.stats().malformed, 0)
  })
}

t.test('a message as large as the limit passes', async (t) => {
  const { client, deliveries } = await startRig(
    t,
    { endless: true, faults: [{ ...once, what: 'oversize', bytes: 4096 - 34 }] },
    { maxMessageBytes: 4096 },
  )
  await until('it', () => deliveries.some(({ frame }) => frame.bytes.length === 4096))
  t.equal(client.stats().malformed, 1, 'though the exchange has no such message')
  t.equal(client.stats().reconnects, 0)
})

t.test('broken JSON is delivered with the reason, and the feed goes on', async (t) => {
  const { client, exchange, deliveries } = await startRig(t, {
    endless: true,
    faults: [{ ...once, what: 'broken' }],
  })
  await until('more data', () => dataOf(deliveries).length > 20)
  const broken = deliveries.filter(({ parsed }) => parsed.kind === 'malformed')
  t.equal(broken.length, 1)
  t.equal(broken[0]?.frame.text, '{"channel":"l2_data",')
  t.match(broken[0]?.parsed, { kind: 'malformed', reason: /JSON/ })
  t.equal(client.stats().malformed, 1)
  t.equal(exchange.connections, 1)
})

t.test('an unknown type is delivered as it came', async (t) => {
  const { client, exchange, deliveries } = await startRig(t, { endless: true })
  await until('subscribed', () => client.state === 'subscribed')
  exchange.send({ channel: 'auctions', sequence_num: 0, events: [] })
  await until('it', () => deliveries.some(({ parsed }) => parsed.kind === 'unknown'))
  t.equal(client.stats().malformed, 0)
  t.equal(client.stats().gaps, 0, 'its number counts, too')
})

t.test('a refusal by the exchange is reported in its words, and the feed goes on', async (t) => {
  const { client, exchange, problems, deliveries } = await startRig(t, {
    endless: true,
    faults: [{ ...once, what: 'error' }],
  })
  await until('more data', () => dataOf(deliveries).length > 20)
  t.match(problems, [
    {
      code: 'ERR_PINNACLE_FEED_SERVER_ERROR',
      message: /Failed to subscribe \(for a test\)/,
      details: { message: 'Failed to subscribe', reason: 'for a test' },
    },
  ])
  t.equal(client.stats().serverErrors, 1)
  t.equal(exchange.connections, 1)
})

t.test('an adapter that throws makes a malformed frame, not a crash', async (t) => {
  const states: FeedStateChange[] = []
  const { client, deliveries } = await startRig(
    t,
    { endless: true },
    {
      adapter: {
        name: 'throwing',
        defaultUrl: 'wss://localhost/',
        channels: ['level2'],
        impliedChannels: [],
        authenticatedChannels: [],
        sequenceRule: 'none',
        sequenceRestartsOnConnect: true,
        bookKind: () => 'levels',
        subscribe: () => ['{"type":"subscribe","product_ids":["BTC-USD"],"channel":"level2"}'],
        unsubscribe: () => [],
        parse: () => {
          throw new Error('out of its depth')
        },
      },
    },
  )
  client.on('state', (change) => states.push(change))
  await until('frames', () => deliveries.length > 5)
  t.match(deliveries[0]?.parsed, { kind: 'malformed', reason: /threw: out of its depth/ })
  t.notMatch(story(states), ['lost'])
})
