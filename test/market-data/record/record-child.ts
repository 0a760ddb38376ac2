// Records until it is killed, or closes at SIGTERM; resumes the directory's recording. Reports each update
// once it is journaled: its sequence and the expected entry.
import { readFileSync, writeSync } from 'node:fs'
import type { RecordedUpdate } from '../../../lib/market-data/record/feed-recorder.js'
import { FeedRecording } from '../../../lib/market-data/record/feed-recording.js'
import { parseDecimal } from '../../../lib/decimal/decimal.js'

const [dataDirectory = '', url = '', caFile = ''] = process.argv.slice(2)

function onUpdate({ update, sequence }: RecordedUpdate): void {
  if (update.type === 'trade') writeSync(1, `${String(sequence)} trade ${update.tradeId}\n`)
  if (update.type !== 'levels' && update.type !== 'book-snapshot') return
  const changes = update.type === 'levels' ? update.changes : update.levels
  const last = changes.at(-1)
  if (!last) return
  const { side, price, size } = last
  const what = [side, parseDecimal(price, 2), parseDecimal(size, 8)].join(' ')
  writeSync(1, `${String(sequence)} level ${what}\n`)
}

const store = {
  persistence: { dataDirectory, segmentSize: '256KiB', snapshotIntervalMin: 0 },
  // Often, so that kills meet flushes.
  history: { flushIntervalMs: 70 },
}
const client = {
  ca: readFileSync(caFile, 'utf8'),
  heartbeatTimeoutMs: 60_000,
  closeTimeoutMs: 2_000,
}
const onProblem = (problem: unknown): void => {
  process.stderr.write(`${String(problem)}\n`)
}
let recording: FeedRecording
try {
  recording = await FeedRecording.resume({ ...store, client, onUpdate, onProblem })
} catch (error) {
  if ((error as { code?: string }).code !== 'ERR_PINNACLE_FEED_NOTHING_TO_RESUME') throw error
  recording = await FeedRecording.open({
    ...store,
    exchange: 'coinbase',
    url,
    products: ['BTC-USD'],
    channels: ['level2', 'market_trades'],
    scales: { 'BTC-USD': { priceScale: 2, quantityScale: 8 } },
    client,
    onUpdate,
    onProblem,
  })
}
process.on('SIGTERM', () => {
  void recording.close().then(() => {
    process.exit(0)
  })
})
// Often, so that kills meet snapshots. A snapshot is refused if the history lags too far; the next one is
// not.
setInterval(() => {
  recording.store.persistence.snapshot().catch(() => undefined)
}, 90).unref()
recording.start()
