// The verdict on a whole directory predicts a strict open: by hand-built directories.
import { renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'

import { verifyPure, type PureReport } from '../../lib/pure-reader/verify.js'
import { documentOf, pinnacle } from '../cli/running.js'
import {
  checksumAt,
  idOf,
  otherJournalId,
  Sample,
  seal,
  segmentName,
  snapshotFile,
  snapshotName,
  write,
  type SnapshotFields,
} from './image.js'

/** The checksum of the sample's entry 15, which is in its second segment. */
const fifteenth = checksumAt(new Sample().two, 4096 + 4 * 64)
const atFifteen: SnapshotFields = { sequence: 15, entryChecksum: fifteenth }

/** The sample, after a change, with snapshots and other files. */
function written(
  t: Test,
  change: (sample: Sample) => void,
  files: Record<string, Uint8Array> = { [snapshotName(15)]: snapshotFile(atFifteen) },
): string {
  const sample = new Sample()
  change(sample)
  const dataDirectory = sample.write(path.join(t.testdir(), 'data'))
  write(dataDirectory, files)
  return dataDirectory
}

const same = (): void => undefined
const verified = (...args: Parameters<typeof written>): PureReport => verifyPure(written(...args))

t.test('the newest snapshot and the entries after it are needed', async (t) => {
  const report = verified(t, same)
  t.match(report, { verdict: 'clean', problems: { length: 0 }, damaged: { length: 0 } })
  t.equal(report.books?.lastSequence, 25n)
  t.equal(report.journal.entries, 25)
  t.equal(report.journal.firstSequence, 1n)
  t.equal(report.journal.begins, 11n, 'from the segment of its entry on')
})

t.test('damage in entries that the snapshot holds is listed', async (t) => {
  const report = verified(t, ({ one }) => one.flip(4096 + 64 * 6 + 30))
  t.match(report, {
    verdict: 'clean',
    problems: { length: 0 },
    damaged: [/^0{19}1\.segment at 4480: entry 7 does not verify$/],
  })
  t.equal(report.journal.lastSequence, 25n)
  const first = verified(t, ({ one }) => one.flip(4096 + 30))
  t.match(first.damaged, [/^0{19}1\.segment at 4096: the first entry does not verify$/])
  const ends = verified(t, ({ one }) => one.zero(4096 + 64 * 7, 3 * 64))
  t.match(ends.damaged, [/^0{19}2\.segment begins with entry 11 instead of 8$/])
})

t.test('damage in the segment that holds its entry is corruption', async (t) => {
  const report = verified(t, ({ two }) => two.flip(4096 + 30 + 64))
  t.match(report, { verdict: 'corrupt', problems: [/0002\.segment at 4160: entry 12 was durable/] })
})

t.test('what the headers say counts in all segments', async (t) => {
  const missing = written(t, same)
  rmSync(path.join(missing, segmentName(1)))
  t.match(verifyPure(missing), { verdict: 'corrupt', problems: ['segment 1 is missing'] })
  t.match(
    verified(t, ({ one }) => one.flip(50)),
    { verdict: 'corrupt', problems: [/0001\.segment: the header does not match/] },
  )
})

t.test('snapshots that can not be used are passed over and listed', async (t) => {
  const damaged = snapshotFile({ sequence: 20 })
  damaged[4100] = 1
  const withKey = snapshotFile({ sequence: 20 })
  withKey[96] = 1
  seal(withKey.subarray(0, 128))
  const unusable: Record<string, [Buffer, RegExp]> = {
    damaged: [damaged, /0020\.snapshot: ./],
    'with a key': [withKey, /0020\.snapshot: the header names a key/],
    renamed: [snapshotFile(atFifteen), /0020\.snapshot: holds snapshot 15 and was renamed/],
    foreign: [
      snapshotFile({ sequence: 20, journal: otherJournalId }),
      /0020\.snapshot: belongs to another journal/,
    ],
    empty: [Buffer.alloc(0), /0020\.snapshot: shorter/],
  }
  for (const [what, [bytes, damage]] of Object.entries(unusable)) {
    const older = { [snapshotName(15)]: snapshotFile(atFifteen) }
    const report = verified(t, same, { ...older, [snapshotName(20)]: bytes })
    t.match(report, { verdict: 'clean', problems: { length: 0 }, damaged: [damage] }, what)
    t.equal(report.books?.lastSequence, 25n)
    t.equal(report.snapshots.filter(({ problem }) => problem === '').length, 1)
    const alone = verified(t, same, { [snapshotName(20)]: bytes })
    t.match(alone, { verdict: 'clean', damaged: [damage] }, `${what}, with the whole journal`)
    t.equal(alone.books?.lastSequence, 25n)
    const needed = verified(t, ({ head }) => (head.oldest = [2, idOf(2)]), {
      [snapshotName(20)]: bytes,
    })
    t.match(
      needed,
      {
        verdict: 'corrupt',
        problems: [/the journal begins with entry 11, but there is no snapshot that verifies/],
        books: undefined,
      },
      `${what}, with a journal that needs it`,
    )
  }
})

t.test('an older snapshot is verified, and its entry compared', async (t) => {
  const newest = { [snapshotName(15)]: snapshotFile(atFifteen) }
  const tenth = checksumAt(new Sample().one, 4096 + 9 * 64)
  const right = snapshotFile({ sequence: 10, entryChecksum: tenth })
  t.same(verified(t, same, { ...newest, [snapshotName(10)]: right }).damaged, [])
  const wrong = snapshotFile({ sequence: 10, entryChecksum: (tenth ^ 1) >>> 0 })
  t.match(verified(t, same, { ...newest, [snapshotName(10)]: wrong }), {
    verdict: 'clean',
    damaged: ['entry 10 is not the one that snapshot 10 names'],
  })
})

t.test('a snapshot of a newer version is refused, unless no open meets it', async (t) => {
  const newer = snapshotFile({ sequence: 20 })
  newer[8] = 9
  seal(newer.subarray(0, 128))
  const needs = snapshotFile({ sequence: 20 })
  needs[16] = 2
  seal(needs.subarray(0, 128))
  t.throws(() => verified(t, same, { [snapshotName(20)]: newer }), {
    code: 'ERR_PINNACLE_NEWER_VERSION',
  })
  t.throws(() => verified(t, same, { [snapshotName(20)]: needs }), {
    code: 'ERR_PINNACLE_UNKNOWN_FEATURE',
  })
  const report = verified(t, same, {
    [snapshotName(20)]: snapshotFile({ sequence: 20 }),
    [snapshotName(15)]: newer,
  })
  t.match(report, { verdict: 'clean', damaged: [/0015\.snapshot.*version 9/] })
})

t.test('the entry that a snapshot names must be the one in the journal', async (t) => {
  const other = snapshotFile({ ...atFifteen, entryChecksum: (fifteenth ^ 1) >>> 0 })
  t.match(verified(t, same, { [snapshotName(15)]: other }), {
    verdict: 'corrupt',
    problems: [/entry 15 is not the one that the snapshot was taken at/],
  })
  const unknown = snapshotFile({ sequence: 15 })
  t.match(verified(t, same, { [snapshotName(15)]: unknown }), { verdict: 'clean' })
  // A hole in its place: there is nothing to compare.
  const holed = ({ two }: Sample): void => {
    two.zero(4096, 60_000).end = 4096
    two.entries(11, 13).hole({ first: 14, last: 16, snapshot: 15, lines: 3 }).entries(17, 20)
  }
  t.match(verified(t, holed, { [snapshotName(15)]: other }), {
    verdict: 'clean',
    problems: { length: 0 },
  })
})

t.test('a hole is crossed from a snapshot that holds what was lost, or if none does', async (t) => {
  const holed = (snapshot: number) => (sample: Sample) => {
    sample.two.zero(4096, 60_000).end = 4096
    sample.two.entries(11, 16).hole({ first: 17, last: 18, snapshot, lines: 2 }).entries(19, 20)
  }
  t.match(verified(t, holed(0)), { verdict: 'clean', problems: { length: 0 } })
  t.match(verified(t, holed(15)), { verdict: 'clean', problems: { length: 0 } })
  t.match(verified(t, holed(16)), {
    verdict: 'corrupt',
    problems: [/entries 17 to 18 are lost, and snapshot 16, .* can't be used/],
  })
  t.match(verified(t, holed(0), {}), { verdict: 'clean' }, 'without a snapshot')
  t.match(verified(t, holed(15), {}), { verdict: 'corrupt' }, 'without the snapshot')
  const later = { [snapshotName(20)]: snapshotFile({ sequence: 20 }) }
  t.match(verified(t, holed(18), later), { verdict: 'clean' }, 'it is before the snapshot')
})

t.test('the journal must go on from the snapshot without a gap', async (t) => {
  const fromSecond = ({ head }: Sample): void => void (head.oldest = [2, idOf(2)])
  const at = (sequence: number): Record<string, Buffer> => ({
    [snapshotName(sequence)]: snapshotFile({ sequence }),
  })
  t.match(verified(t, fromSecond, at(10)), { verdict: 'clean' })
  t.match(verified(t, fromSecond, at(9)), {
    verdict: 'corrupt',
    problems: [/begins with entry 11, but the newest snapshot that verifies ends at entry 9/],
    books: undefined,
  })
  t.match(verified(t, same, at(25)), { verdict: 'clean' })
  t.match(verified(t, same, at(26)), {
    verdict: 'corrupt',
    problems: [/entry 26 was durable \(up to 26 was\)/],
  })
  const none = written(
    t,
    ({ head }) => Object.assign(head, { oldest: [0, 0n], newest: [0, 0n], ready: [0, 0n] }),
    at(25),
  )
  rmSync(path.join(none, 'journal'), { recursive: true })
  t.match(verifyPure(none), { verdict: 'corrupt', problems: [/the journal has no segment, but/] })
  // After a salvage the journal begins, still empty, after the snapshot.
  const fresh = ({ head, three }: Sample): void => {
    Object.assign(head, { oldest: [4, idOf(4)], newest: [4, idOf(4)], link: idOf(4) })
    Object.assign(head, { ready: [0, 0n], durable: 25 })
    three.zero(0, 4096)
  }
  t.match(verified(t, fresh, at(25)), { verdict: 'clean', problems: { length: 0 } })
})

t.test('a repair that was interrupted is pending', async (t) => {
  const report = verified(t, ({ two }) => two.flip(4096 + 30), { REPAIR: Buffer.from('steps') })
  t.match(report, { verdict: 'torn', problems: [/^repair pending/] })
})

t.test('the command shows what is wrong and what is passed over, by its exit code', async (t) => {
  const clean = written(t, ({ one }) => one.flip(4096 + 30))
  const ran = await pinnacle(['verify', '--pure', clean])
  t.equal(ran.code, 6)
  t.match(ran.stdout, /^damaged/)
  t.match(
    ran.stdout,
    /not needed by a strict open: 0*1\.segment at 4096: the first entry does not verify/,
  )
  const json = documentOf(await pinnacle(['verify', '--pure', clean, '--json']))
  t.match(json, { verdict: 'damaged', problems: { length: 0 }, damaged: [/0001\.segment at 4096/] })

  const torn = written(t, ({ three, head }) => {
    three.zero(4096 + 4 * 64 + 60, 4)
    head.durable = 20
  })
  t.equal((await pinnacle(['verify', '--pure', torn])).code, 3)

  const corrupt = written(t, same)
  renameSync(path.join(corrupt, segmentName(2)), path.join(corrupt, segmentName(1)))
  const refused = await pinnacle(['verify', '--pure', corrupt])
  t.equal(refused.code, 4)
  t.match(refused.stdout, /segment 2 is missing/)

  const nothing = await pinnacle(['verify', '--pure', path.join(corrupt, 'snapshots')])
  t.equal(nothing.code, 1)
  t.match(nothing.stderr, /^ERR_PINNACLE_NOT_FOUND/)
})
