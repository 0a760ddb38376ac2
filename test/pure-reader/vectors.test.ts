// The test vectors of docs/format.md: each says what the page says of it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

import { inspect, Journal, verdictOf } from '../../lib/index.js'
import { native } from '../../lib/native/load.js'
import { crc32c } from '../../lib/pure-reader/checksum.js'
import { decodeHead } from '../../lib/pure-reader/head.js'
import {
  readEntry,
  readHeader,
  readLink,
  readMarks,
  snapshotOfHole,
  type SegmentHeader,
} from '../../lib/pure-reader/segment.js'
import { readSnapshot } from '../../lib/pure-reader/snapshot.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import {
  continuesFlag,
  headSlot,
  moreFollowsFlag,
  SegmentImage,
  segmentName,
  write,
} from './image.js'

/** The hex dumps of a version's section, in their order. */
function vectors(version: number): Buffer[] {
  // Compiled tests run from a directory of their own.
  const here = import.meta.dirname
  const roots = [path.join(here, '../..'), path.join(here, '../../..')]
  const root = roots.find((each) => existsSync(path.join(each, 'docs/format.md'))) ?? ''
  const page = readFileSync(path.join(root, 'docs/format.md'), 'utf8')
  const section = page.split(`\n### Version ${version}\n`)[1]?.split('\n### ')[0] ?? ''
  return [...section.matchAll(/```\n([0-9a-f]{4} [^`]*)```/g)].map(([, dump]) => {
    const lines = (dump ?? '').split('\n').map((line) => line.slice(4))
    return Buffer.from(lines.join('').replaceAll(/\s/g, ''), 'hex')
  })
}

t.test('the checksum is that of RFC 3720 B.4', (t) => {
  t.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  t.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e)
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c)
  t.end()
})

t.test('the test vectors of version 1 are what they say', async (t) => {
  const [head, instrument, add, execute, user, mark, snapshotHead, snapshotBody] = vectors(1)
  const segment = new Uint8Array(65536)
  segment.set(head as Uint8Array)
  segment.set(mark as Uint8Array, 2560)
  let offset = 4096
  for (const entry of [instrument, add, execute, user]) {
    segment.set(entry as Uint8Array, offset)
    offset += (entry as Uint8Array).length
  }
  const header = readHeader(segment) as SegmentHeader
  t.match(header, { index: 1n, segmentId: 0x1122334455667788n, bytes: 65536 })
  t.equal(readMarks(segment, header), 3n)
  t.match(readEntry(segment, header, 4096), { sequence: 1n, type: 3, instrument: 1 })
  t.match(readEntry(segment, header, 4224), { sequence: 2n, type: 0x11, durable: 0n })
  t.match(readEntry(segment, header, 4288), { sequence: 3n, type: 0x18, durable: 2n })
  const text = readEntry(segment, header, 4352)
  t.equal(Buffer.from(text?.payload ?? []).toString(), 'hello, journal')
  t.equal(readEntry(segment, header, 4416), undefined)

  const snapshot = new Uint8Array(4096 + (snapshotBody as Uint8Array).length)
  snapshot.set(snapshotHead as Uint8Array)
  snapshot.set(snapshotBody as Uint8Array, 4096)
  const read = readSnapshot(snapshot)
  t.equal(read.version, 2)
  t.equal(read.sequence, 3n)
  t.same(read.facts, [
    {
      status: undefined,
      lastSequence: 3n,
      lastTimeNs: 34_200_017_459_617n,
      trades: 1n,
      tradedQuantity: 5_000_000n,
      lastTradePrice: 6_450_000n,
    },
  ])
  t.same([...read.userState], [1, 2, 3])
  t.same(read.books.books[0]?.levels(false), [
    { price: 6450000n, orders: [{ id: 1001n, quantity: 20000000n }] },
  ])
  const file = path.join(t.testdir(), '00000000000000000003.snapshot')
  writeFileSync(file, snapshot)
  const { info, books, state } = await native().loadSnapshot(file)
  t.match(info, { sequence: 3, orders: 1, instruments: 1 })
  t.same([...(state ?? [])], [1, 2, 3])
  t.match(books.bookInfo(1), { status: null, tradeCount: 1, lastTradePrice: 6_450_000 })
  books.close()
})

const oneId = 0x1122334455667788n
const twoId = 0x99aabbccddeeff00n
const link = 0xa1a2a3a4a5a6a7a8n

t.test('the test vectors of version 2 are what they say', async (t) => {
  const [head, mark, record, hole] = vectors(2)
  const one = Buffer.alloc(65536)
  one.set(vectors(1)[0] as Buffer)
  one.set(mark as Buffer, 1536)
  t.equal(readLink(one, readHeader(one) as SegmentHeader), link)

  const two = Buffer.alloc(65536)
  two.set(head as Buffer)
  two.set(hole as Buffer, 4096)
  const header = readHeader(two) as SegmentHeader
  t.match(header, { version: 2, index: 2n, segmentId: twoId, predecessorLink: link })
  const entry = readEntry(two, header, 4096)
  t.match(entry, { sequence: 7n, firstSequence: 5n, type: 5, durable: 4n, bytes: 128 })
  t.equal(entry && snapshotOfHole(entry), 0n)
  t.equal(entry && Buffer.from(entry.payload).readBigUInt64LE(16), 1n, 'one was left out')

  const file = Buffer.alloc(8192)
  file.set(record as Buffer)
  t.match(decodeHead(file), {
    counter: 4n,
    journalId: '100f0e0d0c0b0a090807060504030201',
    oldest: { index: 1n, id: oneId },
    newest: { index: 1n, id: oneId },
    newestLink: link,
    otherLink: oneId,
    ready: { index: 2n, id: twoId },
    durable: 4n,
  })
})

/** Entries 8 to 10 of segment 2, as the page describes them. */
function appendTransaction(two: SegmentImage, madeNs: bigint): SegmentImage {
  const order = (id: number, price: number, quantity: number): Buffer => {
    const payload = Buffer.alloc(32)
    for (const [index, value] of [id, 0, price, quantity].entries()) {
      payload.writeBigUInt64LE(BigInt(value), 8 * index)
    }
    return payload
  }
  const [both, durable] = [continuesFlag | moreFollowsFlag, 7]
  const execution = { type: 0x18, flags: moreFollowsFlag, payload: order(1001, 0, 5_000_000) }
  const note = { type: 0x85, flags: both, payload: Buffer.from('hello, transaction') }
  const rest = order(1002, 6_450_100, 2_500_000)
  const add = { type: 0x11, flags: continuesFlag | 1, payload: rest }
  two.entry({ ...execution, sequence: 8, instrument: 1, durable, timeNs: madeNs + 11n })
  two.entry({ ...note, sequence: 9, durable, timeNs: madeNs + 12n })
  return two.entry({ ...add, sequence: 10, instrument: 1, durable, timeNs: madeNs + 13n })
}

t.test('another encoder, from the words of the page alone, makes the same bytes', async (t) => {
  const [head, mark, record, hole] = vectors(2)
  const madeNs = (vectors(1)[0] as Buffer).readBigUInt64LE(80)
  const one = new SegmentImage({ id: oneId }).link(link, 1, madeNs + 6n)
  const two = new SegmentImage({ index: 2, id: twoId, madeNs: madeNs + 7n, predecessor: link })
  const timeNs = madeNs + 10n
  two.hole({ first: 5, last: 7, leftOut: 1, lines: 2, durable: 4, timeNs })
  t.same(two.bytes.subarray(0, 128), head)
  t.same(two.bytes.subarray(4096, two.end), hole)
  t.same(one.bytes.subarray(1536, 1568), mark)
  const [features, ...transaction] = vectors(2).slice(4)
  two.bytes.writeBigUInt64LE(1n, 16)
  two.sealHeader()
  t.same(two.bytes.subarray(0, 128), features)
  const begin = two.end
  appendTransaction(two, madeNs)
  t.same(two.bytes.subarray(begin, two.end), Buffer.concat(transaction))
  const made = headSlot({
    counter: 4,
    epoch: 2,
    oldest: [1, oneId],
    newest: [1, oneId],
    link,
    otherLink: oneId,
    ready: [2, twoId],
    durable: 4,
    timeNs: madeNs + 8n,
  })
  t.same(made, record)
})

t.test('together the vectors are a directory that both readers find clean', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'data')
  const [header, ...rest] = vectors(1)
  const [headerOfTwo, linkMark, record, hole] = vectors(2)
  const place = (...parts: [Buffer | undefined, number][]): Buffer => {
    const bytes = Buffer.alloc(65536)
    for (const [part, offset] of parts) bytes.set(part ?? [], offset)
    return bytes
  }
  const first = Buffer.concat(rest.slice(0, 4))
  const frontierMark = rest[4]
  write(dataDirectory, {
    HEAD: place([record, 0]).subarray(0, 8192),
    [segmentName(1)]: place([header, 0], [linkMark, 1536], [frontierMark, 2560], [first, 4096]),
    [segmentName(2)]: place([headerOfTwo, 0], [hole, 4096]),
  })
  const read = async (): Promise<[string, number, bigint]> => {
    const report = verifyPure(dataDirectory)
    t.same([...report.problems, ...report.damaged], [])
    const engine = await inspect(dataDirectory)
    t.equal(verdictOf(engine), report.verdict)
    t.equal(engine.recovery.lastSequence, Number(report.journal.lastSequence))
    return [report.verdict, engine.recovery.lastSequence, report.journal.knownDurable]
  }
  t.same(await read(), ['clean', 7, 4n])

  const [features, ...transaction] = vectors(2).slice(4)
  const grown = Buffer.concat([hole as Buffer, ...transaction])
  write(dataDirectory, { [segmentName(2)]: place([features, 0], [grown, 4096]) })
  t.same(await read(), ['clean', 10, 7n])
  const entries: unknown[] = []
  for await (const entry of Journal.read(dataDirectory, { from: 8 })) entries.push(entry)
  t.match(entries, [
    { type: 'execute', transaction: 'first', orderId: 1001n, quantity: 5_000_000 },
    { type: 'user', transaction: 'middle', payload: Buffer.from('hello, transaction') },
    { type: 'add', transaction: 'last', orderId: 1002n, side: 1, price: 6_450_100 },
  ])
})
