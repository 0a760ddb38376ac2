// The judge must see: what a fault could have left, made by hand, and what the judge says of it.
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
import t, { type Test } from 'tap'
import { Side } from '../../lib/index.js'
import { PersistenceManager } from '../../lib/persistence/persistence-manager.js'
import { FlowKind } from '../../lib/order-flow/flow-operation.js'
import { RecoveryCheck, type Claim, type Judgement } from '../../lib/torture/check-recovery.js'
import { Keepsake, type Evidence } from '../../lib/torture/evidence.js'
import { instrumentCount, TortureFlow, tortureInstruments } from '../../lib/torture/flow.js'
import { Oracle } from '../../lib/torture/oracle.js'
import { Testimony, Word } from '../../lib/torture/testimony.js'
import { pinnacle } from '../cli/running.js'

const flowSeed = 4711
const events = 400
const last = events + instrumentCount
const honest: Claim = { atLeast: last, atMost: last, snapshot: 0, closed: true }

interface Made {
  dataDirectory: string
  manager: PersistenceManager
}

/** A directory with the flow's first events, still open. */
async function written(t: Test, count = events): Promise<Made> {
  const dataDirectory = join(t.testdir(), 'data')
  const manager = await PersistenceManager.open({
    dataDirectory,
    segmentSize: '64KiB',
    snapshotIntervalMin: 0,
    instruments: [...tortureInstruments],
  })
  const flow = new TortureFlow(flowSeed)
  for (let index = 0; index < count; index++) {
    const event = flow.next()
    if (event.kind === 'payload') {
      manager.append(event.userType, event.bytes)
      continue
    }
    const { operation } = event
    const book = manager.book(tortureInstruments[operation.instrument]?.name ?? '')
    const { orderId, newOrderId, side, price, quantity, timestampNs } = operation
    if (operation.kind === FlowKind.Add) book.add(orderId, side, price, quantity, timestampNs)
    else if (operation.kind === FlowKind.Reduce) book.reduce(orderId, quantity, timestampNs)
    else if (operation.kind === FlowKind.Execute) book.execute(orderId, quantity, timestampNs)
    else if (operation.kind === FlowKind.Cancel) book.cancel(orderId, timestampNs)
    else if (operation.kind === FlowKind.Replace) {
      book.replace(orderId, newOrderId, price, quantity, timestampNs)
    } else if (operation.kind === FlowKind.Trade) book.trade(side, price, quantity, timestampNs)
    else book.setStatus(quantity, timestampNs)
  }
  return { dataDirectory, manager }
}

function judged(dataDirectory: string, claim: Claim, seed = flowSeed): Promise<Judgement> {
  return new RecoveryCheck(new Oracle(seed), dataDirectory, claim).run()
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
  const { dataDirectory, manager } = await written(t)
  await manager.snapshot()
  await manager.close()
  const judgement = await judged(dataDirectory, { ...honest, snapshot: last })
  t.match(judgement, { violations: [], recovered: last, compared: last, snapshotUsed: last })
  t.ok(judgement.orders > 50)
})

t.test(
  'an entry that was promised and is not there, or the other way round, is seen',
  async (t) => {
    const { dataDirectory, manager } = await written(t)
    await manager.close()
    const lost = await judged(dataDirectory, { ...honest, atLeast: last + 5, atMost: last + 5 })
    t.match(lost.violations, [/entries 404 to 408 were promised and are gone/])
    const phantom = await judged(dataDirectory, { ...honest, atLeast: 1, atMost: last - 2 })
    t.match(phantom.violations, [/entries 402 to 403 were never written/])
    const snapshot = await judged(dataDirectory, { ...honest, snapshot: 10 })
    t.match(snapshot.violations, [/one at 10 was taken/])
  },
)

t.test('entries and books of another content are seen', async (t) => {
  const { dataDirectory, manager } = await written(t, events - 1)
  manager.book(tortureInstruments[0]?.name ?? '').add(999_999, Side.Buy, 1, 1)
  await manager.close()
  const { violations } = await judged(dataDirectory, honest)
  t.match(violations[0], /before recovery entry 403 is \[1, .*add, 999999/)
  t.ok(
    violations.some((text) => /behind entry 403/.test(text)),
    'the engine’s book',
  )
  t.ok(violations.some((text) => /the second reader's book differs/.test(text)))
  const other = await judged(dataDirectory, honest, flowSeed + 1)
  t.match(other.violations[0], /before recovery entry 4 is/)
})

t.test('damage, a missing journal and a torn tail behind an orderly end are seen', async (t) => {
  const { dataDirectory, manager } = await written(t)
  await manager.close()
  const segment = newestSegment(dataDirectory)
  copyFileSync(segment, `${segment}.whole`)
  flipBit(segment, 4096 + 64 * 20)
  const damaged = await new RecoveryCheck(new Oracle(flowSeed), dataDirectory, honest)
    .run()
    .catch((error: unknown) => String(error))
  t.match(damaged, /verify|corrupt|damage/i, 'strict recovery refuses, and that is told')

  rmSync(join(dataDirectory, 'journal'), { recursive: true })
  const gone = await judged(dataDirectory, honest)
  t.match(gone.violations, [/the journal is gone, with 403 entries/])
  const opening = await judged(dataDirectory, { ...honest, atLeast: 0 })
  t.same(opening.violations, [], 'a writer that was killed before its first entry owes nothing')
})

t.test('the evidence of a violation is judged again by one command, and not changed', async (t) => {
  const { dataDirectory, manager } = await written(t)
  await manager.close()
  const top = dirname(dataDirectory)
  const evidence: Evidence = {
    fault: 'kill',
    violations: ['as it was told'],
    seed: 1,
    flowSeed,
    claim: { ...honest, atLeast: last + 1, atMost: last + 1 },
    plan: { durability: 'interval' } as Evidence['plan'],
    phase: 'writing',
    recoveredBefore: 0,
  }
  const violations = join(top, 'violations')
  const kept = new Keepsake(dataDirectory, join(top, 'copy')).keep(violations, evidence)
  t.equal(kept, join(violations, '1'))
  for (const round of ['first', 'second']) {
    const ran = await pinnacle(['torture', '--recheck', kept])
    t.equal(ran.code, 5, `${round}: ${ran.stderr}`)
    t.match(ran.stdout, /the violation is there again:\n {2}entries 404 to 404 were promised/)
  }
  const sound = { ...evidence, claim: honest }
  const other = new Keepsake(dataDirectory, join(top, 'copy')).keep(violations, sound)
  t.equal(other, join(violations, '2'))
  const ran = await pinnacle(['torture', '--recheck', other])
  t.equal(ran.code, 0, ran.stderr)
  t.match(ran.stdout, /seen in the processes:\n {2}as it was told/)
})

t.test('the flow is a function of its seed, and a skip lands where reading does', async (t) => {
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
    kinds.add(event.kind === 'payload' ? 'payload' : String(event.operation.kind))
  }
  t.equal(kinds.size, 8, 'payloads and seven kinds of operations')
})

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
