/** Transactions: any mixture of operations and entries, kept as a whole or not at all. */
import t from 'tap'
import { Journal, Side, type JournalEntry, type PersistenceManager } from '../../lib/index.js'
import { fingerprint, flow, open } from '../persistence/setup.js'
import { RecordingMachine } from './recording-machine.js'

const payload = (size: number, byte = 7): Uint8Array => new Uint8Array(size).fill(byte)

/** A fill with its entries, on two instruments. */
function fill(manager: PersistenceManager, id: number): void {
  const stock = manager.book('AAPL')
  stock.add(id, Side.Sell, 100 + (id % 7), 5)
  stock.execute(id, 2)
  manager.book('ETH-USD').setLevel(Side.Buy, 50 + (id % 3), id)
  manager.append(1, payload(8, id % 251), { instrument: 'AAPL' })
  manager.append(2, payload(500, id % 251))
}

async function entriesOf(source: AsyncIterable<JournalEntry>): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = []
  for await (const entry of source) entries.push(entry)
  return entries
}

t.test('what a transaction did is there after it, with what its function returned', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  const before = manager.appendedFrontier
  const sequences = manager.transaction(() => [
    manager.book('AAPL').add(1, Side.Buy, 100, 5),
    manager.append(1, payload(40)),
    manager.book('BTC-USD').add(2n ** 100n, Side.Sell, 200, 7, 55n),
  ])
  t.strictSame(sequences, [before + 1, before + 2, before + 3])
  t.equal(manager.appendedFrontier, before + 3)
  const state = fingerprint(manager)
  await manager.close()
  const again = await open(directory)
  t.strictSame(fingerprint(again), state)
  t.equal(again.recovery.tail, 'clean')
  await again.close()
})

t.test('inside a transaction books show what it did, and the journal has none of it', async (t) => {
  const manager = await open(t.testdir())
  const before = manager.appendedFrontier
  manager.transaction(() => {
    manager.book('AAPL').add(1, Side.Buy, 100, 5)
    t.equal(manager.book('AAPL').bestBid()?.price, 100)
    t.equal(manager.appendedFrontier, before)
  })
  await manager.close()
})

const refusals: Record<string, [code: string, (manager: PersistenceManager) => void]> = {
  'an order that is not there': [
    'ERR_PINNACLE_UNKNOWN_ORDER',
    (manager) => manager.book('AAPL').cancel(77),
  ],
  'an invalid price': [
    'ERR_PINNACLE_INVALID_PRICE',
    (manager) => manager.book('AAPL').add(8, Side.Buy, 1.5, 1),
  ],
  'a price that is not a number': [
    'ERR_PINNACLE_INVALID_PRICE',
    (manager) => manager.book('AAPL').add(8, Side.Buy, '1' as unknown as number, 1),
  ],
  'an id that is too large': [
    'ERR_PINNACLE_INVALID_ORDER_ID',
    (manager) => manager.book('AAPL').add(2n ** 128n, Side.Buy, 1, 1),
  ],
  'an invalid time': [
    'ERR_PINNACLE_INVALID_TIMESTAMP',
    (manager) => manager.book('AAPL').clear(-1n),
  ],
  'an invalid user type': [
    'ERR_PINNACLE_INVALID_ENTRY_TYPE',
    (manager) => manager.append(128, payload(8)),
  ],
  'an invalid payload': [
    'ERR_PINNACLE_INVALID_ARGUMENT',
    (manager) => manager.append(1, 'x' as unknown as Uint8Array),
  ],
  'an instrument that is not open': [
    'ERR_PINNACLE_UNKNOWN_INSTRUMENT',
    (manager) => manager.append(1, payload(8), { instrument: 'MSFT' }),
  ],
  'a payload above the limit': [
    'ERR_PINNACLE_ENTRY_TOO_LARGE',
    (manager) => manager.append(1, payload(17 * 1024 * 1024)),
  ],
  'a batch with a refused operation': [
    'ERR_PINNACLE_UNKNOWN_ORDER',
    (manager) => manager.batch().cancel(manager.book('AAPL'), 77).commit(),
  ],
  'a batch of payloads of a wrong type': [
    'ERR_PINNACLE_INVALID_ENTRY_TYPE',
    (manager) => manager.journal.appendBatch(200, [payload(8), payload(8)]),
  ],
}

for (const [what, [code, refuse]] of Object.entries(refusals)) {
  t.test(`${what} takes all of the transaction back, caught or not`, async (t) => {
    const directory = t.testdir()
    const machine = new RecordingMachine()
    const manager = await open(directory, { stateMachine: machine })
    flow(manager, 200)
    const before = fingerprint(manager)
    const seen = machine.seen.length
    const run = (caught: boolean): void => {
      manager.transaction(() => {
        fill(manager, 900_001)
        manager.book('AAPL').clear()
        manager.book('AAPL').add(900_002, Side.Buy, 3, 4)
        try {
          refuse(manager)
        } catch (error) {
          if (!caught) throw error
        }
        if (caught) manager.book('AAPL').cancel(900_002)
      })
    }
    for (const caught of [false, true]) {
      t.throws(
        () => {
          run(caught)
        },
        { code, message: /operation 7 of the transaction/, details: { transactionIndex: 7 } },
      )
      t.strictSame(fingerprint(manager), before)
    }
    t.equal(machine.seen.length, seen, 'the state machine hears of none of it')
    fill(manager, 900_003)
    const after = fingerprint(manager)
    await manager.close()
    const again = await open(directory)
    t.strictSame(fingerprint(again), after)
    await again.close()
  })
}

t.test('what the function throws comes out, and all is taken back', async (t) => {
  const manager = await open(t.testdir())
  flow(manager, 300)
  const before = fingerprint(manager)
  const mine = new Error('mine')
  for (const thrown of [mine, undefined, 'text']) {
    let caught: unknown = 'nothing'
    try {
      manager.transaction(() => {
        flow(manager, 100, 2)
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- any value can be thrown
        throw thrown
      })
    } catch (error) {
      caught = error
    }
    t.equal(caught, thrown)
    t.strictSame(fingerprint(manager), before)
  }
  await manager.close()
})

t.test('what a getter of the options throws comes out as it is', async (t) => {
  const manager = await open(t.testdir())
  const before = fingerprint(manager)
  for (const thrown of [Object.freeze(new Error('mine')), 'a word', undefined]) {
    const options = {
      get instrument(): string {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- whatever it is
        throw thrown
      },
    }
    let caught: unknown = 'nothing'
    try {
      manager.transaction(() => {
        fill(manager, 1)
        manager.append(1, payload(8), options)
      })
    } catch (error) {
      caught = error
    }
    t.equal(caught, thrown)
    t.strictSame(fingerprint(manager), before)
  }
  await manager.close()
})

t.test('a taken back clear gives back every order at its place', async (t) => {
  const manager = await open(t.testdir())
  flow(manager, 500)
  const book = manager.book('AAPL')
  const orders = (): unknown =>
    [Side.Buy, Side.Sell].map((side) =>
      book.depth(side, 1000).map(({ price }) => book.levelOrders(side, price)),
    )
  const before = orders()
  t.throws(() =>
    manager.transaction(() => {
      book.clear()
      book.add(1, Side.Buy, 10_001, 5)
      book.clear()
      throw new Error('back')
    }),
  )
  t.strictSame(orders(), before)
  await manager.close()
})

t.test('an atomic batch is taken as a whole or not at all', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  const book = manager.book('AAPL')
  const before = fingerprint(manager)
  const batch = manager.batch({ atomic: true })
  batch.add(book, 1, Side.Buy, 100, 5).add(book, 2, Side.Buy, 100, 5).cancel(book, 77)
  t.throws(() => batch.commit(), {
    code: 'ERR_PINNACLE_UNKNOWN_ORDER',
    message: /operation 2 of the batch/,
    details: { index: 2, taken: 0 },
  })
  t.strictSame(fingerprint(manager), before)
  batch.add(book, 1, Side.Buy, 100, 5).add(book, 2, Side.Buy, 100, 5)
  t.strictSame(batch.commit(), {
    taken: 2,
    lastSequence: before.appended + 2,
    refused: [],
  })
  await t.rejects(manager.bookAt('AAPL', { sequence: before.appended + 1 }), {
    code: 'ERR_PINNACLE_INSIDE_TRANSACTION',
  })
  await manager.close()
})

t.test('a plain batch inside a transaction becomes part of it', async (t) => {
  const manager = await open(t.testdir())
  const book = manager.book('AAPL')
  const before = manager.appendedFrontier
  manager.transaction(() => {
    manager.batch().add(book, 1, Side.Buy, 100, 5).add(book, 2, Side.Buy, 100, 5).commit()
    manager.journal.appendBatch(1, [payload(32), payload(32)])
    manager.journal.appendBatch(1, [payload(20_000), payload(10)])
  })
  t.equal(manager.appendedFrontier, before + 6)
  await t.rejects(manager.bookAt('AAPL', { sequence: before + 5 }), {
    code: 'ERR_PINNACLE_INSIDE_TRANSACTION',
    message: new RegExp(`entries ${String(before + 1)} to ${String(before + 6)},`),
  })
  await manager.close()
})

t.test('a transaction of one entry or none is what it does without one', async (t) => {
  const manager = await open(t.testdir())
  const before = manager.appendedFrontier
  t.equal(
    manager.transaction(() => 5),
    5,
  )
  t.equal(manager.appendedFrontier, before)
  manager.transaction(() => manager.append(1, payload(3)))
  t.equal(manager.appendedFrontier, before + 1)
  await t.resolves(manager.bookAt('AAPL', { sequence: before + 1 }))
  await manager.close()
})

t.test('a journal of its own has transactions too', async (t) => {
  const directory = t.testdir()
  const journal = await Journal.open({ dataDirectory: directory, segmentSize: '64KiB' })
  journal.transaction(() => {
    journal.append(1, payload(8))
    journal.lanes[0] = 42
    journal.appendLanes(2, 1)
  })
  t.throws(() =>
    journal.transaction(() => {
      journal.append(1, payload(8))
      journal.appendLanes(200, 1)
    }),
  )
  t.equal(journal.appendedFrontier, 2)
  await journal.close()
  t.equal((await entriesOf(Journal.read(directory))).length, 2)
})

t.test('transactions of all sizes roll to the next segment as a whole', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  const book = manager.book('AAPL')
  let id = 0
  for (let round = 0; round < 200; round++) {
    const entries = 1 + ((round * 37) % 400)
    manager.transaction(() => {
      for (let i = 0; i < entries; i++) {
        if (i % 5 === 4) manager.append(3, payload((i * 13) % 90))
        else book.add(++id, i % 2 === 0 ? Side.Buy : Side.Sell, 100 + (i % 9), 1 + i)
      }
    })
    if (round % 50 === 25) await manager.snapshot()
  }
  const state = fingerprint(manager)
  await manager.close()
  const again = await open(directory)
  t.strictSame(fingerprint(again), state)
  await again.close()
})

t.test('a transaction that is durable by itself is synced once', async (t) => {
  const manager = await open(t.testdir(), { durability: 'durable' })
  const before = manager.stats()
  manager.transaction(() => {
    for (let id = 1; id <= 20; id++) fill(manager, id)
  })
  const after = manager.stats()
  t.equal(manager.durableFrontier, manager.appendedFrontier)
  t.ok(after.syncs - before.syncs <= 2, `${String(after.syncs - before.syncs)} syncs`)
  await manager.close()
})

t.test('a follower sees a transaction only when all of it is there', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  const seen: number[] = []
  const abort = new AbortController()
  const following = (async () => {
    for await (const entry of manager.journal.entries({ follow: true, signal: abort.signal })) {
      seen.push(entry.sequence)
      if (entry.type === 'user' && entry.userType === 90) return
    }
  })()
  for (let round = 0; round < 30; round++) {
    t.throws(() =>
      manager.transaction(() => {
        fill(manager, 1000 + round)
        throw new Error('back')
      }),
    )
    manager.transaction(() => {
      fill(manager, round + 1)
    })
    await new Promise((resolve) => setImmediate(resolve))
  }
  manager.append(90, payload(1))
  await following
  t.strictSame(
    seen,
    seen.map((_, index) => index + 1),
  )
  t.equal(seen.length, manager.appendedFrontier)
  await manager.close()
})

t.test(
  'readers begin and end beside a transaction, and say so if they are asked to cut it',
  async (t) => {
    const directory = t.testdir()
    const manager = await open(directory)
    const start = manager.appendedFrontier
    manager.append(1, payload(8))
    manager.transaction(() => {
      for (let i = 0; i < 5; i++) manager.append(2, payload(8))
    })
    manager.append(3, payload(8))
    const [first, last] = [start + 2, start + 6]
    const readers = {
      own: (options: { from?: number; to?: number }) => manager.journal.entries(options),
      other: (options: { from?: number; to?: number }) => Journal.read(directory, options),
    }
    await manager.durable()
    for (const [who, read] of Object.entries(readers)) {
      for (let sequence = first; sequence <= last; sequence++) {
        const inside = {
          code: 'ERR_PINNACLE_INSIDE_TRANSACTION',
          message: new RegExp(`entries ${String(first)} to ${String(last)},`),
        }
        const seen: number[] = []
        const reading = (async () => {
          for await (const entry of read({ from: start + 1, to: sequence }))
            seen.push(entry.sequence)
        })()
        if (sequence < last) await t.rejects(reading, inside, `${who} to ${String(sequence)}`)
        else await reading
        t.strictSame(seen.length, sequence < last ? 1 : 6)
        const from = entriesOf(read({ from: sequence }))
        if (sequence > first) await t.rejects(from, inside, `${who} from ${String(sequence)}`)
        else t.equal((await from).length, 6)
      }
      t.strictSame(
        (await entriesOf(read({ from: first }))).map(({ transaction }) => transaction),
        ['first', 'middle', 'middle', 'middle', 'last', undefined],
      )
    }
    await manager.close()
  },
)

t.test('a consumer that commits inside a transaction gets all of it again', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory)
  const start = manager.appendedFrontier
  manager.append(1, payload(8))
  manager.transaction(() => {
    for (let i = 0; i < 3; i++) manager.append(2, payload(8))
  })
  const consumer = await manager.journal.consumers.open('c', { from: start + 1 })
  const positions: number[] = []
  for await (const entry of consumer.entries()) {
    positions.push(await consumer.commit(entry.sequence))
  }
  t.strictSame(positions, [start + 1, start + 1, start + 1, start + 4])
  await t.rejects(consumer.reset(start + 2), {
    code: 'ERR_PINNACLE_INSIDE_TRANSACTION',
    message: new RegExp(`entries ${String(start + 2)} to ${String(start + 4)},`),
  })
  await consumer.reset(start + 1)
  let seen = 0
  for await (const entry of consumer.entries()) {
    if (++seen === 2) {
      await consumer.commit(entry.sequence)
      break
    }
  }
  t.equal(consumer.position, start + 1)
  t.equal((await entriesOf(consumer.entries())).length, 3)
  await consumer.close()
  await manager.close()
})
