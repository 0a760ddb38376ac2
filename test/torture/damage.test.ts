// Damage to real directories: what the judge considers lost, and its judgement of real repairs.
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { cut, damageDirectory, flip, remove, type Damage } from '../../lib/torture/damage.js'
import { donorsFor } from '../../lib/torture/donors.js'
import { Keepsake, type RepairEvidence } from '../../lib/torture/evidence.js'
import { instrumentCount } from '../../lib/torture/flow.js'
import { judgeRepair } from '../../lib/torture/judge-repair.js'
import { LedgerMachine } from '../../lib/torture/ledger.js'
import { Oracle } from '../../lib/torture/oracle.js'
import { placesOf, snapshotSequences, type SegmentPlaces } from '../../lib/torture/places.js'
import { rangesOf } from '../../lib/torture/ranges.js'
import { tryRepair, type RepairTrial } from '../../lib/torture/repair-trial.js'
import { Random } from '../../lib/order-flow/random.js'
import { PersistenceManager } from '../../lib/index.js'
import { pinnacle } from '../cli/running.js'
import { flowSeed, written } from './written.js'

const events = 1_500
const last = events + instrumentCount
const { eventOf } = new Oracle(flowSeed)

interface Made {
  dataDirectory: string
  places: SegmentPlaces[]
}

/** Several segments, at rest. */
async function atRest(t: Test): Promise<Made> {
  const { dataDirectory, manager } = await written(t, events, new LedgerMachine())
  await manager.close()
  return { dataDirectory, places: placesOf(dataDirectory) }
}

function damageOf(done: { what: string; files: string[]; lost: number[] }): Damage {
  return { kind: 'flip', ...done, lost: rangesOf(done.lost), firstSequence: 1, snapshot: 0 }
}

async function judged(dataDirectory: string, damage: Damage, trial: Partial<RepairTrial>) {
  const outcome = await tryRepair(
    { dataDirectory, damage, policy: 'strict', tool: 'api', machine: true, ...trial },
    `${dataDirectory}-copy`,
  )
  t.notOk(existsSync(`${dataDirectory}-copy`))
  const evidence = { damage, acknowledged: last, machine: true, eventOf }
  return { outcome, violations: judgeRepair(evidence, outcome) }
}

t.test('the place of every entry is known from the bytes', async (t) => {
  const { dataDirectory, places } = await atRest(t)
  const sequences = places.flatMap(({ entries }) => entries.map(({ sequence }) => sequence))
  t.same(rangesOf(sequences), [[1, last]])
  t.ok(places.filter(({ entries }) => entries.length > 0).length > 2, 'in several segments')
  t.same(snapshotSequences(dataDirectory), [])
})

t.test('damage takes the entries whose bytes it takes, and no others', async (t) => {
  const { dataDirectory, places } = await atRest(t)
  const [first, second] = places
  if (first === undefined || second === undefined) throw new Error('too few segments')
  const all = (segment: SegmentPlaces) => segment.entries.map(({ sequence }) => sequence)
  const entry = second.entries[7]!
  t.same(flip(dataDirectory, second, entry.offset, 1).lost, [entry.sequence])
  t.same(flip(dataDirectory, second, entry.offset + entry.bytes - 1, 1).lost, [entry.sequence])
  t.same(flip(dataDirectory, second, 2048, 1).lost, all(second), 'its first page')
  t.same(cut(dataDirectory, first, entry.offset).lost.at(-1), first.entries.at(-1)?.sequence)
  t.same(cut(dataDirectory, first, 100).lost, all(first))
  t.same(remove(dataDirectory, second).lost, all(second))
  t.equal(placesOf(dataDirectory).length, places.length - 1)
})

t.test('damage of one entry of a transaction takes all of them', async (t) => {
  const dataDirectory = join(t.testdir(), 'data')
  const manager = await PersistenceManager.open({ dataDirectory, segmentSize: '64KiB' })
  manager.append(1, Buffer.alloc(10))
  manager.transaction(() => {
    for (let i = 0; i < 4; i++) manager.append(2, Buffer.alloc(100, i))
  })
  manager.append(1, Buffer.alloc(10))
  await manager.close()
  const [segment] = placesOf(dataDirectory)
  if (segment === undefined) throw new Error('there is no segment')
  const [, , third, , , last] = segment.entries
  t.same(flip(dataDirectory, segment, third!.offset + 50, 1).lost, [2, 3, 4, 5])
  t.same(flip(dataDirectory, segment, last!.offset, 1).lost, [6])
  t.same(cut(dataDirectory, segment, third!.offset).lost, [2, 3, 4, 5, 6])
})

t.test(
  'segments of another journal, and of a fork of this one, take the place of ours',
  async (t) => {
    const { dataDirectory, places } = await atRest(t)
    for (const kind of ['foreign', 'fork'] as const) {
      for (let seed = 1; seed <= 3; seed++) {
        const copy = join(dirname(dataDirectory), `${kind}-${String(seed)}`)
        cpSync(dataDirectory, copy, { recursive: true })
        const random = new Random(seed)
        const scratch = `${copy}-scratch`
        mkdirSync(scratch)
        const damage = await damageDirectory(copy, kind, random, donorsFor(copy, scratch, random))
        t.match(damage, { kind, firstSequence: 1, snapshot: 0 })
        t.ok(damage.files.length > 0)
        const replaced = places.filter(({ name }) => damage.files.includes(name))
        const lost = replaced.flatMap(({ entries }) => entries.map(({ sequence }) => sequence))
        t.same(damage.lost, rangesOf(lost))
      }
    }
  },
)

t.test('a strict refusal and a cut before the damage are judged right', async (t) => {
  const { dataDirectory, places } = await atRest(t)
  const [, second] = places
  const entry = second!.entries[7]!
  const damage = damageOf(flip(dataDirectory, second!, entry.offset + 9, 3))
  const strict = await judged(dataDirectory, damage, {})
  t.same(strict.violations, [])
  t.match(strict.outcome.repair.refused, { code: /^ERR_PINNACLE_/ })
  for (const tool of ['api', 'cli'] as const) {
    const prefix = await judged(dataDirectory, damage, { policy: 'point-in-time', tool })
    t.same(prefix.violations, [], tool)
    t.match(prefix.outcome, { repair: { opened: { lastSequence: entry.sequence - 1 } } })
    t.match(prefix.outcome.continued, { appended: entry.sequence })
  }
})

t.test('a repair that gives up what the damage did not take is seen', async (t) => {
  const { dataDirectory, places } = await atRest(t)
  const [, second] = places
  const entry = second!.entries[7]!
  const damage = damageOf(flip(dataDirectory, second!, entry.offset + 9, 3))
  const later = second!.entries[20]!.sequence
  const lie = { ...damage, lost: rangesOf([later]) }
  const { violations } = await judged(dataDirectory, lie, { policy: 'point-in-time' })
  t.match(violations, [
    `opened to entry ${String(entry.sequence - 1)}, and entries ${String(entry.sequence)} to ${String(later - 1)} are whole`,
  ])
})

t.test('the evidence of a repair is judged again by one command', async (t) => {
  const { dataDirectory, places } = await atRest(t)
  const [, second] = places
  const damage = damageOf(flip(dataDirectory, second!, second!.entries[7]!.offset + 9, 3))
  const top = dirname(dataDirectory)
  const evidence: RepairEvidence = {
    fault: 'damage',
    violations: ['as it was seen'],
    seed: 1,
    flowSeed,
    machine: true,
    damage,
    acknowledged: last,
    repairs: [
      { policy: 'strict', tool: 'api' },
      { policy: 'point-in-time', tool: 'cli' },
    ],
  }
  const keep = (kept: RepairEvidence): string =>
    new Keepsake(dataDirectory, join(top, 'copy')).keep(join(top, 'violations'), kept)
  const sound = await pinnacle(['torture', '--recheck', keep(evidence)])
  t.equal(sound.code, 0, sound.stderr + sound.stdout)
  const lie = { ...damage, lost: [] }
  const wrong = await pinnacle(['torture', '--recheck', keep({ ...evidence, damage: lie })])
  t.equal(wrong.code, 5, wrong.stderr)
  t.match(wrong.stdout, /the violation is there again:\n {2}point-in-time \(cli\): opened to entry/)
})
