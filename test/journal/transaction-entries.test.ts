// Entries of transactions as readers and state machines receive them.
import path from 'node:path'
import t from 'tap'

import {
  Journal,
  PersistenceManager,
  Side,
  type JournalEntry,
  type StateMachine,
} from '../../lib/index.js'

const instruments = [{ name: 'TEST', priceScale: 2, quantityScale: 0 }]

/** Keeps what it receives, as JSON. */
class Recorder implements StateMachine {
  readonly given: string[] = []
  apply = (entry: JournalEntry): void => void this.given.push(textOf(entry))
  applyOperation = (entry: JournalEntry): void => void this.given.push(textOf(entry))
  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify(this.given))
  }
  restore(): void {
    throw new Error('there is no snapshot')
  }
}

function textOf(entry: JournalEntry): string {
  return JSON.stringify(entry, (_, value: unknown) =>
    typeof value === 'bigint' ? `${String(value)}n` : value,
  )
}

t.test(
  'a state machine gets the entries of a transaction live as it gets them later',
  async (t) => {
    const dataDirectory = path.join(t.testdir(), 'data')
    const config = { dataDirectory, instruments, snapshotIntervalMin: 0 }
    const live = new Recorder()
    const manager = await PersistenceManager.open({ ...config, stateMachine: live })
    manager.transaction(() => {
      manager.book('TEST').add(1, Side.Buy, 100, 5)
      manager.append(7, Buffer.from('a note'))
      manager.book('TEST').execute(1, 5)
    })
    manager.append(7, Buffer.from('alone'))
    await manager.close()
    t.equal(live.given.length, 4)

    const later = new Recorder()
    await (await PersistenceManager.open({ ...config, stateMachine: later })).close()
    // (A live entry may consist of another kind of bytes.)
    const keysOf = (text: string): string[] => Object.keys(JSON.parse(text) as object).sort()
    t.same(later.given.map(keysOf), live.given.map(keysOf))
    const places = (given: string[]): unknown[] =>
      given.map((text) => (JSON.parse(text) as { transaction?: string }).transaction)
    t.strictSame(places(later.given), ['first', 'middle', 'last', undefined])
    t.strictSame(places(live.given), places(later.given))
  },
)

t.test('a reader that was there before the first transaction gets it whole', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'data')
  const config = { dataDirectory, instruments, snapshotIntervalMin: 0, segmentSize: '64KiB' }
  for (const writePath of ['mapped', 'auto'] as const) {
    const manager = await PersistenceManager.open({ ...config, writePath })
    const { lastSequence } = manager.recovery
    const from = lastSequence + 1
    const given: string[] = []
    const stop = new AbortController()
    const reading = (async () => {
      const entries = Journal.read(dataDirectory, { from, follow: true, signal: stop.signal })
      try {
        for await (const { sequence, transaction = '-' } of entries) {
          given.push(`${sequence} ${transaction}`)
        }
      } catch (error) {
        if (!stop.signal.aborted) given.push(String(error))
      }
    })()
    const until = async (last: number): Promise<void> => {
      const since = performance.now()
      while (
        !given.some((each) => each.startsWith(`${last} `)) &&
        performance.now() - since < 5000
      ) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    const plain = manager.append(1, Buffer.from('plain'))
    await until(plain)
    manager.transaction(() => {
      for (let i = 0; i < 3; i++) manager.append(2, Buffer.alloc(100, i))
    })
    await until(plain + 3)
    stop.abort()
    await reading
    await manager.close()
    t.same(
      given.slice(-3),
      [`${plain + 1} first`, `${plain + 2} middle`, `${plain + 3} last`],
      writePath,
    )
  }
})
