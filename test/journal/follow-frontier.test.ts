// Reading up to what is written, or only up to what is durable.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Journal, type JournalEntry, type ReadOptions, type WritePath } from '../../lib/index.js'

const paths: WritePath[] = process.platform === 'linux' ? ['window', 'mapped'] : ['mapped']

/** Takes entries until it is stopped; `taken` grows meanwhile. */
function taking(entries: AsyncIterable<JournalEntry>): {
  taken: number[]
  ended: Promise<void>
} {
  const taken: number[] = []
  const take = async (): Promise<void> => {
    for await (const entry of entries) taken.push(entry.sequence)
  }
  return { taken, ended: take() }
}

async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !is(); tries++) await delay(10)
}

for (const writePath of paths) {
  for (const spin of [false, true]) {
    const how = `${writePath}${spin ? ', spinning' : ''}`
    t.test(`a follower of the durable frontier waits for the sync (${how})`, async (t) => {
      const dataDirectory = join(t.testdir(), 'data')
      await using journal = await Journal.open({ dataDirectory, writePath, durability: 'appended' })
      journal.append(1, new Uint8Array(8))
      await journal.durable()
      const stop = new AbortController()
      const options: ReadOptions = { follow: true, spin, signal: stop.signal }
      const readers = {
        ownDurable: taking(journal.entries({ ...options, frontier: 'durable' })),
        ownWritten: taking(journal.entries(options)),
        otherDurable: taking(Journal.read(dataDirectory, { ...options, frontier: 'durable' })),
        otherWritten: taking(Journal.read(dataDirectory, options)),
      }
      const ended = Promise.allSettled(Object.values(readers).map((reader) => reader.ended))
      for (let i = 0; i < 9; i++) journal.append(1, new Uint8Array(8))
      await until(
        () => readers.ownWritten.taken.length === 10 && readers.otherWritten.taken.length === 10,
      )
      await delay(250)
      t.equal(readers.ownWritten.taken.length, 10)
      t.equal(readers.otherWritten.taken.length, 10)
      t.strictSame(readers.ownDurable.taken, [1])
      t.strictSame(readers.otherDurable.taken, [1])
      await journal.durable()
      await until(
        () => readers.ownDurable.taken.length === 10 && readers.otherDurable.taken.length === 10,
      )
      t.strictSame(readers.ownDurable.taken, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      t.strictSame(readers.otherDurable.taken, readers.ownDurable.taken)
      stop.abort()
      await ended
    })
  }

  t.test(`without following, the durable frontier is the end (${writePath})`, async (t) => {
    const dataDirectory = join(t.testdir(), 'data')
    const journal = await Journal.open({ dataDirectory, writePath, durability: 'appended' })
    journal.append(1, new Uint8Array(8))
    await journal.durable()
    journal.append(1, new Uint8Array(8))
    await delay(250)
    const { taken, ended } = taking(Journal.read(dataDirectory, { frontier: 'durable' }))
    await ended
    t.strictSame(taken, [1])
    await journal.close()
    const all = taking(Journal.read(dataDirectory, { frontier: 'durable' }))
    await all.ended
    t.strictSame(all.taken, [1, 2], 'a directory that was closed is durable')
  })
}

t.test('another frontier is refused', async (t) => {
  const dataDirectory = join(t.testdir(), 'data')
  await using journal = await Journal.open({ dataDirectory })
  const entries = journal.entries({ frontier: 'appended' as 'written' })
  await t.rejects(entries.next(), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' })
})
