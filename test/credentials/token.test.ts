import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { Pkcs11Provider } from '../../lib/credentials/pkcs11-provider.js'
import { CredentialStore } from '../../lib/credentials/store.js'
import {
  codeOfRejection,
  codeThrown,
  fieldsOf,
  passwordOf,
  RecordedAudit,
  secretOf,
  temporaryDirectory,
  textOf,
} from './support.js'

const library = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
].find((path) => existsSync(path))

function reasonToSkip(): string | false {
  if (library === undefined) return 'SoftHSM2 is not installed (Debian: softhsm2)'
  try {
    createRequire(import.meta.url).resolve('pkcs11js')
  } catch {
    return 'the optional package pkcs11js is not installed'
  }
  return false
}

const skip = reasonToSkip()
const pin = '987654'

/** A separate token; SoftHSM reads its configuration when it is loaded, so the whole file shares one. */
function initTokens(): void {
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'tokens'))
  const configuration = join(directory, 'softhsm2.conf')
  writeFileSync(
    configuration,
    `directories.tokendir = ${join(directory, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  )
  process.env['SOFTHSM2_CONF'] = configuration
  for (const label of ['first', 'second']) {
    execFileSync(
      'softhsm2-util',
      ['--init-token', '--free', '--label', label, '--pin', pin, '--so-pin', '12345678'],
      { stdio: 'ignore' },
    )
  }
}

if (!skip) initTokens()

function open(token = 'first', keyLabel = 'data', createKey = true, typed = pin): Pkcs11Provider {
  using secret = secretOf(typed)
  return Pkcs11Provider.open({ library: library!, token, keyLabel, createKey }, secret)
}

t.test('a token wraps a key that only it unwraps', { skip }, async (t) => {
  using provider = open()
  using key = secretOf('0123456789abcdef0123456789abcdef')
  const context = { store: 'ab'.repeat(16) }
  const entry = await provider.wrap(key, context)
  t.notSame(entry.wrapped, (await provider.wrap(key, context)).wrapped, 'freshly each time')
  using back = await provider.unwrap(entry, context)
  t.ok(back.equals(key))
  const wrong = 'ERR_PINNACLE_WRONG_PASSWORD'
  t.equal(
    await codeOfRejection(provider.unwrap(entry, { store: 'cd'.repeat(16) })),
    wrong,
    'for another store',
  )
  for (let at = 0; at < entry.wrapped.sealed.length; at++) {
    const sealed = Buffer.from(entry.wrapped.sealed)
    sealed[at] = sealed[at]! ^ 1
    t.equal(
      await codeOfRejection(
        provider.unwrap({ ...entry, wrapped: { ...entry.wrapped, sealed } }, context),
      ),
      wrong,
    )
  }
  using other = open('first', 'another key')
  t.notOk(other.matches(entry))
  t.equal(await codeOfRejection(other.unwrap(entry, context)), wrong, 'by another key of the token')
})

t.test('a store opens with its token, besides its password', { skip }, async (t) => {
  const dataDirectory = temporaryDirectory(t)
  const audit = new RecordedAudit()
  const store = await CredentialStore.create({ dataDirectory, provider: passwordOf(), audit })
  await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'value' }) })
  await store.addKey(open())
  await store.close()
  const byToken = await CredentialStore.open({
    dataDirectory,
    provider: open('first', 'data', false),
    audit,
  })
  t.equal(await byToken.withSecret('a', (secret) => textOf(secret.bytes())), 'value')
  await byToken.rotate('a', fieldsOf({ secret: 'newer' }))
  await byToken.close()
  const byPassword = await CredentialStore.open({ dataDirectory, provider: passwordOf(), audit })
  t.equal(await byPassword.withSecret('a', (secret) => textOf(secret.bytes())), 'newer')
  t.same(
    byPassword.keys.map(({ type }) => type),
    ['password', 'pkcs11'],
  )
  t.equal(
    await codeOfRejection(byPassword.changeKey(passwordOf('a changed password, quite long'))),
    'ERR_PINNACLE_CREDENTIALS_NO_KEY',
    'a token that is not at hand would lose its access',
  )
  await byPassword.removeKey((entry) => entry.type === 'pkcs11')
  await byPassword.close()
  t.equal(
    await codeOfRejection(CredentialStore.open({ dataDirectory, provider: open(), audit })),
    'ERR_PINNACLE_CREDENTIALS_NO_KEY',
  )
})

t.test('a store can be made under a token alone', { skip }, async (t) => {
  const dataDirectory = temporaryDirectory(t)
  const audit = new RecordedAudit()
  await (await CredentialStore.create({ dataDirectory, provider: open('second'), audit })).close()
  const wrongToken = CredentialStore.open({ dataDirectory, provider: open('first'), audit })
  t.equal(await codeOfRejection(wrongToken), 'ERR_PINNACLE_CREDENTIALS_NO_KEY')
  await (await CredentialStore.open({ dataDirectory, provider: open('second'), audit })).close()
})

t.test('a missing or wrong token is a coded error', { skip }, (t) => {
  const token = 'ERR_PINNACLE_TOKEN'
  t.equal(
    codeThrown(() => open('none')),
    token,
  )
  t.equal(
    codeThrown(() => open('first', 'no such key', false)),
    token,
  )
  t.equal(
    codeThrown(() => open('second', 'data', true, '111111')),
    'ERR_PINNACLE_WRONG_PASSWORD',
  )
  using secret = secretOf(pin)
  t.equal(
    codeThrown(() =>
      Pkcs11Provider.open({ library: '/none.so', token: 'first', keyLabel: 'data' }, secret),
    ),
    token,
  )
  t.end()
})
