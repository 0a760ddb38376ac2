// Readers see all of a transaction or nothing, wherever they begin and end.
import t from 'tap'
import { Consumers, Journal, type JournalEntry } from '../../lib/index.js'

const bytes = new Uint8Array(32)

/** Entries 1; 2 to 4 as a transaction; 5. */
async function written(directory: string): Promise<Journal> {
  const journal = await Journal.open({ dataDirectory: directory })
  journal.append(1, bytes)
  journal.transaction(() => {
    for (let i = 0; i < 3; i++) journal.append(2, bytes)
  })
  journal.append(3, bytes)
  return journal
}

async function sequencesOf(entries: AsyncIterable<JournalEntry>): Promise<number[]> {
  const sequences: number[] = []
  for await (const { sequence } of entries) sequences.push(sequence)
  return sequences
}

t.test('a reader that came before the first transaction reads on', async (t) => {
  const directory = t.testdir()
  const journal = await Journal.open({ dataDirectory: directory })
  journal.append(1, bytes)
  await journal.durable()
  const consumer = await Consumers.of(directory).open('early')
  const outside = Journal.read(directory, { follow: true })
  const inside = journal.entries({ follow: true })
  const early = consumer.entries({ follow: true })
  const readers = [outside, inside, early]
  for (const reader of readers) t.equal((await reader.next()).value?.sequence, 1)
  journal.transaction(() => {
    journal.append(2, bytes)
    journal.append(2, bytes)
  })
  await journal.durable()
  for (const reader of readers) {
    t.equal((await reader.next()).value?.sequence, 2)
    t.equal((await reader.next()).value?.sequence, 3)
    await reader.return()
  }
  await consumer.close()
  await journal.close()
})

t.test('a reader that begins or ends inside a transaction gets an error', async (t) => {
  const directory = t.testdir()
  const journal = await written(directory)
  await journal.durable()
  const inside = {
    code: 'ERR_PINNACLE_INSIDE_TRANSACTION',
    message: /entry 3 lies inside the transaction of entries 2 to 4/,
  }
  for (const read of [
    (options: object) => journal.entries(options),
    (options: object) => Journal.read(directory, options),
  ]) {
    t.same(await sequencesOf(read({ from: 2, to: 4 })), [2, 3, 4])
    t.same(await sequencesOf(read({ to: 1 })), [1])
    t.same(await sequencesOf(read({ from: 5 })), [5])
    await t.rejects(sequencesOf(read({ from: 3 })), inside)
    await t.rejects(sequencesOf(read({ to: 3 })), inside)
    await t.rejects(sequencesOf(read({ to: 3, types: ['add'] })), inside)
  }
  const before: number[] = []
  await t.rejects(async () => {
    for await (const { sequence } of journal.entries({ to: 2 })) before.push(sequence)
  })
  t.same(before, [1], 'what comes before it is given')
  await journal.close()
})

t.test('nothing happens between two entries of a transaction', async (t) => {
  const journal = await Journal.open({ dataDirectory: t.testdir() })
  for (let round = 0; round < 3000; round++) {
    journal.transaction(() => {
      for (let part = 0; part < 1 + (round % 7); part++) journal.append(part, bytes)
      journal.append(90, bytes)
    })
  }
  let isInside = false
  let halves = 0
  const timer = setInterval(() => (halves += isInside ? 1 : 0))
  let isOver = false
  const turn = (): void => {
    if (isInside) halves++
    if (!isOver) setImmediate(turn)
  }
  turn()
  for await (const entry of journal.entries()) {
    isInside = entry.type === 'user' && entry.userType !== 90
    if (entry.sequence === journal.appendedFrontier) break
  }
  t.equal(halves, 0)
  clearInterval(timer)
  isOver = true
  await journal.close()
})
