// How the feed client loses a connection and reconnects: when it retries, and the code that it reports.
import t from 'tap'
import { realClock } from '../../../lib/market-data/client/feed-clock.js'
import { startRig, story, until } from './feed-rig.js'

t.test(
  'waits grow with each failure and are random below that; a stable connection starts over',
  async (t) => {
    const draws = [0.5, 0.25, 0.999, 0, 0.75, 0.5, 0.5]
    let drawn = 0
    let aheadNs = 0n
    const { client, exchange, states } = await startRig(
      t,
      { refuse: { status: 503, connections: 6 } },
      {
        backoff: { baseMs: 8, capMs: 40 },
        random: () => draws[drawn++] ?? 0.5,
        stableAfterMs: 600_000,
        heartbeatTimeoutMs: 2 ** 31 - 1,
        clock: { ...realClock, monotonicNs: () => realClock.monotonicNs() + aheadNs },
      },
    )
    await until('subscribed', () => client.state === 'subscribed')
    const waits = (): (number | null)[] =>
      states.filter(({ state }) => state === 'lost').map(({ retryInMs }) => retryInMs)
    // Of at most 8, 16, 32 and then 40 ms.
    t.same(waits(), [4, 4, 31, 0, 30, 20])
    t.match(states.find(({ state }) => state === 'lost')?.reason, {
      code: 'ERR_PINNACLE_FEED_CONNECT',
      message: /answered HTTP 503/,
      details: { status: 503 },
    })

    const again = (count: number) => (): boolean =>
      states.filter(({ state }) => state === 'subscribed').length === count
    exchange.cut()
    await until('subscribed again', again(2))
    t.same(waits().slice(6), [20], 'a connection that was lost at once does not start over')
    aheadNs = 601_000_000_000n // it has been open for long
    exchange.cut()
    await until('subscribed once more', again(3))
    t.same(waits().slice(7), [4], 'one that lived for stableAfterMs does')
    t.equal(client.stats().reconnects, 2)
    t.equal(client.stats().connections, 9)
  },
)

t.test('the real waits are at least as long as reported', async (t) => {
  const { client, states } = await startRig(
    t,
    { refuse: { status: 429, connections: 3 } },
    { backoff: { baseMs: 40, capMs: 40 }, random: () => 0.9 },
  )
  await until('subscribed', () => client.state === 'subscribed')
  for (const [index, { state, atNs, retryInMs }] of states.entries()) {
    if (state !== 'lost') continue
    const next = states[index + 1]
    t.equal(next?.state, 'connecting')
    const waitedMs = Number((next?.atNs ?? 0n) - atNs) / 1e6
    t.equal(retryInMs, 36)
    t.ok(waitedMs > 34, `${String(waitedMs)} ms`) // the wall clock is correct to a millisecond
  }
})

for (const [status, told] of [
  ['hang-up', /no WebSocket with|ended the connection/],
  ['no-answer', /has not answered the WebSocket's handshake within 150 ms/],
  [429, /too many tries/],
  [403, /does not serve this network/],
] as const) {
  t.test(
    `an exchange that answers the upgrade with ${String(status)} is tried again`,
    async (t) => {
      const { client, exchange, states } = await startRig(
        t,
        { refuse: { status, connections: 2 } },
        { connectTimeoutMs: 150 },
      )
      await until('subscribed', () => client.state === 'subscribed')
      t.same(story(states), [
        'connecting',
        'lost ERR_PINNACLE_FEED_CONNECT',
        'connecting',
        'lost ERR_PINNACLE_FEED_CONNECT',
        'connecting',
        'open',
        'subscribed',
      ])
      t.match(states[1]?.reason?.message, told)
      t.equal(exchange.connections, 1)
      t.equal(client.stats().reconnects, 0)
    },
  )
}

t.test(
  "the exchange's close and its words, a cut, and silence each end a connection",
  async (t) => {
    const { client, exchange, states, gaps, order } = await startRig(
      t,
      {
        endless: true,
        heartbeatMs: 10,
        faults: [
          { connection: 1, before: 5, what: 'close' },
          { connection: 2, before: 5, what: 'drop' },
          { connection: 3, before: 100, what: 'fall-silent' },
        ],
      },
      { heartbeatTimeoutMs: 1000 },
    )
    await until('the fourth connection', () => exchange.connections >= 4)
    await until('its data', () => gaps.length >= 3)
    const lost = states.filter(({ state }) => state === 'lost')
    t.match(lost[0]?.reason, {
      code: 'ERR_PINNACLE_FEED_LOST',
      details: { closeCode: 1012, closeReason: 'restarting' },
    })
    t.match(lost[1]?.reason, { code: 'ERR_PINNACLE_FEED_LOST', details: { closeCode: 1006 } })
    t.match(lost[2]?.reason, { code: 'ERR_PINNACLE_FEED_HEARTBEAT', details: { timeoutMs: 1000 } })
    const silentMs = Number(lost[2]?.reason?.details?.['silentMs'])
    t.ok(silentMs >= 1000 && silentMs < 10_000, `silent for ${String(silentMs)} ms`)

    t.same(
      gaps
        .slice(0, 3)
        .map(({ reason, scope, firstMissed, connection }) => [
          reason,
          scope,
          firstMissed,
          connection,
        ]),
      [2, 3, 4].map((connection) => ['disconnected', '', null, connection]),
    )
    for (const gap of gaps) {
      t.ok(gap.fromNs < gap.toNs)
      const next = order.slice(order.indexOf(gap)).find((item) => 'frame' in item)
      t.equal(next?.frame.connection, gap.connection, 'a gap is in front of the first frame')
      t.equal(next?.frame.receivedNs, gap.toNs)
    }
    t.equal(client.stats().gaps, 0, 'no numbers were missed')
  },
)

t.test('silence is not noticed while the exchange beats, however quiet the products', async (t) => {
  const { client, exchange } = await startRig(
    t,
    { frames: [], heartbeatMs: 20 },
    { heartbeatTimeoutMs: 100 },
  )
  await until('subscribed', () => client.state === 'subscribed')
  await new Promise((resolve) => setTimeout(resolve, 350))
  t.equal(exchange.connections, 1)
})

t.test(
  'an exchange without heartbeats is asked with a ping, and lives by its answer',
  async (t) => {
    const { client, exchange } = await startRig(
      t,
      { frames: [], heartbeatMs: 0 },
      { heartbeatTimeoutMs: 100 },
    )
    await until('subscribed', () => client.state === 'subscribed')
    await new Promise((resolve) => setTimeout(resolve, 350))
    t.equal(exchange.connections, 1)
  },
)
