// The cost of a large journal's first entry, in bytes that the process reads, not in time.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { Journal, PersistenceManager, Side } from '../../lib/index.js'

const counter = '/proc/self/io'
const skip = existsSync(counter) ? false : 'needs /proc/self/io, which counts what a process reads'

function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(counter, 'utf8'))?.[1])
}

t.test(
  'the first entry of a compacted journal is read without the rest of it',
  { skip },
  async (t) => {
    const dataDirectory = path.join(t.testdir(), 'data')
    const manager = await PersistenceManager.open({
      dataDirectory,
      segmentSize: '64KiB',
      durability: 'appended',
      snapshotIntervalMin: 0,
      keepSnapshots: 1,
      compactionThreshold: 0,
      instruments: [{ name: 'X', priceScale: 0, quantityScale: 0 }],
    })
    const book = manager.book('X')
    let id = 0
    const fill = (count: number): void => {
      for (let i = 0; i < count; i++) book.add(++id, Side.Buy, 1 + (id % 100), 1)
    }
    fill(5000)
    await manager.snapshot()
    await manager.compact({ force: true })
    fill(200_000)
    const [oldest] = readdirSync(path.join(dataDirectory, 'journal')).sort()
    t.not(oldest, '00000000000000000001.segment', 'the journal lacks its beginning')
    let firstSequence = 0
    const readFirst = async (entries: ReturnType<typeof Journal.read>): Promise<void> => {
      const before = bytesRead()
      const first = await entries.next()
      const read = bytesRead() - before
      const sequence = first.value?.sequence ?? 0
      t.ok(sequence > 1 && sequence <= 5001, `it starts with entry ${String(sequence)}`)
      firstSequence ||= sequence
      t.equal(sequence, firstSequence)
      // (The journal has 13 MB in 200 segments.)
      t.ok(read < 2 ** 20, `${String(read)} bytes were read`)
      await entries.return()
    }
    await readFirst(manager.journal.entries())
    await readFirst(Journal.read(dataDirectory))
    await manager.close()
    await readFirst(Journal.read(dataDirectory))
  },
)
