// Repairs and readers of a directory with some files that do not belong there.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import {
  inspect,
  Journal,
  repair,
  verdictOf,
  type CodedError,
  type PersistenceManager,
} from '../../lib/index.js'
import { fingerprint, flow, open } from './setup.js'

const segment = (index: number): string => `journal/${String(index).padStart(20, '0')}.segment`

/** Appends until the journal has reached its segment `index`. */
function fillUpTo(manager: PersistenceManager, index: number): void {
  for (let seed = index * 1000; manager.stats().segmentIndex < index; seed++)
    flow(manager, 50, seed)
}

/** Several segments, closed. */
async function written(directory: string, segments: number): Promise<void> {
  const manager = await open(directory)
  fillUpTo(manager, segments)
  await manager.close()
}

async function sequencesIn(directory: string, from?: number): Promise<number[]> {
  const sequences: number[] = []
  for await (const entry of Journal.read(directory, from === undefined ? {} : { from })) {
    sequences.push(entry.sequence)
  }
  return sequences
}

for (const policy of ['point-in-time', 'salvage'] as const) {
  t.test(`an older head record costs ${policy} nothing`, async (t) => {
    const directory = t.testdir()
    const manager = await open(directory)
    fillUpTo(manager, 2)
    await manager.durable()
    const head = readFileSync(path.join(directory, 'HEAD'))
    fillUpTo(manager, 5)
    const before = fingerprint(manager)
    await manager.close()
    writeFileSync(path.join(directory, 'HEAD'), head)
    t.equal(verdictOf(await inspect(directory)), 'corrupt')

    const { lastSequence, holes, quarantineDirectory } = await repair(directory, { policy })
    t.equal(lastSequence, before.appended)
    t.strictSame(holes, [])
    t.ok(readFileSync(path.join(quarantineDirectory, 'HEAD')).equals(head))
    const again = await open(directory)
    t.equal(again.recovery.tail, 'clean')
    t.strictSame(fingerprint(again), before)
    await again.close()
  })
}

t.test('reading ends in an error if entries are gone, not as if the journal ended', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory, { compactionThreshold: '1GiB' })
  fillUpTo(manager, 3)
  const { sequence } = await manager.snapshot()
  fillUpTo(manager, 4)
  const last = manager.appendedFrontier
  await manager.close()
  const file = path.join(directory, segment(2))
  const sound = readFileSync(file)
  const firstLine = (bytes: Buffer, line: number): number =>
    Number(bytes.readBigUInt64LE(4096 + line * 64 + 8))
  for (const [line, lines] of [
    [0, 1],
    [5, 1],
    [5, 955],
    [900, 60],
  ] as const) {
    const bytes = Buffer.from(sound)
    bytes.fill(0, 4096 + line * 64, 4096 + (line + lines) * 64)
    writeFileSync(file, bytes)
    const gone = firstLine(sound, line)
    t.equal(verdictOf(await inspect(directory)), 'damaged')
    await t.rejects(
      sequencesIn(directory),
      { code: 'ERR_PINNACLE_CORRUPT' },
      `entry ${String(gone)}`,
    )
    t.equal((await sequencesIn(directory, sequence + 1)).at(-1), last)
  }
})

t.test('a file below the oldest segment is not read', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory, { keepSnapshots: 1, compactionThreshold: 0 })
  fillUpTo(manager, 4)
  await manager.snapshot()
  await manager.compact({ force: true })
  const { oldestSequence } = await manager.compact({ force: true })
  await manager.close()
  t.ok(oldestSequence > 1)
  const expected = await sequencesIn(directory)
  t.equal(expected[0], oldestSequence)
  // As an interrupted compaction leaves it, or a human mistake.
  cpSync(path.join(directory, segment(4)), path.join(directory, segment(1)))
  t.strictSame(await sequencesIn(directory), expected)
})

t.test(
  'nothing is kept of segments that another copy wrote, which the head record does not name',
  async (t) => {
    const directory = t.testdir({ ours: {}, copy: {} })
    const ours = path.join(directory, 'ours')
    const copy = path.join(directory, 'copy')
    await written(ours, 2)
    rmSync(copy, { recursive: true })
    cpSync(ours, copy, { recursive: true })
    for (const [where, seed] of [
      [ours, 7],
      [copy, 8],
    ] as const) {
      const manager = await open(where)
      flow(manager, 100, seed)
      fillUpTo(manager, 4)
      await manager.close()
    }
    cpSync(path.join(copy, 'journal'), path.join(ours, 'journal'), { recursive: true })
    for (const policy of ['point-in-time', 'salvage'] as const) {
      // If the next segment was ready, it is ours, and empty: the journal restarts in it.
      const kept = await repair(ours, { policy, dryRun: true }).then(
        ({ lastSequence }) => lastSequence,
        (error: unknown) => (error as CodedError).code,
      )
      t.ok(kept === 0 || kept === 'ERR_PINNACLE_JOURNAL_GAP', String(kept))
    }
    await t.rejects(open(ours), { code: 'ERR_PINNACLE_CORRUPT' })
  },
)
