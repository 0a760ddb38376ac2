import t from 'tap'
import type { StateMachine, UserEntry } from '../../lib/index.js'
import { open } from './setup.js'

/** Sums up its entries; remembers times, so that live and replayed ones can be compared. */
class Ledger implements StateMachine {
  total = 0
  applied: string[] = []
  restores = 0
  apply(entry: UserEntry): void {
    if (entry.userType === 66) throw new Error('not this one')
    this.total += new DataView(
      entry.payload.buffer,
      entry.payload.byteOffset,
      entry.payload.byteLength,
    ).getInt32(0, true)
    this.applied.push(
      `${String(entry.sequence)}@${String(entry.timestampNs)}/${String(entry.instrument)}`,
    )
  }
  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify({ total: this.total, applied: this.applied }))
  }
  restore(bytes: Uint8Array): void {
    this.restores++
    Object.assign(this, JSON.parse(Buffer.from(bytes).toString()))
  }
}

const amount = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

t.test('a state machine comes back from snapshot and journal exactly as it was', async (t) => {
  const directory = t.testdir()
  const ledger = new Ledger()
  const manager = await open(directory, { stateMachine: ledger })
  for (let i = 1; i <= 700; i++) {
    manager.append(1, amount(i), i % 3 ? {} : { instrument: 'AAPL', timestampNs: 5n * BigInt(i) })
    if (i % 10 === 0) manager.book('AAPL').add(i, 0, 100, i)
    if (i === 300) {
      const info = await manager.snapshot()
      t.ok(info.stateBytes > 0)
      t.equal(info.sequence, manager.appendedFrontier)
    }
  }
  t.equal(ledger.total, (700 * 701) / 2)
  await manager.close()

  const phases: string[] = []
  const recovered = new Ledger()
  const again = await open(
    directory,
    { stateMachine: recovered },
    { listeners: { recoveryProgress: ({ phase }) => phases.push(phase) } },
  )
  t.equal(recovered.restores, 1)
  t.equal(recovered.total, ledger.total)
  t.strictSame(recovered.applied, ledger.applied, 'the same entries with the same times, in order')
  t.ok(phases.includes('state'))
  t.equal(again.book('AAPL').info().orders, 70)
  await again.close()
})

t.test(
  'appends through the journal, its lanes and its batches reach the state machine too',
  async (t) => {
    const ledger = new Ledger()
    const manager = await open(t.testdir(), { stateMachine: ledger })
    const { journal } = manager
    journal.append(1, amount(1))
    journal.appendBatch(1, [amount(2), amount(3)])
    new Int32Array(journal.lanes.buffer, journal.lanes.byteOffset, 1)[0] = 4
    journal.appendLanes(1, 1)
    const ints = new Int32Array(journal.lanes.buffer, journal.lanes.byteOffset, 4)
    ints[0] = 5
    ints[2] = 6
    journal.appendLanesBatch(1, 1, 2)
    t.equal(ledger.total, 21)
    t.equal(ledger.applied.length, 6)
    await manager.close()
  },
)

t.test(
  'an apply() that throws leaves the entry journaled and stops the state machine',
  async (t) => {
    const directory = t.testdir()
    const ledger = new Ledger()
    const manager = await open(directory, { stateMachine: ledger })
    manager.append(1, amount(1))
    const before = manager.appendedFrontier
    const code = 'ERR_PINNACLE_STATE_MACHINE'
    t.throws(() => manager.append(66, amount(2)), { code })
    t.equal(manager.appendedFrontier, before + 1)
    t.throws(() => manager.append(1, amount(3)), { code })
    t.equal(manager.appendedFrontier, before + 1, 'nothing more is journaled for it')
    await t.rejects(manager.snapshot(), { code })
    manager.book('AAPL').add(1, 0, 1, 1)
    await manager.close()
    await t.rejects(open(directory, { stateMachine: new Ledger() }), { code })
    // A corrected state machine gets the entry at the next open; the failed open has released the lock.
    const corrected = new Ledger()
    corrected.apply = function (entry) {
      this.total += entry.userType
    }
    const again = await open(directory, { stateMachine: corrected })
    t.equal(corrected.total, 67)
    await again.close()
  },
)

t.test('a journal whose snapshot has no state is replayed from its start', async (t) => {
  const directory = t.testdir()
  const plain = await open(directory)
  plain.append(1, amount(7))
  await plain.snapshot()
  plain.append(1, amount(8))
  await plain.close()
  const ledger = new Ledger()
  const manager = await open(directory, { stateMachine: ledger })
  t.equal(ledger.total, 15)
  await manager.close()
})
