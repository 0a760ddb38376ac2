// Authenticated subscriptions from a real credential store. The server checks them with the public key, or
// with its own computation of the HMAC, on each connection.
import {
  createHmac,
  generateKeyPairSync,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto'
import t, { type Test } from 'tap'
import { CredentialStore } from '../../../lib/credentials/index.js'
import type { CredentialKind } from '../../../lib/credentials/vault.js'
import { advancedTradeSigner, exchangeSigner } from '../../../lib/market-data/client/signers.js'
import {
  fieldsOf,
  passwordOf,
  RecordedAudit,
  temporaryDirectory,
} from '../../credentials/support.js'
import { startRig, until } from './feed-rig.js'

const keyName =
  'organizations/6c2b5c1e-0a5d-4f0e-9d3b-0a1b2c3d4e5f/apiKeys/7d3c6d2f-1b6e-4a1f-8e4c-1b2c3d4e5f60'

async function storeWith(
  t: Test,
  kind: CredentialKind,
  fields: Record<string, string>,
): Promise<{ store: CredentialStore; audit: RecordedAudit }> {
  const audit = new RecordedAudit()
  const dataDirectory = temporaryDirectory(t)
  const store = await CredentialStore.create({ dataDirectory, provider: passwordOf(), audit })
  t.teardown(() => store.close())
  await store.add({ name: 'exchange', kind, fields: fieldsOf(fields) })
  return { store, audit }
}

type Message = Readonly<Record<string, unknown>>

/** Checks a token as the exchange does; returns why it fails. */
function tokenProblem(message: Message, key: KeyObject, nonces: Set<string>): string | undefined {
  const [header = '', claims = '', signature = ''] = String(message['jwt']).split('.')
  const json = (part: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(part, 'base64url').toString() || '{}') as Record<string, unknown>
  const isSigned = verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  )
  if (!isSigned) return 'the signature is wrong'
  const { nbf, exp, sub } = json(claims)
  const nowSeconds = Date.now() / 1000
  if (!(Number(nbf) <= nowSeconds && nowSeconds < Number(exp))) return 'the token is not valid now'
  if (sub !== keyName) return 'the key is not known'
  const nonce = String(json(header)['nonce'])
  if (nonces.has(nonce)) return 'the token was used before'
  nonces.add(nonce)
  return undefined
}

t.test('a new token is signed for each connection, and the exchange accepts it', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'sec1', format: 'pem' }) as string
  const { store, audit } = await storeWith(t, 'coinbase-cdp', { name: keyName, privateKey: pem })
  const nonces = new Set<string>()
  const refusals: string[] = []
  const { client, exchange, problems } = await startRig(
    t,
    {
      authenticate: (message) => {
        const problem = tokenProblem(message, publicKey, nonces)
        if (problem !== undefined) refusals.push(problem)
        return problem
      },
    },
    {
      channels: ['level2', 'user'],
      signer: advancedTradeSigner({ credentials: store, name: 'exchange' }),
    },
  )
  for (let connection = 1; connection <= 3; ++connection) {
    await until('subscribed', () => nonces.size === connection && client.state === 'subscribed')
    exchange.cut()
    await until('lost', () => client.state !== 'subscribed')
  }
  t.same(refusals, [])
  t.same(problems, [])
  t.ok(audit.events.filter(({ action }) => action === 'credentials.access').length >= 3)
  const body = pem.split('\n')[1] ?? ''
  t.ok(body.length > 40)
  t.notOk(JSON.stringify([exchange.received, audit.events]).includes(body), 'the key is not sent')
})

t.test('a signature by a wrong key is refused with the exchange’s words', async (t) => {
  const ours = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const theirs = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = ours.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const { store } = await storeWith(t, 'coinbase-cdp', { name: keyName, privateKey: pem })
  const { client, problems } = await startRig(
    t,
    { authenticate: (message) => tokenProblem(message, theirs.publicKey, new Set()) },
    {
      channels: ['level2', 'user'],
      subscribeTimeoutMs: 100,
      signer: advancedTradeSigner({ credentials: store, name: 'exchange' }),
    },
  )
  await until('both problems', () => problems.length >= 2)
  t.match(problems, [
    {
      code: 'ERR_PINNACLE_FEED_SERVER_ERROR',
      details: { reason: 'the signature is wrong' },
    },
    { code: 'ERR_PINNACLE_FEED_NOT_SUBSCRIBED', details: { missing: ['user BTC-USD'] } },
  ])
  t.equal(client.state, 'open', 'connected, and not subscribed to all')
})

t.test('the exchange accepts an HMAC over the time, at each connection', async (t) => {
  const key = Buffer.alloc(64, 'a key for a test')
  const { store } = await storeWith(t, 'coinbase-legacy', {
    key: '0123456789abcdef0123456789abcdef',
    secret: key.toString('base64'),
    passphrase: 'pass phrase 7',
  })
  const hmacProblem = (message: Message): string | undefined => {
    const { timestamp, signature } = message
    const expected = createHmac('sha256', key)
      .update(`${String(timestamp)}GET/users/self/verify`)
      .digest()
    const given = Buffer.from(String(signature), 'base64')
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      return 'the signature is wrong'
    }
    if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 30) return 'the time is wrong'
    return message['passphrase'] === 'pass phrase 7' ? undefined : 'the passphrase is wrong'
  }
  let checked = 0
  const { client, exchange, problems } = await startRig(
    t,
    {
      authenticate: (message) => {
        ++checked
        return hmacProblem(message)
      },
    },
    { channels: ['user'], signer: exchangeSigner({ credentials: store, name: 'exchange' }) },
  )
  await until('subscribed', () => client.state === 'subscribed')
  exchange.cut()
  await until('subscribed again', () => checked === 2 && client.state === 'subscribed')
  t.same(problems, [])
  t.notOk(JSON.stringify(exchange.received).includes(key.toString('base64')))
})

t.test('a store that is closed ends in a code, and the client goes on trying', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const { store } = await storeWith(t, 'coinbase-cdp', { name: keyName, privateKey: pem })
  await store.close()
  const { states } = await startRig(
    t,
    {},
    { channels: ['user'], signer: advancedTradeSigner({ credentials: store, name: 'exchange' }) },
  )
  await until('two losses', () => states.filter(({ state }) => state === 'lost').length >= 2)
  t.match(states.find(({ state }) => state === 'lost')?.reason, {
    code: 'ERR_PINNACLE_FEED_SIGNING',
  })
})
