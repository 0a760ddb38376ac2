import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'

import { inspect, PersistenceManager, Side, verdictOf } from '../../lib/index.js'
import { native } from '../../lib/native/load.js'
import { readJournal } from '../../lib/pure-reader/journal.js'
import { readSnapshot } from '../../lib/pure-reader/snapshot.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'

let made = 0

/** A directory with all kinds of entries, several segments and snapshots; closed. */
async function written(t: Test, parent = t.testdir()): Promise<string> {
  const dataDirectory = path.join(parent, `data-${String(++made)}`)
  const persistence = await PersistenceManager.open({
    dataDirectory,
    segmentSize: '64KiB',
    keepSnapshots: 2,
    snapshotIntervalMin: 0,
    instruments: [
      { name: 'ORD', priceScale: 2, quantityScale: 0 },
      { name: 'LVL', priceScale: 8, quantityScale: 8, kind: 'levels' },
    ],
  })
  const orders = persistence.book('ORD')
  const levels = persistence.book('LVL')
  for (let i = 1; i <= 4000; i++) {
    const wide = (BigInt(i) << 70n) | 5n
    orders.add(i % 5 === 0 ? wide : i, i % 2 === 0 ? Side.Buy : Side.Sell, 1000 + (i % 13), 10 + i)
    if (i % 3 === 0) orders.reduce(i % 5 === 0 ? wide : i, 4)
    if (i % 7 === 0) orders.replace(i % 5 === 0 ? wide : i, 100_000 + i, 900 + (i % 4), 3)
    if (i % 11 === 0 && i % 7 !== 0 && i % 5 !== 0) orders.cancel(i)
    levels.setLevel(i % 2 === 0 ? Side.Buy : Side.Sell, 50 + (i % 9), (i * 7) % 5)
    if (i % 500 === 0) persistence.append(3, Buffer.alloc(i, 0x61))
    if (i % 1500 === 0) await persistence.snapshot()
  }
  orders.trade(Side.Buy, 5, 5)
  orders.setStatus(0)
  await persistence.close()
  return dataDirectory
}

t.test('both readers see the same journal, snapshots and books', async (t) => {
  const dataDirectory = await written(t)
  const report = verifyPure(dataDirectory)
  const native = await inspect(dataDirectory)
  t.same(report.problems, [])
  t.equal(report.verdict, 'clean')
  t.equal(report.journal.journalId, native.journalId)
  t.equal(Number(report.journal.lastSequence), native.recovery.lastSequence)
  t.equal(
    report.journal.entries,
    native.segments.reduce((sum, segment) => sum + segment.entries, 0),
  )
  t.equal(report.snapshots.length, native.snapshots.length)
  const persistence = await PersistenceManager.open({ dataDirectory })
  const newest = persistence.snapshots.list()[0]
  const loaded = await persistence.snapshots.load(newest?.path ?? '')
  const facts = readSnapshot(readFileSync(newest?.path ?? '')).facts
  for (const [index, name] of ['ORD', 'LVL'].entries()) {
    const info = loaded.books.book(name).info()
    const orUndefined = (value: number | null): bigint | undefined =>
      value === null ? undefined : BigInt(value)
    t.strictSame(facts[index], {
      status: orUndefined(info.status),
      lastSequence: BigInt(info.lastSequence),
      lastTimeNs: info.lastTimestampNs,
      trades: BigInt(info.tradeCount),
      tradedQuantity: BigInt(info.tradedQuantity),
      lastTradePrice: orUndefined(info.lastTradePrice),
    })
  }
  loaded.books.close()
  for (const pure of report.books?.books ?? []) {
    const book = persistence.book(pure.name)
    for (const side of [Side.Buy, Side.Sell]) {
      const levels = pure.levels(side === Side.Sell)
      const depth = book.depth(side, 1_000_000)
      t.same(
        depth.map(({ price, orders }) => [price, orders]),
        levels.map(({ price, orders }) => [Number(price), orders.length]),
      )
      for (const level of levels) {
        t.same(
          book.levelOrders(side, Number(level.price)).map(({ id, quantity }) => [id, quantity]),
          level.orders.map(({ id, quantity }) => [id, Number(quantity)]),
        )
      }
    }
  }
  await persistence.close()
})

t.test('a flipped bit anywhere in the entries is damage for both readers', async (t) => {
  const dataDirectory = await written(t)
  const directory = path.join(dataDirectory, 'journal')
  const before = (await inspect(dataDirectory)).recovery
  let random = 12345
  for (const name of readdirSync(directory).filter((each) => each.endsWith('.segment'))) {
    const file = path.join(directory, name)
    const whole = readFileSync(file)
    const entries = whole.subarray(0, 60_000).findLastIndex((byte) => byte !== 0) + 1 - 4096
    for (let i = 0; i < 6 && entries > 64; i++) {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0
      const offset = 4096 + ((random >>> 8) % entries)
      const bytes = Buffer.from(whole)
      bytes[offset] = (bytes[offset] as number) ^ (1 << (random % 8))
      writeFileSync(file, bytes)
      const journal = readJournal(dataDirectory)
      t.equal(journal.verdict, 'corrupt', `${name} at ${String(offset)}`)
      const pure = verifyPure(dataDirectory)
      const native = await inspect(dataDirectory)
      t.equal(pure.damaged.length > 0 ? 'damaged' : pure.verdict, verdictOf(native))
      const isNeeded = Number(journal.lastSequence) >= before.snapshotSequence
      if (isNeeded) t.equal(Number(journal.lastSequence) + 1, native.recovery.break?.sequence)
    }
    writeFileSync(file, whole)
  }
})

t.test('a renamed snapshot and one of another journal are damage for both readers', async (t) => {
  const dataDirectory = await written(t)
  const other = await written(t, path.dirname(dataDirectory))
  const directory = path.join(dataDirectory, 'snapshots')
  const [older, newer] = readdirSync(directory)
  const names: [string, string] = [older ?? '', newer ?? '']
  const detailsOf = async (): Promise<[string[], string[]]> => {
    const native = await inspect(dataDirectory)
    const pure = verifyPure(dataDirectory)
    t.equal(verdictOf(native), 'damaged')
    t.equal(pure.verdict, 'clean')
    t.equal(pure.damaged.length, 1)
    return [
      native.snapshots.map(({ detail }) => detail),
      pure.snapshots.map(({ problem }) => problem),
    ]
  }
  const kept = readFileSync(path.join(directory, names[1]))
  cpSync(path.join(directory, names[0]), path.join(directory, names[1]))
  const held = new RegExp(`holds snapshot ${String(Number(names[0].slice(0, 20)))} and was renamed`)
  for (const [good, renamed] of await detailsOf()) {
    t.equal(good, '')
    t.match(renamed, held)
  }

  writeFileSync(path.join(directory, names[1]), kept)
  cpSync(path.join(other, 'snapshots', names[0]), path.join(directory, names[0]))
  for (const [foreign, good] of await detailsOf()) {
    t.match(foreign, /belongs to another journal \([0-9a-f]{32}\)/)
    t.equal(good, '')
  }
})

t.test('a snapshot section of another snapshot is refused by both readers', async (t) => {
  const dataDirectory = await written(t)
  const directory = path.join(dataDirectory, 'snapshots')
  const [older, newer] = readdirSync(directory).map((name) => path.join(directory, name))
  const bytes = readFileSync(newer ?? '')
  const end = 4096 + 24 + 2 * 104 // the instruments, as whole as in their own file
  bytes.set(readFileSync(older ?? '').subarray(4096, end), 4096)
  writeFileSync(newer ?? '', bytes)
  t.throws(() => readSnapshot(bytes), { message: 'the footer does not fit' })
  await t.rejects(native().verifySnapshot(newer ?? ''), { code: 'ERR_PINNACLE_SNAPSHOT_CORRUPT' })
})

t.test('a cut-off snapshot and a flipped bit in one are refused', async (t) => {
  const dataDirectory = await written(t)
  const directory = path.join(dataDirectory, 'snapshots')
  const bytes = readFileSync(path.join(directory, readdirSync(directory)[0] ?? ''))
  t.ok(readSnapshot(bytes).sequence > 0n)
  for (let offset = 0; offset < bytes.length; offset += 997) {
    const flipped = Buffer.from(bytes)
    flipped[offset] = (flipped[offset] as number) ^ 0x20
    t.throws(() => readSnapshot(flipped), { message: /./ }, `offset ${String(offset)}`)
    t.throws(
      () => readSnapshot(bytes.subarray(0, offset)),
      { message: /./ },
      `length ${String(offset)}`,
    )
  }
})
