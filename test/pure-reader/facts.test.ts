// What docs/format.md says of sides, and of an instrument's facts in a snapshot, is what the engine does.
import path from 'node:path'
import t from 'tap'

import { PersistenceManager, Side, type Book } from '../../lib/index.js'
import { readJournal } from '../../lib/pure-reader/journal.js'

const sellFlag = 1

t.test('which entries have a side, and which move the facts of an instrument', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'data')
  const manager = await PersistenceManager.open({
    dataDirectory,
    segmentSize: '64KiB',
    snapshotIntervalMin: 0,
    instruments: [
      { name: 'ORD', priceScale: 2, quantityScale: 0 },
      { name: 'LVL', priceScale: 2, quantityScale: 0, kind: 'levels' },
    ],
  })
  const orders = manager.book('ORD')
  const levels = manager.book('LVL')
  t.match(orders.info(), { lastSequence: 0, lastTimestampNs: 0n }, 'a definition moves nothing')

  // All of them on the sell side: which entries have the flag?
  const steps: [string, Book, () => number, boolean][] = [
    ['add', orders, () => orders.add(1, Side.Sell, 100, 50, 11n), true],
    ['reduce', orders, () => orders.reduce(1, 5, 12n), false],
    ['execute', orders, () => orders.execute(1, 7, 13n), false],
    ['replace', orders, () => orders.replace(1, 2, 101, 30, 14n), false],
    ['replace, wide', orders, () => orders.replace(2, 1n << 70n, 102, 30, 15n), false],
    ['cancel', orders, () => orders.cancel(1n << 70n, 16n), false],
    ['trade', orders, () => orders.trade(Side.Sell, 99, 3, 17n), true],
    ['status', orders, () => orders.setStatus(4, 18n), false],
    ['clear', orders, () => orders.clear(19n), false],
    ['set level', levels, () => levels.setLevel(Side.Sell, 100, 8, 20n), true],
    ['set level to nothing', levels, () => levels.setLevel(Side.Sell, 100, 0, 21n), true],
    ['clear levels', levels, () => levels.clear(22n), false],
  ]
  const sides = new Map<bigint, [string, boolean]>()
  let timeNs = 11n
  for (const [what, book, step, hasSide] of steps) {
    const sequence = step()
    sides.set(BigInt(sequence), [what, hasSide])
    t.match(book.info(), { lastSequence: sequence, lastTimestampNs: timeNs++ }, what)
    if (what === 'execute') {
      t.match(orders.info(), { lastTradePrice: 100, tradeCount: 1, tradedQuantity: 7 })
    }
    if (what === 'trade') {
      t.match(orders.info(), { lastTradePrice: 99, tradeCount: 2, tradedQuantity: 10 })
    }
  }
  const before = orders.info()
  manager.append(3, Buffer.from('a note'), { instrument: 'ORD' })
  t.same(orders.info(), before, "a user's entry moves nothing, though it names the instrument")
  await manager.close()

  readJournal(dataDirectory, ({ sequence, flags }) => {
    const [what, hasSide] = sides.get(sequence) ?? ['no operation', false]
    t.equal((flags & sellFlag) !== 0, hasSide, `the side of entry ${sequence}: ${what}`)
  })
})
