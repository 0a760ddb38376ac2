import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { kdfDefaults } from '../../lib/credentials/kdf.js'
import { decodeEnvelope } from '../../lib/credentials/envelope.js'
import { secrets } from '../../lib/secure/native.js'
import type { Secret } from '../../lib/credentials/secret.js'
import { CredentialStore, type StoreOptions } from '../../lib/credentials/store.js'
import {
  codeOfRejection,
  codeThrown,
  fieldsOf,
  passwordOf,
  RecordedAudit,
  rightPassword,
  secretOf,
  temporaryDirectory,
  TestClocks,
  textOf,
} from './support.js'

t.setTimeout(240_000)

function optionsFor(
  directory: string,
  password = rightPassword,
): StoreOptions & { audit: RecordedAudit } {
  return {
    dataDirectory: directory,
    provider: passwordOf(password),
    audit: new RecordedAudit(),
    clocks: new TestClocks(),
  }
}

const file = (directory: string): string => join(directory, 'secure_config.json')

t.test(
  'a secret comes back after closing and unlocking, and nothing of it is in the file',
  async (t) => {
    const directory = temporaryDirectory(t)
    const store = await CredentialStore.create(optionsFor(directory))
    await store.add({
      name: 'exchange',
      kind: 'generic',
      fields: fieldsOf({ secret: 'the-hidden-value' }),
    })
    await store.close()
    const text = readFileSync(file(directory), 'utf8')
    t.notMatch(text, /the-hidden-value|exchange/)
    const again = await CredentialStore.open(optionsFor(directory))
    t.equal(
      await again.withSecret('exchange', (secret) => textOf(secret.bytes())),
      'the-hidden-value',
    )
    t.match(again.list(), [{ name: 'exchange', kind: 'generic', version: 1, expiry: 'none' }])
    await again.close()
    t.equal(
      codeThrown(() => again.list()),
      'ERR_PINNACLE_CLOSED',
    )
  },
)

t.test('what is written by default follows the present advice', async (t) => {
  const directory = temporaryDirectory(t)
  const { PasswordProvider } = await import('../../lib/credentials/password-provider.js')
  const store = await CredentialStore.create({
    ...optionsFor(directory),
    provider: new PasswordProvider(secretOf(rightPassword)),
  })
  await store.close()
  const envelope = decodeEnvelope(readFileSync(file(directory)), 'the file')
  t.equal(envelope.cipher, 'aes-256-gcm')
  t.match(envelope.keys, [
    { type: 'password', kdf: { algorithm: 'pbkdf2-hmac-sha256', iterations: 600_000 } },
  ])
})

for (const algorithm of ['scrypt', 'argon2id'] as const) {
  t.test(`a store under ${algorithm} opens again`, async (t) => {
    const directory = temporaryDirectory(t)
    const kdf = kdfDefaults[algorithm]
    const store = await CredentialStore.create({
      ...optionsFor(directory),
      provider: passwordOf(rightPassword, kdf),
      cipher: 'aes-256-cbc-hmac-sha256',
    })
    await store.close()
    const again = await CredentialStore.open(optionsFor(directory))
    t.match(again.keys, [{ kdf: { algorithm } }])
    await again.close()
    t.equal(
      await codeOfRejection(CredentialStore.open(optionsFor(directory, 'not the password'))),
      'ERR_PINNACLE_WRONG_PASSWORD',
    )
  })
}

t.test('a secret is wiped after its callback and shows itself nowhere', async (t) => {
  const store = await CredentialStore.create(optionsFor(temporaryDirectory(t)))
  await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'tell-nobody' }) })
  let kept: Secret | undefined
  let view: Uint8Array | undefined
  await store.withSecret('a', async (secret) => {
    await Promise.resolve()
    kept = secret
    view = secret.bytes()
    for (const shown of [
      inspect(secret),
      inspect({ secret }, { depth: 9, showHidden: true }),
      JSON.stringify({ secret }),
      String(secret),
    ]) {
      t.match(shown, '[redacted]')
      t.notMatch(shown, /tell-nobody|116, 101/)
    }
  })
  t.equal(view?.length, 0, 'the view is detached')
  t.equal(
    codeThrown(() => kept?.bytes()),
    'ERR_PINNACLE_SECRET_RELEASED',
  )
  await t.rejects(
    store.withSecret('a', (secret) => {
      view = secret.bytes()
      throw new Error('the callback failed')
    }),
    { message: 'the callback failed' },
  )
  t.equal(view?.length, 0, 'also if the callback throws')
  t.notMatch(inspect(store, { depth: 9, showHidden: true }), 'tell-nobody')
  await store.close()
})

t.test('a store that comes and goes leaves no secret memory behind', async (t) => {
  const directory = temporaryDirectory(t)
  const first = await CredentialStore.create(optionsFor(directory))
  await first.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'value one' }) })
  await first.close()
  const work = async (): Promise<void> => {
    const store = await CredentialStore.open(optionsFor(directory))
    await store.rotate('a', fieldsOf({ secret: 'value two' }))
    await store.withSecret('a', () => undefined)
    await codeOfRejection(store.withSecret('b', () => undefined))
    await codeOfRejection(
      store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'x' }) }),
    )
    await store.close()
    await codeOfRejection(CredentialStore.open(optionsFor(directory, 'not the password')))
  }
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const live: number[] = []
  for (let i = 0; i < 3; i++) {
    await work()
    // Finalizers of detached memory run on a later turn, after a collection.
    for (let turn = 0; turn < 5; turn++) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    live.push(secrets().liveCount())
  }
  t.equal(live[2], live[1])
})

t.test('every version of the file has salts and keys of its own', async (t) => {
  const directory = temporaryDirectory(t)
  const store = await CredentialStore.create(optionsFor(directory))
  const salts = new Set<string>()
  for (let i = 0; i < 3; i++) {
    await store.add({
      name: `c${String(i)}`,
      kind: 'generic',
      fields: fieldsOf({ secret: 'same value' }),
    })
    const envelope = decodeEnvelope(readFileSync(file(directory)), 'the file')
    const [key] = envelope.keys
    salts.add(envelope.salt.toString('hex'))
    if (key?.type === 'password') salts.add(key.salt.toString('hex'))
    for (const { nonce, sealed } of envelope.secrets)
      salts.add(nonce.toString('hex') + sealed.toString('hex'))
    t.equal(envelope.generation, i + 2)
  }
  t.equal(salts.size, 3 + 3 + 1 + 2 + 3)
  await store.close()
})

t.test('rotation keeps the configured number of old values and no more', async (t) => {
  const store = await CredentialStore.create({
    ...optionsFor(temporaryDirectory(t)),
    historyLimit: 2,
  })
  await store.add({
    name: 'a',
    kind: 'generic',
    fields: fieldsOf({ secret: 'value 1' }),
    expires: '2030-01-01',
  })
  for (const value of ['value 2', 'value 3', 'value 4'])
    await store.rotate('a', fieldsOf({ secret: value }))
  t.match(store.list(), [{ version: 4, versions: [4, 3, 2], expires: null }])
  t.equal(await store.withSecret('a', (s) => textOf(s.bytes())), 'value 4')
  t.equal(await store.withSecret('a', (s) => textOf(s.bytes()), { version: 2 }), 'value 2')
  t.equal(
    await codeOfRejection(store.withSecret('a', () => 0, { version: 1 })),
    'ERR_PINNACLE_UNKNOWN_CREDENTIAL',
  )
  await store.remove('a')
  t.same(store.list(), [])
  await store.close()
})

t.test('a changed password opens the file and the old one does not', async (t) => {
  const directory = temporaryDirectory(t)
  const store = await CredentialStore.create(optionsFor(directory))
  await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'value' }) })
  const before = readFileSync(file(directory))
  await store.changeKey(passwordOf('an entirely other password'))
  await store.rotate('a', fieldsOf({ secret: 'newer value' }))
  await store.close()
  t.equal(
    await codeOfRejection(CredentialStore.open(optionsFor(directory))),
    'ERR_PINNACLE_WRONG_PASSWORD',
  )
  const again = await CredentialStore.open(optionsFor(directory, 'an entirely other password'))
  t.equal(await again.withSecret('a', (s) => textOf(s.bytes())), 'newer value')
  await again.close()
  t.notSame(
    decodeEnvelope(before, 'x').secrets,
    decodeEnvelope(readFileSync(file(directory)), 'x').secrets,
  )
})

t.test('an expiry date warns in time, in the callback and in the trail', async (t) => {
  const warnings: string[] = []
  const clocks = new TestClocks()
  const options = {
    ...optionsFor(temporaryDirectory(t)),
    clocks,
    onWarning: (text: string) => warnings.push(text),
  }
  const store = await CredentialStore.create(options)
  await store.add({
    name: 'a',
    kind: 'generic',
    fields: fieldsOf({ secret: 'v' }),
    expires: '2026-12-31',
  })
  await store.withSecret('a', () => undefined)
  t.same([warnings, store.list()[0]?.expiry], [[], 'valid'])
  clocks.advance(30 * 86_400_000)
  await store.withSecret('a', () => undefined)
  t.equal(store.list()[0]?.expiry, 'soon')
  clocks.advance(30 * 86_400_000)
  await store.withSecret('a', () => undefined)
  t.equal(store.list()[0]?.expiry, 'expired')
  t.match(warnings, [/"a" expires on 2026-12-31/, /"a" expired on 2026-12-31/])
  t.equal(options.audit.events.filter(({ action }) => action === 'credentials.expiry').length, 2)
  await store.setExpiry('a', null)
  t.equal(store.list()[0]?.expiry, 'none')
  t.equal(
    await codeOfRejection(store.setExpiry('a', 'tomorrow')),
    'ERR_PINNACLE_INVALID_CREDENTIAL',
  )
  await store.close()
})
