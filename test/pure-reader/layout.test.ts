// The files that a directory of version 2 must have, by hand-built directories.
import { copyFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'

import { verifyPure } from '../../lib/pure-reader/verify.js'
import {
  headFile,
  idOf,
  journalId,
  otherJournalId,
  Sample,
  SegmentImage,
  segmentName,
  write,
  type HeadFields,
} from './image.js'

/** Verifies the sample after a change of its parts, and of its files. */
function judged(
  t: Test,
  change: (sample: Sample) => void,
  touch: (dataDirectory: string) => void = () => undefined,
): ReturnType<typeof verifyPure> {
  const sample = new Sample()
  change(sample)
  const dataDirectory = sample.write(path.join(t.testdir(), 'data'))
  touch(dataDirectory)
  return verifyPure(dataDirectory)
}

t.test('a sound directory is clean, to its last entry', async (t) => {
  const report = judged(t, () => undefined)
  t.same(report.problems, [])
  t.same(report.damaged, [])
  t.equal(report.verdict, 'clean')
  t.equal(report.journal.lastSequence, 25n)
  t.equal(report.journal.entries, 25)
  t.equal(report.journal.segments, 4)
  t.equal(report.journal.knownDurable, 24n)
  t.equal(report.journal.journalId, '100f0e0d0c0b0a090807060504030201')
})

interface Case {
  what: string
  change?: (sample: Sample) => void
  touch?: (dataDirectory: string) => void
  problem: RegExp
}

const remove =
  (name: string) =>
  (dataDirectory: string): void =>
    rmSync(path.join(dataDirectory, name))

const damage: Case[] = [
  { what: 'no HEAD', touch: remove('HEAD'), problem: /^HEAD is missing/ },
  {
    what: 'a HEAD of which no slot verifies',
    touch: (dataDirectory) => writeFileSync(path.join(dataDirectory, 'HEAD'), Buffer.alloc(8192)),
    problem: /^HEAD does not verify/,
  },
  {
    what: 'a segment between the oldest and the ready one is missing',
    touch: remove(segmentName(2)),
    problem: /^segment 2 is missing$/,
  },
  {
    what: 'the oldest is missing',
    touch: remove(segmentName(1)),
    problem: /^segment 1 is missing/,
  },
  {
    what: 'the ready one is missing',
    touch: remove(segmentName(4)),
    problem: /^segment 4 is missing/,
  },
  {
    what: 'all are missing',
    touch: (dataDirectory) => rmSync(path.join(dataDirectory, 'journal'), { recursive: true }),
    problem: /^segments 1 to 4 are missing/,
  },
  {
    what: 'a damaged header of a segment that holds nothing yet',
    change: ({ four }) => four.flip(81),
    problem: /0004\.segment: the header does not match its checksum/,
  },
  {
    what: 'an impossible size in the header',
    change: ({ four }) => {
      four.bytes.writeBigUInt64LE(65_537n, 72)
      four.sealHeader()
    },
    problem: /0004\.segment: the header names an impossible/,
  },
  {
    what: 'a key id without the feature that needs one',
    change: ({ two }) => {
      two.bytes[95] = 1
      two.sealHeader()
    },
    problem: /0002\.segment: the header names a key/,
  },
  {
    what: 'a file copied over another',
    touch: (dataDirectory) =>
      copyFileSync(
        path.join(dataDirectory, segmentName(1)),
        path.join(dataDirectory, segmentName(2)),
      ),
    problem: /0002\.segment: it holds segment 1/,
  },
  {
    what: 'a segment of another journal',
    change: (sample) => {
      otherJournalId.copy(sample.two.bytes, 32)
      sample.two.sealHeader()
    },
    problem: /0002\.segment: it belongs to another journal/,
  },
  {
    what: 'a HEAD of another journal',
    change: ({ head }) => (head.journal = otherJournalId),
    problem: /^HEAD belongs to another journal/,
  },
  {
    what: 'another oldest segment',
    change: ({ head }) => (head.oldest = [1, idOf(9)]),
    problem: /0001\.segment: it is not the one that the head record names/,
  },
  {
    what: 'another ready segment',
    change: ({ head }) => (head.ready = [4, idOf(9)]),
    problem: /0004\.segment: it is not the one that the head record names/,
  },
  {
    what: 'a newest segment that a copy was continued in',
    change: ({ three }) => three.link(0xbbn, 2),
    problem: /0003\.segment: it was written on elsewhere/,
  },
  {
    what: 'a newest segment whose link mark is lost',
    change: ({ three }) => three.zero(1536, 32),
    problem: /0003\.segment: it was written on elsewhere/,
  },
  {
    what: 'a ready segment with a link mark',
    change: ({ four }) => four.link(0xbbn),
    problem: /0004\.segment: it was written on elsewhere/,
  },
  {
    what: 'a segment that its successor does not follow: the older one is named',
    change: ({ one }) => one.link(0xbbn),
    problem: /0001\.segment: it is not the one that 0{19}2\.segment follows/,
  },
  {
    what: 'a first segment of a journal amid others',
    change: ({ two }) => {
      two.bytes.writeBigUInt64LE(0n, 104)
      two.sealHeader()
    },
    problem: /0001\.segment: it is not the one that 0{19}2\.segment follows/,
  },
  {
    what: 'entries in a segment that the head record does not know',
    touch: (dataDirectory) =>
      write(dataDirectory, {
        [segmentName(5)]: new SegmentImage({ index: 5, predecessor: idOf(4) }).entries(26, 26)
          .bytes,
      }),
    problem: /0005\.segment: it holds entries, and the head record does not know it/,
  },
  {
    what: 'a damaged header of a segment that is not named yet',
    touch: (dataDirectory) =>
      write(dataDirectory, { [segmentName(5)]: new SegmentImage({ index: 5 }).flip(20).bytes }),
    problem: /0005\.segment: the header does not match/,
  },
]

for (const { what, change = () => undefined, touch, problem } of damage) {
  t.test(`corrupt: ${what}`, async (t) => {
    const report = judged(t, change, touch)
    t.equal(report.verdict, 'corrupt')
    t.equal(report.problems.filter((each) => problem.test(each)).length, 1, report.problems.join())
  })
}

t.test('if a segment does not belong, the one before it is not compared with it', async (t) => {
  // Of segments 2 and 3, which come from a copy, only the younger contradicts segment 4 and HEAD.
  const report = judged(t, (sample) => {
    sample.one.link(0xccn)
    sample.two.link(0xbbn)
    Object.assign(sample.head, { newest: [4, idOf(4)], link: idOf(4), ready: [0, 0n] })
    sample.three.link(0xddn, 2)
  })
  t.match(
    report.problems.join('\n'),
    /0003\.segment: it is not the one that 0{19}4\.segment follows/,
  )
  t.notMatch(report.problems.join('\n'), /0002\.segment: it is not/)
  // Segment 2 itself belongs, so what it names counts.
  t.match(
    report.problems.join('\n'),
    /0001\.segment: it is not the one that 0{19}2\.segment follows/,
  )
})

t.test('no entry, mark or lag counts of a segment that does not belong', async (t) => {
  const report = judged(t, (sample) => {
    sample.head.durable = 10
    sample.two.entry({ sequence: 21, durable: 20 }).mark(90)
    otherJournalId.copy(sample.two.bytes, 32)
    sample.two.sealHeader()
    sample.three.zero(4096, 5 * 64)
  })
  t.equal(report.verdict, 'corrupt')
  t.equal(report.journal.lastSequence, 10n)
  t.equal(report.journal.knownDurable, 10n)
  t.equal(report.journal.entries, 10)
})

t.test('sound are also:', async (t) => {
  const sound: { what: string; change?: Case['change']; touch?: Case['touch'] }[] = [
    {
      what: 'empty segments that are not named yet, whatever they follow',
      touch: (dataDirectory) =>
        write(dataDirectory, {
          [segmentName(5)]: new SegmentImage({ index: 5, predecessor: 99n }).bytes,
          [segmentName(9)]: new SegmentImage({ index: 9 }).bytes,
        }),
    },
    {
      what: 'leftovers below the oldest, whatever they are',
      change: ({ head }) => (head.oldest = [2, idOf(2)]),
      touch: (dataDirectory) =>
        write(dataDirectory, {
          [segmentName(1)]: Buffer.alloc(5000, 7),
          'snapshots/00000000000000000010.snapshot': Buffer.alloc(0),
        }),
    },
    {
      what: 'the link that HEAD announces, before it is written',
      change: ({ head, three, four }) => {
        Object.assign(head, { link: 0xeen, otherLink: new Sample().link, ready: [0, 0n] })
        three.mark(25)
        four.link(0x99n)
      },
    },
    {
      what: 'a link mark that a crash tore, beside the one before it',
      change: ({ three }) => three.link(0xffn, 2).flip(1030),
    },
    {
      what: 'a HEAD slot that a crash tore, beside the one before it',
      touch: (dataDirectory) => {
        const { head } = new Sample()
        const file = headFile({ ...head, counter: 4 }, { counter: 5, oldest: [9, 9n] })
        file.fill(0, 4096 + 130)
        write(dataDirectory, { HEAD: file })
      },
    },
    {
      what: 'the younger of two slots counts',
      touch: (dataDirectory) => {
        const { head } = new Sample()
        const older: HeadFields = { ...head, counter: 6, oldest: [9, 9n], newest: [9, 9n] }
        write(dataDirectory, { HEAD: headFile(older, { ...head, counter: 7 }) })
      },
    },
    {
      what: 'a file that was cut short in an unwritten part',
      touch: (dataDirectory) => {
        const { three } = new Sample()
        write(dataDirectory, { [segmentName(3)]: three.bytes.subarray(0, three.end) })
      },
    },
    {
      what: 'bytes after the size that the header names',
      touch: (dataDirectory) => {
        const { four } = new Sample()
        const longer = Buffer.concat([four.bytes, Buffer.alloc(100, 1)])
        write(dataDirectory, { [segmentName(4)]: longer })
      },
    },
    {
      what: 'other bytes in the rest of the header page, and optional features',
      change: ({ one }) => {
        one.bytes.fill(9, 200, 400)
        one.bytes[24] = 0xff
        one.sealHeader()
      },
    },
  ]
  for (const { what, change, touch } of sound) {
    t.test(what, async (t) => {
      const report = judged(t, change ?? (() => undefined), touch)
      const problems = report.problems.filter((each) => !/journal begins with entry 11/.test(each))
      t.same(problems, [])
      t.equal(report.journal.lastSequence, 25n)
    })
  }
})

t.test('a slot of HEAD does not verify if it contradicts itself', async (t) => {
  const { head } = new Sample()
  const bad: Record<string, HeadFields> = {
    'an oldest index above the last': { ...head, oldest: [5, idOf(5)] },
    'a ready index that is not above the newest': { ...head, ready: [3, idOf(3)] },
    'segments, but no oldest': { ...head, oldest: [0, 0n] },
    'an oldest above the newest': { ...head, oldest: [4, idOf(4)] },
    'version 1': { ...head, version: 1 },
    'a window without the feature': { ...head, window: [1, 2, '/shm'] },
    'a boot without a window': { ...head, window: [0, 2, ''] },
    'the feature without a window': { ...head, mandatory: 8n },
    'a window without an id': { ...head, mandatory: 8n, window: [0, 2, '/shm'] },
    'a window in a relative directory': { ...head, mandatory: 8n, window: [1, 2, 'shm'] },
    'a window in a directory without an end': {
      ...head,
      mandatory: 8n,
      window: [1, 2, '/'.repeat(64)],
    },
  }
  for (const [what, fields] of Object.entries(bad)) {
    const report = judged(
      t,
      () => undefined,
      (dataDirectory) => write(dataDirectory, { HEAD: headFile(fields) }),
    )
    t.match(report.problems[0], /^HEAD does not verify/, what)
  }
  const inTheOtherSlot = headFile({ ...head, counter: 2 })
  inTheOtherSlot.copyWithin(4096, 0, 256)
  inTheOtherSlot.fill(0, 0, 256)
  const report = judged(
    t,
    () => undefined,
    (dataDirectory) => write(dataDirectory, { HEAD: inTheOtherSlot }),
  )
  t.match(report.problems[0], /^HEAD does not verify/, 'an even counter in the odd slot')
})

t.test('a window that HEAD names is reported, and its entries are not read', async (t) => {
  const { head } = new Sample()
  const fields: HeadFields = { ...head, mandatory: 8n, window: [0xab, 2, '/run/windows'] }
  const report = judged(
    t,
    () => undefined,
    (dataDirectory) => write(dataDirectory, { HEAD: headFile(fields) }),
  )
  t.equal(report.window, `/run/windows/pinnacle-${'ab'.repeat(16)}.window`)
  const without = judged(t, () => undefined)
  t.equal(without.window, '')
  t.same(report.problems, without.problems)
})

t.test('what only a newer version can read is refused with a code', async (t) => {
  const newer: Record<string, { change: (sample: Sample) => void; code: string }> = {
    'a segment of a newer version': {
      change: ({ four }) => {
        four.bytes[8] = 3
        four.sealHeader()
      },
      code: 'ERR_PINNACLE_NEWER_VERSION',
    },
    'a segment with a mandatory feature': {
      change: ({ two }) => {
        two.bytes[16] = 2
        two.sealHeader()
      },
      code: 'ERR_PINNACLE_UNKNOWN_FEATURE',
    },
    'a HEAD of a newer version': {
      change: ({ head }) => (head.version = 3),
      code: 'ERR_PINNACLE_NEWER_VERSION',
    },
    'a HEAD with a mandatory feature': {
      change: ({ head }) => (head.mandatory = 2n),
      code: 'ERR_PINNACLE_UNKNOWN_FEATURE',
    },
  }
  for (const [what, { change, code }] of Object.entries(newer)) {
    t.throws(() => judged(t, change), { code }, what)
  }
})

t.test('version 1: no index is missing, and most segments say which journal it is', async (t) => {
  const made = (index: number, journal = journalId): SegmentImage =>
    new SegmentImage({ index, version: 1, journal })
  const files = (...segments: SegmentImage[]): string => {
    const dataDirectory = path.join(t.testdir(), 'data')
    const named = segments.map(({ index, bytes }) => [segmentName(index), bytes] as const)
    write(dataDirectory, Object.fromEntries(named))
    return dataDirectory
  }
  const one = made(1).entries(1, 10)
  const two = made(2).entries(11, 20)
  const whole = verifyPure(files(one, two, made(3)))
  t.equal(whole.verdict, 'clean')
  t.equal(whole.journal.lastSequence, 20n)

  const missing = verifyPure(files(one, made(3)))
  t.equal(missing.verdict, 'corrupt')
  t.match(missing.problems, ['segment 2 is missing'])

  const foreign = verifyPure(files(made(1, otherJournalId).entries(1, 10), two, made(3)))
  t.match(foreign.problems, [/0001\.segment: it belongs to another journal/])
  t.equal(foreign.journal.journalId, '100f0e0d0c0b0a090807060504030201')

  const tie = verifyPure(files(made(1, otherJournalId).entries(1, 10), two))
  t.match(tie.problems, [/0001\.segment: it belongs to another journal/])

  const spare = files(one, two)
  write(spare, { 'journal/00000000000000000007.spare': made(7).bytes })
  t.equal(verifyPure(spare).verdict, 'clean', 'a spare of version 1 needs no HEAD')
})

t.test('a directory of version 1 that goes on in version 2', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'data')
  const one = new SegmentImage({ version: 1 }).entries(1, 10)
  const two = new SegmentImage({ index: 2, version: 1 }).entries(11, 20).link(0x77n)
  const three = new SegmentImage({ index: 3, predecessor: 0x77n }).entries(21, 22)
  const head = headFile({ oldest: [1, one.id], newest: [3, three.id], durable: 20 })
  write(dataDirectory, { HEAD: head })
  for (const { index, bytes } of [one, two, three]) {
    write(dataDirectory, { [segmentName(index)]: bytes })
  }
  const report = verifyPure(dataDirectory)
  t.same(report.problems, [])
  t.equal(report.journal.lastSequence, 22n)
  two.link(0x78n, 2)
  write(dataDirectory, { [segmentName(2)]: two.bytes })
  t.match(verifyPure(dataDirectory).problems, [/0002\.segment: it is not the one/])
})

t.test('a directory without a journal is an error, an empty journal is not', async (t) => {
  const dataDirectory = t.testdir()
  t.throws(() => verifyPure(dataDirectory), { code: 'ERR_PINNACLE_NOT_FOUND' })
  write(dataDirectory, { HEAD: headFile({ counter: 1 }) })
  t.same(readdirSync(dataDirectory), ['HEAD'])
  const report = verifyPure(dataDirectory)
  t.equal(report.verdict, 'clean')
  t.equal(report.journal.entries, 0)
})
