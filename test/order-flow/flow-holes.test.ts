/** Runs that continue in a journal from which a salvage lost entries. */
import t, { type Test } from 'tap'
import type { CodedError, JournalEntry } from '../../lib/index.js'
import {
  emptyOperation,
  FlowKind,
  NoteReason,
  type FlowOperation,
} from '../../lib/order-flow/flow-operation.js'
import { decodeFlowPayload } from '../../lib/entry/flow-payload.js'
import { FlowPositions } from '../../lib/order-flow/flow-positions.js'
import { countRecovered } from '../../lib/order-flow/flow-resume.js'
import { runFlow, type FlowRunOptions, type FlowRunResult } from '../../lib/order-flow/flow-run.js'
import type { FlowSource } from '../../lib/order-flow/flow-source.js'
import { MemoryManager, salvaged, type MemorySnapshot } from './memory-manager.js'

/** Distance between the events of two sources. */
const apart = 10_000
const lostCode = 'ERR_PINNACLE_FLOW_POSITION_LOST'

/** 32 bits at a time; the same for the same seed. */
class Draws {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) >>> 0
    return (this.#state >>> 8) % limit
  }
}

/** Events whose time and line are their number and `offset`, so that every entry identifies its event. */
function eventsOf(seed: number, events: number, offset = 0): FlowOperation[] {
  const draws = new Draws(seed)
  const live: { id: number; quantity: number }[] = []
  const operations: FlowOperation[] = []
  for (let number = 1; number <= events; number++) {
    const place = offset + number
    const common = { ...emptyOperation(), timestampNs: place, line: place }
    const kind = draws.below(10)
    const at = draws.below(Math.max(1, live.length))
    const order = live[at]
    if (kind === 9) {
      operations.push({ ...common, kind: FlowKind.Note, quantity: NoteReason.Fill })
    } else if (kind === 8) {
      operations.push({ ...common, kind: FlowKind.Trade, price: 5, quantity: 1 })
    } else if (kind < 4 || order === undefined) {
      live.push({ id: number, quantity: 3 })
      operations.push({ ...common, kind: FlowKind.Add, orderId: number, price: 9, quantity: 3 })
    } else if (kind < 6 && order.quantity > 1) {
      order.quantity--
      operations.push({ ...common, kind: FlowKind.Reduce, orderId: order.id, quantity: 1 })
    } else {
      live.splice(at, 1)
      operations.push({ ...common, kind: FlowKind.Cancel, orderId: order.id })
    }
  }
  return operations
}

function sourceOf(name: string, operations: readonly FlowOperation[]): FlowSource {
  return {
    key: name,
    name,
    instruments: [{ name, priceScale: 0, quantityScale: 0 }],
    totalEvents: operations.length,
    totalBytes: 0,
    bytesRead: 0,
    async *operations() {
      await Promise.resolve()
      for (let at = 0; at < operations.length; at += 10) yield operations.slice(at, at + 10)
    },
    counts: () => undefined,
    liveOrders: () => undefined,
  }
}

/** The events whose entries are there, in the order of the journal. */
function eventsIn(entries: readonly JournalEntry[], offset = 0): number[] {
  const events: number[] = []
  for (const entry of entries) {
    if (entry.type === 'hole' || entry.type === 'instrument') continue
    if (entry.type !== 'user') events.push(Number(entry.timestampNs))
    else {
      const payload = decodeFlowPayload(entry.payload)
      if (payload?.kind === 'note') events.push(payload.line)
    }
  }
  return events.map((place) => place - offset).filter((event) => event > 0 && event < apart)
}

/** A data directory that is opened, run into, killed, damaged, salvaged and opened again. */
class Directory {
  entries: JournalEntry[] = []
  snapshot: MemorySnapshot | undefined

  open(): { manager: MemoryManager; positions: FlowPositions } {
    const positions = new FlowPositions()
    return { manager: new MemoryManager(positions, this.entries, this.snapshot), positions }
  }

  /** `killAfter`: the process is killed after this many entries. */
  async run(
    source: FlowSource,
    options: FlowRunOptions = {},
    killAfter = Infinity,
  ): Promise<FlowRunResult | undefined> {
    const { manager, positions } = this.open()
    manager.killAfter(killAfter)
    try {
      return await runFlow(manager.asManager, positions, source, { batchSize: 4, ...options })
    } catch (error) {
      if ((error as CodedError).code !== 'ERR_PINNACLE_CLOSED') throw error
      return undefined
    } finally {
      this.entries = manager.entries
    }
  }

  async takeSnapshot(): Promise<void> {
    const { manager, positions } = this.open()
    await countRecovered(manager.asManager, positions)
    if (!positions.empty) this.snapshot = manager.snapshot()
  }

  lose(damaged: (sequence: number) => boolean): void {
    const before = this.snapshot?.sequence ?? 0
    this.entries = [
      ...this.entries.filter(({ sequence }) => sequence <= before),
      ...salvaged(this.entries, damaged, this.snapshot),
    ]
  }
}

const between =
  (first: number, last: number) =>
  (sequence: number): boolean =>
    sequence >= first && sequence <= last

const operations = eventsOf(7, 200)
const source = (): FlowSource => sourceOf('A', operations)
/** Entries before the first event: the instrument and the mark of the start. */
const before = 2

t.test('the journal of a run is what these tests assume', async (t) => {
  const directory = new Directory()
  await directory.run(source(), {}, before + 100)
  t.strictSame(
    directory.entries
      .slice(0, before)
      .map(({ type }) => type)
      .sort(),
    ['instrument', 'user'],
  )
  t.strictSame(
    eventsIn(directory.entries),
    Array.from({ length: 100 }, (_, at) => at + 1),
  )
})

t.test('a hole in the middle of a killed run: the run goes on with the next event', async (t) => {
  const directory = new Directory()
  await directory.run(source(), {}, before + 100)
  directory.lose(between(before + 41, before + 50))
  const kept = eventsIn(directory.entries)
  t.ok(kept.length <= 90)
  const result = await directory.run(source())
  t.match(result, { resumedFrom: 100, events: 200, complete: true })
  t.equal(result?.lostEvents, 100 - kept.length, 'exactly those that are in no entry')
  const events = eventsIn(directory.entries)
  t.strictSame(
    events.slice(kept.length),
    Array.from({ length: 100 }, (_, at) => 101 + at),
  )
  // An event that needs a lost one leaves a note: nothing is skipped silently.
  const notes = directory.entries.flatMap((entry) => {
    const note = entry.type === 'user' ? decodeFlowPayload(entry.payload) : undefined
    return note?.kind === 'note' && note.reason === NoteReason.LostEvent ? [note.line] : []
  })
  t.ok(notes.length > 0)
  t.equal(result?.leftOut, notes.length)
  const again = await directory.run(source())
  t.match(again, { complete: true, eventsOfRun: 0, lostEvents: result?.lostEvents })
})

t.test('a hole at the end: its events are in no book, and are journaled again', async (t) => {
  const directory = new Directory()
  await directory.run(source(), {}, before + 100)
  directory.lose(between(before + 81, before + 100))
  const result = await directory.run(source())
  t.match(result, { resumedFrom: 80, events: 200, complete: true, lostEvents: 0, leftOut: 0 })
  t.strictSame(
    eventsIn(directory.entries),
    Array.from({ length: 200 }, (_, at) => at + 1),
  )
})

t.test('so are those of a complete run, though its last mark was kept', async (t) => {
  const directory = new Directory()
  await directory.run(source())
  const last = directory.entries.length
  directory.lose(between(last - 30, last - 1))
  const result = await directory.run(source())
  t.match(result, { resumedFrom: 171 - 1, complete: true, lostEvents: 0 })
  t.strictSame(
    eventsIn(directory.entries),
    Array.from({ length: 200 }, (_, at) => at + 1),
  )
})

t.test('a mark after the hole says how many of its entries were events', async (t) => {
  const directory = new Directory()
  await directory.run(source(), { stopAfter: 60 })
  await directory.run(source(), {}, 1 + 40)
  // Five events, the marks of an end and of a start, and five events.
  const mark = before + 60 + 1
  directory.lose(between(mark - 5, mark + 6))
  const stopped = await directory.run(source(), { stopAfter: 120 }).catch((error: unknown) => error)
  t.match(stopped, { code: lostCode, details: { atLeast: 55, atMost: 102 } })
  // With a later mark the same hole is unambiguous.
  const other = new Directory()
  await other.run(source(), { stopAfter: 60 })
  await other.run(source(), { stopAfter: 100 })
  other.lose(between(mark - 5, mark + 6))
  const kept = eventsIn(other.entries).length
  t.match(await other.run(source()), {
    resumedFrom: 100,
    complete: true,
    lostEvents: 100 - kept,
  })
})

t.test('if marks may be lost the caller names the event', async (t) => {
  const directory = new Directory()
  await directory.run(source(), { stopAfter: 60 })
  await directory.run(source(), {}, 1 + 40)
  const mark = before + 60 + 1
  directory.lose(between(mark - 5, mark + 6))
  const appended = directory.entries.length
  await t.rejects(directory.run(source()), { code: lostCode, message: /from 56 to 103/ })
  for (const fromEvent of [55, 104, 0, 1.5]) {
    await t.rejects(directory.run(source(), { fromEvent }), {
      code: 'ERR_PINNACLE_FLOW_RESUME_MISMATCH',
      message: /an event from 56 to 103/,
    })
  }
  t.equal(directory.entries.length, appended, 'nothing was appended')
  const kept = eventsIn(directory.entries)
  t.equal(kept.at(-1), 100)
  const result = await directory.run(source(), { fromEvent: 101 })
  t.match(result, { resumedFrom: 100, complete: true, lostEvents: 100 - kept.length })
  t.strictSame(
    eventsIn(directory.entries).slice(kept.length),
    Array.from({ length: 100 }, (_, at) => 101 + at),
  )
})

t.test('entries that could be of several events prove nothing', async (t) => {
  const trades = operations.slice(0, 40).concat(
    Array.from({ length: 60 }, (_, at) => ({
      ...emptyOperation(),
      kind: FlowKind.Trade,
      price: 5,
      quantity: 1,
      timestampNs: 41 + at,
      line: 41 + at,
    })),
  )
  const directory = new Directory()
  await directory.run(sourceOf('A', trades), {}, before + 90)
  directory.lose(between(before + 61, before + 70))
  const appended = directory.entries.length
  await t.rejects(directory.run(sourceOf('A', trades)), {
    code: lostCode,
    details: { atLeast: 60, atMost: 90 },
  })
  t.equal(directory.entries.length, appended, 'no mark claims a position')
  t.match(await directory.run(sourceOf('A', trades), { fromEvent: 91 }), {
    complete: true,
    lostEvents: 10,
    leftOut: 0,
  })
})

t.test('an event is named only if the position was lost', async (t) => {
  const directory = new Directory()
  await directory.run(source(), { stopAfter: 60 })
  for (const fromEvent of [60, 62]) {
    await t.rejects(directory.run(source(), { fromEvent }), {
      code: 'ERR_PINNACLE_FLOW_RESUME_MISMATCH',
      message: /It goes on with event 61/,
    })
  }
  t.match(await directory.run(source(), { fromEvent: 61 }), { complete: true, lostEvents: 0 })
  await t.rejects(new Directory().run(source(), { fromEvent: 2 }), {
    code: 'ERR_PINNACLE_FLOW_RESUME_MISMATCH',
    message: /It goes on with event 1$/,
  })
})

t.test('without a mark of the run its entries are taken for no other source', async (t) => {
  const directory = new Directory()
  await directory.run(source(), {}, before + 50)
  // The instrument remains: the mark of the start is lost, and the first events.
  const first = directory.entries.findIndex(({ type }) => type === 'user') + 1
  directory.lose(between(first, before + 3))
  await t.rejects(directory.run(source()), { code: lostCode, details: { atLeast: 0 } })
  await t.rejects(directory.run(sourceOf('B', operations)), { code: lostCode })
  const other = await directory.run(sourceOf('B', operations), { fromEvent: 1 })
  t.match(other, { resumedFrom: 0, complete: true, lostEvents: 0 })
})

t.test(
  'the position of a source that was at rest is open while another may have run',
  async (t) => {
    const directory = new Directory()
    const b = (): FlowSource => sourceOf('B', eventsOf(8, 100, apart))
    await directory.run(b(), { stopAfter: 20 })
    await directory.run(source(), {}, before + 60)
    const { length } = directory.entries
    directory.lose(between(length - 40, length - 30))
    await t.rejects(directory.run(b()), { code: lostCode, details: { atLeast: 20 } })
    // Once the interrupted run has continued, its marks say that all entries were its own.
    await directory.run(source(), { stopAfter: 100 })
    t.match(await directory.run(b()), { resumedFrom: 20, complete: true, lostEvents: 0 })
  },
)

t.test('a snapshot keeps what is known of the losses', async (t) => {
  const directory = new Directory()
  await directory.run(source(), {}, before + 100)
  directory.lose(between(before + 41, before + 50))
  const lostEvents = 100 - eventsIn(directory.entries).length
  await directory.run(source(), { stopAfter: 120 })
  await directory.takeSnapshot()
  t.match(await directory.run(source()), { resumedFrom: 120, complete: true, lostEvents })
})

t.test('a snapshot before the events are counted is refused', async (t) => {
  const directory = new Directory()
  await directory.run(source(), {}, before + 100)
  const { positions } = directory.open()
  t.throws(() => positions.snapshot(), { code: 'ERR_PINNACLE_BUSY' })
  await directory.takeSnapshot()
  t.match(await directory.run(source()), { resumedFrom: 100, complete: true, lostEvents: 0 })
})

t.test('whatever is lost, no event is journaled twice and none is skipped silently', async (t) => {
  const seen = { named: 0, lost: 0, exact: 0 }
  for (let seed = 1; seed <= 400; seed++) await anyLosses(t, seed, seen)
  t.ok(seen.named > 20, `${String(seen.named)} times the event had to be named`)
  t.ok(seen.lost > 100 && seen.exact > seen.lost / 2, JSON.stringify(seen))
})

interface Seen {
  /** Runs whose event the caller had to name. */
  named: number
  /** Sources that lost events, and those with an exact count. */
  lost: number
  exact: number
}

/** Runs one or two sources with kills, stops, snapshots and losses in between, then to their end. */
async function anyLosses(t: Test, seed: number, seen: Seen): Promise<void> {
  const draws = new Draws(seed)
  const names = seed % 2 === 0 ? ['A'] : ['A', 'B']
  const sources = new Map(
    names.map((name, at) => [
      name,
      { offset: at * apart, events: eventsOf(seed + at, 80, at * apart) },
    ]),
  )
  const directory = new Directory()
  const go = async (
    name: string,
    options: FlowRunOptions,
    killAfter: number,
  ): Promise<FlowRunResult | undefined> => {
    const { offset = 0, events = [] } = sources.get(name) ?? {}
    try {
      return await directory.run(sourceOf(name, events), options, killAfter)
    } catch (error) {
      const { code, details } = error as CodedError
      if (code !== lostCode) throw error
      seen.named++
      const { atLeast, atMost } = details as { atLeast: number; atMost: number }
      const last = eventsIn(directory.entries, offset).at(-1) ?? 0
      if (last < atLeast || last > atMost) {
        t.fail(`seed ${String(seed)}, ${name}: ${String(last)}, ${(error as Error).message}`)
      }
      return directory.run(sourceOf(name, events), { ...options, fromEvent: last + 1 }, killAfter)
    }
  }
  for (let turn = 0; turn < 6; turn++) {
    const name = names[draws.below(names.length)] ?? 'A'
    const how = draws.below(3)
    const stop = how === 0 ? { stopAfter: draws.below(80) } : {}
    const kill = how === 1 ? draws.below(60) : Infinity
    await go(name, { markEvery: 5 + draws.below(30), ...stop }, kill)
    if (draws.below(4) === 0) await directory.takeSnapshot()
    if (draws.below(2) === 0) {
      const first = 1 + draws.below(Math.max(1, directory.entries.length))
      directory.lose(between(first, first + draws.below(12)))
    }
  }
  for (const [name, { offset, events }] of sources) {
    const result = await go(name, {}, Infinity)
    const there = eventsIn(directory.entries, offset)
    const ascending = there.every((event, at) => at === 0 || event > (there[at - 1] ?? 0))
    const missing = events.length - there.length
    const said = result?.lostEvents ?? 0
    if (!ascending || result?.complete !== true || said < missing) {
      t.fail(`seed ${String(seed)}, ${name}: ${String(said)} said to be lost; ${there.join(' ')}`)
    }
    if (missing > 0) seen.lost++
    if (missing > 0 && missing === said) seen.exact++
  }
}
