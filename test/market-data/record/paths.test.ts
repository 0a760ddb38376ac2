import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { PriceHistory } from '../../../lib/market-data/history/price-history.js'
import { FeedRecording } from '../../../lib/market-data/record/feed-recording.js'
import { RecordingStore } from '../../../lib/market-data/record/recording-store.js'
import { replayFile, surveyRecording } from '../../../lib/market-data/record/replay-file.js'
import { startExactExchange } from './exact-exchange.js'
import { bookMap, comparable, entriesOf, sorted } from './journal-view.js'
import {
  channels,
  naiveBooks,
  naiveTrades,
  products,
  recordingOf,
  scales,
  sessionFrames,
} from './session.js'

const persistenceOf = (dataDirectory: string) => ({ dataDirectory, segmentSize: '1MiB' })

interface Ended {
  books: Map<string, string[]>
  updates: number
}

async function throughTls(
  directory: string,
  frames: readonly string[],
  wantedChannels: readonly string[],
): Promise<Ended> {
  const exchange = await startExactExchange(frames)
  let frontier = 0
  let updates = 0
  const recording = await FeedRecording.open({
    persistence: persistenceOf(directory),
    exchange: 'coinbase',
    url: exchange.url,
    products,
    channels: wantedChannels,
    scales,
    client: { ca: exchange.ca, pins: [exchange.pin], heartbeatTimeoutMs: 60_000 },
    onUpdate({ sequence }) {
      const { appendedFrontier } = recording.store.persistence
      if (sequence <= frontier || sequence > appendedFrontier) throw new Error('not journaled')
      frontier = Math.max(frontier, sequence - 1)
      ++updates
    },
  })
  recording.start()
  while (recording.stats().recorder.frames < frames.length) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const books = booksOf(recording.store)
  await recording.close()
  await exchange.close()
  return { books, updates }
}

async function fromFile(
  directory: string,
  file: string,
  wantedChannels: readonly string[],
): Promise<Ended> {
  const store = await RecordingStore.open({ persistence: persistenceOf(directory) })
  let updates = 0
  await replayFile({
    store,
    file,
    exchange: 'coinbase',
    products,
    channels: wantedChannels,
    bookKind: 'levels',
    scales,
    onUpdate() {
      ++updates
    },
  })
  const books = booksOf(store)
  await store.close()
  return { books, updates }
}

function booksOf(store: RecordingStore): Map<string, string[]> {
  return new Map(
    products.map((product) => [product, sorted(bookMap(store.persistence.book(product)))]),
  )
}

async function compare(
  t: Test,
  frames: readonly string[],
  file: string,
  wantedChannels: readonly string[],
): Promise<void> {
  const directories = { live: join(t.testdirName, 'live'), file: join(t.testdirName, 'file') }
  const live = await throughTls(directories.live, frames, wantedChannels)
  const replayed = await fromFile(directories.file, file, wantedChannels)
  const entries = {
    live: comparable(await entriesOf(directories.live)),
    file: comparable(await entriesOf(directories.file)),
  }
  t.ok(entries.live.length > frames.length, `${String(entries.live.length)} entries`)
  const different = entries.live.findIndex((entry, index) => entry !== entries.file[index])
  t.equal(entries.live[different], entries.file[different], 'no entry differs')
  t.equal(entries.live.length, entries.file.length)
  t.equal(live.updates, replayed.updates)

  const truth = naiveBooks(frames)
  for (const product of products) {
    const expected = sorted(truth.get(product))
    t.ok(expected.length > 20)
    t.same(live.books.get(product), expected, `${product} is the recorded truth, through TLS`)
    t.same(replayed.books.get(product), expected, `${product} is the recorded truth, from the file`)
    for (const directory of Object.values(directories)) {
      const ids: string[] = []
      for await (const tick of new PriceHistory({ directory }).ticks({ product })) {
        ids.push(tick.tradeId)
      }
      t.same(ids, naiveTrades(frames, product), `${product}: every trade once in the history`)
    }
  }
}

t.test('a session through TLS equals the same session from its file', async (t) => {
  const frames = sessionFrames(600)
  const file = join(t.testdir({}), 'session.jsonl')
  writeFileSync(file, recordingOf(frames))
  const survey = await surveyRecording(file, 'coinbase')
  t.match(survey, {
    frames: 600,
    products: ['BTC-USD', 'ETH-USD'],
    bookKind: 'levels',
    url: 'wss://exchange.example',
  })
  t.same(survey.channels.sort(), ['heartbeats', 'level2', 'market_trades', 'ticker'])
  await compare(t, frames, file, channels)
})

const recorded = join(
  process.env['PINNACLE_TEST_DATA'] ?? join(process.cwd(), '..', 'shared', 'data'),
  'coinbase/advanced-trade-2026/COINBASE.jsonl',
)

t.test(
  'so does a session of the exchange',
  { skip: existsSync(recorded) ? false : `there is no ${recorded}` },
  async (t) => {
    t.testdir({})
    const lines = readFileSync(recorded, 'utf8').trimEnd().split('\n')
    const frames = lines
      .map((line) => JSON.parse(line) as { t: string; data: string })
      .filter((line) => line.t === 'recv')
      .map((line) => line.data)
    t.equal(frames.length, 1030)
    await compare(t, frames, recorded, [...channels, 'candles'])
  },
)
