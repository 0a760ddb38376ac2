// Past times that are out of order, or end before the requested one: the book's `times` and the command
// report them.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { PersistenceManager, Side } from '../../lib/index.js'
import { documentOf, pinnacle } from './running.js'

const instruments = [
  { name: 'X', priceScale: 0, quantityScale: 0 },
  { name: 'Y', priceScale: 0, quantityScale: 0 },
]

/**
 * A directory whose orders of X have these times. After each one comes one of Y, whose times are in order.
 */
async function withTimes(
  t: Test,
  times: readonly number[],
  snapshotAfter = 0,
): Promise<{ data: string; manager: PersistenceManager }> {
  const opened: PersistenceManager[] = []
  // Before testdir(), so that the writer closes before its directory is removed.
  t.teardown(() => Promise.all(opened.map((manager) => manager.close())))
  const data = join(t.testdir(), 'data')
  const manager = await PersistenceManager.open({ dataDirectory: data, instruments })
  opened.push(manager)
  for (const [index, time] of times.entries()) {
    manager.book('X').add(index + 1, Side.Buy, 100 + index, 1, time)
    manager.book('Y').add(index + 1, Side.Buy, 100 + index, 1, 1000 + index)
    if (index + 1 === snapshotAfter) await manager.snapshot()
  }
  return { data, manager }
}

async function ordersAt(
  manager: PersistenceManager,
  timestamp: bigint,
): Promise<{ orders: number; times: unknown }> {
  using past = await manager.bookAt('X', { timestamp })
  return { orders: past.info().orders, times: past.times }
}

t.test('times in order have nothing to say, up to the last of them', async (t) => {
  const { data, manager } = await withTimes(t, [100, 200, 200, 300])
  for (const [timestamp, orders] of [
    [99n, 0],
    [100n, 1],
    [200n, 3],
    [299n, 3],
    [300n, 4],
  ] as const) {
    const found = await ordersAt(manager, timestamp)
    t.match(found, { orders, times: { beyondLastEntry: false, outOfOrder: null } })
  }
  t.match(await ordersAt(manager, 301n), {
    orders: 4,
    times: { beyondLastEntry: true, lastTimestamp: 300n, outOfOrder: null },
  })
  using atSequence = await manager.bookAt('X', { sequence: manager.appendedFrontier })
  t.equal(atSequence.times, undefined, 'a sequence has no order of times')
  await manager.close()
  const inside = await pinnacle(['book', 'X', '-d', data, '--at', 'ns:299'])
  t.match(inside, { code: 0, stderr: '' })
  const beyond = await pinnacle(['book', 'X', '-d', data, '--at', 'ns:301'])
  t.equal(beyond.code, 0)
  t.match(beyond.stderr, /^warning: the time asked for lies beyond the last entry of X, .* ns:300/)
})

t.test(
  'an entry of an earlier time is reported, and whether the point lies across it',
  async (t) => {
    const { data, manager } = await withTimes(t, [100, 300, 200, 400])
    const found = await ordersAt(manager, 250n)
    t.match(found, {
      orders: 1,
      times: {
        beyondLastEntry: false,
        outOfOrder: { timestamp: 200n, aheadTimestamp: 300n, acrossPoint: true },
      },
    })
    t.match(await ordersAt(manager, 350n), {
      orders: 3,
      times: { outOfOrder: { acrossPoint: false } },
    })
    await manager.close()
    const warned = await pinnacle(['book', 'X', '-d', data, '--at', 'ns:250', '--json'])
    t.equal(warned.code, 0)
    t.match(
      warned.stderr,
      /^warning: times of X are out of order around the point: .*between the two/,
    )
    t.match(documentOf(warned), { orders: 1, times: { outOfOrder: { timestamp: '200' } } })
    const other = await pinnacle(['book', 'Y', '-d', data, '--at', 'ns:1001'])
    t.equal(other.stderr, '', "another instrument's times are in order")
  },
)

t.test('an entry ahead of the snapshot that is started from counts, too', async (t) => {
  const { manager } = await withTimes(t, [100, 300, 200, 400], 3)
  const found = await ordersAt(manager, 250n)
  t.match(found, { orders: 3, times: { outOfOrder: { timestamp: 200n, acrossPoint: true } } })
})

t.test('an instrument without entries has no state to name', async (t) => {
  const { data, manager } = await withTimes(t, [])
  t.match(await ordersAt(manager, 5n), {
    orders: 0,
    times: { beyondLastEntry: true, lastTimestamp: 0n },
  })
  await manager.close()
  const ran = await pinnacle(['book', 'X', '-d', data, '--at', 'ns:5'])
  t.match(ran.stderr, /^warning: X has no entry yet/)
})

t.test('a time without an instrument is refused', async (t) => {
  const { manager } = await withTimes(t, [100])
  await t.rejects(manager.booksAt({ timestamp: 5n } as never), {
    code: 'ERR_PINNACLE_INVALID_ARGUMENT',
  })
})
