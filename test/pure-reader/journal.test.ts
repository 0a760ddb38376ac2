// The run of entries from segment to segment, and the judgement of the place at which it stops, by hand-built
// directories.
import path from 'node:path'
import t, { type Test } from 'tap'

import { readJournal, type PureJournal } from '../../lib/pure-reader/journal.js'
import {
  headFile,
  idOf,
  Sample,
  SegmentImage,
  segmentName,
  write,
  type HeadFields,
} from './image.js'

/** A journal of these segments, with a matching head record that names `durable`. */
function journalOf(t: Test, segments: SegmentImage[], head: HeadFields = {}): PureJournal {
  const dataDirectory = path.join(t.testdir(), 'data')
  const oldest = segments[0] as SegmentImage
  const newest = segments.at(-1) as SegmentImage
  write(dataDirectory, {
    HEAD: headFile({
      oldest: [oldest.index, oldest.id],
      newest: [newest.index, newest.id],
      ...head,
    }),
  })
  for (const { index, bytes } of segments) write(dataDirectory, { [segmentName(index)]: bytes })
  return readJournal(dataDirectory)
}

/** The second segment, after one with the entries 1 to 10. */
const second = (): SegmentImage => new SegmentImage({ index: 2, predecessor: idOf(1) })
const firstTen = (): SegmentImage => new SegmentImage().entries(1, 10)
/** Offset of a one-line entry in a segment that begins with `begins`. */
const offsetOf = (sequence: number, begins = 1): number => 4096 + (sequence - begins) * 64

t.test('entries come in order, each once', async (t) => {
  const sequences: bigint[] = []
  const dataDirectory = new Sample().write(path.join(t.testdir(), 'data'))
  const journal = readJournal(dataDirectory, ({ sequence }) => sequences.push(sequence))
  t.same(
    sequences,
    Array.from({ length: 25 }, (_, i) => BigInt(i + 1)),
  )
  t.match(journal, { firstSequence: 1n, lastSequence: 25n, begins: 1n, verdict: 'clean' })
})

t.test('the tail is judged by what is known durable', async (t) => {
  // Entry 10 says that 5 was durable.
  const lost = (sequence: number): SegmentImage => firstTen().zero(offsetOf(sequence), 64)
  t.match(journalOf(t, [lost(10)]), { verdict: 'clean', lastSequence: 9n })
  t.match(journalOf(t, [lost(8)]), {
    verdict: 'torn',
    lastSequence: 7n,
    problems: [/entry 8 did not arrive, but later bytes did/],
  })
  t.match(journalOf(t, [lost(5)]), {
    verdict: 'corrupt',
    lastSequence: 4n,
    problems: [/entry 5 was durable \(up to 5 was\)/],
  })
  t.match(journalOf(t, [lost(10)], { durable: 10 }), { verdict: 'corrupt' }, 'by the head record')
  t.match(journalOf(t, [lost(10).mark(10)]), { verdict: 'corrupt' }, 'by a frontier mark')
  t.match(journalOf(t, [lost(10).mark(10, 2).flip(2049)]), { verdict: 'clean' }, 'a damaged mark')
  t.match(journalOf(t, [lost(10), second().mark(10)]), { verdict: 'corrupt' }, 'by a later mark')
})

t.test('a mark counts no further than its segment, if the next one goes on', async (t) => {
  const beyond = firstTen().mark(12)
  t.match(journalOf(t, [beyond, second().entries(11, 11)]), { verdict: 'clean', knownDurable: 10n })
  t.match(journalOf(t, [beyond, second()]), { verdict: 'corrupt', knownDurable: 12n })
})

t.test('shapes at the stop: torn, damaged, another entry, an older one that follows', async (t) => {
  const torn = firstTen().zero(offsetOf(10) + 56, 8)
  t.match(journalOf(t, [torn]), { verdict: 'torn', problems: [/entry 10 was still being written/] })
  const flipped = firstTen().flip(offsetOf(10) + 40)
  t.match(journalOf(t, [flipped]), { verdict: 'corrupt', problems: [/entry 10 was changed/] })
  const other = firstTen()
  other.bytes.copyWithin(offsetOf(10), offsetOf(3), offsetOf(4))
  t.match(journalOf(t, [other]), {
    verdict: 'corrupt',
    problems: [/expected entry 10, found entry 3/],
  })
  const older = new SegmentImage()
  for (let sequence = 1; sequence <= 8; sequence++) older.entry({ sequence })
  older.bytes.copyWithin(offsetOf(12), offsetOf(3), offsetOf(4))
  t.match(journalOf(t, [older]), {
    verdict: 'corrupt',
    problems: [/entry 2 is damaged, but an earlier one follows/],
  })
})

t.test('the first entry that is damaged is known by those that follow', async (t) => {
  const journal = journalOf(t, [new SegmentImage().entries(31, 40).flip(offsetOf(1) + 30)])
  t.match(journal, { verdict: 'corrupt', entries: 0 })
})

t.test('the rest of a full segment is zero, and the next one opens with the entry', async (t) => {
  const full = firstTen()
  full.entry({ sequence: 11, payload: Buffer.alloc(60_000, 7), durable: 10 })
  const next = second().entry({ sequence: 12, payload: Buffer.alloc(60_000, 7), durable: 11 })
  t.match(journalOf(t, [full, next]), { verdict: 'clean', lastSequence: 12n })
  t.match(journalOf(t, [full, next.flip(5000)]), {
    verdict: 'corrupt',
    lastSequence: 11n,
    problems: [/0002\.segment at 4096: entry 12 was changed/],
  })
  const torn = second().entry({ sequence: 12, payload: Buffer.alloc(60_000, 7) })
  t.match(journalOf(t, [full, torn.zero(4096 + 512, 512)]), {
    verdict: 'torn',
    problems: [/0002\.segment at 4096: entry 12 was still/],
  })
})

t.test('a hole covers the entries that it names', async (t) => {
  const lines = (first: number, last: number): SegmentImage =>
    new SegmentImage().entries(1, 4).hole({ first, last, lines: 3 })
  t.match(journalOf(t, [lines(5, 7).entries(8, 10)]), {
    verdict: 'clean',
    lastSequence: 10n,
  })
  t.match(
    journalOf(t, [lines(5, 4).entries(5, 10)]),
    { verdict: 'clean', lastSequence: 10n },
    'of no entries: it fills lines',
  )
  t.match(journalOf(t, [lines(5, 10)]), { verdict: 'clean', lastSequence: 10n }, 'at the end')
  const atTheStart = new SegmentImage().hole({ first: 1, last: 7 }).entries(8, 10)
  t.match(journalOf(t, [atTheStart]), { verdict: 'clean', firstSequence: 1n })
  t.match(
    journalOf(t, [
      new SegmentImage().entries(1, 4),
      second().hole({ first: 5, last: 7 }).entries(8, 9),
    ]),
    { verdict: 'clean', lastSequence: 9n },
    'as the first of a segment',
  )
})

t.test('a hole elsewhere, or one that contradicts itself, is not what is expected', async (t) => {
  const hole = (first: number, last: number): SegmentImage =>
    new SegmentImage().entries(1, 4).hole({ first, last })
  t.match(journalOf(t, [hole(6, 7)]), {
    verdict: 'corrupt',
    lastSequence: 4n,
    problems: [/expected entry 5, found a hole for entries 6 to 7/],
  })
  t.match(journalOf(t, [hole(4, 7).entries(8, 10)]), { verdict: 'corrupt', lastSequence: 4n })
  t.match(journalOf(t, [hole(5, 3).entries(4, 10)]), { verdict: 'corrupt', lastSequence: 4n })
  t.match(journalOf(t, [hole(5, 7).entries(5, 10)]), { verdict: 'corrupt', lastSequence: 7n })
  const short = new SegmentImage()
    .entries(1, 4)
    .entry({ sequence: 7, type: 0x05, payload: Buffer.from([5, 0, 0, 0, 0, 0, 0, 0]) })
  t.match(journalOf(t, [short]), { verdict: 'corrupt', lastSequence: 4n })
})

t.test('an entry with a flag that is not known is damage, wherever it is', async (t) => {
  const flagged = new SegmentImage().entries(1, 9).entry({ sequence: 10, flags: 0x10 })
  t.match(journalOf(t, [flagged]), { verdict: 'corrupt', lastSequence: 9n })
})
