// A process with several copies of the package's JavaScript: a test runner's registry of modules, a hot
// reload, two versions in node_modules. The copies share the addon, or have one each.
import { copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import * as credentials from '../../lib/credentials/index.js'
import * as one from '../../lib/index.js'
import { RecordedAudit, secretOf, temporaryDirectory, textOf } from '../credentials/support.js'

type Package = typeof one
type Credentials = typeof credentials

const root = process.cwd()
const addon = 'build/Release/pinnacle.node'

async function copyOf(t: Test, ownAddon: boolean): Promise<[Package, Credentials]> {
  const copy = t.testdir()
  cpSync(path.join(import.meta.dirname, '../../lib'), path.join(copy, 'lib'), { recursive: true })
  copyFileSync(path.join(root, 'package.json'), path.join(copy, 'package.json'))
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
  if (ownAddon) {
    mkdirSync(path.join(copy, path.dirname(addon)), { recursive: true })
    copyFileSync(path.join(root, addon), path.join(copy, addon))
  } else {
    symlinkSync(path.join(root, 'build'), path.join(copy, 'build'))
  }
  const load = (file: string): Promise<unknown> =>
    import(pathToFileURL(path.join(copy, 'lib', file)).href)
  return [(await load('index.js')) as Package, (await load('credentials/index.js')) as Credentials]
}

/** The errors from opening a locked directory and from reading a missing one: both come from the addon. */
async function errorsOf({ PersistenceManager, Journal }: Package, dir: string): Promise<unknown[]> {
  const errors: unknown[] = []
  await PersistenceManager.open({ dataDirectory: dir }).catch((e: unknown) => errors.push(e))
  await Journal.read(path.join(dir, 'none'))
    .next()
    .catch((e: unknown) => errors.push(e))
  return errors
}

for (const ownAddon of [false, true]) {
  const kind = ownAddon ? 'an addon of its own' : 'the same addon'
  t.test(`a second copy over ${kind} leaves the first one's errors alone`, async (t) => {
    const [two] = await copyOf(t, ownAddon)
    const dataDirectory = path.join(t.testdirName, 'data')
    const manager = await one.PersistenceManager.open({ dataDirectory, segmentSize: '64KiB' })
    for (let i = 0; i < 4000; i++) manager.append(1, new Uint8Array(40))
    // Alternately, so that each copy comes after the other.
    for (const [own, other] of [
      [two, one],
      [one, two],
      [two, one],
    ] as const) {
      const [locked, missing] = await errorsOf(own, dataDirectory)
      for (const error of [locked, missing]) {
        t.ok(own.isPinnacleError(error), 'is known to the copy that it comes from')
        t.ok(error instanceof own.PinnacleError)
        t.ok(Object.getPrototypeOf(error) === own.PinnacleError.prototype, 'and is of its class')
        t.ok(other.isPinnacleError(error), 'is known to the other copy')
        t.ok(error instanceof other.PinnacleError)
        t.notOk(error instanceof other.PinnacleTypeError)
      }
      t.match(locked, { code: 'ERR_PINNACLE_LOCKED' })
    }
    // Reading from the start of a compacted journal catches an error of the addon.
    await manager.snapshot()
    await manager.compact({ force: true })
    for (const { Journal } of [one, two]) {
      let read = 0
      for await (const entry of Journal.read(dataDirectory)) read = entry.sequence
      t.equal(read, manager.appendedFrontier)
    }
    await manager.close()
  })
}

t.test("a copy takes another one's secrets and password", async (t) => {
  const [, others] = await copyOf(t, false)
  // A file of the seed's format needs the password itself, so its provider's class is checked.
  const dataDirectory = temporaryDirectory(t)
  const password = 'correct horse battery staple'
  using plain = secretOf('{"exchange":{"key":"abc","secret":"def"}}')
  const file = path.join(dataDirectory, 'secure_config.json')
  writeFileSync(file, await credentials.encodeSeed(plain, secretOf(password)), { mode: 0o600 })
  const provider = new others.PasswordProvider(others.SecretBuffer.copyOf(Buffer.from(password)))
  const audit = new RecordedAudit()
  await using store = await credentials.CredentialStore.open({ dataDirectory, provider, audit })
  t.equal(store.formatVersion, 1)
  const read = await store.withSecret('exchange', (secret) => textOf(secret.bytes('secret')))
  t.equal(read, 'def')
})

t.test('a class derived from an error of the package is distinguished from its base', async (t) => {
  class Own extends one.PinnacleError {}
  const own = new Own('ERR_OWN', 'mine')
  t.ok(own instanceof Own && own instanceof one.PinnacleError && one.isPinnacleError(own))
  t.notOk(new one.PinnacleError('ERR_X', 'x') instanceof Own)
  for (const value of [null, undefined, 1, 'text', {}, new Error('x'), { code: 'ERR_PINNACLE_IO' }])
    t.notOk(one.isPinnacleError(value))
})

t.test('a payload and a snapshot of another realm are taken', async (t) => {
  const foreign = runInNewContext('new Uint8Array([1, 2, 3])') as Uint8Array
  t.notOk(foreign instanceof Uint8Array)
  await using manager = await one.PersistenceManager.open({
    dataDirectory: path.join(t.testdir(), 'data'),
    stateMachine: { apply: () => undefined, snapshot: () => foreign, restore: () => undefined },
  })
  manager.append(1, foreign)
  await manager.snapshot()
  for await (const entry of manager.journal.entries({ types: ['user'] }))
    t.same(entry.type === 'user' && [...entry.payload], [1, 2, 3])
})
