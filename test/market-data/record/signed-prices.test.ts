/** Negative prices of an exchange: recorded if the product has signed prices, quarantined otherwise. */
import t, { type Test } from 'tap'
import { Side } from '../../../lib/book/side.js'
import { KrakenAdapter } from '../../../lib/market-data/adapters/kraken.js'
import { compareDecimals } from '../../../lib/market-data/adapters/decimal-order.js'
import type { FeedUpdate } from '../../../lib/market-data/feed-update.js'
import { HistoryArchive } from '../../../lib/market-data/history/history-archive.js'
import { PriceHistory } from '../../../lib/market-data/history/price-history.js'
import type { Tick } from '../../../lib/market-data/history/tick.js'
import { encodeFeedEntry } from '../../../lib/market-data/record/entry-codec.js'
import { FeedRecorder } from '../../../lib/market-data/record/feed-recorder.js'
import {
  RecordingStore,
  type ProductScales,
} from '../../../lib/market-data/record/recording-store.js'
import { all, startNs } from '../history/ticks.js'
import { feedEntriesOf } from './journal-view.js'

const source = {
  exchange: 'x',
  url: 'wss://exchange.example',
  products: ['CL-SPREAD'],
  channels: ['book'],
  authentication: null,
}
const of = { product: 'CL-SPREAD', exchangeTimeNs: startNs } as const
const ticker: FeedUpdate = {
  type: 'ticker',
  ...of,
  price: '-37.63',
  bidPrice: '-0.01',
  bidSize: '1',
}
const trade: FeedUpdate = {
  type: 'trade',
  ...of,
  tradeId: '1',
  side: Side.Buy,
  price: '-0.50',
  size: '2',
}
const levels: FeedUpdate = {
  type: 'book-snapshot',
  ...of,
  levels: [
    { side: Side.Buy, price: '-0.02', size: '4' },
    { side: Side.Sell, price: '0.03', size: '5' },
  ],
}

/** The entries of the updates in a separate directory. */
async function recorded(
  t: Test,
  scales: ProductScales,
  updates: FeedUpdate[],
): Promise<{ directory: string; recorder: FeedRecorder; bestBid: number | undefined }> {
  const directory = t.testdir()
  const store = await RecordingStore.open({
    persistence: { dataDirectory: directory, segmentSize: '256KiB' },
    history: { flushIntervalMs: 0 },
  })
  const { persistence, state, history, maxRawBytes } = store
  const recorder = new FeedRecorder(
    {
      persistence,
      state,
      source: () => source,
      sequenceRestarts: true,
      maxRawBytes,
      ...(history ? { history } : {}),
    },
    1n,
  )
  store.define('CL-SPREAD', 'levels', scales)
  recorder.addProduct('CL-SPREAD')
  const frame = {
    text: '{}',
    bytes: Buffer.from('{}'),
    receivedNs: startNs + 5n,
    receivedMonotonicNs: 5n,
    connection: 1,
  }
  await recorder.take({ frame, parsed: { kind: 'updates', channel: 'c', sequences: [], updates } })
  const bestBid = persistence.book('CL-SPREAD').bestBid()?.price
  await store.close()
  return { directory, recorder, bestBid }
}

t.test('a product with signed prices is recorded with them, into the history too', async (t) => {
  const scales = { priceScale: 2, quantityScale: 0, signedPrices: true }
  const { directory, recorder, bestBid } = await recorded(t, scales, [ticker, trade, levels])
  t.match(recorder.stats(), { quarantined: 0, updates: 3 })
  t.equal(bestBid, -2)
  const [seen] = await feedEntriesOf(directory, 'ticker')
  t.match(seen?.feed, { price: -3763, bidPrice: -1, bidQuantity: 1, askPrice: null })
  const history = new PriceHistory({ directory })
  const ticks = await all(history.ticks({ product: 'CL-SPREAD' }))
  t.match(ticks, [{ price: -50, quantity: 2 }])
})

t.test('without signed prices each such update is quarantined, and a gap says so', async (t) => {
  const scales = { priceScale: 2, quantityScale: 0 }
  const { directory, recorder, bestBid } = await recorded(t, scales, [ticker, trade, levels])
  t.match(recorder.stats(), { quarantined: 3, updates: 1 })
  t.equal(bestBid, undefined)
  const [first] = await feedEntriesOf(directory, 'quarantined')
  t.match(first?.feed.reason, /CL-SPREAD has a price of -37\.63 and was recorded without signed/)
})

t.test('a directory with the other definition is refused', async (t) => {
  const store = await RecordingStore.open({
    persistence: { dataDirectory: t.testdir(), segmentSize: '256KiB' },
  })
  store.define('A', 'levels', { priceScale: 2, quantityScale: 0 })
  t.throws(
    () => {
      store.define('A', 'levels', { priceScale: 2, quantityScale: 0, signedPrices: true })
    },
    { code: 'ERR_PINNACLE_FEED_INSTRUMENT', message: /without signed prices/ },
  )
  await store.close()
})

t.test('a best price of -1 is not the same as none', (t) => {
  const bytes = (bidPrice: number | null): string =>
    encodeFeedEntry({
      type: 'ticker',
      price: -1,
      bidPrice,
      bidQuantity: 1,
      askPrice: null,
      askQuantity: null,
      volume: null,
    }).toString('hex')
  t.equal(bytes(-1).slice(0, 32), 'ffffffffffffffff0000000000000080')
  t.equal(bytes(null).slice(16, 32), 'ffffffffffffffff')
  t.equal(bytes(-2).slice(16, 32), 'feffffffffffffff')
  t.end()
})

t.test('adapters keep the sign of a price, digit for digit', (t) => {
  const parsed = new KrakenAdapter().parse(
    '{"channel":"ticker","type":"update","data":[{"symbol":"CL/USD","bid":-37.630,"bid_qty":1,"ask":-0.10,' +
      '"ask_qty":2,"last":-37.6,"volume":3,"timestamp":"2026-03-04T05:06:07Z"}]}',
  )
  t.match(parsed, { updates: [{ price: '-37.6', bidPrice: '-37.630', askPrice: '-0.10' }] })
  t.end()
})

t.test('decimal texts are in the order of their values across zero', (t) => {
  const ordered = ['-10.05', '-9.5', '-9.05', '-0.1', '0', '0.1', '9.5', '10']
  for (const [left, one] of ordered.entries()) {
    for (const [right, other] of ordered.entries()) {
      t.equal(Math.sign(compareDecimals(one, other)), Math.sign(left - right), `${one} ${other}`)
    }
  }
  t.ok(compareDecimals('-0.00', '0') === 0)
  t.ok(compareDecimals('-1.50', '-1.5') === 0)
  t.end()
})

t.test(
  'ticks of negative prices are archived of a product that has them, and no other',
  async (t) => {
    const directory = t.testdir()
    const archive = await HistoryArchive.open({ directory })
    const tick = (price: number): Tick => ({
      sequence: 1,
      timeNs: startNs,
      receivedNs: startNs,
      tradeId: '1',
      side: Side.Buy,
      price,
      quantity: 1,
    })
    const scales = { priceScale: 2, quantityScale: 0 }
    t.throws(
      () => {
        archive.append({ name: 'A', ...scales }, [tick(-1)])
      },
      { code: 'ERR_PINNACLE_INVALID_PRICE' },
    )
    archive.append({ name: 'B', ...scales, signedPrices: true }, [tick(-Number.MAX_SAFE_INTEGER)])
    await archive.close()
    const history = new PriceHistory({ directory })
    t.same(await all(history.ticks({ product: 'B' })), [tick(-Number.MAX_SAFE_INTEGER)])
  },
)
