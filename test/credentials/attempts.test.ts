import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { AttemptLimiter, waitMsAfter } from '../../lib/credentials/attempt-limiter.js'
import { realFiles } from '../../lib/secure/file-operations.js'
import { SecureFiles } from '../../lib/secure/secure-files.js'
import { CredentialStore } from '../../lib/credentials/store.js'
import {
  codeOfRejection,
  passwordOf,
  RecordedAudit,
  rightPassword,
  temporaryDirectory,
  TestClocks,
} from './support.js'

const wrong = 'ERR_PINNACLE_WRONG_PASSWORD'
const lockedOut = 'ERR_PINNACLE_LOCKED_OUT'

t.test('failures are free, then double, then lock out for up to a day', (t) => {
  t.same([0, 1, 2, 3, 4, 9].map(waitMsAfter), [0, 0, 0, 1000, 2000, 64_000])
  t.same([10, 11, 12].map(waitMsAfter), [900_000, 1_800_000, 3_600_000])
  t.equal(waitMsAfter(1_000_000), 86_400_000)
  t.end()
})

async function directoryWithStore(
  t: Parameters<typeof temporaryDirectory>[0],
  clocks: TestClocks,
): Promise<string> {
  const dataDirectory = temporaryDirectory(t)
  await (
    await CredentialStore.create({
      dataDirectory,
      provider: passwordOf(),
      audit: new RecordedAudit(),
      clocks,
    })
  ).close()
  return dataDirectory
}

function attempt(
  dataDirectory: string,
  clocks: TestClocks,
  password: string,
  audit = new RecordedAudit(),
): Promise<string> {
  return codeOfRejection(
    CredentialStore.open({ dataDirectory, provider: passwordOf(password), audit, clocks }).then(
      (store) => store.close(),
    ),
  )
}

t.test(
  'wrong passwords delay the next attempt, also the right one, and success clears the count',
  async (t) => {
    const clocks = new TestClocks()
    const directory = await directoryWithStore(t, clocks)
    for (let i = 0; i < 3; i++) t.equal(await attempt(directory, clocks, 'wrong'), wrong)
    const audit = new RecordedAudit()
    t.equal(await attempt(directory, clocks, rightPassword, audit), lockedOut)
    t.equal(audit.last, `credentials.unlock refused ${lockedOut}`)
    clocks.advance(999)
    t.equal(await attempt(directory, clocks, rightPassword), lockedOut)
    clocks.advance(1)
    t.equal(await attempt(directory, clocks, 'wrong'), wrong)
    clocks.advance(1999)
    t.equal(await attempt(directory, clocks, rightPassword), lockedOut)
    clocks.advance(1)
    t.equal(await attempt(directory, clocks, rightPassword), 'resolved')
    t.equal(await attempt(directory, clocks, 'wrong'), wrong)
    t.equal(await attempt(directory, clocks, rightPassword), 'resolved')
  },
)

t.test('the refusal says how long and when', async (t) => {
  const clocks = new TestClocks()
  const directory = await directoryWithStore(t, clocks)
  for (let i = 0; i < 3; i++) await attempt(directory, clocks, 'wrong')
  await t.rejects(
    CredentialStore.open({
      dataDirectory: directory,
      provider: passwordOf(),
      audit: new RecordedAudit(),
      clocks,
    }),
    {
      code: lockedOut,
      details: { failures: 3, retryAfterMs: 1000, release: '2026-11-23T12:00:01.000Z' },
    },
  )
})

t.test(
  'setting the clock does not shorten the wait, and setting it back does not lock out for ever',
  async (t) => {
    const clocks = new TestClocks()
    const directory = await directoryWithStore(t, clocks)
    for (let i = 0; i < 3; i++) await attempt(directory, clocks, 'wrong')
    clocks.wall += 86_400_000
    t.equal(await attempt(directory, clocks, rightPassword), lockedOut, 'set forward, same boot')
    clocks.wall -= 10 * 86_400_000
    t.equal(await attempt(directory, clocks, rightPassword), lockedOut, 'set back, same boot')
    clocks.boot += 1000
    t.equal(await attempt(directory, clocks, 'wrong'), wrong, 'real time counts')
    clocks.bootId = 'boot-2'
    clocks.boot = 5
    clocks.wall -= 86_400_000
    t.equal(
      await attempt(directory, clocks, rightPassword),
      lockedOut,
      'set back over a reboot: the wait starts again',
    )
    clocks.advance(2000)
    t.equal(await attempt(directory, clocks, rightPassword), 'resolved', 'and ends')
  },
)

t.test(
  'an attempt counts before it is made: dying in the middle of it does not help',
  async (t) => {
    const clocks = new TestClocks()
    const directory = await directoryWithStore(t, clocks)
    const path = join(directory, 'secure_config.attempts.json')
    const count = (): number =>
      (JSON.parse(readFileSync(path, 'utf8')) as { failures: number }).failures
    const provider = passwordOf('wrong')
    let seenDuring = -1
    const dying = Object.assign(Object.create(provider) as typeof provider, {
      matches: () => true,
      unwrap: () => {
        seenDuring = count()
        return Promise.reject(Object.assign(new Error('killed'), { code: wrong }))
      },
      [Symbol.dispose]: () => provider[Symbol.dispose](),
    })
    await codeOfRejection(
      CredentialStore.open({
        dataDirectory: directory,
        provider: dying,
        audit: new RecordedAudit(),
        clocks,
      }),
    )
    t.equal(seenDuring, 1)
  },
)

t.test(
  'a damaged count is the highest, and one that can not be written stops the attempt',
  async (t) => {
    const clocks = new TestClocks()
    const directory = await directoryWithStore(t, clocks)
    const path = join(directory, 'secure_config.attempts.json')
    writeFileSync(path, '{"version":1,"failures":-5}')
    t.equal(await attempt(directory, clocks, rightPassword), lockedOut)
    clocks.advance(waitMsAfter(10))
    t.equal(await attempt(directory, clocks, rightPassword), 'resolved')
    const readOnly = {
      ...realFiles,
      create: () => Promise.reject(Object.assign(new Error('EROFS: read-only'), { code: 'EROFS' })),
    }
    const options = {
      dataDirectory: directory,
      audit: new RecordedAudit(),
      clocks,
      files: readOnly,
    }
    t.equal(
      await codeOfRejection(CredentialStore.open({ ...options, provider: passwordOf() })),
      'ERR_PINNACLE_READ_ONLY',
    )
    t.same(
      readdirSync(directory).filter((name) => name.endsWith('.tmp')),
      [],
    )
  },
)

t.test('attempts of several processes at once are counted one by one', async (t) => {
  const clocks = new TestClocks()
  const directory = await directoryWithStore(t, clocks)
  const codes = await Promise.all(
    Array.from({ length: 6 }, () => attempt(directory, clocks, 'wrong')),
  )
  t.same(codes.sort(), [lockedOut, lockedOut, lockedOut, wrong, wrong, wrong])
})

t.test('the state is kept by generation of each store', async (t) => {
  const directory = temporaryDirectory(t)
  const limiter = new AttemptLimiter(
    new SecureFiles(realFiles),
    join(directory, 'attempts'),
    new TestClocks(),
  )
  await limiter.setGeneration('ab'.repeat(16), 7)
  await limiter.begin()
  t.equal(await limiter.highestGeneration('ab'.repeat(16)), 7)
  t.equal(await limiter.highestGeneration('cd'.repeat(16)), 0)
  t.same(await limiter.status(), { failures: 1, retryAfterMs: 0 })
  unlinkSync(join(directory, 'attempts'))
  t.same(await limiter.status(), { failures: 0, retryAfterMs: 0 })
})
