// Transactions in hand-built directories: what is whole, what is cut, what is corruption. Each is compared
// with the engine as well.
import { rmSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'

import { inspect, PersistenceManager, verdictOf } from '../../lib/index.js'
import type { PureJournal } from '../../lib/pure-reader/journal.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import {
  checksumAt,
  continuesFlag,
  headFile,
  idOf,
  moreFollowsFlag,
  SegmentImage,
  segmentName,
  snapshotFile,
  snapshotName,
  write,
  type HeadFields,
} from './image.js'

const features = 1n
const line = 64
const first = 4096
const segmentBytes = 65_536

/** Offset of a one-line entry in a segment that begins with `begins`. */
const offsetOf = (sequence: number, begins = 1): number => first + (sequence - begins) * line
/** Three plain entries, and a transaction of the entries 4 to 8, nothing of which was durable. */
const open = (): SegmentImage => new SegmentImage({ features }).entries(1, 3).transaction(4, 8)
const second = (): SegmentImage => new SegmentImage({ index: 2, predecessor: idOf(1), features })

interface Directory {
  segments: SegmentImage[]
  head?: HeadFields
  snapshots?: Record<string, Buffer>
}

function make(t: Test, { segments, head = {}, snapshots = {} }: Directory): string {
  const dataDirectory = path.join(t.testdir(), 'data')
  rmSync(dataDirectory, { recursive: true, force: true })
  const [oldest, newest] = [segments[0] as SegmentImage, segments.at(-1) as SegmentImage]
  const named = { oldest: [oldest.index, oldest.id], newest: [newest.index, newest.id] } as const
  const record: HeadFields = { oldest: [...named.oldest], newest: [...named.newest], ...head }
  write(dataDirectory, { HEAD: headFile(record), ...snapshots })
  for (const { index, bytes } of segments) write(dataDirectory, { [segmentName(index)]: bytes })
  return dataDirectory
}

/** The verdict of both readers; `last` is the last good entry. */
async function judged(t: Test, directory: Directory, what = ''): Promise<PureJournal> {
  const dataDirectory = make(t, directory)
  const { verdict, journal, damaged } = verifyPure(dataDirectory)
  const report = await inspect(dataDirectory)
  t.equal(verdictOf(report), damaged.length > 0 ? 'damaged' : verdict, `the engine: ${what}`)
  const next = Number(journal.lastSequence) + 1
  const named = report.recovery.break?.sequence ?? next
  // (If an older entry follows, the error begins before the break.)
  t.ok(verdict === 'corrupt' ? named <= next : named === next, `its break: ${what}`)
  return journal
}

/** The last entry after an open, or the code of its refusal. */
async function opened(t: Test, directory: Directory): Promise<number | string> {
  const dataDirectory = make(t, directory)
  try {
    const manager = await PersistenceManager.open({ dataDirectory, snapshotIntervalMin: 0 })
    const { lastSequence } = manager.recovery
    await manager.close()
    const after = verifyPure(dataDirectory)
    t.equal(after.verdict, 'clean', 'what is left is clean')
    t.equal(Number(after.journal.lastSequence), lastSequence)
    return lastSequence
  } catch (error) {
    return (error as { code: string }).code
  }
}

t.test('a whole transaction is read like other entries', async (t) => {
  const whole = open().entries(9, 12)
  t.match(await judged(t, { segments: [whole] }), { verdict: 'clean', lastSequence: 12n })
  t.match(await judged(t, { segments: [open()] }), { verdict: 'clean', lastSequence: 8n })
  t.equal(await opened(t, { segments: [open()] }), 8)
  const adjacent = new SegmentImage({ features }).transaction(1, 2).transaction(3, 6)
  t.match(await judged(t, { segments: [adjacent] }), { verdict: 'clean', lastSequence: 6n })
  const long = new SegmentImage({ features }).transaction(1, 20, { payload: Buffer.alloc(700, 9) })
  t.match(await judged(t, { segments: [long] }), { verdict: 'clean', lastSequence: 20n })
})

t.test('a transaction opens the next segment, and the run goes on', async (t) => {
  const rolled = [new SegmentImage().entries(1, 3), second().transaction(4, 8).entries(9, 9)]
  t.match(await judged(t, { segments: rolled }), { verdict: 'clean', lastSequence: 9n })
  const full = new SegmentImage({ features }).transaction(1, 960)
  t.equal(full.end, segmentBytes)
  const after = [full, second().transaction(961, 963)]
  t.match(await judged(t, { segments: after }), { verdict: 'clean', lastSequence: 963n })
})

t.test('a transaction that ends at any of its lines is cut whole', async (t) => {
  for (let missing = 5; missing <= 8; missing++) {
    const cut = open().zero(offsetOf(missing), (9 - missing) * line)
    t.match(await judged(t, { segments: [cut] }, `from ${missing}`), {
      verdict: 'torn',
      lastSequence: 3n,
      problems: [new RegExp(`begins with entry 4 did not arrive from entry ${missing} on`)],
    })
    t.equal(await opened(t, { segments: [cut] }), 3)
  }
  const none = open().zero(offsetOf(4), 5 * line)
  t.match(await judged(t, { segments: [none] }), { verdict: 'clean', lastSequence: 3n })
  const alone = new SegmentImage({ features }).transaction(1, 3).zero(offsetOf(3), line)
  t.match(await judged(t, { segments: [alone] }, 'nothing before it'), { verdict: 'torn' })
  t.equal(await opened(t, { segments: [alone] }), 0)
})

t.test('a line that is missing within a transaction takes all of it', async (t) => {
  for (let missing = 4; missing <= 7; missing++) {
    const lacking = open().zero(offsetOf(missing), line)
    t.match(await judged(t, { segments: [lacking] }), { verdict: 'torn', lastSequence: 3n })
    const later = open().entry({ sequence: 9 }).zero(offsetOf(missing), line)
    t.match(await judged(t, { segments: [later] }), { verdict: 'torn', lastSequence: 3n })
  }
})

t.test('entries of several lines: torn, cut and missing ones', async (t) => {
  const payload = Buffer.alloc(700, 0x41)
  const wide = (): SegmentImage =>
    new SegmentImage({ features }).entries(1, 3).transaction(4, 6, { payload })
  const bytes = 768
  const start = offsetOf(4)
  const at = (entry: number, offset: number): number => start + (entry - 4) * bytes + offset
  t.match(await judged(t, { segments: [wide()] }), { verdict: 'clean', lastSequence: 6n })
  const torn = wide().zero(at(6, bytes - 8), 8)
  t.match(await judged(t, { segments: [torn] }), {
    verdict: 'torn',
    lastSequence: 3n,
    problems: [/entry 6 was still being written/],
  })
  const sector = wide().zero(at(5, 256), 512)
  t.match(await judged(t, { segments: [sector] }), { verdict: 'torn', lastSequence: 3n })
  const flipped = wide().flip(at(5, 300))
  t.match(await judged(t, { segments: [flipped] }), {
    verdict: 'corrupt',
    lastSequence: 3n,
    problems: [/entry 5 was changed after it was written/],
  })
})

t.test('any flipped bit of a transaction is corruption, and none of it is taken', async (t) => {
  for (let sequence = 4; sequence <= 8; sequence++) {
    for (const offset of [0, 6, 7, 8, 16, 40, 56, 60]) {
      const flipped = open().flip(offsetOf(sequence) + offset, sequence % 8)
      t.match(await judged(t, { segments: [flipped] }, `${sequence} at ${offset}`), {
        verdict: 'corrupt',
        lastSequence: 3n,
      })
    }
  }
})

t.test('every contradiction is corruption, and none of the transaction is taken', async (t) => {
  const plain = { durable: 0 }
  const begun = (): SegmentImage =>
    new SegmentImage({ features }).entries(1, 3).entry({ sequence: 4, flags: moreFollowsFlag })
  const inside = continuesFlag | moreFollowsFlag
  const hole = begun().hole({ first: 5, last: 5 })
  const other = open()
  other.bytes.copyWithin(offsetOf(6), offsetOf(2), offsetOf(3))
  const contradictions: Record<string, SegmentImage> = {
    'an end without a beginning': new SegmentImage({ features })
      .entries(1, 3)
      .entry({ sequence: 4, flags: continuesFlag }),
    'a middle without a beginning': new SegmentImage({ features })
      .entries(1, 3)
      .entry({ sequence: 4, flags: inside })
      .entry({ sequence: 5, flags: continuesFlag }),
    'a plain entry within one': begun().entry({ sequence: 5, ...plain }),
    'a beginning within one': begun().transaction(5, 6, plain),
    'an instrument within one': begun().entry({
      sequence: 5,
      type: 0x03,
      instrument: 1,
      payload: Buffer.alloc(48, 0x41),
    }),
    'a hole within one': hole,
    'another sequence within one': begun().entry({ sequence: 6, flags: continuesFlag }),
    'an entry again within one': begun().entry({ sequence: 4, flags: continuesFlag }),
    'an older entry within one': other,
    'a segment without the feature': new SegmentImage().entries(1, 3).transaction(4, 8),
    'one without an end there': new SegmentImage()
      .entries(1, 3)
      .transaction(4, 8)
      .zero(offsetOf(8), line),
  }
  for (const [what, segment] of Object.entries(contradictions)) {
    t.match(await judged(t, { segments: [segment] }, what), { verdict: 'corrupt' }, what)
    t.equal(await opened(t, { segments: [segment] }), 'ERR_PINNACLE_CORRUPT', what)
  }
  t.match(await judged(t, { segments: [hole] }), {
    lastSequence: 3n,
    problems: [/the transaction that begins with entry 4 is contradicted by entry 5/],
  })
})

t.test('an instrument and a hole with a flag of a transaction are damage', async (t) => {
  for (const flags of [continuesFlag, moreFollowsFlag, continuesFlag | moreFollowsFlag]) {
    const instrument = new SegmentImage({ features })
      .entries(1, 3)
      .entry({ sequence: 4, type: 0x03, instrument: 1, flags, payload: Buffer.alloc(48, 0x41) })
    t.match(await judged(t, { segments: [instrument] }), { verdict: 'corrupt', lastSequence: 3n })
    const hole = new SegmentImage({ features }).entries(1, 3).hole({ first: 4, last: 5 })
    hole.bytes[offsetOf(4) + 7] = 0x80 | flags
    hole.sealEntry(offsetOf(4))
    t.match(await judged(t, { segments: [hole] }), { verdict: 'corrupt', lastSequence: 3n })
  }
})

t.test('an open transaction of which something was durable is corruption', async (t) => {
  const cut = (): SegmentImage => open().zero(offsetOf(7), 2 * line)
  t.match(await judged(t, { segments: [cut()], head: { durable: 3 } }), { verdict: 'torn' })
  t.match(await judged(t, { segments: [cut()], head: { durable: 8 } }), {
    verdict: 'corrupt',
    problems: [/entry 4 was durable \(up to 8 was\)/],
  })
  t.match(await judged(t, { segments: [cut().mark(8)] }), { verdict: 'corrupt' })
  const later = open().entry({ sequence: 9, durable: 8 }).zero(offsetOf(5), line)
  t.match(await judged(t, { segments: [later] }, 'a lag'), { verdict: 'corrupt', lastSequence: 3n })
})

t.test('an open transaction at the end of a segment', async (t) => {
  const whole = new SegmentImage({ features }).transaction(1, 956).transaction(957, 960)
  const lines = whole.zero(offsetOf(960), line)
  t.match(await judged(t, { segments: [lines] }), { verdict: 'torn', lastSequence: 956n })
  const goesOn = second().entry({ sequence: 961 })
  t.match(await judged(t, { segments: [lines, goesOn] }), { verdict: 'torn', lastSequence: 956n })
  const sameAgain = second().entry({ sequence: 957 })
  t.match(await judged(t, { segments: [lines, sameAgain] }, 'it begins again'), {
    verdict: 'corrupt',
  })
  // The segment has no line left for the rest.
  const short = new SegmentImage({ features }).transaction(1, 956)
  for (let sequence = 957; sequence <= 960; sequence++) {
    const flags = sequence === 957 ? moreFollowsFlag : continuesFlag | moreFollowsFlag
    short.entry({ sequence, flags, durable: 956 })
  }
  t.equal(short.end, segmentBytes)
  t.match(await judged(t, { segments: [short] }), { verdict: 'torn', lastSequence: 956n })
  const across = second().entry({ sequence: 961, flags: continuesFlag, durable: 956 })
  t.match(await judged(t, { segments: [short, across] }, 'it goes on in the next segment'), {
    verdict: 'corrupt',
    lastSequence: 956n,
    problems: [/begins with entry 957 is contradicted by entry 961/],
  })
  const alone = second().entry({ sequence: 960, durable: 956 })
  t.match(await judged(t, { segments: [lines, alone] }, 'its entry opens the next segment'), {
    verdict: 'corrupt',
  })
})

t.test('the entry of a snapshot may be the last one of a transaction', async (t) => {
  const segment = open().entries(9, 10)
  const at = (entryChecksum: number): Directory => ({
    segments: [segment],
    snapshots: { [snapshotName(8)]: snapshotFile({ sequence: 8, entryChecksum }) },
  })
  const known = checksumAt(segment, offsetOf(8))
  t.match(await judged(t, at(known)), { verdict: 'clean', lastSequence: 10n })
  t.match(await judged(t, at((known ^ 1) >>> 0)), { verdict: 'corrupt' })
})

t.test('a broken transaction that only an older snapshot needs is damage', async (t) => {
  const older = open().flip(offsetOf(6) + 40)
  const newer = second().entries(9, 12)
  const entryChecksum = checksumAt(newer, offsetOf(10, 9))
  const snapshots = { [snapshotName(10)]: snapshotFile({ sequence: 10, entryChecksum }) }
  const contradicted = new SegmentImage({ features })
    .entries(1, 7)
    .entry({ sequence: 8, flags: moreFollowsFlag })
  for (const segment of [older, contradicted]) {
    const directory = { segments: [segment, newer], snapshots }
    const report = verifyPure(make(t, directory))
    t.match(report, {
      verdict: 'clean',
      damaged: [/0001\.segment at \d+: entry \d does not verify/],
    })
    t.equal(verdictOf(await inspect(make(t, directory))), 'damaged')
    t.equal(await opened(t, directory), 12)
  }
})

t.test('a journal that begins with an open transaction begins with its first entry', async (t) => {
  // Entry 1 is in no file and in no snapshot, whatever is cut.
  const late = new SegmentImage({ features }).transaction(2, 5).zero(offsetOf(5, 2), line)
  const report = verifyPure(make(t, { segments: [late] }))
  t.match(report, { verdict: 'corrupt', problems: [/begins with entry 2/, /did not arrive/] })
  t.equal(verdictOf(await inspect(make(t, { segments: [late] }))), 'corrupt')
  t.equal(await opened(t, { segments: [late] }), 'ERR_PINNACLE_JOURNAL_GAP')
})
