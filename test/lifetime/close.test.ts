// close() at every awkward moment: settled promises, coded errors, a directory that opens again.
import { join } from 'node:path'
import t from 'tap'
import { PersistenceManager, type CodedError } from '../../lib/index.js'
import { flow, open } from '../persistence/setup.js'

const codeOf = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    return (error as CodedError).code
  }
  return 'none'
}

t.test('waits for durability that are pending at close() resolve with it', async (t) => {
  const directory = join(t.testdir(), 'data')
  const manager = await open(directory)
  const waits: Promise<number>[] = []
  for (let i = 0; i < 50; i++) {
    manager.append(1, Buffer.from(String(i)))
    waits.push(manager.durable())
  }
  const last = manager.appendedFrontier
  const closes = [manager.close(), manager.close()]
  const reached = await Promise.all(waits)
  t.ok(reached.every((sequence, index) => sequence >= last - 49 + index))
  await Promise.all(closes)
  await manager.close()
  t.equal(manager.durableFrontier, last)
  const again = await open(directory)
  t.equal(again.appendedFrontier, last)
  await again.close()
})

t.test('after close() everything is refused with a code and leaves nothing', async (t) => {
  const directory = join(t.testdir(), 'data')
  const manager = await open(directory)
  const book = manager.book('AAPL')
  const batch = manager.batch()
  flow(manager, 100)
  const appended = manager.appendedFrontier
  const probe = async (when: string): Promise<void> => {
    const calls: Record<string, () => unknown> = {
      append: () => manager.append(1, Buffer.from('x')),
      add: () => book.add(77, 0, 1, 1),
      cancel: () => book.cancel(1),
      commit: () => batch.cancel(book, 1).commit(),
      syncNow: () => manager.syncNow(),
      define: () => manager.defineInstrument({ name: 'N', priceScale: 0, quantityScale: 0 }),
      stats: () => manager.stats(),
    }
    for (const [name, call] of Object.entries(calls)) {
      t.equal(codeOf(call), 'ERR_PINNACLE_CLOSED', `${name} ${when}`)
    }
    const promises: Record<string, () => Promise<unknown>> = {
      snapshot: () => manager.snapshot(),
      compact: () => manager.compact(),
      bookAt: () => manager.bookAt('AAPL', { sequence: 5 }),
      booksAt: () => manager.booksAt({ sequence: 5 }),
    }
    for (const [name, call] of Object.entries(promises)) {
      await t.rejects(call(), { code: 'ERR_PINNACLE_CLOSED' }, `${name} ${when}`)
    }
    t.equal(manager.appendedFrontier, appended, when)
  }
  let probed: Promise<void> | undefined
  manager.on('closed', () => {
    probed = probe("in the listener of 'closed'")
    t.equal(manager.close(), closing, 'the same close')
  })
  const closing = manager.close()
  await closing
  await probed
  await probe('once it is closed')
  const again = await open(directory)
  t.equal(again.appendedFrontier, appended, 'nothing of it was journaled')
  await again.close()
})

t.test('what is still taken while close() waits for a snapshot is made durable', async (t) => {
  const directory = join(t.testdir(), 'data')
  const manager = await open(directory)
  flow(manager, 2000)
  const snapshot = manager.snapshot()
  const closing = manager.close()
  let taken = 0
  try {
    for (; taken < 1_000_000; taken++) {
      manager.append(1, Buffer.from('late'))
      if (taken % 10 === 9) await new Promise((resolve) => setImmediate(resolve))
    }
  } catch (error) {
    t.equal((error as CodedError).code, 'ERR_PINNACLE_CLOSED', 'sooner or later it is refused')
  }
  const { sequence } = await snapshot
  await closing
  t.equal(manager.durableFrontier, manager.appendedFrontier)
  const again = await open(directory)
  t.equal(again.appendedFrontier, manager.appendedFrontier)
  t.ok(again.appendedFrontier >= sequence + taken)
  await again.close()
})

t.test('close() while a snapshot and a compaction run lets them finish', async (t) => {
  const directory = join(t.testdir(), 'data')
  const manager = await open(directory)
  flow(manager, 2000)
  const snapshot = manager.snapshot()
  const compaction = manager.compact({ force: true })
  const closing = manager.close()
  const { sequence } = await snapshot
  await compaction
  await closing
  const again = await open(directory)
  t.equal(again.recovery.snapshotSequence, sequence)
  await again.close()
})

t.test('an open that is refused leaves nothing that would keep the next one out', async (t) => {
  const directory = join(t.testdir(), 'data')
  const manager = await open(directory)
  for (let i = 0; i < 5; i++) await t.rejects(open(directory), { code: 'ERR_PINNACLE_LOCKED' })
  t.equal(manager.append(1, Buffer.from('x')), manager.appendedFrontier)
  await manager.close()
  await t.rejects(
    PersistenceManager.open({ dataDirectory: directory, create: false, segmentSize: '1B' }),
    { code: 'ERR_PINNACLE_CONFIG_RANGE' },
  )
  await (await open(directory)).close()
})
