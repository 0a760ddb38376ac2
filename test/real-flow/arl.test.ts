// NASDAQ ARL, a whole day order by order. Truth: its ten levels at every one of 3,360 states.
import { join } from 'node:path'
import t from 'tap'
import { Side } from '../../lib/book/side.js'
import { parseDecimal } from '../../lib/decimal/decimal.js'
import { openFlowFile } from '../../lib/order-flow/file-source.js'
import { ReferenceBook } from '../../lib/order-flow/reference-book.js'
import { compareBooks } from '../../lib/order-flow/compare-books.js'
import { PersistenceManager } from '../../lib/persistence/persistence-manager.js'
import { killAndResume } from '../order-flow/killing.js'
import { operationsOf } from '../order-flow/operations.js'
import { apply, depthText, differenceOf, sourceEntries } from './applying.js'
import { linesOf, orderFlow, skipWithout } from './data.js'

const skip = skipWithout('arl/mbo.csv', 'arl/mbp.csv')
const file = join(orderFlow, 'arl', 'mbo.csv')
const levels = 10
const events = 5_886

/** Bids and asks, in the form of depthText. */
type State = readonly [string, string]

/** The ten levels by (ts_event, sequence); of several with the same key the last counts. */
function truth(): Map<string, State> {
  const [head = '', ...rows] = linesOf('arl/mbp.csv')
  const names = head.split(',')
  const column = (name: string): number => names.indexOf(name)
  const states = new Map<string, State>()
  for (const row of rows) {
    const fields = row.split(',')
    const side = (name: 'bid' | 'ask'): string => {
      const texts: string[] = []
      for (let level = 0; level < levels; level++) {
        const at = String(level).padStart(2, '0')
        const orders = fields[column(`${name}_ct_${at}`)] ?? ''
        if (orders === '0') continue
        const price = parseDecimal(fields[column(`${name}_px_${at}`)] ?? '', 4)
        texts.push(`${String(price)} ${fields[column(`${name}_sz_${at}`)] ?? ''} ${orders}`)
      }
      return texts.join('|')
    }
    const key = `${fields[column('ts_event')] ?? ''} ${fields[column('sequence')] ?? ''}`
    states.set(key, [side('bid'), side('ask')])
  }
  return states
}

/** (ts_event, sequence) of every event, in order. */
function eventKeys(): string[] {
  const [head = '', ...rows] = linesOf('arl/mbo.csv')
  const names = head.split(',')
  const [time, sequence] = [names.indexOf('ts_event'), names.indexOf('sequence')]
  return rows.map((row) => {
    const fields = row.split(',')
    return `${fields[time] ?? ''} ${fields[sequence] ?? ''}`
  })
}

/** Indices of the events after which the book must equal a state of the truth. */
function stateEnds(
  keys: readonly string[],
  states: ReadonlyMap<string, State>,
): Map<number, State> {
  const ends = new Map<string, number>()
  for (const [index, key] of keys.entries()) if (states.has(key)) ends.set(key, index)
  return new Map([...ends].map(([key, index]) => [index, states.get(key) ?? ['', '']]))
}

t.test(
  'all 3,360 states of ten levels are equal in price, size and order count',
  { skip },
  async (t) => {
    const ends = stateEnds(eventKeys(), truth())
    t.equal(ends.size, 3_360)
    const operations = await operationsOf(await openFlowFile(file))
    t.equal(operations.length, events)
    await using manager = await PersistenceManager.open({
      dataDirectory: t.testdir(),
      snapshotIntervalMin: 0,
      durability: 'appended',
      instruments: [{ name: 'ARL', priceScale: 4, quantityScale: 0 }],
    })
    const book = manager.book('ARL')
    const reference = new ReferenceBook()
    const wrong: string[] = []
    let equal = 0
    for (const [index, operation] of operations.entries()) {
      apply(book, operation)
      reference.apply(operation)
      const state = ends.get(index)
      if (state === undefined) continue
      const found = [depthText(book, Side.Buy, levels), depthText(book, Side.Sell, levels)]
      const inReference = [
        depthText(reference, Side.Buy, levels),
        depthText(reference, Side.Sell, levels),
      ]
      if (found.join() === state.join() && inReference.join() === state.join()) equal++
      else wrong.push(`after event ${String(index)}`)
    }
    t.same(wrong, [])
    t.equal(equal, 3_360)
    t.equal(book.info().orders, 6)
    t.match(compareBooks(book, reference), { equal: true, orders: 6 })
  },
)

t.test(
  'killed at ten random points and resumed, every state is still equal',
  { skip },
  async (t) => {
    const dataDirectory = t.testdir()
    const killed = await killAndResume(
      {
        source: { kind: 'file', file, options: {} },
        config: {
          dataDirectory,
          segmentSize: '256KiB',
          snapshotIntervalMin: 0,
          compactionThreshold: '1GiB',
        },
        portion: 16,
        batchSize: 7,
        markEvery: 500,
        snapshotEvery: 400,
      },
      events,
      10,
    )
    t.equal(killed.kills, 10, `killed at ${killed.points.join(', ')}`)
    const operations = await operationsOf(await openFlowFile(file))
    const entries = await sourceEntries(dataDirectory)
    t.equal(entries.length, operations.length, 'one entry for each event')
    const different = operations.flatMap((operation, index) => {
      const difference = differenceOf(entries[index], operation)
      return difference === '' ? [] : [`event ${String(index)}: ${difference}`]
    })
    t.same(different, [])

    await using manager = await PersistenceManager.open({ dataDirectory, snapshotIntervalMin: 0 })
    const wrong: string[] = []
    for (const [index, state] of stateEnds(eventKeys(), truth())) {
      const book = await manager.bookAt('ARL', { sequence: entries[index]?.sequence ?? 0 })
      const found = [depthText(book, Side.Buy, levels), depthText(book, Side.Sell, levels)]
      book.close()
      if (found.join() !== state.join()) wrong.push(`after event ${String(index)}`)
    }
    t.same(wrong, [], 'every state, rebuilt from snapshots and journal')
    const reference = new ReferenceBook()
    for (const operation of operations) reference.apply(operation)
    t.match(compareBooks(manager.book('ARL'), reference), { equal: true, orders: 6 })
  },
)
