/**
 * Writes without a pause until it is killed: short bursts of orders, transactions and payloads, and a
 * snapshot with compaction about ten times a second, so that segments are constantly made, recycled and
 * removed.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { PersistenceManager, Side } from '../../lib/index.js'

const [, , dataDirectory = ''] = process.argv
const manager = await PersistenceManager.open({
  dataDirectory,
  segmentSize: '64KiB',
  snapshotIntervalMin: 0,
  keepSnapshots: 2,
  compactionThreshold: 0,
  spareSegments: 2,
  instruments: [{ name: 'BTC-USD', priceScale: 2, quantityScale: 8 }],
})
const book = manager.book('BTC-USD')
const live = 500
process.send?.('ready')
let id = 1

function trade(orders: number): void {
  for (let i = 0; i < orders; i++, id++) {
    book.add(id, id % 2 === 0 ? Side.Buy : Side.Sell, 1000 + (id % 7), 1)
    if (id > live) book.cancel(id - live)
  }
}

for (let round = 1; ; round++) {
  trade(200)
  for (let i = 0; i < 4; i++) manager.transaction(() => trade(25))
  manager.append(3, Buffer.alloc(round % 3000, 0x61))
  if (round % 20 === 0) await manager.snapshot()
  else await sleep(4)
}
