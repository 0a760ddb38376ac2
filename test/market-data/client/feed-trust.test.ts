// The servers that the feed client trusts, with real certificates: keys that change, keys that are not
// pinned, and what an untrusted server gets to see of us.
import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { AuditTrail, verifyTrail } from '../../../lib/audit/index.js'
import type { PinMismatch } from '../../../lib/market-data/client/pinned-connection.js'
import { RecordedAudit, temporaryDirectory } from '../../credentials/support.js'
import { Authority, selfSigned } from '../certificates.js'
import { startTlsExchange } from '../tls-exchange.js'
import { startRig, story, until, type ClientPart, type Rig } from './feed-rig.js'
import { tapTls, type RecordTap } from './tls-records.js'

const otherPin = createHash('sha256').update('a key of somebody else').digest('base64')

interface TappedRig extends Rig {
  readonly tap: RecordTap
}

/** A client whose bytes to the exchange are inspected on the way. */
async function startTapped(
  t: Test,
  version: 'TLSv1.2' | 'TLSv1.3',
  part: (pin: string) => ClientPart,
): Promise<TappedRig> {
  const root = await Authority.root('Root')
  const identity = await root.issue()
  // The rig's exchange is the tap's: its port is known only once it listens.
  const behind = await startTlsExchange({
    trust: { root, identity },
    tls: { minVersion: version, maxVersion: version },
  })
  const tap = await tapTls(behind.port)
  const rig = await startRig(t, {}, () => ({
    url: `wss://localhost:${String(tap.port)}/`,
    ca: root.cert,
    ...part(identity.pin),
  }))
  t.teardown(async () => {
    await tap.close()
    await behind.close()
  })
  return { ...rig, exchange: behind, tap }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a server of ${version} whose key is not pinned sees no byte of ours`, async (t) => {
    const audit = new RecordedAudit()
    const reported: PinMismatch[] = []
    const { client, exchange, states, tap } = await startTapped(t, version, () => ({
      pins: [otherPin],
      audit,
      onPinMismatch: (mismatch) => reported.push(mismatch),
    }))
    await until('the end', () => client.state === 'closed')
    t.same(story(states), ['connecting', 'closed ERR_PINNACLE_FEED_PIN_MISMATCH'])
    t.equal(exchange.connections, 0)
    t.same(exchange.received, [])
    await new Promise((resolve) => setTimeout(resolve, 50))
    t.equal(tap.records.length, 1, 'and it is not tried again')
    const records = tap.records[0] ?? []
    t.match(records[0], { type: 22 }, 'a handshake was begun')
    const encrypted = records.filter(({ type }) => type === 23).map(({ bytes }) => bytes)
    if (version === 'TLSv1.2') {
      t.same(encrypted, [], 'no application data')
    } else {
      // All encrypted records look alike: the handshake's Finished (a hash of 32 or 48 bytes after 4, and 17
      // of the record) and the closing alert (2 and 17). The upgrade has hundreds of bytes.
      t.ok(
        encrypted.every((bytes) => [53, 69, 19].includes(bytes)),
        `encrypted records of ${encrypted.join(', ')} bytes`,
      )
      t.ok(encrypted.length <= 2)
    }
    t.equal(audit.last, 'feed.pin-mismatch refused ERR_PINNACLE_FEED_PIN_MISMATCH')
    t.match(audit.events, [
      { target: 'localhost', detail: { pinsExpected: otherPin, pinsSeen: String } },
    ])
    t.equal(reported.length, 1)
    t.equal(audit.events[0]?.detail?.['pinsSeen'], reported[0]?.pinsSeen.join(' '))
    t.throws(() => client.start(), { code: 'ERR_PINNACLE_CLOSED' })

    const trusted = await startTapped(t, version, (pin) => ({ pins: [otherPin, pin] }))
    await until('subscribed', () => trusted.client.state === 'subscribed')
    const sent = trusted.tap.records[0]?.filter(({ type }) => type === 23) ?? []
    t.ok(
      sent.some(({ bytes }) => bytes > 100),
      'of a pinned one the same look finds the upgrade',
    )
  })
}

t.test('a mismatch is retried if the caller has said so, and audited each time', async (t) => {
  const root = await Authority.root('Root')
  const [ours, theirs] = [await root.issue(), await root.issue()]
  const audit = new RecordedAudit()
  const { client, exchange, states } = await startRig(
    t,
    { trust: { root, identity: theirs } },
    { pins: [ours.pin], retryPinMismatch: true, audit },
  )
  await until('three refusals', () => audit.events.length >= 3)
  t.equal(exchange.connections, 0)
  exchange.use(ours)
  await until('subscribed', () => client.state === 'subscribed')
  const lost = states.filter(({ state }) => state === 'lost')
  t.equal(lost.length, audit.events.length)
  t.ok(lost.every(({ reason }) => reason?.code === 'ERR_PINNACLE_FEED_PIN_MISMATCH'))
})

t.test(
  'with the next key pinned beside the old one, a change of keys is no more than a loss',
  async (t) => {
    const root = await Authority.root('Root')
    const [old, next] = [await root.issue(), await root.issue()]
    const { client, exchange, states } = await startRig(
      t,
      { trust: { root, identity: old } },
      { pins: [old.pin, next.pin] },
    )
    await until('subscribed', () => client.state === 'subscribed')
    exchange.use(next)
    exchange.cut()
    await until(
      'subscribed again',
      () => exchange.connections === 2 && client.state === 'subscribed',
    )
    t.same(story(states.filter(({ state }) => state === 'lost')), ['lost ERR_PINNACLE_FEED_LOST'])
  },
)

t.test(
  'a certificate that does not verify is refused until it does, whatever the environment says',
  async (t) => {
    const root = await Authority.root('Root')
    const dayMs = 86_400_000
    const good = await root.issue()
    const bad = [
      await root.issue({
        notBefore: new Date(Date.now() - 2 * dayMs),
        notAfter: new Date(Date.now() - dayMs),
      }),
      await root.issue({ hosts: ['exchange.example'] }),
      await selfSigned(),
    ]
    const variable = 'NODE_TLS_REJECT_UNAUTHORIZED'
    const before = process.env[variable]
    process.env[variable] = '0'
    t.teardown(() => {
      if (before === undefined) Reflect.deleteProperty(process.env, variable)
      else process.env[variable] = before
    })
    const { client, exchange, states } = await startRig(
      t,
      { trust: { root, identity: bad[0]! } },
      { pins: [good.pin, ...bad.map(({ pin }) => pin)] },
    )
    for (const identity of bad) {
      exchange.use(identity)
      const seen = states.length
      await until('two refusals', () => states.length >= seen + 5)
    }
    t.equal(exchange.connections, 0)
    exchange.use(good)
    await until('subscribed', () => client.state === 'subscribed')
    const codes = new Set(states.flatMap(({ reason }) => (reason ? [reason.code] : [])))
    t.same([...codes], ['ERR_PINNACLE_FEED_TLS'])
    const causes = states.map(
      ({ reason }) => (reason?.cause as { code?: string } | undefined)?.code,
    )
    for (const code of [
      'CERT_HAS_EXPIRED',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ]) {
      t.ok(causes.includes(code), code)
    }
  },
)

t.test('a mismatch is a line of the audit trail; a failure to write it is reported', async (t) => {
  const dataDirectory = temporaryDirectory(t)
  const trail = new AuditTrail({ dataDirectory })
  const { client } = await startRig(t, {}, { pins: [otherPin], audit: trail })
  await until('the end', () => client.state === 'closed')
  await trail.settled()
  const lines: string[] = []
  const { problem } = await verifyTrail(trail, {
    onLine: ({ action, target, outcome }) => void lines.push(`${action} ${target} ${outcome}`),
  })
  t.equal(problem, null)
  t.ok(lines.includes('feed.pin-mismatch localhost refused'))

  const full = await startRig(
    t,
    {},
    {
      pins: [otherPin],
      audit: { record: () => Promise.reject(new Error('the disk is full')) },
    },
  )
  await until('the end', () => full.client.state === 'closed')
  t.match(full.problems, [{ message: 'the disk is full' }])
})
