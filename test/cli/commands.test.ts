import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Consumers, PersistenceManager } from '../../lib/index.js'
import { documentOf, lobsterFlow, pinnacle } from './running.js'

t.setTimeout(800_000)
// A test mostly waits for a process.
t.jobs = 2

/** A data directory with a complete small run in it. */
async function withData(
  t: Test,
  orders = 300,
): Promise<{ directory: string; data: string; file: string }> {
  const directory = t.testdir({ 'flow.csv': lobsterFlow(orders) })
  const data = join(directory, 'data')
  const file = join(directory, 'flow.csv')
  const ran = await pinnacle([
    'run',
    file,
    '--data',
    data,
    '--instrument',
    'TEST',
    '--segment-size',
    '64KiB',
  ])
  t.equal(ran.code, 0, ran.stderr)
  return { directory, data, file }
}

t.test(
  'run journals a file, says what became of it, and has nothing to do the second time',
  { buffered: true },
  async (t) => {
    const { data, file } = await withData(t)
    const again = await pinnacle(['run', file, '-d', data, '-i', 'TEST', '--json'])
    t.equal(again.code, 0, again.stderr)
    const events = readFileSync(file, 'utf8').trimEnd().split('\n').length
    t.match(documentOf(again), { events, eventsOfRun: 0, resumedFrom: events, complete: true })
    t.equal(again.stderr, '')
    t.match(
      (await pinnacle(['run', file, '-d', data, '-i', 'TEST'])).stdout,
      /is complete: all of its/,
    )
  },
)

t.test('recover, inspect and verify report a clean directory', { buffered: true }, async (t) => {
  const { data } = await withData(t)
  const recovered = await pinnacle(['recover', data])
  t.equal(recovered.code, 0, recovered.stderr)
  t.match(recovered.stdout, /clean, entries to 478/)
  t.match(recovered.stdout, /TEST +\d+ +\d \+ \d/)
  // eslint-disable-next-line no-control-regex
  t.notMatch(recovered.stdout, /\u001b/, 'no colours in a pipe')
  const inspected = documentOf(await pinnacle(['inspect', data, '--json']))
  t.match(inspected, {
    dataDirectory: data,
    locked: false,
    recovery: { tail: 'clean', lastSequence: 478 },
  })
  t.match((await pinnacle(['inspect', data])).stdout, /1 +\d+ +1 +\d+ .*clean/)
  const verified = await pinnacle(['verify', data])
  t.equal(verified.code, 0)
  t.match(verified.stdout, /^clean {2}/)
})

t.test(
  'dump writes entries as a table and as JSON lines, by range, type and instrument',
  { buffered: true },
  async (t) => {
    const { data } = await withData(t)
    const lines = (text: string): Record<string, unknown>[] =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    const all = lines((await pinnacle(['dump', data, '--json'])).stdout)
    t.same(
      all.map(({ sequence }) => sequence),
      all.map((_, index) => index + 1),
      'no gap',
    )
    const some = lines(
      (await pinnacle(['dump', data, '--from', '10', '--to', '12', '--format', 'jsonl'])).stdout,
    )
    t.same(
      some.map(({ sequence }) => sequence),
      [10, 11, 12],
    )
    t.ok(
      some.every(({ instrumentName }) => instrumentName === 'TEST'),
      'named, though defined before',
    )
    const executed = await pinnacle(['dump', data, '-t', 'execute', '-i', 'TEST', '--limit', '3'])
    t.match(executed.stdout, /execute .* 10 {2}order 3\n.*order 6\n.*order 9\n$/s)
    t.equal(executed.stdout.trimEnd().split('\n').length, 4)
    const misspelled = await pinnacle(['dump', data, '-t', 'exceute'])
    t.equal(misspelled.code, 2)
    t.match(
      misspelled.stderr,
      /^ERR_PINNACLE_USAGE: "exceute" is not an entry type; did you mean "execute"/,
    )
  },
)

t.test('dump shows which entries are a transaction', { buffered: true }, async (t) => {
  const dataDirectory = join(t.testdir(), 'data')
  const instruments = [{ name: 'TEST', priceScale: 2, quantityScale: 0 }]
  const manager = await PersistenceManager.open({ dataDirectory, instruments })
  const book = manager.book('TEST')
  book.add(1, 0, 100, 5)
  manager.transaction(() => {
    book.execute(1, 2)
    manager.append(3, Buffer.from('fill'))
    book.add(2, 1, 105, 4)
  })
  manager.transaction(() => book.cancel(1))
  await manager.close()
  const table = await pinnacle(['dump', dataDirectory])
  t.match(table.stdout, / 3 {2}┌ .*execute.*\n +4 {2}│ .*user.*\n +5 {2}└ .*add.*\n +6 {5}/)
  const jsonl = (await pinnacle(['dump', dataDirectory, '--json'])).stdout.trimEnd().split('\n')
  t.same(
    jsonl.map((text) => (JSON.parse(text) as { transaction?: string }).transaction),
    [undefined, undefined, 'first', 'middle', 'last', undefined],
  )
  t.match((await pinnacle(['verify', dataDirectory, '--pure'])).stdout, /^clean/)
  const inside = await pinnacle(['dump', dataDirectory, '--from', '4'])
  t.match(
    inside.stderr,
    /entry 4 lies inside the transaction of entries 3 to 5.* 3 or 6 as the first/,
  )
})

t.test(
  'negative prices go from a file to the books, the depth and the dump',
  { buffered: true },
  async (t) => {
    const directory = t.testdir({
      'mbo.csv': [
        'ts_event,action,side,price,size,order_id,symbol',
        '1,A,B,-37.630000000,100,1,CL',
        '2,A,A,-0.010000000,60,2,CL',
      ].join('\n'),
    })
    const file = join(directory, 'mbo.csv')
    const data = join(directory, 'data')
    const options = ['--data', data, '--price-scale', '2', '--signed-prices']
    t.equal((await pinnacle(['run', file, ...options])).code, 0)
    const table = await pinnacle(['dump', data])
    t.match(table.stdout, /CL: prices of 2 decimals, quantities of 0, orders, signed prices/)
    t.match(table.stdout, /add .* -37\.63 /)
    const json = await pinnacle(['dump', data, '--json'])
    t.match(json.stdout, /"type":"instrument".*"signedPrices":true/)
    t.match(json.stdout, /"price":-3763,/)
    const book = await pinnacle(['book', 'CL', '-d', data])
    t.match(book.stdout, /-0\.01 .*spread 37\.62 \(3,762 ticks\).*-37\.63 /s)
    t.equal((await pinnacle(['verify', data, '--pure'])).code, 0)
  },
)

t.test('dump follows until it is interrupted', { buffered: true }, async (t) => {
  const { data } = await withData(t)
  let told = false
  const ran = await pinnacle(['dump', data, '--follow', '--json', '--from', '470'], {
    onOutput(child, stdout) {
      if (told || !stdout.includes('"sequence":478')) return
      told = true
      child.kill('SIGINT')
    },
  })
  t.ok(told)
  t.equal(ran.code, 130)
})

t.test('a reader that has seen enough is not a failure', { buffered: true }, async (t) => {
  const { data } = await withData(t)
  const ran = await pinnacle(['dump', data, '--json'], {
    onOutput: (child) => {
      child.stdout?.destroy()
    },
  })
  t.equal(ran.stderr, '')
})

t.test('book draws the depth now and at a point of the past', { buffered: true }, async (t) => {
  const { data } = await withData(t)
  const now = documentOf(await pinnacle(['book', 'TEST', '-d', data, '--json', '--levels', '3']))
  t.equal(now['sequence'], 478)
  t.match(now, { instrument: 'TEST', bids: [{ price: '9.9900' }], asks: [{ price: '10.0100' }] })
  const drawn = await pinnacle(['book', '-d', data])
  t.match(drawn.stdout, /TEST at entry 478: .*\n +price +quantity +orders\n/)
  t.match(drawn.stdout, /10\.0100 .*█[\s\S]*spread 0\.0200 \(200 ticks\)[\s\S]*9\.9900 .*█/)
  const early = documentOf(await pinnacle(['book', 'TEST', '-d', data, '--at', '4', '--json']))
  t.match(early, { sequence: 4, orders: 2 })
  const atTime = documentOf(
    await pinnacle(['book', 'TEST', '-d', data, '--at', 'ns:34200000050000', '--json']),
  )
  t.match(atTime, { orders: 0 }, 'before the first event')
  const later = await pinnacle(['book', 'TEST', '-d', data, '--at', '9999'])
  t.equal(later.code, 1)
  t.match(later.stderr, /^ERR_PINNACLE_OUT_OF_REACH: .*ends at entry 478/)
  const unknown = await pinnacle(['book', 'TSET', '-d', data])
  t.match(unknown.stderr, /^ERR_PINNACLE_UNKNOWN_INSTRUMENT: .*did you mean "TEST"/)
})

t.test(
  'snapshot and compact free the journal, and run knows its place all the same',
  { buffered: true },
  async (t) => {
    const { data, file } = await withData(t, 2_000)
    const first = documentOf(await pinnacle(['snapshot', data, '--json']))
    const last = Number(first['sequence'])
    t.ok(last > 3_000)
    t.ok(existsSync(String(first['path'])))
    const second = documentOf(await pinnacle(['snapshot', data, '--json']))
    t.equal(second['sequence'], last, 'again at the same entry')
    const compacted = await pinnacle(['compact', data, '--force', '--json'])
    t.equal(compacted.code, 0, compacted.stderr)
    const { removed, recycled } = documentOf(compacted) as { removed: number; recycled: number }
    t.ok(removed + recycled > 0)
    const again = await pinnacle(['run', file, '-d', data, '-i', 'TEST', '--json'])
    t.equal(again.code, 0, again.stderr)
    t.match(documentOf(again), { eventsOfRun: 0, complete: true })
    t.equal((await pinnacle(['verify', data])).code, 0)
    const gone = await pinnacle(['book', '-d', data, '--at', '5'])
    t.equal(gone.code, 1)
    t.match(gone.stderr, new RegExp(`^ERR_PINNACLE_OUT_OF_REACH: .*${String(last)}`))
    const dumped = await pinnacle(['dump', data, '--from', '1'])
    t.equal(dumped.code, 1)
    t.match(dumped.stderr, /^ERR_PINNACLE_OUT_OF_REACH/)
  },
)

t.test(
  'an interrupted run exits with 130, a second writer is refused, and the same command completes it',
  { buffered: true },
  async (t) => {
    const directory = t.testdir({ 'flow.csv': lobsterFlow(2_000) })
    const data = join(directory, 'data')
    const args = ['run', join(directory, 'flow.csv'), '-d', data, '-i', 'TEST', '--json']
    // Paced to take 20 s without the interruption.
    const slow = pinnacle([...args, '--speed', '0.01x'], {
      onStart(child) {
        const looking = setInterval(() => {
          if (!existsSync(join(data, 'journal'))) return
          clearInterval(looking)
          void pinnacle(args).then((second) => {
            t.equal(second.code, 1)
            t.match(second.stderr, /"code":"ERR_PINNACLE_LOCKED"/)
            setTimeout(() => child.kill('SIGINT'), 500)
          })
        }, 20)
      },
    })
    const first = await slow
    t.equal(first.code, 130, first.stderr)
    const { events } = documentOf(first) as { events: number }
    t.match(documentOf(first), { interrupted: true, complete: false })
    t.ok(events > 0)
    const second = await pinnacle(args)
    t.equal(second.code, 0, second.stderr)
    t.match(documentOf(second), { resumedFrom: events, complete: true })
  },
)

t.test(
  'a snapshot of a killed run counts its events, and the run goes on',
  { buffered: true },
  async (t) => {
    const directory = t.testdir({ 'flow.csv': lobsterFlow(2_000) })
    const data = join(directory, 'data')
    const args = ['run', join(directory, 'flow.csv'), '-d', data, '-i', 'TEST', '--json']
    const killed = await pinnacle([...args, '--speed', '0.01x'], {
      onStart(child) {
        const looking = setInterval(() => {
          if (!existsSync(join(data, 'journal'))) return
          clearInterval(looking)
          setTimeout(() => child.kill('SIGKILL'), 1_500)
        }, 20)
      },
    })
    t.equal(killed.code, null)
    const taken = await pinnacle(['snapshot', data, '--json'])
    t.equal(taken.code, 0, taken.stderr)
    const { sequence } = documentOf(taken) as { sequence: number }
    t.ok(sequence > 10, 'events were journaled')
    const wrong = await pinnacle([...args, '--from-event', '9999'])
    t.match(wrong.stderr, /"code":"ERR_PINNACLE_FLOW_RESUME_MISMATCH"/)
    const again = await pinnacle(args)
    t.equal(again.code, 0, again.stderr)
    // All entries are events, except for the instrument and the mark of the start.
    t.match(documentOf(again), { resumedFrom: sequence - 2, complete: true, lostEvents: 0 })
  },
)

t.test('a snapshot of books that no flow made holds the books alone', async (t) => {
  const data = t.testdir()
  const manager = await PersistenceManager.open({
    dataDirectory: data,
    segmentSize: '64KiB',
    instruments: [{ name: 'A', priceScale: 2, quantityScale: 0 }],
  })
  manager.book('A').add(1, 0, 100, 5)
  await manager.close()
  const taken = await pinnacle(['snapshot', data, '--json'])
  t.equal(taken.code, 0, taken.stderr)
  t.match(documentOf(taken), { orders: 1, stateBytes: 0 })
})

t.test('consumers lists, moves and removes named consumers', { buffered: true }, async (t) => {
  const { data } = await withData(t)
  const none = await pinnacle(['consumers', data])
  t.match(none, { code: 0, stdout: /^No consumers/ }, none.stderr)
  {
    await using consumer = await Consumers.of(data).open('archive')
    for await (const { sequence } of consumer.entries({ to: 40 })) {
      if (sequence === 40) await consumer.commit(40)
    }
    const held = await pinnacle(['consumers', data, '--remove', 'archive'])
    t.match(held, { code: 1, stderr: /ERR_PINNACLE_LOCKED/ })
  }
  const listed = await pinnacle(['consumers', data])
  t.match(listed.stdout, /archive {2}closed {2}entry 40, \d+ behind, \d{4}-/)
  const json = documentOf(await pinnacle(['consumers', data, '--json']))
  t.match(json['consumers'], [{ name: 'archive', sequence: 40 }])
  const moved = await pinnacle(['consumers', data, '--reset', 'archive', '--to', '7'])
  t.equal(moved.code, 0, moved.stderr)
  t.match(await Consumers.of(data).list(), [{ name: 'archive', sequence: 7 }])
  t.equal((await pinnacle(['consumers', data, '--reset', 'archive'])).code, 2)
  t.equal((await pinnacle(['consumers', data, '--reset', 'archiv', '--to', '1'])).code, 2)
  t.equal((await pinnacle(['consumers', data, '--remove', 'archiv'])).code, 1)
  t.equal((await pinnacle(['consumers', data, '--remove', 'archive'])).code, 0)
  t.same(await Consumers.of(data).list(), [])
})
