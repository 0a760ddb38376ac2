/** What a repair keeps, and what it leaves. */
import {
  cpSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  inspect,
  Journal,
  repair,
  verdictOf,
  type JournalEntry,
  type PersistenceManager,
  type StateMachine,
} from '../../lib/index.js'
import { crc32cFrom } from './mark.js'
import { flow, open } from './setup.js'

/** Remembers every entry and every hole that it receives, in order. */
class Witness implements StateMachine {
  seen: string[] = []
  apply(entry: { sequence: number; payload: Uint8Array }): void {
    this.seen.push(`${String(entry.sequence)}:${String(entry.payload[0])}`)
  }
  hole({ firstSequence, lastSequence }: { firstSequence: number; lastSequence: number }): void {
    this.seen.push(`lost ${String(firstSequence)}-${String(lastSequence)}`)
  }
  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify(this.seen))
  }
  restore(bytes: Uint8Array): void {
    this.seen = JSON.parse(Buffer.from(bytes).toString('utf8')) as string[]
  }
}

function flipBit(path: string, offset: number): void {
  const bytes = readFileSync(path)
  bytes[offset] = (bytes[offset] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

const segment = (directory: string, index: number): string =>
  join(directory, 'journal', `${String(index).padStart(20, '0')}.segment`)

/** Offset of a one-line entry if all earlier ones have one line; a definition of an instrument has two. */
const offsetOf = (sequence: number): number => 4096 + 64 * (sequence - 1)

/** Every file below a directory with its bytes. */
function filesOf(directory: string, below = ''): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const name of readdirSync(join(directory, below)).sort()) {
    const path = join(below, name)
    if (statSync(join(directory, path)).isDirectory()) {
      for (const [file, bytes] of filesOf(directory, path)) files.set(file, bytes)
    } else if (name !== 'LOCK') files.set(path, readFileSync(join(directory, path)))
  }
  return files
}

async function entriesOf(source: PersistenceManager | string): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = []
  const from = typeof source === 'string' ? Journal.read(source) : source.journal.entries()
  for await (const entry of from) entries.push(entry)
  return entries
}

/** 600 user entries, a snapshot of the state machine at 100, one bit of entry 550 flipped. */
async function damaged(directory: string): Promise<string[]> {
  const witness = new Witness()
  const manager = await open(directory, { instruments: [], stateMachine: witness })
  for (let i = 1; i <= 600; i++) {
    manager.append(1, Uint8Array.of(i % 251))
    if (i === 100) await manager.snapshot()
  }
  await manager.durable()
  await manager.close()
  flipBit(segment(directory, 1), offsetOf(550) + 24)
  const wanted = [...witness.seen]
  wanted[549] = 'lost 550-550'
  return wanted
}

t.test(
  'a state machine gets every entry that a salvage keeps, once and in order, and the hole in its place',
  async (t) => {
    const directory = t.testdir()
    const wanted = await damaged(directory)
    await t.rejects(open(directory, { instruments: [], stateMachine: new Witness() }), {
      code: 'ERR_PINNACLE_CORRUPT',
    })
    for (const recoveryPolicy of ['salvage', 'strict'] as const) {
      const witness = new Witness()
      const manager = await open(directory, {
        instruments: [],
        stateMachine: witness,
        recoveryPolicy,
      })
      t.same(witness.seen, wanted, recoveryPolicy)
      t.equal(manager.recovery.lastSequence, 600)
      t.match(manager.recovery.holes, [
        { firstSequence: 550, lastSequence: 550, snapshotSequence: 0, entriesLeftOut: 0 },
      ])
      const holes = (await entriesOf(manager)).filter((entry) => entry.type === 'hole')
      t.match(holes, [{ type: 'hole', firstSequence: 550, sequence: 550 }])
      await manager.close()
    }
  },
)

t.test('a repair without a state machine leaves its entries to be replayed', async (t) => {
  const directory = t.testdir()
  const wanted = await damaged(directory)
  const report = await repair(directory, { policy: 'salvage' })
  t.equal(report.lastSequence, 600)
  t.equal(report.entriesAfterDamage, 50)
  t.equal(verdictOf(await inspect(directory)), 'clean')
  const witness = new Witness()
  const manager = await open(directory, { instruments: [], stateMachine: witness })
  t.same(witness.seen, wanted)
  await manager.close()
})

t.test(
  'damage in a part that a snapshot covers costs nothing of the state, under either policy',
  async (t) => {
    for (const recoveryPolicy of ['point-in-time', 'salvage'] as const) {
      const directory = join(t.testdir({ [recoveryPolicy]: {} }), recoveryPolicy)
      const before = new Witness()
      let manager = await open(directory, { instruments: [], stateMachine: before })
      for (let i = 1; i <= 20; i++) {
        manager.append(1, Uint8Array.of(i))
        if (i === 10) await manager.snapshot()
      }
      await manager.close()
      flipBit(segment(directory, 1), offsetOf(3) + 24)
      const witness = new Witness()
      manager = await open(directory, { instruments: [], stateMachine: witness, recoveryPolicy })
      t.same(witness.seen, before.seen)
      t.equal(manager.recovery.lastSequence, 20)
      await manager.close()
      // Without the snapshot the lost entry is missing: the hole can't be crossed.
      for (const name of readdirSync(join(directory, 'snapshots'))) {
        rmSync(join(directory, 'snapshots', name))
      }
      await t.rejects(open(directory, { instruments: [], stateMachine: new Witness() }), {
        code: 'ERR_PINNACLE_JOURNAL_GAP',
        message: /snapshot 10/,
      })
      t.equal(verdictOf(await inspect(directory)), 'corrupt')
    }
  },
)

t.test(
  'a repair that would leave the state machine without a start is refused and changes nothing',
  async (t) => {
    const directory = t.testdir()
    const manager = await open(directory, { instruments: [], keepSnapshots: 1, spareSegments: 0 })
    for (let i = 0; i < 3000; i++) manager.append(1, Uint8Array.of(1))
    await manager.snapshot()
    await manager.compact({ force: true })
    for (let i = 0; i < 100; i++) manager.append(1, Uint8Array.of(2))
    await manager.durable()
    await manager.close()
    const newest = readdirSync(join(directory, 'journal')).filter((name) =>
      name.endsWith('.segment'),
    )
    // The first entry after the snapshot.
    flipBit(join(directory, 'journal', newest[0] ?? ''), offsetOf(3001 - 2880) + 24)
    const before = filesOf(directory)
    await t.rejects(
      open(directory, { instruments: [], stateMachine: new Witness(), recoveryPolicy: 'salvage' }),
      { code: 'ERR_PINNACLE_JOURNAL_GAP', message: /state machine/ },
    )
    t.strictSame(filesOf(directory), before)
    await (await open(directory, { instruments: [], recoveryPolicy: 'salvage' })).close()
  },
)

t.test(
  'everything that goes out of use lies whole in quarantine, and whole segments stay',
  async (t) => {
    for (const policy of ['point-in-time', 'salvage'] as const) {
      const directory = join(t.testdir({ [policy]: {} }), policy)
      const manager = await open(directory)
      flow(manager, 4000)
      await manager.durable()
      await manager.close()
      flipBit(segment(directory, 3), 4096 + 64 * 100 + 30)
      const before = filesOf(directory)
      const { quarantineDirectory, quarantined } = await repair(directory, { policy })
      const names = readdirSync(quarantineDirectory)
      for (const name of names) {
        const from = name === 'HEAD' ? name : join('journal', name)
        t.ok(readFileSync(join(quarantineDirectory, name)).equals(before.get(from) as Buffer), name)
        t.equal(statSync(join(quarantineDirectory, name)).nlink, 1, 'moved, not linked')
      }
      t.equal(names.length, quarantined.length + 1)
      for (const index of [1, 2]) {
        const path = segment(directory, index)
        const name = path.slice(directory.length + 1)
        t.ok(
          readFileSync(path).equals(before.get(name) as Buffer),
          `segment ${String(index)} stays`,
        )
      }
      for (const path of before.keys()) {
        const moved = join(quarantineDirectory, path.slice(path.lastIndexOf('/') + 1))
        t.ok(existsSync(join(directory, path)) || existsSync(moved), path)
      }
      await (await open(directory)).close()
    }
  },
)

t.test('a dry run says what the repair then keeps, and changes nothing', async (t) => {
  for (const policy of ['point-in-time', 'salvage'] as const) {
    const directory = join(t.testdir({ [policy]: {} }), policy)
    await damaged(directory)
    const before = filesOf(directory)
    const trial = await repair(directory, { policy, dryRun: true })
    t.strictSame(filesOf(directory), before)
    const done = await repair(directory, { policy })
    t.match(done, { ...trial, quarantineDirectory: /quarantine/ })
    t.equal(done.lastSequence, policy === 'salvage' ? 600 : 549)
    await t.rejects(repair(directory, { policy: 'strict' as never }), TypeError)
  }
})

t.test(
  'a repair of a repaired directory, and of one that goes on after it, keeps the holes',
  async (t) => {
    const directory = t.testdir()
    await damaged(directory)
    await repair(directory, { policy: 'salvage' })
    let manager = await open(directory, { instruments: [] })
    for (let i = 0; i < 2000; i++) manager.append(1, Uint8Array.of(9))
    await manager.durable()
    await manager.close()
    flipBit(segment(directory, 2), 4096 + 64 * 10 + 24)
    const { holes } = await repair(directory, { policy: 'salvage' })
    t.equal(holes.length, 1)
    manager = await open(directory, { instruments: [] })
    t.equal(manager.recovery.holes.length, 2)
    t.equal(manager.recovery.lastSequence, 2600)
    await manager.close()
  },
)

t.test('what the books refuse for want of a lost entry is left out and counted', async (t) => {
  const directory = t.testdir()
  let manager = await open(directory, {
    instruments: [{ name: 'A', priceScale: 0, quantityScale: 0 }],
  })
  const book = manager.book('A')
  // Entry 1 defines the instrument and has two lines.
  for (let id = 1; id <= 10; id++) book.add(id, 0, 100, 1)
  for (let id = 1; id <= 10; id++) book.cancel(id)
  book.add(11, 0, 100, 1)
  await manager.durable()
  await manager.close()
  flipBit(segment(directory, 1), 4096 + 64 * 5 + 40) // adds order 4, entry 5
  manager = await open(directory, { recoveryPolicy: 'salvage', instruments: [] })
  t.equal(manager.recovery.lastSequence, 22)
  t.match(manager.recovery.holes, [
    { firstSequence: 5, lastSequence: 5, entriesLeftOut: 0 },
    { firstSequence: 15, lastSequence: 15, entriesLeftOut: 1 },
  ])
  t.equal(manager.book('A').info().orders, 1)
  await manager.close()
})

t.test(
  'a mark of a passed segment that says too much does not make a repaired directory refuse',
  async (t) => {
    const directory = t.testdir()
    const source = join(directory, 'source')
    let manager = await open(source, { instruments: [] })
    for (let i = 0; i < 2500; i++) manager.append(1, Uint8Array.of(1))
    await manager.durable()
    await manager.close()
    flipBit(segment(source, 3), 4096 + 64 * 100 + 24)
    await repair(source, { policy: 'point-in-time' })
    // A valid mark in the first segment that speaks of the entries that were cut.
    const path = segment(source, 1)
    const bytes = readFileSync(path)
    const mark = Buffer.alloc(32)
    mark.writeBigUInt64LE(2500n, 0)
    mark.writeBigUInt64LE(1_000_001n, 8)
    mark.writeUInt32LE(crc32cFrom(bytes.readUInt32LE(56), mark.subarray(0, 28)), 28)
    mark.copy(bytes, 2560)
    writeFileSync(path, bytes)
    manager = await open(source, { instruments: [] })
    t.equal(manager.recovery.lastSequence, 2020)
    t.equal(manager.recovery.tail, 'clean')
    await manager.close()
    cpSync(source, join(directory, 'copy'), { recursive: true })
  },
)

t.test(
  'a lost first segment costs its own entries alone, if a snapshot ends within it',
  async (t) => {
    const directory = t.testdir()
    const manager = await open(directory, { instruments: [], keepSnapshots: 1, spareSegments: 0 })
    for (let i = 0; i < 3000; i++) manager.append(1, Uint8Array.of(1))
    await manager.snapshot()
    await manager.compact({ force: true })
    for (let i = 0; i < 2000; i++) manager.append(1, Uint8Array.of(2))
    await manager.durable()
    await manager.close()
    rmSync(segment(directory, 4)) // entries 2,881 to 3,840
    const report = await repair(directory, { policy: 'salvage' })
    t.match(report.holes, [{ firstSequence: 3001, lastSequence: 3840 }])
    t.equal(report.entriesDropped, 0)
    const entries = await entriesOf(directory)
    t.equal(entries.filter((entry) => entry.type === 'user').length, 5000 - 3840)
    await (await open(directory, { instruments: [] })).close()
  },
)
