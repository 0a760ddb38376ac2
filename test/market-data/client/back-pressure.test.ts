// A consumer that is slower than the exchange: the socket pauses, order holds, and dropped frames are
// reported.
import t from 'tap'
import { levelMessage } from '../exchange-messages.js'
import { dataOf, sentData, startRig, story, until } from './feed-rig.js'

/** Messages of at least `bytes` each. */
function largeFrames(count: number, bytes: number): string[] {
  const padding = 'x'.repeat(bytes)
  return Array.from({ length: count }, (_, index) =>
    levelMessage('BTC-USD', index).replace('"client_id":""', `"client_id":"${padding}"`),
  )
}

for (const [name, limits] of [
  ['frames', { maxBufferedFrames: 200 }],
  ['bytes', { pauseBytes: 100_000 }],
] as const) {
  t.test(`while too many ${name} wait, nothing is read, and nothing is lost`, async (t) => {
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    let taken = 0
    const { client, exchange, deliveries, states, gaps } = await startRig(
      t,
      // More than the system's socket buffers hold.
      { frames: largeFrames(800, 10_000), intervalMs: 0, heartbeatMs: 10 },
      {
        ...limits,
        heartbeatTimeoutMs: 200,
        onFrame: () => (++taken === 20 ? gate : undefined),
      },
    )
    await until('a paused socket', () => client.stats().pauses > 0)
    const before = client.stats()
    t.ok(before.buffered > 0 && before.bufferedBytes > 0)
    await new Promise((resolve) => setTimeout(resolve, 400))
    t.equal(client.stats().frames, before.frames, 'nothing is read')
    t.ok(exchange.unsentBytes > 1_000_000, 'it waits at the exchange')
    t.same(story(states), ['connecting', 'open', 'subscribed'], 'and no silence is assumed')

    release()
    await until('all data', () => dataOf(deliveries).length === 801)
    t.same(dataOf(deliveries), sentData(exchange, 1))
    t.same(gaps, [])
    t.match(client.stats(), { dropped: 0, buffered: 0, bufferedBytes: 0, reconnects: 0 })
  })
}

t.test(
  'a frame too many is reported as a gap; the feed goes on when the consumer has caught up',
  async (t) => {
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    let taken = 0
    const { client, exchange, deliveries, states, gaps, order } = await startRig(
      t,
      // One chunk of the socket has more small frames than may wait.
      { frames: largeFrames(300, 10), intervalMs: 0 },
      { maxBufferedFrames: 20, onFrame: () => (++taken === 10 ? gate : undefined) },
    )
    await until('the overflow', () => client.state === 'lost')
    t.match(states.at(-1)?.reason, {
      code: 'ERR_PINNACLE_FEED_OVERFLOW',
      details: { maxBufferedFrames: 20 },
    })
    t.equal(client.stats().dropped, 1)
    t.equal(client.stats().buffered, 20)
    await new Promise((resolve) => setTimeout(resolve, 100))
    t.equal(exchange.connections, 1, 'while the consumer hangs, there is no new connection')

    release()
    await until('a gap', () => gaps.length > 0)
    t.equal(exchange.connections, 2)
    t.match(gaps[0], { reason: 'overflow', scope: '', connection: 2, firstMissed: null })
    const first = deliveries.filter(({ frame }) => frame.connection === 1)
    t.equal(first.length, 10 + 20)
    t.same(
      first.map(({ frame }) => frame.text),
      exchange.sent[0]?.slice(0, 30),
      'what had room was delivered in order',
    )
    const gapAt = order.indexOf(gaps[0]!)
    t.ok(gapAt > order.indexOf(first.at(-1)!), 'the gap follows it')
    t.ok(gapAt < order.indexOf(deliveries.find(({ frame }) => frame.connection === 2)!))
  },
)

for (const [name, fail] of [
  [
    'throws',
    (): never => {
      throw new Error('no room on the disk')
    },
  ],
  ['rejects', (): Promise<void> => Promise.reject(new Error('no room on the disk'))],
] as const) {
  t.test(`a consumer that ${name} closes the client, with the cause`, async (t) => {
    let taken = 0
    const { client, exchange, states, deliveries } = await startRig(
      t,
      { endless: true },
      { onFrame: () => (++taken === 5 ? fail() : undefined) },
    )
    await until('the end', () => client.state === 'closed')
    t.match(states.at(-1), {
      reason: { code: 'ERR_PINNACLE_FEED_CONSUMER', message: /no room on the disk/ },
    })
    t.equal(deliveries.length, 5, 'nothing is delivered after it')
    await until('the end at the server', () => exchange.open === 0)
    t.throws(() => client.start(), { code: 'ERR_PINNACLE_CLOSED' })
  })
}
