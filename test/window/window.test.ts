// The window of a live writer: its location, its readers, and its end.
import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import {
  booksAt,
  Consumers,
  inspect,
  Journal,
  PersistenceManager,
  type CodedError,
  type PersistenceConfig,
  type WindowLoss,
} from '../../lib/index.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import { memoryDirectory, needsMemory, windowsIn } from './places.js'

const instrument = { name: 'A', priceScale: 0, quantityScale: 0 }

const open = (
  dataDirectory: string,
  config: Partial<PersistenceConfig> = {},
): Promise<PersistenceManager> =>
  PersistenceManager.open({
    dataDirectory,
    durability: 'appended',
    segmentSize: '64KiB',
    snapshotIntervalMin: 0,
    instruments: [instrument],
    ...config,
  })

t.test(
  'a window is in memory for as long as its writer lives',
  { skip: needsMemory },
  async (t) => {
    const memory = memoryDirectory(t)
    const manager = await open(join(t.testdir(), 'data'), {
      writePath: 'window',
      windowDirectory: `${memory}//`,
      windowSize: '256KiB',
    })
    t.equal(manager.recovery.windowBytes, 256 * 1024)
    t.equal(manager.recovery.whyNoWindow, '')
    t.match(manager.recovery.window, { fate: 'none', path: '', entries: 0 })
    t.equal(windowsIn(memory).length, 1)
    for (let i = 0; i < 10_000; i++) manager.append(1, new Uint8Array(32))
    const { windowBytes, copies, copiedBytes, windowLost, writtenFrontier } = manager.stats()
    t.equal(windowBytes, 256 * 1024)
    t.ok(copies > 0)
    t.ok(copiedBytes >= 10_000 * 64 - windowBytes)
    t.equal(windowLost, false)
    t.ok(writtenFrontier > 0 && writtenFrontier <= manager.appendedFrontier)
    await manager.durable()
    t.equal(manager.writtenFrontier, manager.appendedFrontier)
    t.equal(manager.journal.writtenFrontier, manager.appendedFrontier)
    await manager.close()
    t.equal(manager.writtenFrontier, manager.appendedFrontier, 'also after the end')
    t.same(windowsIn(memory), [])
  },
)

t.test('if there is no memory, auto maps and says why', async (t) => {
  const disk = t.testdir()
  const bad = [
    ['/proc', 'ERR_PINNACLE_INVALID_ARGUMENT'],
    ['/nowhere/at/all', 'ERR_PINNACLE_NOT_FOUND'],
  ] as const
  for (const [index, [windowDirectory, code]] of bad.entries()) {
    const data = join(disk, `data${String(index)}`)
    const refused = open(data, { writePath: 'window', windowDirectory })
    await t.rejects(refused, { code, message: /can't be made in/ })
    const manager = await open(data, { writePath: 'auto', windowDirectory })
    t.equal(manager.recovery.windowBytes, 0)
    t.match(manager.recovery.whyNoWindow, windowDirectory)
    manager.append(1, new Uint8Array(8))
    t.equal(manager.writtenFrontier, manager.appendedFrontier, 'what is mapped is written')
    t.equal(manager.stats().windowBytes, 0)
    await manager.close()
  }
  const mapped = await open(join(disk, 'mapped'), { writePath: 'mapped', windowSize: '1GiB' })
  t.match(mapped.recovery, { windowBytes: 0, whyNoWindow: '' })
  await mapped.close()
})

t.test('readers of the process see all that was appended', async (t) => {
  const data = join(t.testdir(), 'data')
  const manager = await open(data)
  const book = manager.book('A')
  const consumer = await Consumers.of(data).open('c')
  const reader = Journal.read(data, { follow: true })
  for (let i = 1; i <= 300; i++) {
    book.add(i, 0, 100, 1)
    const last = manager.appendedFrontier
    const step = i % 6
    if (step === 0) {
      let read = 0
      for await (const { sequence } of manager.journal.entries({ from: last })) read = sequence
      t.equal(read, last, 'entries()')
    } else if (step === 1) {
      let read = 0
      for await (const { sequence } of Journal.read(data, { from: last })) read = sequence
      t.equal(read, last, 'Journal.read()')
    } else if (step === 2) {
      t.equal((await booksAt(data, { sequence: last })).book('A').info().orders, i, 'booksAt()')
    } else if (step === 3) {
      t.equal((await manager.bookAt('A', { sequence: last })).info().orders, i, 'bookAt()')
    } else if (step === 4) {
      t.equal((await inspect(data)).recovery.lastSequence, last, 'inspect()')
    } else {
      for await (const entry of consumer.entries()) await consumer.commit(entry.sequence)
      t.equal(consumer.position, last, 'a consumer')
    }
    const { value } = await reader.next()
    t.equal((value as { sequence: number }).sequence, i, 'one that follows')
  }
  book.add(1000, 0, 100, 1)
  const snapshot = await manager.snapshot()
  t.equal(snapshot.sequence, manager.appendedFrontier)
  await reader.return(undefined)
  await consumer.close()
  await manager.close()
})

t.test('readers in a worker thread of the process see it too', async (t) => {
  const data = join(t.testdir(), 'data')
  const manager = await open(data)
  const library = new URL('../../lib/index.js', import.meta.url).href
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     const library = import(workerData.library)
     parentPort.on('message', async (from) => {
       const { Journal } = await library
       let last = 0
       for await (const { sequence } of Journal.read(workerData.data, { from })) last = sequence
       parentPort.postMessage(last)
     })`,
    { eval: true, workerData: { library, data } },
  )
  for (let i = 0; i < 50; i++) {
    manager.append(1, new Uint8Array(8))
    const last = manager.appendedFrontier
    const read = new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    worker.postMessage(last)
    t.equal(await read, last)
  }
  await worker.terminate()
  await manager.close()
})

for (const [title, lose] of [
  ['a window that is removed is noticed with a sync', (file: string) => rmSync(file)],
  // (A store to a page past the end would raise a signal, as docs/durability.md says.)
  [
    'a window that is cut short is noticed with a sync',
    (file: string) => truncateSync(file, statSync(file).size - 4096),
  ],
] as const) {
  t.test(title, { skip: needsMemory }, async (t) => {
    const memory = memoryDirectory(t)
    const data = join(t.testdir(), 'data')
    const losses: WindowLoss[] = []
    const manager = await open(data, { writePath: 'window', windowDirectory: memory })
    manager.on('windowLost', (loss) => losses.push(loss))
    manager.append(1, new Uint8Array(8))
    await manager.durable()
    const { windowBytes } = manager.stats()
    while (manager.stats().touchedBytes < windowBytes - 256 * 1024) await delay(5)
    const [name = ''] = windowsIn(memory)
    lose(join(memory, name))
    manager.append(1, new Uint8Array(8))
    await manager.durable()
    t.equal(manager.stats().windowLost, true)
    for (let i = 0; i < 200 && losses.length === 0; i++) await delay(10)
    t.match(losses, [
      { path: join(memory, name), found: 'writing', reason: /removed, linked or cut/ },
    ])
    await manager.durable()
    const last = manager.append(1, new Uint8Array(8))
    await manager.close()
    t.equal(losses.length, 1)
    const again = await open(data, { windowDirectory: memory })
    t.equal(again.appendedFrontier, last, 'a close writes everything')
    t.equal(again.recovery.window.fate, 'none')
    await again.close()
    t.equal(verifyPure(data).verdict, 'clean')
  })
}

t.test(
  'a segment that is cut short from outside raises no signal',
  { skip: needsMemory },
  async (t) => {
    const data = join(t.testdir(), 'data')
    const manager = await open(data, { writePath: 'window' })
    manager.append(1, new Uint8Array(8))
    await manager.durable()
    // (The next one may get its name meanwhile.)
    for (const name of readdirSync(join(data, 'journal'))) {
      if (name.endsWith('.segment')) truncateSync(join(data, 'journal', name), 0)
    }
    let code = ''
    for (let i = 0; i < 3000 && code === ''; i++) {
      try {
        manager.append(1, new Uint8Array(8))
        if (i % 100 === 0) await manager.durable()
      } catch (error) {
        code = (error as CodedError).code
      }
    }
    t.equal(code, 'ERR_PINNACLE_DIRECTORY_LOST')
    await manager.close().catch(() => undefined)
  },
)
