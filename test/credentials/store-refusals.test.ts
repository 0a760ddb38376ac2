import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t from 'tap'
import { encodeSeed } from '../../lib/credentials/seed-format.js'
import { CredentialStore, type StoreOptions } from '../../lib/credentials/store.js'
import {
  cheapKdf,
  codeOfRejection,
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

t.test('bad files are refused with a code, left as they are, and recorded', async (t) => {
  const directory = temporaryDirectory(t)
  const made = await CredentialStore.create(optionsFor(directory))
  await made.close()
  const good = readFileSync(file(directory), 'utf8')
  const cases: [string, string | Buffer, string][] = [
    ['empty', '', 'CREDENTIALS_CORRUPT'],
    ['truncated', good.slice(0, -100), 'CREDENTIALS_CORRUPT'],
    ['no JSON', 'hello', 'CREDENTIALS_CORRUPT'],
    ['an array', '[]', 'CREDENTIALS_CORRUPT'],
    ['no UTF-8', Buffer.from([0xff, 0xfe, 0x7b]), 'CREDENTIALS_CORRUPT'],
    ['huge', Buffer.alloc(9 * 1024 * 1024, 0x20), 'CREDENTIALS_CORRUPT'],
    ['deeply nested', `{"version":${'['.repeat(200_000)}`, 'CREDENTIALS_CORRUPT'],
    ['another kind', '{"format":"else","version":2}', 'CREDENTIALS_CORRUPT'],
    ['a newer version', good.replace('"version": 2', '"version": 3'), 'NEWER_VERSION'],
    ['no version', good.replace('"version": 2', '"version": 0'), 'CREDENTIALS_CORRUPT'],
    [
      'an unknown field',
      good.replace('"format"', '"extra": 1,\n  "format"'),
      'CREDENTIALS_CORRUPT',
    ],
    ['other spacing', good.replace('\n', ' \n'), 'CREDENTIALS_CORRUPT'],
    [
      'few iterations',
      good.replace('"iterations": 100000', '"iterations": 99999'),
      'CREDENTIALS_PARAMETERS',
    ],
    [
      'many iterations',
      good.replace('"iterations": 100000', '"iterations": 900000000'),
      'CREDENTIALS_PARAMETERS',
    ],
    ['an unknown cipher', good.replace('aes-256-gcm', 'rot13'), 'CREDENTIALS_CORRUPT'],
    [
      'duplicate keys',
      good.replace('"version": 2', '"version": 1, "version": 2'),
      'CREDENTIALS_CORRUPT',
    ],
  ]
  for (const [what, content, code] of cases) {
    writeFileSync(file(directory), content, { mode: 0o600 })
    const before = readFileSync(file(directory))
    const options = optionsFor(directory)
    t.equal(await codeOfRejection(CredentialStore.open(options)), `ERR_PINNACLE_${code}`, what)
    t.ok(readFileSync(file(directory)).equals(before), `${what}: the file is untouched`)
    t.equal(options.audit.last, `credentials.unlock failed ERR_PINNACLE_${code}`)
  }
  writeFileSync(file(directory), good)
  const store = await CredentialStore.open(optionsFor(directory))
  t.pass('none of it counted as a wrong password')
  await store.close()
})

t.test('what is looser than it must be is refused with the command that mends it', async (t) => {
  const directory = temporaryDirectory(t)
  const data = join(directory, 'data')
  mkdirSync(data, { mode: 0o700 })
  await (await CredentialStore.create(optionsFor(data))).close()
  const attempt = async (): Promise<{ code?: string; message?: string }> => {
    try {
      await (await CredentialStore.open(optionsFor(data))).close()
      return {}
    } catch (error) {
      return error as { code?: string; message?: string }
    }
  }
  const unsafe = { code: 'ERR_PINNACLE_UNSAFE_FILE' }
  for (const mode of [0o640, 0o604, 0o660, 0o610, 0o700]) {
    chmodSync(file(data), mode)
    t.match(
      await attempt(),
      { ...unsafe, message: /run: chmod 600 .*secure_config.json/ },
      mode.toString(8),
    )
  }
  chmodSync(file(data), 0o400)
  t.strictSame(await attempt(), {}, 'a tighter mode is fine')
  chmodSync(file(data), 0o600)
  for (const mode of [0o750, 0o705, 0o711]) {
    chmodSync(data, mode)
    t.match(await attempt(), { ...unsafe, message: /run: chmod 700/ }, mode.toString(8))
  }
  chmodSync(data, 0o700)
  linkSync(file(data), join(data, 'second-name'))
  t.match(await attempt(), { ...unsafe, message: /hard links/ })
  renameSync(join(data, 'second-name'), join(directory, 'elsewhere'))
  renameSync(file(data), join(directory, 'moved'))
  symlinkSync(join(directory, 'moved'), file(data))
  t.match(await attempt(), { ...unsafe, message: /symbolic link/ })
  symlinkSync(data, join(directory, 'link'))
  t.match(
    await codeOfRejection(CredentialStore.open(optionsFor(join(directory, 'link')))),
    'ERR_PINNACLE_UNSAFE_FILE',
  )
  t.equal(
    await codeOfRejection(CredentialStore.open(optionsFor(join(directory, 'none')))),
    'ERR_PINNACLE_NOT_FOUND',
  )
})

const notRoot = process.getuid?.() === 0 ? false : 'only root can give a file away'
t.test('a file of another user is refused', { skip: notRoot }, async (t) => {
  const directory = temporaryDirectory(t)
  await (await CredentialStore.create(optionsFor(directory))).close()
  chownSync(file(directory), 12345, 12345)
  t.equal(
    await codeOfRejection(CredentialStore.open(optionsFor(directory))),
    'ERR_PINNACLE_UNSAFE_FILE',
  )
})

t.test('two stores on one directory change it in turn and lose nothing', async (t) => {
  const directory = temporaryDirectory(t)
  const first = await CredentialStore.create(optionsFor(directory))
  const second = await CredentialStore.open(optionsFor(directory))
  const names: string[] = []
  await Promise.all(
    [first, second].flatMap((store, which) =>
      [1, 2, 3, 4].map((i) => {
        const name = `c${String(which)}${String(i)}`
        names.push(name)
        return store.add({ name, kind: 'generic', fields: fieldsOf({ secret: name }) })
      }),
    ),
  )
  const third = await CredentialStore.open(optionsFor(directory))
  t.same(
    third
      .list()
      .map(({ name }) => name)
      .sort(),
    names.sort(),
  )
  await third.changeKey(passwordOf('an entirely other password'))
  t.equal(await codeOfRejection(first.remove('c01')), 'ERR_PINNACLE_CREDENTIALS_STALE')
  for (const store of [first, second, third]) await store.close()
})

t.test('an older file that is put back is noticed', async (t) => {
  const directory = temporaryDirectory(t)
  const store = await CredentialStore.create(optionsFor(directory))
  const old = readFileSync(file(directory))
  await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'v' }) })
  writeFileSync(file(directory), old)
  t.equal(
    await codeOfRejection(store.remove('a')),
    'ERR_PINNACLE_CREDENTIALS_ROLLED_BACK',
    'by the open store',
  )
  await store.close()
  t.equal(
    await codeOfRejection(CredentialStore.open(optionsFor(directory))),
    'ERR_PINNACLE_CREDENTIALS_ROLLED_BACK',
    'and by the next',
  )
})

t.test('a file of the seed format opens, is read only, and can be upgraded', async (t) => {
  const directory = temporaryDirectory(t)
  using plain = secretOf(
    '{"coinbase": {"key": "k-1", "secret": "s\\u00e9cret\\n", "passphrase": "p"}, "other": {"key": "k-2"}}',
  )
  using password = secretOf(rightPassword)
  writeFileSync(file(directory), await encodeSeed(plain, password), { mode: 0o600 })
  const store = await CredentialStore.open(optionsFor(directory))
  t.equal(store.formatVersion, 1)
  t.equal(await store.withSecret('coinbase', (s) => textOf(s.bytes('secret'))), 'sécret\n')
  t.equal(
    await codeOfRejection(
      store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'v' }) }),
    ),
    'ERR_PINNACLE_CREDENTIALS_OLD_VERSION',
  )
  await store.upgrade()
  t.equal(store.formatVersion, 2)
  await store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'v' }) })
  await store.close()
  const again = await CredentialStore.open(optionsFor(directory))
  t.same(
    again.list().map(({ name }) => name),
    ['coinbase', 'other', 'a'],
  )
  t.equal(await again.withSecret('coinbase', (s) => textOf(s.bytes('passphrase'))), 'p')
  await again.close()
})

t.test('every bit of a seed-format file is guarded', async (t) => {
  const { decodeSeed, openSeed } = await import('../../lib/credentials/seed-format.js')
  using plain = secretOf('{"a": {"key": "k"}}')
  using password = secretOf(rightPassword)
  const good = await encodeSeed(plain, password)
  let derived = 0
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good)
    bad[at] = good[at]! ^ (1 << (at % 8))
    let code = ''
    try {
      const envelope = decodeSeed(bad, 'the file')
      // Iterations above a million would only take long.
      if (envelope.kdf.iterations > 1_000_000) continue
      derived++
      await openSeed(envelope, password, 'the file')
    } catch (error) {
      code = (error as { code: string }).code
    }
    if (!/CORRUPT|WRONG_PASSWORD|PARAMETERS|NEWER/.test(code)) t.fail(`byte ${String(at)}: ${code}`)
  }
  t.ok(derived > 50, 'most flips in base64 reach the MAC')
})

t.test('if the trail accepts no line, nothing is done', async (t) => {
  const directory = temporaryDirectory(t)
  const store = await CredentialStore.create(optionsFor(directory))
  await store.close()
  const before = readFileSync(file(directory))
  const refusing = { record: () => Promise.reject(new Error('no trail')) }
  await t.rejects(CredentialStore.open({ ...optionsFor(directory), audit: refusing }), {
    message: 'no trail',
  })
  const sometimes = {
    on: true,
    record: () => (sometimes.on ? Promise.resolve() : Promise.reject(new Error('no trail'))),
  }
  const opened = await CredentialStore.open({ ...optionsFor(directory), audit: sometimes })
  await opened.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: 'v' }) })
  sometimes.on = false
  const changed = readFileSync(file(directory))
  t.notOk(changed.equals(before))
  await t.rejects(
    opened.withSecret('a', () => t.fail('it was handed out')),
    { message: 'no trail' },
  )
  await t.rejects(opened.remove('a'), { message: 'no trail' })
  t.ok(readFileSync(file(directory)).equals(changed))
  await opened.close()
})

t.test('nothing that was refused, and no secret, is in an error or an event', async (t) => {
  const directory = temporaryDirectory(t)
  const options = optionsFor(directory)
  const store = await CredentialStore.create(options)
  const texts: string[] = []
  const attempt = async (promise: Promise<unknown>): Promise<void> => {
    try {
      await promise
      t.fail('it was accepted')
    } catch (error) {
      texts.push(inspect(error, { depth: 9 }))
    }
  }
  const sensitive = 'SENSITIVE'
  await attempt(
    store.add({
      name: `${sensitive} name`,
      kind: 'generic',
      fields: fieldsOf({ secret: sensitive }),
    }),
  )
  await attempt(
    store.add({ name: 'a', kind: 'hmac', fields: fieldsOf({ key: sensitive, secret: sensitive }) }),
  )
  await attempt(
    store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ [`${sensitive}\n`]: sensitive }) }),
  )
  await attempt(
    store.add({ name: 'a', kind: 'generic', fields: fieldsOf({ secret: `${sensitive}\0` }) }),
  )
  await attempt(store.withSecret(`${sensitive} name`, () => undefined))
  await attempt(CredentialStore.open(optionsFor(directory, sensitive)))
  t.equal(texts.length, 6)
  t.notMatch(texts.join('\n'), sensitive)
  t.notMatch(JSON.stringify(options.audit.events), sensitive)
  await store.close()
})

t.test('creating refuses what is there and what is out of range', async (t) => {
  const directory = temporaryDirectory(t)
  t.equal(
    await codeOfRejection(CredentialStore.create({ ...optionsFor(directory), historyLimit: 1000 })),
    'ERR_PINNACLE_INVALID_CREDENTIAL',
  )
  t.notOk(existsSync(file(directory)))
  await (await CredentialStore.create(optionsFor(directory))).close()
  t.equal(
    await codeOfRejection(CredentialStore.create(optionsFor(directory))),
    'ERR_PINNACLE_CREDENTIALS_EXIST',
  )
  t.same(readdirSync(directory).sort(), [
    'secure_config.attempts.json',
    'secure_config.json',
    'secure_config.lock',
  ])
  t.equal(cheapKdf.algorithm, 'pbkdf2-hmac-sha256')
})
