/**
 * Data directories of the version that had order flow's entries in user type 102, and all types for users: each is
 * read, and goes on. How they were made, and the plain record of what is in them:
 * test/fixtures/user-types/make.mjs.
 */
import { cpSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { encodeMark, encodeNote, decodeFlowPayload } from '../../lib/entry/flow-payload.js'
import { OldFlowEntries } from '../../lib/entry/old-flow-entries.js'
import { UserType } from '../../lib/registry/user-types.js'
import { Journal, PersistenceManager, type StateMachine, type UserEntry } from '../../lib/index.js'
import { encodeFeedEntry } from '../../lib/market-data/record/entry-codec.js'
import { openFlowFile } from '../../lib/order-flow/file-source.js'
import { FlowPositions } from '../../lib/order-flow/flow-positions.js'
import { countRecovered } from '../../lib/order-flow/flow-resume.js'
import { runFlow } from '../../lib/order-flow/flow-run.js'
import { pinnacle } from '../cli/running.js'
import { fixture } from '../fixtures.js'

const fixtures = fixture('user-types')
const expected = JSON.parse(readFileSync(path.join(fixtures, 'expected.json'), 'utf8')) as {
  flow: { events: number; notes: number }
  feed: { types: (string | number)[] }
  user: { entries: [type: number, text: string][] }
}
const csv = path.join(fixtures, 'flow.csv')

function copyOf(t: Test, name: string): string {
  const dataDirectory = path.join(t.testdir(), name)
  cpSync(path.join(fixtures, name), dataDirectory, { recursive: true })
  return dataDirectory
}

async function typesOf(dataDirectory: string): Promise<(string | number)[]> {
  const types: (string | number)[] = []
  for await (const entry of Journal.read(dataDirectory)) {
    types.push(entry.type === 'user' ? entry.userType : entry.type)
  }
  return types
}

t.test('a run of order flow that the old version left unfinished goes on', async (t) => {
  const dataDirectory = copyOf(t, 'flow')
  const before = await typesOf(dataDirectory)
  t.same(before, [102, 'instrument', 'add', 'add', 102, 'add', 'execute'])
  const positions = new FlowPositions()
  const config = { dataDirectory, snapshotIntervalMin: 0 }
  {
    await using manager = await PersistenceManager.open({ ...config, stateMachine: positions })
    await countRecovered(manager, positions)
    t.match(positions.list(), [{ name: 'flow.csv', events: expected.flow.events, lost: 0 }])
    t.notOk(positions.empty)
    const result = await runFlow(
      manager,
      positions,
      await openFlowFile(csv, { instrument: 'MSFT' }),
    )
    t.match(result, { complete: true, leftOut: 0 })
    await manager.snapshot()
  }
  const after = await typesOf(dataDirectory)
  t.same(
    after.slice(before.length).filter((type) => typeof type === 'number'),
    [110, 110],
    'what is new has the new type',
  )
  const again = new FlowPositions()
  await using manager = await PersistenceManager.open({ ...config, stateMachine: again })
  await countRecovered(manager, again)
  t.match(again.list(), [{ name: 'flow.csv', events: 8, complete: true, lost: 0 }])
  t.equal(manager.book('MSFT').info().orders, 2)
})

t.test('old order flow is counted from its entries alone, and across a new mark', async (t) => {
  const dataDirectory = copyOf(t, 'flow')
  for (const stopAfter of [6, 7]) {
    const file = await openFlowFile(csv, { instrument: 'MSFT' })
    const positions = new FlowPositions()
    await using manager = await PersistenceManager.open({
      dataDirectory,
      snapshotIntervalMin: 0,
      stateMachine: positions,
    })
    await runFlow(manager, positions, file, { stopAfter })
    t.match(positions.list(), [{ events: stopAfter }])
  }
})

t.test('the commands read what the old version left', async (t) => {
  const flow = copyOf(t, 'flow')
  const dumped = await pinnacle(['dump', flow])
  t.equal(dumped.code, 0)
  t.match(dumped.stdout, /user +flow\.csv: 0 events\n/)
  t.match(dumped.stdout, /user +skipped: order born before the file, line 3\n/)
  t.equal((await pinnacle(['snapshot', flow])).code, 0)
  const status = await pinnacle(['feed', 'status', flow])
  t.match(status.stderr, /ERR_PINNACLE_FEED_NOTHING_TO_RESUME/, 'it is not taken for a feed')

  const feed = copyOf(t, 'feed')
  t.same(await typesOf(feed), expected.feed.types)
  const words = await pinnacle(['dump', feed])
  t.equal(words.code, 0)
  for (const pattern of [
    /user +connection 1 open, coinbase-exchange, file:\S+, BTC-USD heartbeat matches\n/,
    /user +frame of matches, connection 1, 1 entry\n/,
    /user +buy +100\.50000000 +0\.25000000 +trade 10 of the feed\n/,
    /user +quarantined, 33 bytes: products is missing/,
    /user +gap: malformed\n/,
    /user +raw frame of x: \{"type":"x"\}\n/,
    /user +heartbeat 7 of BTC-USD\n/,
  ]) {
    t.match(words.stdout, pattern)
  }
  t.notMatch(words.stdout, /type \d+, \d+ bytes/, 'all of it is in words')
  const refused = await pinnacle(['snapshot', feed])
  t.match(refused.stderr, /cause: ERR_PINNACLE_FOREIGN_STATE: .*payload entries of another program/)
  t.equal((await pinnacle(['run', csv, '--data', feed, '--instrument', 'MSFT'])).code, 0)
  t.equal((await pinnacle(['run', csv, '--data', feed, '--instrument', 'MSFT'])).code, 0)
  const both = await pinnacle(['feed', 'status', feed])
  t.match(both.stdout, /5 frames, 1 trades, 1 gaps, 1 raw, 1 quarantined/)

  const user = await pinnacle(['dump', copyOf(t, 'user')])
  t.equal(user.code, 0)
  for (const [type, text] of expected.user.entries) {
    t.match(user.stdout, new RegExp(`type ${String(type)}, ${String(text.length)} bytes`))
  }
})

t.test("old entries of a user's above 95 are read and given to state machines", async (t) => {
  const dataDirectory = copyOf(t, 'user')
  const entries: [number, string][] = []
  const machine: StateMachine = {
    apply: ({ userType, payload }: UserEntry) => {
      entries.push([userType, Buffer.from(payload).toString()])
    },
    snapshot: () => Buffer.from('state'),
    restore: () => undefined,
  }
  await using manager = await PersistenceManager.open({
    dataDirectory,
    snapshotIntervalMin: 0,
    stateMachine: machine,
  })
  t.same(entries, expected.user.entries)
  t.same(
    await typesOf(dataDirectory),
    expected.user.entries.map(([type]) => type),
  )
  t.throws(() => manager.append(120, Buffer.from('more')), {
    code: 'ERR_PINNACLE_INVALID_ENTRY_TYPE',
    message: /reserved/,
  })
  manager.append(20, Buffer.from('more'))
  t.same(entries.at(-1), [20, 'more'])
})

t.test('order flow is not run over strangers that have its type', async (t) => {
  const positions = new FlowPositions()
  await using manager = await PersistenceManager.open({
    dataDirectory: copyOf(t, 'user'),
    snapshotIntervalMin: 0,
    stateMachine: positions,
  })
  await countRecovered(manager, positions)
  t.same(positions.list(), [])
  t.notOk(positions.empty)
  await t.rejects(manager.snapshot(), { cause: { code: 'ERR_PINNACLE_FOREIGN_STATE' } })
})

const mark = encodeMark({ key: 'k', name: 'n', events: 3, complete: false, running: true })

t.test(
  "an old 102 is the flow's up to the first frame, where it is a mark or a note",
  async (t) => {
    const old = new OldFlowEntries()
    const typeOf = (sequence: number, userType: number, payload: Uint8Array): number =>
      old.typeOf({ sequence, userType, payload })
    t.equal(typeOf(1, 102, mark), UserType.flow)
    t.equal(typeOf(2, 102, encodeNote(2, 17)), UserType.flow)
    t.equal(typeOf(3, 102, Buffer.from('text')), 102)
    t.equal(typeOf(4, 120, mark), 120)
    t.equal(typeOf(5, 110, mark), 110)
    t.equal(typeOf(6, UserType.feed.frame, Buffer.alloc(0)), 96)
    t.equal(typeOf(7, 102, mark), 102)
    t.equal(typeOf(8, 102, encodeNote(2, 17)), 102)
    t.equal(typeOf(1, 102, mark), UserType.flow, 'also when it is read once more')
    t.equal(typeOf(9, 110, mark), 110)
  },
)

t.test('raw frames are neither marks nor notes', async (t) => {
  for (const channel of ['', 'x', 'xy', '{', 'level2']) {
    for (const text of ['', '{"type":"x"}', '"key":"k"}', 'thirteen text']) {
      const payload = encodeFeedEntry({ type: 'raw', channel, text })
      t.equal(decodeFlowPayload(payload), undefined, `${channel}: ${text}`)
    }
  }
  const names = { key: 'k', name: 'n' }
  for (const value of [
    null,
    5,
    [],
    names,
    { ...names, events: -1, complete: true, running: true },
  ]) {
    const payload = Buffer.concat([Buffer.from([1]), Buffer.from(JSON.stringify(value))])
    t.equal(decodeFlowPayload(payload), undefined)
  }
  t.match(decodeFlowPayload(mark), { kind: 'mark', mark: { ...names, events: 3 } })
  t.match(decodeFlowPayload(encodeNote(6, 9)), { kind: 'note', reason: 6, line: 9 })
})
