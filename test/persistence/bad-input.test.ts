/** Each case gives a coded error and leaves the journal and the books exactly as they were. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { fork } from '../children.js'
import { Journal, PersistenceManager, Side, type Book, type CodedError } from '../../lib/index.js'
import { crc32c } from '../../lib/pure-reader/checksum.js'
import { fingerprint, flow, open } from './setup.js'

const big = Number.MAX_SAFE_INTEGER

t.test('operations with bad arguments are refused and change nothing', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  const book = manager.book('AAPL')
  const levels = manager.book('ETH-USD')
  book.add(1, Side.Buy, 100, 10)
  book.add(2, Side.Buy, 100, big - 10)
  book.add(3, Side.Sell, 200, 5)
  book.add(6, Side.Buy, 50, 5)
  levels.setLevel(Side.Buy, 7, 8)

  type Case = [string, (b: Book) => unknown, string]
  const numbers: [string, number][] = [
    ['a fraction', 1.5],
    ['a negative number', -1],
    ['NaN', NaN],
    ['infinity', Infinity],
    ['an unsafe integer', big + 1],
  ]
  const cases: Case[] = [
    ['an unknown order', (b) => b.cancel(99), 'ERR_PINNACLE_UNKNOWN_ORDER'],
    ['an unknown order', (b) => b.reduce(99, 1), 'ERR_PINNACLE_UNKNOWN_ORDER'],
    ['an unknown order', (b) => b.execute(2n ** 100n, 1), 'ERR_PINNACLE_UNKNOWN_ORDER'],
    ['an unknown order', (b) => b.replace(99, 100, 1, 1), 'ERR_PINNACLE_UNKNOWN_ORDER'],
    ['a duplicate order', (b) => b.add(1, 0, 100, 1), 'ERR_PINNACLE_DUPLICATE_ORDER'],
    ['a duplicate order as a bigint', (b) => b.add(1n, 0, 100, 1), 'ERR_PINNACLE_DUPLICATE_ORDER'],
    ['a duplicate new order', (b) => b.replace(1, 3, 1, 1), 'ERR_PINNACLE_DUPLICATE_ORDER'],
    ['more than is open', (b) => b.execute(1, 11), 'ERR_PINNACLE_QUANTITY_EXCEEDS_OPEN'],
    ['more than is open', (b) => b.reduce(1, 11), 'ERR_PINNACLE_QUANTITY_EXCEEDS_OPEN'],
    ['a level that overflows', (b) => b.add(4, 0, 100, 1), 'ERR_PINNACLE_QUANTITY_OVERFLOW'],
    ['a level that overflows', (b) => b.replace(6, 7, 100, 1), 'ERR_PINNACLE_QUANTITY_OVERFLOW'],
    ['a side out of range', (b) => b.add(5, 2 as never, 1, 1), 'ERR_PINNACLE_INVALID_SIDE'],
    ['a side out of range', (b) => b.add(5, -1 as never, 1, 1), 'ERR_PINNACLE_INVALID_SIDE'],
    ['a side out of range', (b) => b.trade(0.5 as never, 1, 1), 'ERR_PINNACLE_INVALID_SIDE'],
    ['quantity 0', (b) => b.add(5, 0, 1, 0), 'ERR_PINNACLE_INVALID_QUANTITY'],
    ['quantity 0', (b) => b.reduce(1, 0), 'ERR_PINNACLE_INVALID_QUANTITY'],
    ['quantity 0', (b) => b.execute(1, 0), 'ERR_PINNACLE_INVALID_QUANTITY'],
    ['quantity 0', (b) => b.replace(1, 5, 1, 0), 'ERR_PINNACLE_INVALID_QUANTITY'],
    ['a bigint id too large', (b) => b.add(2n ** 128n, 0, 1, 1), 'ERR_PINNACLE_INVALID_ORDER_ID'],
    ['a level operation', (b) => b.setLevel(0, 1, 1), 'ERR_PINNACLE_INVALID_OPERATION'],
    ['an order operation', () => levels.add(1, 0, 1, 1), 'ERR_PINNACLE_INVALID_OPERATION'],
  ]
  for (const [what, wrong] of numbers) {
    cases.push(
      [`${what} as price`, (b) => b.add(5, 0, wrong, 1), 'ERR_PINNACLE_INVALID_PRICE'],
      [`${what} as price`, (b) => b.replace(1, 5, wrong, 1), 'ERR_PINNACLE_INVALID_PRICE'],
      [`${what} as price`, (b) => b.trade(0, wrong, 1), 'ERR_PINNACLE_INVALID_PRICE'],
      [`${what} as price`, () => levels.setLevel(0, wrong, 1), 'ERR_PINNACLE_INVALID_PRICE'],
      [`${what} as quantity`, (b) => b.add(5, 0, 1, wrong), 'ERR_PINNACLE_INVALID_QUANTITY'],
      [`${what} as quantity`, (b) => b.reduce(1, wrong), 'ERR_PINNACLE_INVALID_QUANTITY'],
      [`${what} as quantity`, (b) => b.execute(1, wrong), 'ERR_PINNACLE_INVALID_QUANTITY'],
      [`${what} as quantity`, (b) => b.replace(1, 5, 1, wrong), 'ERR_PINNACLE_INVALID_QUANTITY'],
      [`${what} as quantity`, () => levels.setLevel(0, 1, wrong), 'ERR_PINNACLE_INVALID_QUANTITY'],
      [`${what} as order id`, (b) => b.add(wrong, 0, 1, 1), 'ERR_PINNACLE_INVALID_ORDER_ID'],
      [`${what} as order id`, (b) => b.cancel(wrong), 'ERR_PINNACLE_INVALID_ORDER_ID'],
      [
        `${what} as new order id`,
        (b) => b.replace(1, wrong, 1, 1),
        'ERR_PINNACLE_INVALID_ORDER_ID',
      ],
      [`${what} as time`, (b) => b.add(5, 0, 1, 1, wrong), 'ERR_PINNACLE_INVALID_TIMESTAMP'],
      [`${what} as time`, (b) => b.clear(wrong), 'ERR_PINNACLE_INVALID_TIMESTAMP'],
      [`${what} as status`, (b) => b.setStatus(wrong), 'ERR_PINNACLE_INVALID_QUANTITY'],
    )
  }
  const before = fingerprint(manager)
  for (const [what, work, expected] of cases) {
    let code = 'nothing thrown'
    try {
      work(book)
    } catch (error) {
      code = (error as CodedError).code
    }
    t.equal(code, expected, `${what}: ${work.toString()}`)
    t.strictSame(fingerprint(manager), before)
  }
  // The same through a batch, each alone: another entry point, the same refusal.
  const batch = manager.batch()
  for (const [stage, code] of [
    [() => batch.add(book, 1, 0, 1, 1), 'ERR_PINNACLE_DUPLICATE_ORDER'],
    [() => batch.add(book, 5, 0, NaN, 1), 'ERR_PINNACLE_INVALID_PRICE'],
    [() => batch.add(book, 5, 3 as never, 1, 1), 'ERR_PINNACLE_INVALID_SIDE'],
    [() => batch.reduce(book, 1, 0.5), 'ERR_PINNACLE_INVALID_QUANTITY'],
    [() => batch.cancel(book, -5), 'ERR_PINNACLE_INVALID_ORDER_ID'],
    [() => batch.clear(book, 1.5), 'ERR_PINNACLE_INVALID_TIMESTAMP'],
  ] as const) {
    stage()
    t.throws(() => batch.commit(), { code, details: { index: 0, taken: 0 } })
    t.strictSame(fingerprint(manager), before)
  }
  await manager.close()
  const again = await open(directory)
  t.strictSame(fingerprint(again), before, 'and nothing of it comes back')
  await again.close()
})

t.test('payloads with bad arguments are refused and change nothing', async (t) => {
  const manager = await open(t.testdir())
  const before = fingerprint(manager)
  const bytes = new Uint8Array(8)
  const { journal } = manager
  const cases: [() => unknown, string][] = [
    [() => journal.append(128, bytes), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.append(-1, bytes), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.append(1.5, bytes), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.append('1' as never, bytes), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.append(1, 'text' as never), 'ERR_PINNACLE_INVALID_ARGUMENT'],
    [() => journal.append(1, [1, 2] as never), 'ERR_PINNACLE_INVALID_ARGUMENT'],
    [() => journal.append(1, bytes, { instrument: 'APPL' }), 'ERR_PINNACLE_UNKNOWN_INSTRUMENT'],
    [() => journal.append(1, bytes, { timestampNs: -1 }), 'ERR_PINNACLE_INVALID_TIMESTAMP'],
    [() => journal.append(1, bytes, { timestampNs: 2n ** 64n }), 'ERR_PINNACLE_INVALID_TIMESTAMP'],
    [() => journal.append(300, bytes, { timestampNs: 5n }), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    // (In its lane it would be 44 with a flag.)
    [() => journal.append(300, bytes), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.append(512, bytes, { timestampNs: 5 }), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.append(512, new Uint8Array(100)), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    // Larger than half a 64 KiB segment, staged and not staged.
    [() => journal.append(1, new Uint8Array(70_000)), 'ERR_PINNACLE_ENTRY_TOO_LARGE'],
    [() => journal.append(1, new Uint8Array(200_000)), 'ERR_PINNACLE_ENTRY_TOO_LARGE'],
    [() => journal.append(1, new Uint8Array(16 * 2 ** 20)), 'ERR_PINNACLE_ENTRY_TOO_LARGE'],
    [() => journal.appendLanes(1, journal.lanes.length + 1), 'ERR_PINNACLE_BUFFER_LENGTH'],
    [() => journal.appendLanes(1, -1), 'ERR_PINNACLE_BUFFER_LENGTH'],
    [() => journal.appendLanes(1, 1.5), 'ERR_PINNACLE_BUFFER_LENGTH'],
    [() => journal.appendLanes(1, NaN), 'ERR_PINNACLE_BUFFER_LENGTH'],
    [() => journal.appendLanes(200, 1), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.appendLanes(512, 1, 5), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.appendLanesBatch(512, 1, 2, 5), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.appendLanesBatch(1, 0, 1), 'ERR_PINNACLE_BUFFER_LENGTH'],
    [() => journal.appendLanesBatch(1, 1, 1025), 'ERR_PINNACLE_BUFFER_LENGTH'],
    [() => journal.appendLanesBatch(1, 1024, 1024), 'ERR_PINNACLE_BUFFER_LENGTH'],
    [() => journal.appendBatch(128, [bytes, bytes]), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.appendBatch(256, [bytes, bytes]), 'ERR_PINNACLE_INVALID_ENTRY_TYPE'],
    [() => journal.appendBatch(1, [bytes, null as never]), 'ERR_PINNACLE_INVALID_ARGUMENT'],
  ]
  for (const [work, code] of cases) {
    t.throws(work, { code }, work.toString())
    t.strictSame(fingerprint(manager), before)
  }
  await manager.close()
})

t.test('instruments that are unknown, contradict or are malformed', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  const before = fingerprint(manager)
  t.throws(() => manager.book('AAPK'), {
    code: 'ERR_PINNACLE_UNKNOWN_INSTRUMENT',
    message: 'there is no instrument "AAPK"; did you mean "AAPL"?',
  })
  t.throws(() => manager.book(undefined as never), { code: 'ERR_PINNACLE_UNKNOWN_INSTRUMENT' })
  t.throws(() => manager.defineInstrument({ name: 'AAPL', priceScale: 3, quantityScale: 0 }), {
    code: 'ERR_PINNACLE_INSTRUMENT_MISMATCH',
  })
  for (const wrong of [
    null,
    {},
    { name: '', priceScale: 0, quantityScale: 0 },
    { name: 'x'.repeat(33), priceScale: 0, quantityScale: 0 },
    { name: 'X', priceScale: -1, quantityScale: 0 },
    { name: 'X', priceScale: 0, quantityScale: 16 },
    { name: 'X', priceScale: 0, quantityScale: 0, kind: 'order' },
    { name: 'X', priceScale: 0, quantityScale: 0, pricescale: 1 },
  ]) {
    t.throws(() => manager.defineInstrument(wrong as never), {
      code: 'ERR_PINNACLE_INVALID_INSTRUMENT',
    })
  }
  t.strictSame(fingerprint(manager), before)
  await manager.close()
  const definitions = [{ name: 'AAPL', priceScale: 2, quantityScale: 1 }]
  await t.rejects(open(directory, { instruments: definitions }), {
    code: 'ERR_PINNACLE_INSTRUMENT_MISMATCH',
  })
  const again = await open(directory)
  t.strictSame(fingerprint(again), before)
  await again.close()
})

t.test('a second writer is refused: in this thread, in a worker, in another process', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  flow(manager, 10)
  const before = fingerprint(manager)
  await t.rejects(open(directory), { code: 'ERR_PINNACLE_LOCKED' })
  await t.rejects(Journal.open({ dataDirectory: directory }), { code: 'ERR_PINNACLE_LOCKED' })
  const index = new URL('../../lib/index.js', import.meta.url).href
  const code = `
    import { parentPort } from 'node:worker_threads'
    import { Journal } from ${JSON.stringify(index)}
    const say = (word) => parentPort ? parentPort.postMessage(word) : process.send(word)
    Journal.open({ dataDirectory: ${JSON.stringify(directory)} }).then(
      () => say('opened'), (error) => say(error.code))
  `
  const script = join(directory, 'second-writer.mjs')
  writeFileSync(script, code)
  const worker = new Worker(script)
  const fromWorker = await new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  t.equal(fromWorker, 'ERR_PINNACLE_LOCKED')
  await worker.terminate()
  const child = fork(script)
  const fromChild = await new Promise((resolve) => child.once('message', resolve))
  t.equal(fromChild, 'ERR_PINNACLE_LOCKED')
  child.kill()
  t.strictSame(fingerprint(manager), before)
  flow(manager, 10, 2)
  await manager.close()
})

t.test(
  'after a SIGKILL of the writer the directory opens again, with what was appended',
  async (t) => {
    const directory = t.testdir()
    const child = fork(fileURLToPath(new URL('./killed-writer.js', import.meta.url)), [directory])
    const acknowledged = await new Promise<{ sequence: number; digest: string }>((resolve) => {
      child.once('message', resolve as (message: unknown) => void)
    })
    await t.rejects(open(directory), { code: 'ERR_PINNACLE_LOCKED' })
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    const manager = await open(directory)
    t.equal(manager.appendedFrontier, acknowledged.sequence)
    t.equal(String(manager.book('AAPL').digest()), acknowledged.digest)
    await manager.close()
  },
)

t.test('a directory that is missing, a file, or not writable', async (t) => {
  const directory = t.testdir({ file: 'x' })
  await t.rejects(open(join(directory, 'none', 'deeper')), { code: 'ERR_PINNACLE_NOT_FOUND' })
  await t.rejects(open(join(directory, 'none'), { create: false }), {
    code: 'ERR_PINNACLE_NOT_FOUND',
  })
  t.notOk(readdirSync(directory).includes('none'), 'nothing was created')
  await t.rejects(open(join(directory, 'file')), { code: 'ERR_PINNACLE_NOT_A_DIRECTORY' })
  await t.rejects(open(join(directory, 'file', 'below')), { code: 'ERR_PINNACLE_NOT_A_DIRECTORY' })
})

t.test('a directory that this user may not write', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'pinnacle-locked-'))
  chmodSync(directory, 0o555)
  // Root may write anywhere, so it becomes uid 65534 for the two calls.
  const root = process.getuid?.() === 0
  if (root) process.seteuid?.(65_534)
  try {
    await t.rejects(open(directory), { code: 'ERR_PINNACLE_PERMISSION' })
    await t.rejects(open(join(directory, 'new')), { code: 'ERR_PINNACLE_PERMISSION' })
  } finally {
    if (root) process.seteuid?.(0)
  }
  t.strictSame(readdirSync(directory), [])
  rmdirSync(directory)
})

/** Mounts a separate small file system and returns its path; undefined without the permission. */
function mountTmpfs(options: string): string | undefined {
  const mountPoint = mkdtempSync(join(tmpdir(), 'pinnacle-mount-'))
  try {
    const type = ['-t', 'tmpfs', '-o', options, 'pinnacle-test']
    execFileSync('mount', [...type, mountPoint], { stdio: 'ignore' })
    return mountPoint
  } catch {
    rmdirSync(mountPoint)
    return undefined
  }
}

function unmount(mountPoint: string): void {
  execFileSync('umount', ['-l', mountPoint])
  rmdirSync(mountPoint)
}

/** Why the tests that mount are skipped; false if they run. */
const noMounts = ((): string | false => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'mounting needs root on Linux'
  const probe = mountTmpfs('size=64k')
  if (probe !== undefined) unmount(probe)
  return probe === undefined ? 'mounting is not allowed here' : false
})()

t.test('a read-only file system', { skip: noMounts }, async (t) => {
  const mountPoint = mountTmpfs('size=4m') ?? ''
  t.teardown(() => {
    unmount(mountPoint)
  })
  const inside = join(mountPoint, 'data')
  mkdirSync(inside)
  const child = fork(fileURLToPath(new URL('./killed-writer.js', import.meta.url)), [inside])
  const gone = new Promise((resolve) => child.once('exit', resolve))
  const written = await new Promise<{ sequence: number }>((resolve) => {
    child.once('message', resolve as (message: unknown) => void)
  })
  child.kill('SIGKILL')
  await gone
  execFileSync('mount', ['-o', 'remount,ro', mountPoint])
  await t.rejects(open(inside), { code: 'ERR_PINNACLE_READ_ONLY' })
  await t.rejects(open(join(mountPoint, 'new')), { code: 'ERR_PINNACLE_READ_ONLY' })
  execFileSync('mount', ['-o', 'remount,rw', mountPoint])
  const again = await open(inside)
  t.equal(again.appendedFrontier, written.sequence)
  await again.close()
})

t.test(
  'a full disk refuses the append, leaves the books as they were, and can be relieved',
  { skip: noMounts },
  async (t) => {
    const mountPoint = mountTmpfs('size=1m') ?? ''
    t.teardown(() => {
      unmount(mountPoint)
    })
    const inside = join(mountPoint, 'data')
    const manager = await open(inside, { spareSegments: 0 })
    const book = manager.book('AAPL')
    const { bavail, bsize } = statfsSync(mountPoint)
    const filler = join(mountPoint, 'filler')
    writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - 3 * 65_536)))
    let refusal: CodedError | undefined
    let before = fingerprint(manager)
    for (let id = 1; id < 20_000 && !refusal; id++) {
      before = fingerprint(manager)
      try {
        book.add(id, 0, 100 + (id % 50), 1)
      } catch (error) {
        refusal = error as CodedError
      }
    }
    t.equal(refusal?.code, 'ERR_PINNACLE_NO_SPACE')
    t.strictSame(fingerprint(manager), before)
    t.throws(() => book.add(777_777, 0, 1, 1), { code: 'ERR_PINNACLE_NO_SPACE' })
    execFileSync('rm', [filler])
    let sequence = 0
    for (let tries = 0; tries < 200 && sequence === 0; tries++) {
      try {
        sequence = book.add(777_777, 0, 1, 1)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    t.equal(sequence, before.appended + 1, 'it goes on where it stopped')
    const after = fingerprint(manager)
    await manager.close()
    const again = await open(inside)
    t.strictSame(fingerprint(again), after)
    await again.close()
  },
)

t.test('files of another kind or of a newer version are refused and not touched', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  flow(manager, 20)
  const before = fingerprint(manager)
  await manager.close()
  const journal = join(directory, 'journal')
  const name = readdirSync(journal).find((entry) => entry.endsWith('.segment')) ?? ''
  const path = join(journal, name)
  const original = readFileSync(path)
  const refusedWith = async (change: (bytes: Buffer) => void, code: string): Promise<void> => {
    const changed = Buffer.from(original)
    change(changed)
    writeFileSync(path, changed)
    await t.rejects(open(directory), { code })
    t.ok(readFileSync(path).equals(changed), 'the file stays as it was')
  }
  await refusedWith((bytes) => bytes.write('SQLite f', 0, 'latin1'), 'ERR_PINNACLE_NOT_OUR_FILE')
  await refusedWith((bytes) => {
    bytes.writeUInt16LE(3, 8)
    bytes.writeUInt32LE(0, 12)
    bytes.writeUInt32LE(crc32c(bytes, 0, 128), 12)
  }, 'ERR_PINNACLE_NEWER_VERSION')
  await refusedWith((bytes) => bytes.writeUInt16LE(3, 8), 'ERR_PINNACLE_CORRUPT') // rot, not a new version
  await refusedWith((bytes) => {
    // The second entry, in the middle of the journal.
    bytes[4096 + 64 + 30] = (bytes[4096 + 64 + 30] ?? 0) ^ 1
  }, 'ERR_PINNACLE_CORRUPT')
  writeFileSync(path, original)
  const again = await open(directory)
  t.strictSame(fingerprint(again), before)
  await again.close()
})

t.test('a configuration out of range opens nothing', async (t) => {
  const directory = join(t.testdir(), 'data')
  for (const wrong of [
    { segmentSize: 1000 },
    { journalSyncIntervalMs: 0 },
    { keepSnapshots: 0 },
    { durability: 'sometimes' as never },
    { compactionThreshold: 'lots' },
    { backgroundCpus: '1' as never },
    { backgroundCpus: [-1] },
    { jurnalSyncIntervalMs: 5 } as never,
  ]) {
    await t.rejects(open(directory, wrong), { code: /^ERR_PINNACLE_CONFIG_/ })
  }
  await t.rejects(PersistenceManager.open(undefined as never), { code: /^ERR_PINNACLE_CONFIG_/ })
  t.notOk(readdirSync(join(directory, '..')).includes('data'))
})
