/**
 * A snapshot by the last build with format version 1: three instruments, one of them with a status and a last
 * trade price, one with neither, one with both at 0.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'

import { BookSet } from '../../lib/book/book-set.js'
import { native } from '../../lib/native/load.js'
import { readSnapshot } from '../../lib/pure-reader/snapshot.js'
import { fixture } from '../fixtures.js'

const file = fixture('version-1-snapshot/00000000000000000011.snapshot')

t.test('a version 1 snapshot is read with all its facts', async (t) => {
  const { info, books, state } = await native().loadSnapshot(file)
  t.match(info, { sequence: 11, orders: 4, instruments: 3, stateBytes: 3 })
  t.same([...(state ?? [])], [1, 2, 3])
  const set = new BookSet(books)
  const facts = (name: string): object => {
    const { digest, status, lastSequence, lastTimestampNs, tradeCount, lastTradePrice } = set
      .book(name)
      .info()
    return { digest, status, lastSequence, lastTimestampNs, tradeCount, lastTradePrice }
  }
  t.strictSame(facts('TRADED'), {
    digest: 10057629122432059912n,
    status: 3,
    lastSequence: 8,
    lastTimestampNs: 1004n,
    tradeCount: 1,
    lastTradePrice: 1000,
  })
  t.strictSame(facts('QUIET'), {
    digest: 9577826940616082098n,
    status: null,
    lastSequence: 9,
    lastTimestampNs: 1005n,
    tradeCount: 0,
    lastTradePrice: null,
  })
  t.strictSame(facts('ZERO'), {
    digest: 6593749527359544210n,
    status: 0,
    lastSequence: 11,
    lastTimestampNs: 1007n,
    tradeCount: 1,
    lastTradePrice: 0,
  })
  t.strictSame(
    set
      .book('TRADED')
      .levelOrders(0, 1000)
      .map(({ id, quantity }) => [id, quantity]),
    [
      [1n, 6],
      [2n, 20],
    ],
  )
  set.close()
})

t.test('the second reader reads the same from a version 1 snapshot', (t) => {
  const read = readSnapshot(readFileSync(file))
  t.equal(read.version, 1)
  t.equal(read.sequence, 11n)
  t.same([...read.userState], [1, 2, 3])
  t.strictSame(read.facts, [
    {
      status: 3n,
      lastSequence: 8n,
      lastTimeNs: 1004n,
      trades: 1n,
      tradedQuantity: 4n,
      lastTradePrice: 1000n,
    },
    {
      status: undefined,
      lastSequence: 9n,
      lastTimeNs: 1005n,
      trades: 0n,
      tradedQuantity: 0n,
      lastTradePrice: undefined,
    },
    {
      status: 0n,
      lastSequence: 11n,
      lastTimeNs: 1007n,
      trades: 1n,
      tradedQuantity: 2n,
      lastTradePrice: 0n,
    },
  ])
  t.same(read.books.books[0]?.levels(true), [
    { price: 1010n, orders: [{ id: (1n << 70n) | 5n, quantity: 7n }] },
  ])
  t.end()
})
