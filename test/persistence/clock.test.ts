// One clock for all entries; if it is set, the journal's time follows it, reports it, and stays in order.
import { existsSync, readdirSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import t from 'tap'
import {
  Journal,
  PersistenceManager,
  Side,
  type JournalEntry,
  type UserEntry,
} from '../../lib/index.js'
import { node } from '../children.js'

const instruments = [{ name: 'X', priceScale: 0, quantityScale: 0 }]

t.test('with a state machine, too, all entries have the time of one clock', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'data')
  const seen: UserEntry[] = []
  const manager = await PersistenceManager.open({
    dataDirectory,
    instruments,
    stateMachine: {
      apply: (entry) => void seen.push(entry),
      snapshot: () => new Uint8Array(1),
      restore: () => undefined,
    },
  })
  for (let i = 1; i <= 2000; i++) {
    manager.book('X').add(i, Side.Buy, i, 1)
    manager.append(1, new Uint8Array(8), { instrument: 'X' })
  }
  manager.append(2, new Uint8Array(1_000_000))
  manager.append(3, new Uint8Array(8), { timestampNs: 17n })
  manager.journal.appendBatch(4, [new Uint8Array(1), new Uint8Array(2)])
  const users: UserEntry[] = []
  let before = 0n
  for await (const entry of manager.journal.entries()) {
    if (entry.type === 'user') users.push(entry)
    if (entry.type === 'user' && entry.userType === 3) {
      t.equal(entry.timestampNs, 17n)
      t.ok(entry.givenTime)
      continue
    }
    if (entry.timestampNs < before)
      t.fail(`entry ${String(entry.sequence)} is before its predecessor`)
    before = entry.timestampNs
    if (entry.givenTime)
      t.fail(`the time of entry ${String(entry.sequence)} was given by no caller`)
  }
  const facts = (entry: UserEntry): unknown[] => [
    entry.sequence,
    entry.timestampNs,
    entry.givenTime,
  ]
  t.same(seen.map(facts), users.map(facts), 'the state machine saw what recovery would show it')
  t.equal(manager.stats().clockSteps, 0)
  t.equal(manager.stats().lastClockStep, null)
  await manager.close()
})

const libraries = ['/usr/lib', '/usr/local/lib'].flatMap((base) =>
  existsSync(base) ? ['.', ...readdirSync(base)].map((name) => path.join(base, name)) : [],
)
const faketime = libraries
  .map((directory) => path.join(directory, 'faketime/libfaketimeMT.so.1'))
  .find((file) => existsSync(file))

/** One add in a separate process whose clock says `time`, and the steps that it saw. */
function addAt(time: string | undefined, dataDirectory: string): { steps: number; events: number } {
  const script = `
    const { PersistenceManager } = await import(${JSON.stringify(path.resolve(import.meta.dirname, '../../lib/index.js'))})
    let events = 0
    const m = await PersistenceManager.open(
      { dataDirectory: ${JSON.stringify(dataDirectory)}, instruments: ${JSON.stringify(instruments)} },
      { listeners: { clockStepped: () => { events++ } } })
    m.book('X').add(1000 + m.appendedFrontier, 0, 1, 1)
    await m.durable()
    await new Promise((resolve) => setTimeout(resolve, 20))
    console.log(JSON.stringify({ steps: m.stats().clockSteps, events }))
    await m.close()`
  // (Variables follow the two words of the option of `env`.)
  const [command, words] = node('--input-type=module', '-e', script)
  const fake =
    time === undefined
      ? []
      : ['FAKETIME_DONT_FAKE_MONOTONIC=1', `LD_PRELOAD=${faketime ?? ''}`, `FAKETIME=${time}`]
  const out = execFileSync(command, [...words.slice(0, 2), ...fake, ...words.slice(2)], {
    encoding: 'utf8',
  })
  return JSON.parse(out) as { steps: number; events: number }
}

async function timesOf(dataDirectory: string): Promise<bigint[]> {
  const entries: JournalEntry[] = []
  for await (const entry of Journal.read(dataDirectory)) entries.push(entry)
  return entries.filter(({ type }) => type === 'add').map(({ timestampNs }) => timestampNs)
}

const skip = faketime === undefined ? 'libfaketime is not installed (Debian: faketime)' : false
const nsOf = (iso: string): bigint => BigInt(Date.parse(iso)) * 1_000_000n
const minuteNs = 60_000_000_000n

t.test('a wrong clock is over when it is right again', { skip }, async (t) => {
  for (const [time, from, to] of [
    ['@2099-01-01 00:00:00', nsOf('2099-01-01T00:00:00Z'), nsOf('2099-01-02T00:00:00Z')],
    ['@1969-06-01 00:00:00', 0n, minuteNs],
    ['@2263-01-01 00:00:00', nsOf('2263-01-01T00:00:00Z'), nsOf('2263-01-02T00:00:00Z')],
  ] as const) {
    const dataDirectory = path.join(t.testdir(), 'data')
    const startNs = BigInt(Date.now()) * 1_000_000n
    addAt(time, dataDirectory)
    const after = addAt(undefined, dataDirectory)
    const again = addAt(undefined, dataDirectory)
    const [wrong = 0n, ...right] = await timesOf(dataDirectory)
    t.ok(wrong >= from && wrong <= to + minuteNs, `${time}: ${String(wrong)}`)
    t.equal(right.length, 2)
    for (const ns of right)
      t.ok(ns > startNs - minuteNs && ns < startNs + 10n * minuteNs, `${time}: right`)
    const steps = time.startsWith('@1969') ? 0 : 1 // earlier times are of a journal at rest
    t.match(after, { steps, events: steps }, `${time}: reported once`)
    t.match(again, { steps: 0, events: 0 }, `${time}: and over`)
  }
})
