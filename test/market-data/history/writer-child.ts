// Archives ticks until it is killed; prints each archived sequence once flush has promised it.
import { HistoryArchive } from '../../../lib/market-data/history/history-archive.js'
import { product, tickOf } from './ticks.js'

const directory = process.argv[2] ?? ''
const archive = await HistoryArchive.open({ directory })
let sequence = archive.archivedSequence
for (;;) {
  const ticks = Array.from({ length: 50 }, () => tickOf(++sequence))
  archive.append(product, ticks)
  archive.gap(product, { sequence, fromNs: 1n, toNs: 2n, reason: 'sequence' })
  process.stdout.write(`${String(await archive.flush())}\n`)
  if (sequence % 200 === 0) await archive.maintain()
}
