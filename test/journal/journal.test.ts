import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import t from 'tap'
import { fork } from '../children.js'
import { Journal, type JournalEntry, type UserEntry } from '../../lib/index.js'
import { open } from '../persistence/setup.js'

const config = (dataDirectory: string): Parameters<typeof Journal.open>[0] => ({
  dataDirectory,
  segmentSize: '64KiB',
  durability: 'appended',
})

const collect = async (entries: AsyncIterable<JournalEntry>): Promise<UserEntry[]> => {
  const list: UserEntry[] = []
  for await (const entry of entries) if (entry.type === 'user') list.push(entry)
  return list
}

t.test(
  'payloads of every length come back byte by byte, across segments and after reopening',
  async (t) => {
    const directory = t.testdir()
    const journal = await Journal.open(config(directory))
    const payloads = fc.sample(
      fc.oneof(
        { weight: 20, arbitrary: fc.uint8Array({ maxLength: 100 }) },
        {
          weight: 1,
          arbitrary: fc.uint8Array({ minLength: 5000, maxLength: 20_000, size: 'max' }),
        },
      ),
      300,
    )
    payloads.forEach((payload, index) => {
      t.equal(journal.append(index % 96, payload, { timestampNs: BigInt(index) + 1n }), index + 1)
    })
    const check = async (entries: AsyncIterable<JournalEntry>): Promise<void> => {
      const list = await collect(entries)
      t.equal(list.length, payloads.length)
      t.ok(
        list.every(
          (entry, index) =>
            entry.sequence === index + 1 &&
            entry.userType === index % 96 &&
            entry.timestampNs === BigInt(index) + 1n &&
            entry.givenTime &&
            Buffer.from(entry.payload).equals(Buffer.from(payloads[index] ?? [])),
        ),
      )
    }
    await check(journal.entries())
    await check(Journal.read(directory))
    await journal.close()
    const again = await Journal.open(config(directory))
    await check(again.entries())
    t.equal(again.append(0, new Uint8Array()), payloads.length + 1)
    await again.close()
  },
)

t.test('a payload larger than the staging area is journaled whole', async (t) => {
  const journal = await Journal.open({ ...config(t.testdir()), segmentSize: '4MiB' })
  const large = Buffer.alloc(1_000_000, 'pinnacle')
  journal.append(5, large, { timestampNs: 9n })
  journal.append(6, Buffer.from('after'))
  const [first, second] = await collect(journal.entries())
  t.ok(Buffer.from(first?.payload ?? []).equals(large))
  t.equal(first?.timestampNs, 9n)
  t.equal(Buffer.from(second?.payload ?? []).toString(), 'after')
  await journal.close()
})

t.test('lanes are journaled in place, one payload or many in a call', async (t) => {
  const journal = await Journal.open(config(t.testdir()))
  const { lanes } = journal
  lanes[0] = 1.5
  lanes[1] = -2
  t.equal(journal.appendLanes(9, 2), 1)
  for (let i = 0; i < 300; i++) lanes[i] = i
  t.equal(journal.appendLanesBatch(10, 3, 100), 101)
  const [first, ...rest] = await collect(journal.entries())
  const floats = (entry: UserEntry | undefined): number[] =>
    entry ? [...new Float64Array(new Uint8Array(entry.payload).buffer)] : []
  t.strictSame(floats(first), [1.5, -2])
  t.equal(rest.length, 100)
  t.ok(rest.every((entry, i) => floats(entry).join() === [3 * i, 3 * i + 1, 3 * i + 2].join()))
  t.ok(rest.every((entry) => entry.userType === 10 && !entry.givenTime))
  await journal.close()
})

t.test('batches of equal and of different lengths keep order and content', async (t) => {
  const journal = await Journal.open(config(t.testdir()))
  const uniform = Array.from({ length: 3000 }, (_, i) => Buffer.from(String(i).padStart(13, '0')))
  t.equal(journal.appendBatch(1, uniform, { timestampNs: 2n ** 60n }), 3000)
  const mixed = Array.from({ length: 50 }, (_, i) => Buffer.alloc(i * 3, i))
  t.equal(journal.appendBatch(2, mixed), 3050)
  t.equal(journal.appendBatch(2, []), 3050, 'none is none')
  const entries = await collect(journal.entries())
  t.ok(
    [...uniform, ...mixed].every((payload, i) =>
      Buffer.from(entries[i]?.payload ?? []).equals(payload),
    ),
  )
  t.equal(entries[0]?.timestampNs, 2n ** 60n)
  await journal.close()
})

t.test('iteration filters by sequence, type and instrument', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  manager.book('AAPL').add(1, 0, 1, 1)
  manager.book('BTC-USD').add(2, 1, 3, 4)
  manager.append(3, Buffer.from('x'), { instrument: 'BTC-USD' })
  manager.book('AAPL').cancel(1)
  const types = async (
    options: Parameters<typeof manager.journal.entries>[0],
  ): Promise<string[]> => {
    const list: string[] = []
    for await (const entry of manager.journal.entries(options)) list.push(entry.type)
    return list
  }
  t.strictSame(await types({}), [
    'instrument',
    'instrument',
    'instrument',
    'add',
    'add',
    'user',
    'cancel',
  ])
  t.strictSame(await types({ from: 6 }), ['user', 'cancel'])
  t.strictSame(await types({ from: 2, to: 4 }), ['instrument', 'instrument', 'add'])
  t.strictSame(await types({ instrument: 'BTC-USD' }), ['instrument', 'add', 'user'])
  t.strictSame(await types({ types: ['cancel', 'add'] }), ['add', 'add', 'cancel'])
  await t.rejects(types({ instrument: 'BTC-USB' }), { code: 'ERR_PINNACLE_UNKNOWN_INSTRUMENT' })
  const byName: string[] = []
  for await (const entry of Journal.read(directory, { instrument: 'AAPL' })) byName.push(entry.type)
  t.strictSame(byName, ['instrument', 'add', 'cancel'], 'a reader without the lock finds the name')
  await manager.close()
})

t.test('a follower sees what this process appends, and ends when it closes', async (t) => {
  const manager = await open(t.testdir(), { instruments: [] })
  const seen: number[] = []
  const follower = (async () => {
    for await (const entry of manager.journal.entries({ follow: true })) seen.push(entry.sequence)
  })()
  for (let i = 1; i <= 2000; i++) {
    manager.append(1, Buffer.from(String(i)))
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  while (seen.length < 2000) await new Promise((resolve) => setImmediate(resolve))
  await manager.close()
  await follower
  t.ok(seen.every((sequence, index) => sequence === index + 1))
  t.equal(seen.length, 2000)
})

t.test('a follower sees what another process appends, in order and without a gap', async (t) => {
  const directory = t.testdir()
  const child = fork(fileURLToPath(new URL('./following-writer.js', import.meta.url)), [directory])
  t.teardown(() => {
    child.kill()
  })
  await new Promise((resolve) => child.once('message', resolve))
  const controller = new AbortController()
  let expected = 1
  try {
    for await (const entry of Journal.read(directory, {
      follow: true,
      signal: controller.signal,
    })) {
      if (entry.sequence !== expected++) t.fail(`${String(entry.sequence)} out of order`)
      if (entry.sequence === 5000) controller.abort(new Error('seen all'))
    }
    t.fail('an abort must end it with its reason')
  } catch (error) {
    t.equal((error as Error).message, 'seen all')
  }
  t.equal(expected, 5001)
})

t.test('each worker thread keeps its own journal; a terminated one harms nobody', async (t) => {
  const directory = t.testdir({ a: {}, b: {} })
  const script = new URL('./worker-writer.js', import.meta.url)
  const here = await Journal.open(config(directory))
  const [a, b] = ['a', 'b'].map((name) => new Worker(script, { argv: [`${directory}/${name}`] }))
  const ready = (worker: Worker | undefined): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker?.once('message', resolve)
      worker?.once('error', reject)
    })
  t.strictSame(await Promise.all([ready(a), ready(b)]), [1000, 1000])
  await a?.terminate()
  t.equal(here.append(1, Buffer.from('still here')), 1)
  t.equal(await here.durable(), 1)
  await b?.terminate()
  await here.close()
  for (const name of ['a', 'b']) {
    const again = await Journal.open(config(`${directory}/${name}`))
    t.equal(again.appendedFrontier, 1000, 'what it appended is there, and its lock is not')
    await again.close()
  }
})

t.test('a journal that is forgotten without close() is let go', async (t) => {
  const child = fork(fileURLToPath(new URL('./forgetful.js', import.meta.url)), [t.testdir()], {
    execArgv: ['--expose-gc'],
  })
  const code = await new Promise((resolve) => child.once('exit', resolve))
  t.equal(code, 0)
})
