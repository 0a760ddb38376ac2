/** State machines that see book operations, and what they get of transactions. */
import t from 'tap'
import { Side, type PersistenceManager } from '../../lib/index.js'
import { open } from '../persistence/setup.js'
import { RecordingMachine } from './recording-machine.js'

const payload = new Uint8Array([1, 2, 3])

/** One operation of each kind, with narrow and wide ids, given times and the clock's. */
function everyOperation(manager: PersistenceManager): void {
  const book = manager.book('AAPL')
  book.add(1, Side.Buy, 100, 10)
  book.add(2n ** 70n + 5n, Side.Sell, 101, 10, 77)
  book.add(3n, Side.Sell, 102, 10, 78n)
  book.reduce(1, 1)
  book.execute(2n ** 70n + 5n, 2, 79n)
  book.replace(1, 4, 99, 5)
  book.replace(3n, 2n ** 90n, 103, 6)
  book.cancel(4)
  book.trade(Side.Buy, 100, 3)
  book.setStatus(2)
  manager.append(9, payload)
  book.clear(80)
  manager.book('ETH-USD').setLevel(Side.Sell, 7, 8)
}

t.test('it gets every operation, live as at recovery, in order with its entries', async (t) => {
  const directory = t.testdir()
  const live = new RecordingMachine()
  const manager = await open(directory, { stateMachine: live })
  everyOperation(manager)
  manager.transaction(() => {
    everyOperation(manager)
  })
  const book = manager.book('BTC-USD')
  const stage = (first: number): void => {
    manager
      .batch()
      .add(book, first, Side.Buy, 5, 6, 81n)
      .add(book, BigInt(first + 1), Side.Sell, 7, 6)
      .execute(book, first, 2)
      .commit()
  }
  stage(1)
  manager.transaction(() => {
    stage(11)
    manager.append(9, payload)
  })
  const refused = manager.batch({ skipRefused: true })
  refused.cancel(book, 99).cancel(book, 1).cancel(book, 98).cancel(book, 2)
  t.equal(refused.commit().taken, 2)
  await manager.close()
  const recovered = new RecordingMachine()
  const again = await open(directory, { stateMachine: recovered })
  t.equal(recovered.seen.length, 13 * 2 + 3 + 4 + 2)
  t.strictSame(live.seen, recovered.seen)
  await again.close()
})

t.test('a book shows an operation before the state machine gets it', async (t) => {
  const machine = new RecordingMachine()
  const manager = await open(t.testdir(), { stateMachine: machine })
  const bids: (number | undefined)[] = []
  machine.onEntry = () => {
    bids.push(manager.book('AAPL').bestBid()?.price)
  }
  manager.book('AAPL').add(1, Side.Buy, 100, 1)
  manager.transaction(() => {
    manager.book('AAPL').add(2, Side.Buy, 101, 1)
    manager.book('AAPL').add(3, Side.Buy, 102, 1)
    t.equal(bids.length, 1, 'what is not committed it does not get')
  })
  t.strictSame(bids, [100, 102, 102])
  await manager.close()
})

t.test('what it appends while a transaction is applied follows the transaction', async (t) => {
  const directory = t.testdir()
  const live = new RecordingMachine()
  const manager = await open(directory, { stateMachine: live })
  live.onEntry = (entry) => {
    if (entry.type === 'user' && entry.userType < 3) {
      manager.append(entry.userType + 1, payload)
      manager.transaction(() => {
        manager.book('AAPL').add(entry.sequence, Side.Buy, 1, 1)
        manager.append(50, payload)
      })
    }
  }
  manager.transaction(() => {
    manager.append(1, payload)
    manager.append(1, payload)
  })
  const { seen } = live
  const sequences = seen.map((text) => (JSON.parse(text) as { sequence: number }).sequence)
  t.strictSame(
    sequences,
    [...sequences].sort((left, right) => left - right),
  )
  await manager.close()
  const recovered = new RecordingMachine()
  const again = await open(directory, { stateMachine: recovered })
  t.strictSame(recovered.seen, seen)
  await again.close()
})

for (const [kind, options] of [
  ['plain', {}],
  ['atomic', { atomic: true }],
  ['skipping', { skipRefused: true }],
] as const) {
  t.test(`what it makes of a ${kind} batch follows all of the batch`, async (t) => {
    const directory = t.testdir()
    const live = new RecordingMachine()
    const manager = await open(directory, { stateMachine: live })
    const book = manager.book('AAPL')
    const batch = manager.batch(options)
    live.onEntry = (entry) => {
      if (entry.type !== 'add' || entry.price !== 100) return
      manager.append(1, payload)
      // The same batch again, while the state machine gets what was in it.
      batch.add(book, BigInt(entry.sequence), Side.Sell, 200, 1).commit()
    }
    for (const id of [1, 2, 3]) batch.add(book, id, Side.Buy, 100, id)
    t.equal(batch.commit().lastSequence, 6)
    await manager.close()
    const recovered = new RecordingMachine()
    const again = await open(directory, { stateMachine: recovered })
    t.strictSame(recovered.seen, live.seen)
    t.equal(recovered.seen.length, 9)
    await again.close()
  })
}

t.test('a negative zero is given as the plain zero that the journal has', async (t) => {
  const directory = t.testdir()
  const live = new RecordingMachine()
  const manager = await open(directory, { stateMachine: live })
  const negative: string[] = []
  live.onEntry = (entry) => {
    for (const [name, value] of Object.entries(entry)) {
      if (Object.is(value, -0)) negative.push(`${name} of ${entry.type}`)
    }
  }
  const book = manager.book('AAPL')
  book.add(1, Side.Buy, -0, 1, -0)
  book.replace(1, 2, -0, 1, -0)
  book.setStatus(-0)
  manager.book('ETH-USD').setLevel(Side.Buy, -0, -0)
  manager.append(-0, payload, { timestampNs: -0 })
  manager.batch().add(book, 3, Side.Buy, -0, 1, -0).trade(book, Side.Buy, -0, 1).commit()
  book.add(4, Side.Buy, 1, 1, 1n << 63n)
  t.strictSame(negative, [])
  await manager.close()
  const recovered = new RecordingMachine()
  const again = await open(directory, { stateMachine: recovered })
  t.strictSame(recovered.seen, live.seen)
  await again.close()
})

t.test('one that throws at an operation fails, and a corrected one gets it again', async (t) => {
  const directory = t.testdir()
  const machine = new RecordingMachine()
  const manager = await open(directory, { stateMachine: machine })
  const book = manager.book('AAPL')
  book.add(1, Side.Buy, 100, 1)
  machine.onEntry = ({ sequence }) => {
    throw new Error(`not ${String(sequence)}`)
  }
  const failed = { code: 'ERR_PINNACLE_STATE_MACHINE' }
  t.throws(
    () =>
      manager.transaction(() => {
        book.add(2, Side.Buy, 101, 1)
        book.add(3, Side.Buy, 102, 1)
      }),
    { ...failed, details: { sequence: 5 } },
  )
  const calls: Record<string, () => unknown> = {
    operation: () => book.add(4, Side.Buy, 103, 1),
    append: () => manager.append(1, payload),
    batch: () => manager.batch().add(book, 4, Side.Buy, 103, 1).commit(),
    transaction: () => manager.transaction(() => 1),
  }
  const frontier = manager.appendedFrontier
  for (const [what, call] of Object.entries(calls)) t.throws(call, failed, what)
  await t.rejects(manager.snapshot(), failed)
  t.equal(manager.appendedFrontier, frontier, 'nothing more is taken')
  t.equal(book.info().orders, 3, 'the transaction is in the journal and in the books')
  await manager.close()
  const broken = new RecordingMachine()
  broken.onEntry = ({ sequence }) => {
    if (sequence === 6) throw new Error('still not')
  }
  await t.rejects(open(directory, { stateMachine: broken }), {
    ...failed,
    message: /at entry 6/,
  })
  const corrected = new RecordingMachine()
  const again = await open(directory, { stateMachine: corrected })
  t.equal(corrected.seen.length, 3)
  await again.close()
})

t.test('an operation in snapshot() is refused where it is told of operations', async (t) => {
  const machine = new RecordingMachine()
  const manager = await open(t.testdir(), { stateMachine: machine })
  machine.snapshot = () => {
    manager.book('AAPL').add(1, Side.Buy, 1, 1)
    return payload
  }
  await t.rejects(manager.snapshot(), { cause: { code: 'ERR_PINNACLE_REENTRANT' } })
  t.equal(manager.book('AAPL').info().orders, 0)
  await manager.close()
})

t.test('one without applyOperation gets its entries alone', async (t) => {
  const types = new Set<string>()
  const stateMachine = {
    apply: (entry: { type: string }) => types.add(entry.type),
    snapshot: () => payload,
    restore: () => undefined,
  }
  const directory = t.testdir()
  for (let run = 0; run < 2; run++) {
    const manager = await open(directory, { stateMachine })
    everyOperation(manager)
    await manager.close()
  }
  t.strictSame([...types], ['user'])
})

t.test(
  'stateAt() gives the state at any past sequence, from a snapshot or without one',
  async (t) => {
    const directory = t.testdir()
    const live = new RecordingMachine()
    const manager = await open(directory, { stateMachine: live, keepSnapshots: 5 })
    const lengths = new Map<number, number>([[manager.appendedFrontier, 0]])
    for (let round = 0; round < 40; round++) {
      if (round % 3 === 0) {
        manager.transaction(() => {
          everyOperation(manager)
        })
      } else manager.append(1, payload)
      lengths.set(manager.appendedFrontier, live.seen.length)
      if (round === 13 || round === 27) await manager.snapshot()
    }
    const { size } = lengths
    t.equal(size, 41)
    for (const [sequence, length] of lengths) {
      const machine = new RecordingMachine()
      t.equal(await manager.stateAt({ sequence }, machine), machine)
      t.strictSame(machine.seen, live.seen.slice(0, length), `at ${String(sequence)}`)
    }
    const inside = manager.appendedFrontier - 3
    await t.rejects(manager.stateAt({ sequence: inside }, new RecordingMachine()), {
      code: 'ERR_PINNACLE_INSIDE_TRANSACTION',
    })
    await t.rejects(manager.stateAt({ sequence: 1_000_000 }, new RecordingMachine()), {
      code: 'ERR_PINNACLE_OUT_OF_REACH',
    })
    await t.rejects(manager.stateAt({ sequence: inside }, live), {
      code: 'ERR_PINNACLE_INVALID_ARGUMENT',
    })
    await manager.close()
  },
)

t.test('stateAt() says so where compaction took what it needs', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory, { stateMachine: new RecordingMachine(), keepSnapshots: 1 })
  for (let i = 0; i < 3000; i++) manager.append(1, payload)
  await manager.snapshot()
  await manager.compact({ force: true })
  manager.append(1, payload)
  await t.rejects(manager.stateAt({ sequence: 5 }, new RecordingMachine()), {
    code: 'ERR_PINNACLE_OUT_OF_REACH',
  })
  const machine = new RecordingMachine()
  await manager.stateAt({ sequence: manager.appendedFrontier }, machine)
  t.equal(machine.seen.length, 3001)
  await manager.close()
})

t.test('entries say their place in the transaction, live as at recovery', async (t) => {
  const directory = t.testdir()
  const places: (string | undefined)[] = []
  const live = new RecordingMachine()
  live.onEntry = ({ transaction }) => {
    places.push(transaction)
  }
  const manager = await open(directory, { stateMachine: live })
  const book = manager.book('AAPL')
  manager.transaction(() => {
    manager.append(1, payload)
    book.add(1, Side.Buy, 1, 1)
    manager.append(1, payload)
  })
  manager.batch({ atomic: true }).cancel(book, 1).clear(book).commit()
  manager.batch({ atomic: true }).clear(book).commit()
  manager.transaction(() => manager.append(1, payload))
  t.strictSame(places, ['first', 'middle', 'last', 'first', 'last', undefined, undefined])
  await manager.close()
  const recovered = new RecordingMachine()
  const again = await open(directory, { stateMachine: recovered })
  t.strictSame(recovered.seen, live.seen)
  await again.close()
})
