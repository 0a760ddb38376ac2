import t from 'tap'
import { PinnacleError, type JournalEntry } from '../../lib/index.js'
import { readEntries, type ReadSource } from '../../lib/journal/read-entries.js'
import type { NativeBinding, NativeReader } from '../../lib/native/binding.js'
import { entryImage, words } from './entry-image.js'

/** A journal in memory, read in chunks of two entries. */
class FakeJournal {
  images: Buffer[] = []
  closedReaders = 0
  wakers: (() => void)[] = []
  ended = false
  oldest = 1

  append(type = 0x80, instrument = 0): void {
    const payload = type >= 0x80 ? Buffer.from('p') : words(1, 0, 2, 3)
    const sequence = this.images.length + 1
    this.images.push(entryImage({ type, instrument, sequence, payload }))
    for (const waker of this.wakers.splice(0)) waker()
  }

  source(): ReadSource {
    const binding = {
      openReader: (_directory: string, from: number): NativeReader => {
        const gone = from !== 0 && from < this.oldest
        if (gone) throw new PinnacleError('ERR_PINNACLE_OUT_OF_REACH', 'gone')
        let next = from === 0 ? this.oldest : from // like the addon: 0 is the oldest held
        return {
          read: () => {
            const chunk = this.images.slice(next - 1, next + 1)
            next += chunk.length
            return chunk.length === 0 ? null : Buffer.concat(chunk)
          },
          get nextSequence() {
            return next
          },
          close: () => {
            this.closedReaders++
          },
        }
      },
    } as unknown as NativeBinding
    return {
      binding,
      dataDirectory: 'd',
      indexOf: (name) => (name === 'AAPL' ? 2 : undefined),
      names: () => ['AAPL'],
      onAppend: (waker) => {
        this.wakers.push(waker)
        return () => {
          this.wakers = this.wakers.filter((other) => other !== waker)
        }
      },
      ended: () => this.ended,
    }
  }
}

const sequences = async (entries: AsyncIterable<JournalEntry>): Promise<number[]> => {
  const list: number[] = []
  for await (const entry of entries) list.push(entry.sequence)
  return list
}

t.test('iteration goes from one sequence to another, both included', async (t) => {
  const journal = new FakeJournal()
  for (let i = 0; i < 7; i++) journal.append()
  t.strictSame(await sequences(readEntries(journal.source())), [1, 2, 3, 4, 5, 6, 7])
  t.strictSame(await sequences(readEntries(journal.source(), { from: 3, to: 6 })), [3, 4, 5, 6])
  t.strictSame(await sequences(readEntries(journal.source(), { from: 9 })), [])
  t.equal(journal.closedReaders, 3, 'each reader is closed')
})

t.test('if the beginning was compacted away, iteration starts at what is left', async (t) => {
  const journal = new FakeJournal()
  for (let i = 0; i < 7; i++) journal.append()
  journal.oldest = 4
  t.strictSame(await sequences(readEntries(journal.source())), [4, 5, 6, 7])
  await t.rejects(sequences(readEntries(journal.source(), { from: 2 })), {
    code: 'ERR_PINNACLE_OUT_OF_REACH',
  })
})

t.test('types and an instrument filter', async (t) => {
  const journal = new FakeJournal()
  journal.append(0x11, 1)
  journal.append(0x11, 2)
  journal.append(0x80, 2)
  journal.append(0x14, 2)
  const read = (options: Parameters<typeof readEntries>[1]): Promise<number[]> =>
    sequences(readEntries(journal.source(), options))
  t.strictSame(await read({ types: ['add'] }), [1, 2])
  t.strictSame(await read({ instrument: 'AAPL' }), [2, 3, 4])
  t.strictSame(await read({ instrument: 1 }), [1])
  t.strictSame(await read({ instrument: 'AAPL', types: ['user', 'cancel'] }), [3, 4])
  await t.rejects(read({ instrument: 'AAPK' }), {
    code: 'ERR_PINNACLE_UNKNOWN_INSTRUMENT',
    message: 'there is no instrument "AAPK"; did you mean "AAPL"?',
  })
})

t.test('a follower is woken by an append and ends when the writer does', async (t) => {
  const journal = new FakeJournal()
  journal.append()
  const seen: number[] = []
  const follower = (async () => {
    for await (const entry of readEntries(journal.source(), { follow: true })) {
      seen.push(entry.sequence)
    }
  })()
  const until = async (count: number): Promise<void> => {
    while (seen.length < count) await new Promise((resolve) => setImmediate(resolve))
  }
  await until(1)
  journal.append()
  journal.append()
  await until(3)
  journal.append()
  journal.ended = true
  for (const waker of journal.wakers.splice(0)) waker()
  await follower
  t.strictSame(seen, [1, 2, 3, 4], 'what was appended before the end is read')
  t.equal(journal.closedReaders, 1)
})

t.test('a follower without a wake-up polls', async (t) => {
  const journal = new FakeJournal()
  const polling = journal.source()
  delete polling.onAppend
  const iterator = readEntries(polling, { follow: true })
  const first = iterator.next()
  await new Promise((resolve) => setTimeout(resolve, 10))
  journal.append()
  t.match(await first, { value: { sequence: 1 } })
  await iterator.return()
  t.equal(journal.closedReaders, 1, 'leaving the loop closes the reader')
})

t.test('an abort ends a follower with its reason, and closes the reader', async (t) => {
  const journal = new FakeJournal()
  const controller = new AbortController()
  const reason = new Error('enough')
  const follower = sequences(
    readEntries(journal.source(), { follow: true, signal: controller.signal }),
  )
  setTimeout(() => {
    controller.abort(reason)
  }, 5)
  await t.rejects(follower, reason)
  t.equal(journal.closedReaders, 1)
  t.equal(journal.wakers.length, 0, 'it is no longer woken')
  await t.rejects(
    sequences(readEntries(journal.source(), { signal: AbortSignal.abort(reason) })),
    reason,
  )
})

t.test('options out of range are coded errors', async (t) => {
  const journal = new FakeJournal()
  const read = (options: object): Promise<number[]> =>
    sequences(readEntries(journal.source(), options))
  for (const wrong of [0, -1, 1.5, NaN, '1', 2 ** 53]) {
    await t.rejects(read({ from: wrong }), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' })
    await t.rejects(read({ to: wrong }), { code: 'ERR_PINNACLE_INVALID_SEQUENCE' })
  }
  await t.rejects(read({ types: ['adds'] }), {
    code: 'ERR_PINNACLE_INVALID_ENTRY_TYPE',
    message: /did you mean "add"/,
  })
  await t.rejects(read({ types: [17] }), { code: 'ERR_PINNACLE_INVALID_ENTRY_TYPE' })
  for (const wrong of [-1, 0.5, 65_536, {}]) {
    await t.rejects(read({ instrument: wrong }), { code: 'ERR_PINNACLE_INVALID_INSTRUMENT' })
  }
})
