/** The limits of transactions, and what can't be done inside one. */
import t from 'tap'
import { Side, type PersistenceManager } from '../../lib/index.js'
import { fingerprint, open } from '../persistence/setup.js'

const payload = new Uint8Array(8)
const isOpen = 'ERR_PINNACLE_TRANSACTION_OPEN'

const refused: Record<string, (manager: PersistenceManager) => unknown> = {
  'another transaction': (manager) => manager.transaction(() => 1),
  defineInstrument: (manager) =>
    manager.defineInstrument({ name: 'MSFT', priceScale: 2, quantityScale: 0 }),
  syncNow: (manager) => manager.syncNow(),
  'journal.syncNow': (manager) => manager.journal.syncNow(),
  'an atomic batch': (manager) =>
    manager.batch({ atomic: true }).add(manager.book('AAPL'), 9, Side.Buy, 1, 1).commit(),
  'a batch that skips what is refused': (manager) =>
    manager.batch({ skipRefused: true }).add(manager.book('AAPL'), 9, Side.Buy, 1, 1).commit(),
}

for (const [what, call] of Object.entries(refused)) {
  t.test(`${what} is refused inside a transaction`, async (t) => {
    const manager = await open(t.testdir())
    const before = fingerprint(manager)
    t.throws(
      () =>
        manager.transaction(() => {
          manager.append(1, payload)
          manager.append(1, payload)
          return call(manager)
        }),
      { code: isOpen },
    )
    t.strictSame(fingerprint(manager), before)
    await manager.close()
  })
}

const rejected: Record<string, (manager: PersistenceManager) => Promise<unknown>> = {
  snapshot: (manager) => manager.snapshot(),
  compact: (manager) => manager.compact(),
  durable: (manager) => manager.durable(),
  'journal.durable': (manager) => manager.journal.durable(),
  close: (manager) => manager.close(),
  'journal.close': (manager) => manager.journal.close(),
}

for (const [what, call] of Object.entries(rejected)) {
  t.test(`${what} rejects inside a transaction, which goes on`, async (t) => {
    const manager = await open(t.testdir())
    const before = manager.appendedFrontier
    const calls: Promise<unknown>[] = []
    manager.transaction(() => {
      manager.append(1, payload)
      calls.push(t.rejects(call(manager), { code: isOpen }))
      manager.append(1, payload)
    })
    await Promise.all(calls)
    t.equal(calls.length, 1)
    t.equal(manager.appendedFrontier, before + 2)
    await t.resolves(call(manager))
    await manager.close()
  })
}

t.test('an async function is refused before it runs', async (t) => {
  const manager = await open(t.testdir())
  let ran = false
  t.throws(
    () =>
      manager.transaction(async () => {
        ran = true
      }),
    { code: 'ERR_PINNACLE_TRANSACTION_ASYNC' },
  )
  t.equal(ran, false)
  await manager.close()
})

t.test(
  'a generator function is refused before it runs, and a generator takes all back',
  async (t) => {
    const manager = await open(t.testdir())
    const before = fingerprint(manager)
    const code = 'ERR_PINNACLE_TRANSACTION_ASYNC'
    let ran = false
    function* work(): Generator<number> {
      ran = true
      yield manager.append(1, payload)
    }
    t.throws(() => manager.transaction(work), { code, message: /a generator function/ })
    const wrapped = (): Generator<number> => {
      manager.append(1, payload)
      return work()
    }
    t.throws(() => manager.transaction(wrapped), { code, message: /returned a generator/ })
    t.equal(ran, false)
    t.strictSame(fingerprint(manager), before)
    await manager.close()
  },
)

t.test('a promise that is returned takes all back, and what follows it is plain', async (t) => {
  const manager = await open(t.testdir())
  const before = fingerprint(manager)
  let continued: Promise<void> | undefined
  t.throws(
    () =>
      manager.transaction(() => {
        manager.append(1, payload)
        continued = Promise.resolve().then(() => {
          manager.append(2, payload)
        })
        return continued
      }),
    { code: 'ERR_PINNACLE_TRANSACTION_ASYNC' },
  )
  t.strictSame(fingerprint(manager), before)
  await continued
  t.equal(manager.appendedFrontier, before.appended + 1, 'outside of the transaction')
  await manager.close()
})

t.test('a promise that rejects later ends no process', async (t) => {
  const manager = await open(t.testdir())
  t.throws(() => manager.transaction(() => Promise.reject(new Error('later'))), {
    code: 'ERR_PINNACLE_TRANSACTION_ASYNC',
  })
  await new Promise((resolve) => setTimeout(resolve, 10))
  await manager.close()
})

t.test('anything but a function is refused', async (t) => {
  const manager = await open(t.testdir())
  for (const work of [undefined, null, 5, {}]) {
    t.throws(() => manager.transaction(work as () => void), {
      code: 'ERR_PINNACLE_INVALID_ARGUMENT',
    })
  }
  await manager.close()
})

t.test('a closed journal opens no transaction', async (t) => {
  const manager = await open(t.testdir())
  await manager.close()
  t.throws(() => manager.transaction(() => 1), { code: 'ERR_PINNACLE_CLOSED' })
})

t.test('a transaction above a segment is refused at its first entry too many', async (t) => {
  const manager = await open(t.testdir())
  const before = fingerprint(manager)
  const lines = (64 * 1024 - 4096) / 64
  const add = (count: number): void => {
    manager.transaction(() => {
      for (let id = 1; id <= count; id++) manager.book('AAPL').add(id, Side.Buy, 5, 1)
    })
  }
  t.throws(
    () => {
      add(lines + 1)
    },
    { code: 'ERR_PINNACLE_TRANSACTION_TOO_LARGE', details: { transactionIndex: lines } },
  )
  t.strictSame(fingerprint(manager), before)
  add(lines)
  t.equal(manager.book('AAPL').info().orders, lines)
  await manager.close()
})

t.test('a batch can not be atomic and skip what is refused', async (t) => {
  const manager = await open(t.testdir())
  t.throws(() => manager.batch({ atomic: true, skipRefused: true }), {
    code: 'ERR_PINNACLE_INVALID_ARGUMENT',
  })
  await manager.close()
})
