/**
 * Measures the time from the receipt of a frame to its entries in the journal, through TLS. It reads the
 * clock when the WebSocket delivers the frame, and again when the recorder delivers the update. The exchange
 * is a thread of this process.
 *
 * node .test-dist/bench/feed-latency.js [frames a second] [seconds]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { build } from 'hdr-histogram-js'
import { FeedRecording } from '../lib/market-data/record/feed-recording.js'
import { MarketExchange, product } from '../test/market-data/record/market-exchange.js'

interface Served {
  url: string
  ca: string
}

const warmUpFrames = 2000

async function serve(everyMs: number, perTick: number): Promise<void> {
  const exchange = await MarketExchange.start(1, everyMs, perTick)
  parentPort?.postMessage({ url: exchange.url, ca: exchange.ca } satisfies Served)
}

async function measure(framesPerSecond: number, seconds: number): Promise<void> {
  const everyMs = 4
  const perTick = Math.max(1, Math.round((framesPerSecond * everyMs) / 1000))
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { everyMs, perTick } })
  const served = await new Promise<Served>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  const directory = mkdtempSync(path.join(os.tmpdir(), 'pinnacle-feed-latency-'))
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 10_000_000_000 })
  let frames = 0
  const recording = await FeedRecording.open({
    persistence: { dataDirectory: directory },
    exchange: 'coinbase',
    url: served.url,
    products: [product],
    channels: ['level2', 'market_trades'],
    scales: { [product]: { priceScale: 2, quantityScale: 8 } },
    client: { ca: served.ca },
    onUpdate({ update, receivedMonotonicNs }) {
      if (update.type !== 'levels' && update.type !== 'trade') return
      if (++frames <= warmUpFrames) return
      histogram.recordValue(Number(process.hrtime.bigint() - receivedMonotonicNs))
    },
  })
  recording.start()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  await recording.close()
  await worker.terminate()
  rmSync(directory, { recursive: true, force: true })
  const micros = (percentile: number): string =>
    (histogram.getValueAtPercentile(percentile) / 1000).toFixed(1)
  console.log(
    `received to journaled, ${String(histogram.totalCount)} frames at ${String(framesPerSecond)} frames/s: ` +
      `p50 ${micros(50)} µs, p99 ${micros(99)} µs, p99.9 ${micros(99.9)} µs, ` +
      `max ${(histogram.maxValue / 1000).toFixed(0)} µs`,
  )
}

if (isMainThread) {
  await measure(Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 10))
} else {
  const { everyMs, perTick } = workerData as { everyMs: number; perTick: number }
  await serve(everyMs, perTick)
}
