// The judge must detect every fault: hand-made results of faults, and the judge's verdict on them.
import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { UserType } from '../../lib/registry/user-types.js'
import { Side, type UserEntry } from '../../lib/index.js'
import { RecoveryCheck, type Claim, type Judgement } from '../../lib/torture/check-recovery.js'
import { Keepsake, type RecoveryEvidence } from '../../lib/torture/evidence.js'
import { instrumentCount, TortureFlow, tortureInstruments } from '../../lib/torture/flow.js'
import { ledgerDifference, LedgerMachine } from '../../lib/torture/ledger.js'
import { Oracle } from '../../lib/torture/oracle.js'
import { Testimony, Word } from '../../lib/torture/testimony.js'
import { pinnacle } from '../cli/running.js'
import { flowSeed, written } from './written.js'

const events = 400
const last = events + instrumentCount
const honest: Claim = { atLeast: last, atMost: last, snapshot: 0, closed: true }

function judged(dataDirectory: string, claim: Claim, seed = flowSeed): Promise<Judgement> {
  return new RecoveryCheck(new Oracle(seed), dataDirectory, claim).run()
}

function judgedWithMachine(dataDirectory: string, claim: Claim): Promise<Judgement> {
  return new RecoveryCheck(new Oracle(flowSeed), dataDirectory, claim, true).run()
}

function newestSegment(dataDirectory: string): string {
  const journal = join(dataDirectory, 'journal')
  const segments = readdirSync(journal).filter((name) => name.endsWith('.segment'))
  return join(journal, segments.sort()[0] ?? '')
}

function flipBit(file: string, offset: number): void {
  const descriptor = openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  readSync(descriptor, byte, 0, 1, offset)
  writeSync(descriptor, Buffer.from([(byte[0] ?? 0) ^ 4]), 0, 1, offset)
  closeSync(descriptor)
}

t.test('what was written in order is judged right, entry by entry and book by book', async (t) => {
  const { dataDirectory, manager } = await written(t, events)
  await manager.snapshot()
  await manager.close()
  const judgement = await judged(dataDirectory, { ...honest, snapshot: last })
  t.match(judgement, {
    violations: { length: 0 },
    recovered: last,
    compared: last,
    snapshotUsed: last,
  })
  t.ok(judgement.levels > 50)
})

t.test(
  'an entry that was promised and is not there, or the other way round, is seen',
  async (t) => {
    const { dataDirectory, manager } = await written(t, events)
    await manager.close()
    const lost = await judged(dataDirectory, { ...honest, atLeast: last + 5, atMost: last + 5 })
    t.match(lost.violations, [/entries 405 to 409 were promised and are gone/])
    const phantom = await judged(dataDirectory, { ...honest, atLeast: 1, atMost: last - 2 })
    t.match(phantom.violations, [/entries 403 to 404 were never written/])
    const snapshot = await judged(dataDirectory, { ...honest, snapshot: 10 })
    t.match(snapshot.violations, [/one at 10 was taken/])
  },
)

t.test('entries and books of another content are seen', async (t) => {
  const { dataDirectory, manager } = await written(t, events - 1)
  manager.book(tortureInstruments[0]?.name ?? '').add(999_999, Side.Buy, 1, 1)
  await manager.close()
  const { violations } = await judged(dataDirectory, honest)
  t.match(violations[0], /before recovery entry 404 is \[1, .*add, 999999/)
  t.ok(
    violations.some((text) => /after entry 404/.test(text)),
    'the engine’s book',
  )
  t.ok(violations.some((text) => /the second reader's book ALPHA/.test(text)))
  const other = await judged(dataDirectory, honest, flowSeed + 1)
  t.match(other.violations[0], /before recovery entry 5 is/)
})

t.test('a level of another quantity is seen', async (t) => {
  const { dataDirectory, manager } = await written(t, events - 1)
  manager.book('DELTA').setLevel(Side.Buy, 20_000, 77)
  await manager.close()
  const { violations } = await judged(dataDirectory, honest)
  t.match(violations[0], /before recovery entry 404 is \[4, \d+, setLevel, 0, 20000, 77\]/)
  t.ok(violations.some((text) => /^DELTA after entry 404: "bid 20000: 77 in 1", /.test(text)))
  t.ok(violations.some((text) => /the second reader's book DELTA: "bid 20000: 77/.test(text)))
})

t.test('the state machine comes back right, from a snapshot and from the journal', async (t) => {
  const { dataDirectory, manager } = await written(t, events, new LedgerMachine())
  await manager.close()
  t.match(await judgedWithMachine(dataDirectory, honest), {
    violations: { length: 0 },
    snapshotUsed: 0,
  })
  const snapshotted = await written(t, events, new LedgerMachine())
  await snapshotted.manager.snapshot()
  await snapshotted.manager.close()
  const claim = { ...honest, snapshot: last }
  t.match(await judgedWithMachine(snapshotted.dataDirectory, claim), { violations: { length: 0 } })
})

/** Changes the machine's calls on their way to it. */
class Meddled extends LedgerMachine {
  readonly #meddle: (entry: UserEntry) => UserEntry[]
  constructor(meddle: (entry: UserEntry) => UserEntry[]) {
    super()
    this.#meddle = meddle
  }
  override apply(entry: UserEntry): void {
    for (const each of this.#meddle(entry)) super.apply(each)
  }
}

t.test('a state that lacks an entry, or has one of another content, is seen', async (t) => {
  const meddled: [RegExp, (entry: UserEntry, fills: number) => UserEntry[]][] = [
    [/entries \d+, \d+ expected/, (entry, fills) => (fills === 5 ? [] : [entry])],
    [
      /chain \d+, \d+ expected/,
      (entry, fills) => [fills === 5 ? { ...entry, payload: Buffer.alloc(32) } : entry],
    ],
  ]
  for (const [expected, meddle] of meddled) {
    let fills = 0
    const machine = new Meddled((entry) =>
      meddle(entry, entry.userType === UserType.torture.fill ? ++fills : 0),
    )
    const { dataDirectory, manager } = await written(t, events, machine)
    await manager.snapshot()
    await manager.close()
    const { violations } = await judgedWithMachine(dataDirectory, { ...honest, snapshot: last })
    t.equal(violations.length, 1)
    t.match(violations[0], /^the state machine after entry 404: /)
    t.match(violations[0], expected)
  }
})

t.test('a position that is wrong is seen when everything else is right', async (t) => {
  const machine = new LedgerMachine()
  const { manager } = await written(t, events, machine)
  await manager.close()
  const right = structuredClone(machine.picture)
  t.equal(ledgerDifference(machine.picture, right), '')
  right.positions['3'] = (right.positions['3'] ?? 0) + 1
  t.match(ledgerDifference(machine.picture, right), /^account 3 has -?\d+, -?\d+ expected$/)
})

t.test('damage, a missing journal and a torn tail after an orderly end are seen', async (t) => {
  const { dataDirectory, manager } = await written(t, events)
  await manager.close()
  const segment = newestSegment(dataDirectory)
  copyFileSync(segment, `${segment}.whole`)
  flipBit(segment, 4096 + 64 * 20)
  const damaged = await new RecoveryCheck(new Oracle(flowSeed), dataDirectory, honest)
    .run()
    .catch((error: unknown) => String(error))
  t.match(damaged, /verify|corrupt|damage/i, 'strict recovery refuses, and that is a violation')

  rmSync(join(dataDirectory, 'journal'), { recursive: true })
  const gone = await judged(dataDirectory, honest)
  t.match(gone.violations, [/the journal is gone, with 404 entries/])
  const opening = await judged(dataDirectory, { ...honest, atLeast: 0 })
  t.same(opening.violations, [], 'a writer that was killed before its first entry owes nothing')
})

t.test('the evidence of a violation is judged again by one command, and not changed', async (t) => {
  const { dataDirectory, manager } = await written(t, events)
  await manager.close()
  const top = dirname(dataDirectory)
  const evidence: RecoveryEvidence = {
    fault: 'kill',
    violations: ['as it was seen'],
    seed: 1,
    flowSeed,
    machine: false,
    claim: { ...honest, atLeast: last + 1, atMost: last + 1 },
    plan: { durability: 'interval' } as RecoveryEvidence['plan'],
    phase: 'writing',
    recoveredBefore: 0,
  }
  const violations = join(top, 'violations')
  const kept = new Keepsake(dataDirectory, join(top, 'copy')).keep(violations, evidence)
  t.equal(kept, join(violations, '1'))
  for (const round of ['first', 'second']) {
    const ran = await pinnacle(['torture', '--recheck', kept])
    t.equal(ran.code, 5, `${round}: ${ran.stderr}`)
    t.match(ran.stdout, /the violation is there again:\n {2}entries 405 to 405 were promised/)
  }
  const sound = { ...evidence, claim: honest }
  const other = new Keepsake(dataDirectory, join(top, 'copy')).keep(violations, sound)
  t.equal(other, join(violations, '2'))
  const ran = await pinnacle(['torture', '--recheck', other])
  t.equal(ran.code, 0, ran.stderr)
  t.match(ran.stdout, /seen in the processes:\n {2}as it was seen/)
})

t.test(
  'the flow is a function of its seed, and a skip ends at the place that reading reaches',
  async (t) => {
    const one = new TortureFlow(7)
    const two = new TortureFlow(7)
    for (let index = 0; index < 300; index++) one.next()
    two.skip(300)
    t.equal(two.events, 300)
    t.same(one.next(), two.next())
    t.notSame(new TortureFlow(8).next(), new TortureFlow(7).next())
    const kinds = new Set<string>()
    for (let index = 0; index < 3000; index++) {
      const event = one.next()
      const fill = event.kind === 'payload' && event.fill !== undefined
      kinds.add(
        event.kind === 'order' ? event.operation.kind : `${event.kind}${fill ? ', fill' : ''}`,
      )
    }
    const others = ['clear', 'level', 'payload', 'payload, fill']
    const ofOrders = ['add', 'reduce', 'cancel', 'execute', 'replace', 'trade', 'status']
    t.same([...kinds].sort(), [...ofOrders, ...others].sort())
  },
)

t.test('a testimony is the same in whatever pieces the pipe delivers it', async (t) => {
  const words = new Float64Array([
    ...[Word.opened, 3, Word.attempted, 10, Word.returned, 10, Word.durable, 8],
    ...[Word.snapshotBegun, 10, Word.snapshotTaken, 9, Word.attempted, 12, Word.waiting, 1],
  ])
  const bytes = Buffer.from(words.buffer)
  for (const size of [1, 7, 16, 24, bytes.length]) {
    const testimony = new Testimony()
    t.equal(testimony.phase, 'opening')
    for (let at = 0; at < bytes.length; at += size) testimony.hear(bytes.subarray(at, at + size))
    t.match(testimony, {
      openedAt: 3,
      attempted: 12,
      returned: 10,
      durable: 8,
      snapshot: 9,
      phase: 'commit',
    })
  }
})
