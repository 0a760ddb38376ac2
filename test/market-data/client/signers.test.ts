// Signatures of authenticated subscriptions from a real store, checked by an independent computation.
import { createHmac, generateKeyPairSync, verify, type KeyObject } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { CredentialStore } from '../../../lib/credentials/index.js'
import type { CredentialKind } from '../../../lib/credentials/vault.js'
import { secrets } from '../../../lib/secure/native.js'
import { advancedTradeSigner, exchangeSigner } from '../../../lib/market-data/client/signers.js'
import {
  codeOfRejection,
  fieldsOf,
  passwordOf,
  RecordedAudit,
  temporaryDirectory,
} from '../../credentials/support.js'

const keyName =
  'organizations/6c2b5c1e-0a5d-4f0e-9d3b-0a1b2c3d4e5f/apiKeys/7d3c6d2f-1b6e-4a1f-8e4c-1b2c3d4e5f60'
const nowMs = Date.UTC(2026, 10, 24, 3, 0, 0, 789)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Finalizers of released memory run on a later turn, after a collection. */
async function liveSecrets(): Promise<number> {
  for (let turn = 0; turn < 5; ++turn) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return secrets().liveCount()
}

async function storeWith(
  t: Test,
  kind: CredentialKind,
  fields: Record<string, string>,
): Promise<{ store: CredentialStore; audit: RecordedAudit }> {
  const audit = new RecordedAudit()
  const dataDirectory = temporaryDirectory(t)
  const store = await CredentialStore.create({ dataDirectory, provider: passwordOf(), audit })
  await store.add({ name: 'exchange', kind, fields: fieldsOf(fields) })
  return { store, audit }
}

interface Token {
  header: Record<string, unknown>
  claims: Record<string, unknown>
  verifies(key: KeyObject): boolean
}

function parseToken(token: string): Token {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const json = (part: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  return {
    header: json(header),
    claims: json(claims),
    verifies: (key) =>
      verify(
        'sha256',
        Buffer.from(`${header}.${claims}`),
        { key, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      ),
  }
}

for (const type of ['sec1', 'pkcs8'] as const) {
  t.test(`the token of a ${type} key verifies with its public key and no other`, async (t) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = privateKey.export({ type, format: 'pem' }) as string
    const { store, audit } = await storeWith(t, 'coinbase-cdp', { name: keyName, privateKey: pem })
    const live = await liveSecrets()
    const sign = advancedTradeSigner({ credentials: store, name: 'exchange', nowMs: () => nowMs })
    const fields = await sign()
    t.same(Object.keys(fields), ['jwt'])
    const token = parseToken(fields['jwt'] ?? '')
    t.ok(token.verifies(publicKey))
    t.notOk(token.verifies(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey))
    t.match(token.header, { alg: 'ES256', typ: 'JWT', kid: keyName, nonce: /^[0-9a-f]{32}$/ })
    const seconds = Math.floor(nowMs / 1000)
    t.same(token.claims, { iss: 'cdp', sub: keyName, nbf: seconds, exp: seconds + 120 })
    const again = parseToken((await sign())['jwt'] ?? '')
    t.not(again.header['nonce'], token.header['nonce'], 'no nonce comes twice')
    t.equal(await liveSecrets(), live, 'no secret memory is left behind')
    t.equal(audit.last, 'credentials.access ok', 'the access is in the trail')
    await store.close()
  })
}

t.test('a key that Advanced Trade does not take is refused without revealing it', async (t) => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { d, x } = privateKey.export({ format: 'jwk' })
  const seed = Buffer.concat([Buffer.from(d ?? '', 'base64url'), Buffer.from(x ?? '', 'base64url')])
  const text = seed.toString('base64')
  const { store } = await storeWith(t, 'coinbase-cdp', { name: keyName, privateKey: text })
  const sign = advancedTradeSigner({ credentials: store, name: 'exchange' })
  try {
    await sign()
    t.fail('it signed')
  } catch (error) {
    t.match(error, { code: 'ERR_PINNACLE_FEED_SIGNING', message: /ECDSA/ })
    t.notMatch((error as Error).message, text.slice(0, 8))
  }
  t.equal(
    await codeOfRejection(advancedTradeSigner({ credentials: store, name: 'other' })()),
    'ERR_PINNACLE_UNKNOWN_CREDENTIAL',
  )
  await store.close()
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
  const generic = await storeWith(t, 'generic', {
    name: keyName,
    privateKey: p384.export({ type: 'pkcs8', format: 'pem' }) as string,
  })
  t.equal(
    await codeOfRejection(advancedTradeSigner({ credentials: generic.store, name: 'exchange' })()),
    'ERR_PINNACLE_FEED_SIGNING',
    'another curve',
  )
  await generic.store.close()
})

t.test("Coinbase Exchange's signature is the HMAC over time and verification path", async (t) => {
  const key = Buffer.alloc(64, 'pinnacle-exchange-key')
  const { store } = await storeWith(t, 'coinbase-legacy', {
    key: '0123456789abcdef0123456789abcdef',
    secret: key.toString('base64'),
    passphrase: 'pass phrase 7',
  })
  const live = await liveSecrets()
  const sign = exchangeSigner({ credentials: store, name: 'exchange', nowMs: () => nowMs })
  const timestamp = String(Math.floor(nowMs / 1000))
  const signature = createHmac('sha256', key)
    .update(`${timestamp}GET/users/self/verify`)
    .digest('base64')
  t.same(await sign(), {
    key: '0123456789abcdef0123456789abcdef',
    passphrase: 'pass phrase 7',
    timestamp,
    signature,
  })
  t.equal(await liveSecrets(), live, 'no secret memory is left behind')
  await store.close()
})

t.test('a secret that is not base64 is refused', async (t) => {
  const { store } = await storeWith(t, 'hmac', {
    key: '0123456789abcdef',
    secret: 'not*base64*at*all',
    passphrase: 'pass',
  })
  t.equal(
    await codeOfRejection(exchangeSigner({ credentials: store, name: 'exchange' })()),
    'ERR_PINNACLE_FEED_SIGNING',
  )
  await store.close()
})
