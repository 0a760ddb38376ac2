/** State machines that call the manager while the manager calls them. */
import t from 'tap'
import type { CodedError, PersistenceManager, StateMachine, UserEntry } from '../../lib/index.js'
import { open } from './setup.js'

/** Counts entries; each test sets `onSnapshot` and `onApply`. */
class Counter implements StateMachine {
  seen: number[] = []
  onSnapshot: () => void = () => undefined
  onApply: (entry: UserEntry) => void = () => undefined
  apply(entry: UserEntry): void {
    this.onApply(entry)
    this.seen.push(entry.sequence)
  }
  snapshot(): Uint8Array {
    const bytes = Buffer.from(JSON.stringify(this.seen))
    this.onSnapshot()
    return bytes
  }
  restore(bytes: Uint8Array): void {
    this.seen = JSON.parse(Buffer.from(bytes).toString()) as number[]
  }
}

const reentrant = 'ERR_PINNACLE_REENTRANT'
const payload = new Uint8Array(8)

const appends: Record<string, (manager: PersistenceManager) => unknown> = {
  append: (manager) => manager.append(1, payload),
  'append of a payload beyond the staging area': (manager) =>
    manager.append(1, new Uint8Array(20_000)),
  'journal.append': (manager) => manager.journal.append(1, payload),
  appendBatch: (manager) => manager.journal.appendBatch(1, [payload, payload]),
  appendLanes: (manager) => manager.journal.appendLanes(1, 2),
  appendLanesBatch: (manager) => manager.journal.appendLanesBatch(1, 1, 2),
  defineInstrument: (manager) =>
    manager.defineInstrument({ name: 'MSFT', priceScale: 2, quantityScale: 0 }),
}

t.test('an append in snapshot() is refused, and nothing is journaled', async (t) => {
  const directory = t.testdir()
  const counter = new Counter()
  const manager = await open(directory, { stateMachine: counter })
  for (let i = 0; i < 5; i++) manager.append(1, payload)
  const appended = manager.appendedFrontier
  for (const [name, call] of Object.entries(appends)) {
    counter.onSnapshot = () => call(manager)
    await t.rejects(
      manager.snapshot(),
      { code: 'ERR_PINNACLE_STATE_MACHINE', cause: { code: reentrant } },
      name,
    )
    // A state machine that catches it loses nothing: its bytes are the state of this very sequence.
    let code = ''
    counter.onSnapshot = () => {
      try {
        call(manager)
      } catch (error) {
        code = (error as CodedError).code
      }
    }
    t.equal((await manager.snapshot()).sequence, appended, name)
    t.equal(code, reentrant, name)
    t.equal(manager.appendedFrontier, appended, name)
  }
  counter.onSnapshot = () => undefined
  t.equal(manager.append(1, payload), appended + 1, 'afterwards all is as before')
  await manager.close()
  const recovered = new Counter()
  await (await open(directory, { stateMachine: recovered })).close()
  t.strictSame(recovered.seen, counter.seen)
})

t.test('a book operation in snapshot() is kept, and the snapshot refused', async (t) => {
  const operations: Record<string, (manager: PersistenceManager, id: number) => unknown> = {
    add: (manager, id) => manager.book('AAPL').add(id, 0, 100, 1),
    setLevel: (manager, id) => manager.book('ETH-USD').setLevel(0, id, 1),
    batch: (manager, id) => manager.batch().add(manager.book('AAPL'), id, 0, 100, 1).commit(),
  }
  const directory = t.testdir()
  const counter = new Counter()
  const manager = await open(directory, { stateMachine: counter })
  manager.append(1, payload)
  const failures: string[] = []
  manager.on('snapshotFailed', (error) => failures.push((error as CodedError).code))
  let id = 100
  for (const [name, operation] of Object.entries(operations)) {
    counter.onSnapshot = () => operation(manager, ++id)
    const before = manager.appendedFrontier
    await t.rejects(
      manager.snapshot(),
      { code: reentrant, details: { before, after: before + 1 } },
      name,
    )
    t.equal(manager.appendedFrontier, before + 1, name)
  }
  t.strictSame(failures, [reentrant, reentrant, reentrant])
  t.strictSame(manager.snapshots.list(), [])
  counter.onSnapshot = () => undefined
  await manager.snapshot()
  await manager.close()
  const again = await open(directory, { stateMachine: new Counter() })
  t.equal(again.book('AAPL').info().orders, 2)
  t.equal(again.book('ETH-USD').info().orders, 1)
  await again.close()
})

t.test(
  'a snapshot asked for in snapshot() is refused, a close waits for the snapshot',
  async (t) => {
    const counter = new Counter()
    const manager = await open(t.testdir(), { stateMachine: counter })
    manager.append(1, payload)
    let inner: Promise<unknown> = Promise.resolve()
    counter.onSnapshot = () => {
      inner = manager.snapshot()
    }
    const outer = manager.snapshot()
    await t.rejects(inner, { code: reentrant })
    t.equal((await outer).sequence, manager.appendedFrontier)
    let closed: Promise<void> = Promise.resolve()
    counter.onSnapshot = () => {
      closed = manager.close()
    }
    const last = manager.snapshot()
    await closed
    t.equal((await last).sequence, manager.appendedFrontier, 'it was finished first')
  },
)

t.test('apply() may append: the new entry is applied first, and once', async (t) => {
  const directory = t.testdir()
  const counter = new Counter()
  const manager = await open(directory, { stateMachine: counter })
  const start = manager.appendedFrontier
  counter.onApply = ({ userType, sequence }) => {
    if (userType !== 1) return
    t.equal(manager.append(2, payload), sequence + 1)
    manager.book('AAPL').add(sequence, 0, 100, 1)
  }
  t.equal(manager.append(1, payload), start + 1)
  t.equal(manager.append(1, payload), start + 4)
  t.strictSame(
    counter.seen.map((sequence) => sequence - start),
    [2, 1, 5, 4],
  )
  await manager.close()
  const recovered = new Counter()
  const again = await open(directory, { stateMachine: recovered })
  t.strictSame(
    recovered.seen.map((sequence) => sequence - start),
    [1, 2, 4, 5],
    'at recovery in the order of the journal',
  )
  t.equal(again.book('AAPL').info().orders, 2)
  await again.close()
})

t.test('a snapshot asked for in apply() has the whole entry', async (t) => {
  const directory = t.testdir()
  const counter = new Counter()
  const manager = await open(directory, { stateMachine: counter })
  let taken: Promise<{ sequence: number }> | undefined
  counter.onApply = ({ userType }) => {
    if (userType === 9) taken = manager.snapshot()
  }
  manager.append(1, payload)
  manager.append(9, payload)
  manager.append(1, payload)
  t.equal((await taken)?.sequence, manager.appendedFrontier)
  manager.append(1, payload)
  await manager.close()
  const recovered = new Counter()
  await (await open(directory, { stateMachine: recovered })).close()
  t.strictSame(recovered.seen, counter.seen)
})
