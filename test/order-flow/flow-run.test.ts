import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { PersistenceConfig } from '../../lib/config/types.js'
import { compareBooks } from '../../lib/order-flow/compare-books.js'
import { openFlowFile } from '../../lib/order-flow/file-source.js'
import { FlowPositions, type FlowPosition } from '../../lib/order-flow/flow-positions.js'
import { countRecovered } from '../../lib/order-flow/flow-resume.js'
import { runFlow, type FlowRunOptions } from '../../lib/order-flow/flow-run.js'
import type { FlowRunResult } from '../../lib/order-flow/flow-run.js'
import type { FlowSource } from '../../lib/order-flow/flow-source.js'
import { GeneratedFlow } from '../../lib/order-flow/generator.js'
import { ReferenceBook } from '../../lib/order-flow/reference-book.js'
import { PersistenceManager } from '../../lib/persistence/persistence-manager.js'
import { killAndResume } from './killing.js'
import { operationsOf } from './operations.js'
import { native } from '../../lib/native/load.js'

const small: Partial<PersistenceConfig> = {
  segmentSize: '256KiB',
  snapshotIntervalMin: 0,
  compactionThreshold: '512KiB',
  keepSnapshots: 2,
}

/** Opens, runs, calls the body, closes. */
async function run(
  dataDirectory: string,
  source: FlowSource,
  options: FlowRunOptions = {},
  body: (manager: PersistenceManager, positions: FlowPositions) => Promise<void> | void = () =>
    undefined,
): Promise<FlowRunResult> {
  const positions = new FlowPositions()
  await using manager = await PersistenceManager.open({
    ...small,
    dataDirectory,
    stateMachine: positions,
  })
  const result = await runFlow(manager, positions, source, options)
  await body(manager, positions)
  return result
}

/** Fails unless every book is that of the source's first `events` operations. */
async function assertBooks(
  t: Test,
  manager: PersistenceManager,
  source: FlowSource,
  events = Infinity,
): Promise<void> {
  const operations = (await operationsOf(source)).slice(0, events)
  const references = source.instruments.map(() => new ReferenceBook())
  for (const operation of operations) references[operation.instrument]?.apply(operation)
  for (const [index, { name }] of source.instruments.entries()) {
    const reference = references[index]
    if (reference === undefined) continue
    t.match(compareBooks(manager.book(name), reference), { equal: true, difference: '' }, name)
  }
}

const generated = (seed = 1, events = 20_000): GeneratedFlow => new GeneratedFlow({ seed, events })

t.test(
  'a stopped run goes on with the next event, and a complete one has nothing to do',
  async (t) => {
    const dataDirectory = t.testdir()
    const first = await run(dataDirectory, generated(), { stopAfter: 7_777 }, (manager) =>
      assertBooks(t, manager, generated(), 7_777),
    )
    t.match(first, { resumedFrom: 0, events: 7_777, eventsOfRun: 7_777, complete: false })
    const second = await run(dataDirectory, generated(), {}, (manager) =>
      assertBooks(t, manager, generated()),
    )
    t.match(second, { resumedFrom: 7_777, events: 20_000, eventsOfRun: 12_223, complete: true })
    let appended = 0
    const third = await run(dataDirectory, generated(), {}, (manager) => {
      appended = manager.appendedFrontier - manager.recovery.lastSequence
    })
    t.match(third, { resumedFrom: 20_000, eventsOfRun: 0, complete: true })
    t.equal(appended, 0, 'not even a mark')
  },
)

t.test('an interrupt keeps what is journaled', async (t) => {
  const dataDirectory = t.testdir()
  const controller = new AbortController()
  const first = await run(dataDirectory, generated(2), {
    signal: controller.signal,
    speed: 0.2,
    onProgress: ({ events }) => {
      if (events > 500) controller.abort()
    },
  })
  t.match(first, { interrupted: true, complete: false })
  t.ok(first.events > 500 && first.events < 20_000)
  const second = await run(dataDirectory, generated(2), {}, (manager) =>
    assertBooks(t, manager, generated(2)),
  )
  t.match(second, { resumedFrom: first.events, complete: true, interrupted: false })
})

t.test('pacing takes as long as the flow did, divided by the factor', async (t) => {
  const operations = await operationsOf(generated(3, 3_000))
  const spanMs = (Number(operations.at(-1)?.timestampNs) - Number(operations[0]?.timestampNs)) / 1e6
  const factor = spanMs / 250
  const { durationMs, complete } = await run(t.testdir(), generated(3, 3_000), { speed: factor })
  t.ok(complete)
  t.ok(durationMs >= 249, `took ${String(durationMs)} ms`)
})

t.test(
  'killed at ten random points while it snapshots and compacts, no event is lost or doubled',
  async (t) => {
    t.setTimeout(110_000)
    const dataDirectory = t.testdir()
    const events = 30_000
    const options = { seed: 9, events }
    const killed = await killAndResume(
      {
        source: { kind: 'generated', options },
        // One: then the snapshot at the end of each complete run is enough to compact.
        config: { ...small, dataDirectory, keepSnapshots: 1 },
        portion: 64,
        batchSize: 13,
        markEvery: 1_000,
        snapshotEvery: 1_500,
      },
      events,
      10,
    )
    t.equal(killed.kills, 10, `killed at ${killed.points.join(', ')}`)
    const positions = new FlowPositions()
    await using manager = await PersistenceManager.open({
      ...small,
      dataDirectory,
      stateMachine: positions,
    })
    t.match(positions.list(), [{ events, complete: true, running: false }])
    t.ok(manager.recovery.firstSequence > 1, 'the start of the journal was compacted away')
    await assertBooks(t, manager, new GeneratedFlow(options))
  },
)

t.test('several sources keep their own positions in one data directory', async (t) => {
  const directory = t.testdir({
    'a.csv': '34200.0,1,1,100,310400,1\n34200.1,1,2,100,310300,1\n34200.2,4,1,60,310400,1\n',
    'b.csv':
      '34200.0,1,1,10,5000,-1\n34200.1,2,1,4,5000,-1\n34200.2,9,9,9,9,9\n34200.3,1,3,5,5100,-1\n',
    data: {},
  })
  const dataDirectory = join(directory, 'data')
  const a = (): Promise<FlowSource> => openFlowFile(join(directory, 'a.csv'), { instrument: 'A' })
  const b = (brokenLines: 'stop' | 'skip'): Promise<FlowSource> =>
    openFlowFile(join(directory, 'b.csv'), { instrument: 'B', brokenLines })
  t.match(await run(dataDirectory, await a(), { stopAfter: 2 }), { events: 2, complete: false })
  await t.rejects(run(dataDirectory, await b('stop')), {
    code: 'ERR_PINNACLE_FLOW_BROKEN_LINE',
    details: { line: 3 },
  })
  // The lines before the broken one were kept, and skipping continues from there.
  const resumed = await run(dataDirectory, await b('skip'), {}, (manager) => {
    t.same(manager.book('B').bestAsk(), { price: 5000, quantity: 6, orders: 1 })
    t.equal(manager.book('B').info().orders, 2)
  })
  t.match(resumed, {
    resumedFrom: 2,
    events: 4,
    complete: true,
    counts: { brokenLines: 1, adds: 2 },
  })
  let list: FlowPosition[] = []
  const last = await run(dataDirectory, await a(), {}, (manager, positions) => {
    list = positions.list()
    t.same(manager.book('A').bestBid(), { price: 310_400, quantity: 40, orders: 1 })
  })
  t.match(last, { resumedFrom: 2, events: 3, complete: true })
  t.match(list, [
    { name: 'a.csv', events: 3, complete: true },
    { name: 'b.csv', events: 4, complete: true },
  ])
})

t.test(
  'a file that was changed is another source, and does not go into the same book',
  async (t) => {
    const directory = t.testdir({ 'a.csv': '34200.0,1,1,100,310400,1\n', data: {} })
    const dataDirectory = join(directory, 'data')
    const open = (): Promise<FlowSource> =>
      openFlowFile(join(directory, 'a.csv'), { instrument: 'A' })
    await run(dataDirectory, await open())
    writeFileSync(join(directory, 'a.csv'), '34200.0,1,1,100,310500,1\n')
    await t.rejects(run(dataDirectory, await open()), {
      code: 'ERR_PINNACLE_FLOW_RESUME_MISMATCH',
      message: /already holds 1 orders/,
    })
  },
)

t.test('books that another program wrote to are found before anything is added', async (t) => {
  const dataDirectory = t.testdir()
  await run(dataDirectory, generated(4), { stopAfter: 5_000 }, (manager) => {
    manager.book('ALPHA').add(2n ** 100n, 0, 1, 1)
  })
  let events = 0
  await t.rejects(
    run(dataDirectory, generated(4), { onProgress: (progress) => (events = progress.events) }),
    {
      code: 'ERR_PINNACLE_FLOW_RESUME_MISMATCH',
      message: /ALPHA holds \d+ orders where the first 5000/,
    },
  )
  t.equal(events, 5_000)
})

/**
 * Copies a live directory as a kill at this moment would leave it: repeats until no segment was made, renamed
 * or announced meanwhile. Only this thread writes entries, and it is busy here.
 */
function copyAtOneMoment(from: string, to: string): void {
  // A reader in the writer's process first has everything written out; a copy has no window.
  native().openReader(from, 0).close()
  const state = (): string =>
    readdirSync(from, { recursive: true }).sort().join() +
    readFileSync(join(from, 'HEAD')).toString('latin1')
  for (let left = 1000; left > 0; left--) {
    const before = state()
    try {
      cpSync(from, to, { recursive: true })
      if (state() === before) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    rmSync(to, { recursive: true, force: true })
  }
  throw new Error(`${from} never held still`)
}

t.test('the position counts what was journaled after the last mark', async (t) => {
  const directory = t.testdir({ data: {} })
  const dataDirectory = join(directory, 'data')
  const copies: { path: string; events: number }[] = []
  await run(dataDirectory, generated(5), {
    speed: 0.05,
    batchSize: 3,
    markEvery: 10_000,
    stopAfter: 3_000,
    // What a kill at this moment would leave.
    onProgress: ({ events }) => {
      if (copies.length === 4 || events === 0) return
      const path = join(directory, `copy-${String(copies.length)}`)
      copyAtOneMoment(dataDirectory, path)
      copies.push({ path, events })
    },
  })
  t.equal(copies.length, 4)
  for (const { path, events } of copies) {
    const positions = new FlowPositions()
    await using manager = await PersistenceManager.open({
      ...small,
      dataDirectory: path,
      stateMachine: positions,
    })
    await countRecovered(manager, positions)
    await countRecovered(manager, positions) // twice has the same effect as once
    t.equal(positions.list()[0]?.events, events)
    t.equal(positions.running?.events, events)
  }
})

t.test('a snapshot of a directory with payloads of another program is refused', async (t) => {
  const dataDirectory = t.testdir()
  {
    await using manager = await PersistenceManager.open({ ...small, dataDirectory })
    manager.append(7, new Uint8Array([1, 2, 3]))
  }
  await using manager = await PersistenceManager.open({
    ...small,
    dataDirectory,
    stateMachine: new FlowPositions(),
  })
  await t.rejects(manager.snapshot(), {
    code: 'ERR_PINNACLE_STATE_MACHINE',
    cause: { code: 'ERR_PINNACLE_FOREIGN_STATE' },
  })
})
