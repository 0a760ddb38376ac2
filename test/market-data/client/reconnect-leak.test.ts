// Two hundred reconnects in one process: nothing remains of a connection that has ended.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { startRig, until } from './feed-rig.js'

const reconnects = 200
t.setTimeout(120_000) // each reconnect is a whole TLS handshake, of both sides

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** The event loop's resources, by kind: sockets, servers, timers. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

/** Whether no kind has grown; `before` may include a momentary timer. */
function noMore(counts: Record<string, number>, before: Record<string, number>): boolean {
  return Object.entries(counts).every(([kind, count]) => count <= (before[kind] ?? 0))
}

async function heapBytes(): Promise<number> {
  for (let turn = 0; turn < 3; ++turn) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  collect()
  return process.memoryUsage().heapUsed
}

t.test('200 reconnects leave no sockets, timers, listeners or memory behind', async (t) => {
  let frames = 0
  const counted = (): void => {
    ++frames
  }
  const { client, exchange, states, deliveries, order } = await startRig(
    t,
    { frames: [], heartbeatMs: 0 },
    { backoff: { baseMs: 1, capMs: 1 }, onFrame: counted },
  )
  const subscribed = async (connection: number): Promise<void> => {
    await until('subscribed', () => client.state === 'subscribed')
    t.equal(client.stats().connections, connection)
    // What the test itself keeps is not a leak.
    for (const list of [states, deliveries, order]) list.length = 0
    exchange.received.splice(0)
    exchange.sent.splice(0)
  }
  const lose = async (): Promise<void> => {
    exchange.cut()
    await until('lost', () => client.state !== 'subscribed')
  }
  let connection = 1
  await subscribed(connection)
  for (; connection <= 20; ++connection) {
    await lose()
    await subscribed(connection + 1)
  }
  const listeners = (): number =>
    client.eventNames().reduce((sum, name) => sum + client.listenerCount(name), 0) +
    process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  await until('the old one is gone', () => exchange.open === 1)
  const before = { resources: resources(), listeners: listeners(), heap: await heapBytes() }
  for (; connection <= 20 + reconnects; ++connection) {
    await lose()
    await subscribed(connection + 1)
  }
  // The server's half of the last connection may still be closing.
  await until('no more resources than before', () => noMore(resources(), before.resources))
  const after = { listeners: listeners(), heap: await heapBytes() }
  t.equal(client.stats().reconnects, 20 + reconnects)
  t.ok(frames > reconnects)
  t.equal(exchange.open, 1)
  t.ok(Object.keys(before.resources).length > 0)
  t.equal(after.listeners, before.listeners)
  const grownKb = (after.heap - before.heap) / 1024
  t.ok(grownKb < 10 * reconnects, `the heap has grown by ${grownKb.toFixed(0)} KiB`)

  await client.close()
  await exchange.close()
  const sockets = (): boolean =>
    Object.keys(resources()).some((kind) => /^(TLSWrap|TCPSocketWrap)$/.test(kind))
  await until('no socket is left', () => !sockets())
})
