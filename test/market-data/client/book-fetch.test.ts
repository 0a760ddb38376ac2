// Books that come over HTTPS beside their stream: correct in the end whatever happens meanwhile, and
// journaled.
import { join } from 'node:path'
import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { Side } from '../../../lib/book/side.js'
import { uuidFromOrderId } from '../../../lib/book/order-id.js'
import type { AuditEvent } from '../../../lib/audit/event.js'
import { BinanceAdapter } from '../../../lib/market-data/adapters/binance.js'
import { FeedCode } from '../../../lib/market-data/client/errors.js'
import { FeedClient } from '../../../lib/market-data/client/feed-client.js'
import {
  FeedRecording,
  type RecordingClientOptions,
} from '../../../lib/market-data/record/feed-recording.js'
import type { RecordedUpdate } from '../../../lib/market-data/record/feed-recorder.js'
import { RecordingStore } from '../../../lib/market-data/record/recording-store.js'
import { BookExchange, type BookExchangeOptions } from '../book-exchange.js'
import { levelLine, LevelsMarket, OrdersMarket, scales } from '../book-markets.js'
import { Authority } from '../certificates.js'
import { entriesOf, feedEntriesOf } from '../record/journal-view.js'
import { until } from './feed-rig.js'

interface Rig {
  readonly directory: string
  readonly exchange: BookExchange
  readonly recording: FeedRecording
  readonly updates: RecordedUpdate[]
  readonly problems: string[]
  /** The journaled book. */
  book(): string[]
  /** Waits until the book equals the market's, which does not change from now on. */
  settle(t: Test): Promise<void>
}

interface RigOptions extends Partial<BookExchangeOptions> {
  readonly client?: RecordingClientOptions
  readonly withoutBookUrl?: true
}

/** In the form of the markets' `truth`. */
function bookLines({ persistence }: RecordingStore, product: string): string[] {
  const book = persistence.book(product)
  const lines: string[] = []
  for (const [side, name] of [
    [Side.Buy, 'buy'],
    [Side.Sell, 'sell'],
  ] as const) {
    for (const { price, quantity } of book.depth(side, 1000)) {
      if (book.instrument.kind === 'levels') {
        lines.push(levelLine(name, price, quantity))
        continue
      }
      for (const order of book.levelOrders(side, price)) {
        lines.push(`${uuidFromOrderId(order.id)} ${levelLine(name, price, order.quantity)}`)
      }
    }
  }
  return lines.sort()
}

async function startRig(t: Test, options: RigOptions = {}): Promise<Rig> {
  const { market = new LevelsMarket(), client = {}, withoutBookUrl, ...others } = options
  const exchange = await BookExchange.start({ market, ...others })
  const closing: (() => Promise<unknown>)[] = []
  // Before testdir() is called: teardown runs in the order of registration.
  t.teardown(async () => {
    for (const close of closing) await close()
  })
  const directory = join(t.testdir(), 'data')
  const updates: RecordedUpdate[] = []
  const problems: string[] = []
  const isFull = market instanceof OrdersMarket
  const { product } = market
  const recording = await FeedRecording.open({
    persistence: { dataDirectory: directory, segmentSize: '1MiB' },
    history: false,
    exchange: isFull ? 'coinbase-exchange' : 'binance',
    url: exchange.url,
    products: [product],
    channels: isFull ? ['full'] : ['depth', 'trade'],
    scales: { [product]: scales },
    ...(isFull ? { signer: () => Promise.resolve({ signature: 'for a test' }) } : {}),
    client: {
      ca: exchange.ca,
      pins: [exchange.pin],
      ...(withoutBookUrl ? {} : { bookUrl: exchange.bookUrl }),
      bookPins: [exchange.pin],
      backoff: { baseMs: 5, capMs: 40 },
      stableAfterMs: 50,
      closeTimeoutMs: 1000,
      ...client,
    },
    onUpdate(recorded) {
      if (recorded.sequence > recording.store.persistence.appendedFrontier) {
        throw new Error('delivered before it was journaled')
      }
      updates.push(recorded)
    },
    onProblem: (problem) => problems.push((problem as { code: string }).code),
  })
  closing.push(
    () => recording.close(),
    () => exchange.close(),
  )
  recording.start()
  const book = (): string[] => bookLines(recording.store, product)
  return {
    ...{ directory, exchange, recording, updates, problems, book },
    async settle(t) {
      exchange.stop()
      const truth = market.truth()
      t.ok(truth.length > 20, `${String(truth.length)} lines`)
      await until('the book', () => {
        const { state } = recording.stats().client
        return state !== 'subscribed' || book().join() === truth.join()
      }).catch(() => undefined)
      t.same(book(), truth, 'the book is the market’s')
      t.equal(recording.stats().recorder.quarantined, 0)
    },
  }
}

function snapshotsOf({ updates }: Rig): number {
  return updates.filter(({ update }) => /^(book|order)-snapshot$/.test(update.type)).length
}

async function more(rig: Rig, count = 60): Promise<void> {
  const seen = rig.recording.stats().client.frames
  await until('more data', () => rig.recording.stats().client.frames > seen + count)
}

for (const kind of ['levels', 'orders'] as const) {
  for (const bookOf of ['request', 'answer'] as const) {
    t.test(`${kind}: right after a start, a gap and a loss; book of the ${bookOf}`, async (t) => {
      const market = kind === 'levels' ? new LevelsMarket() : new OrdersMarket()
      const rig = await startRig(t, { market, bookOf, bookDelayMs: 30 })
      const { exchange, recording, updates } = rig
      await until('a book', () => snapshotsOf(rig) === 1)
      await more(rig)
      exchange.skip = 10
      await until('the book after the gap', () => snapshotsOf(rig) === 2)
      await more(rig)
      t.equal(exchange.connections, 1, 'a gap costs no connection')
      exchange.cut()
      await until('the book after the loss', () => snapshotsOf(rig) >= 3)
      await more(rig)
      await rig.settle(t)
      t.same(rig.problems, [])
      t.equal(exchange.asked.length, snapshotsOf(rig))
      t.equal(exchange.asked[0], market.bookPath)
      t.equal(exchange.agents[0], 'pinnacle-persistence', 'some exchanges want a name')

      const trades = updates.flatMap(({ update }) =>
        update.type === 'trade' ? [update.tradeId] : [],
      )
      t.equal(new Set(trades).size, trades.length, 'each trade once')
      const { gaps } = recording.stats().client
      const sent = market.trades.slice(market.trades.indexOf(trades[0] ?? ''))
      t.ok(trades.length > sent.length / 2 && gaps >= 2)

      const truth = market.truth()
      await recording.close()
      const store = await RecordingStore.open({
        persistence: { dataDirectory: rig.directory, segmentSize: '1MiB' },
      })
      t.same(bookLines(store, market.product), truth, 'recovered as it was')
      await store.close()
      await checkJournal(t, rig.directory, market.product)
    })
  }
}

/**
 * After each snapshot the numbers continue without a hole until the next gap, and none that it contains
 * comes.
 */
async function checkJournal(t: Test, directory: string, product: string): Promise<void> {
  const snapshots = await feedEntriesOf(directory, 'book-snapshot')
  t.ok(snapshots.length >= 3)
  let number: number | null = null
  let isBookFrame = false
  let frameNumber: number | null = null
  let gaps = 0
  for (const entry of await entriesOf(directory)) {
    if (entry.type === 'feed' && entry.feed.type === 'frame') {
      const own = entry.feed.sequences.find(({ scope }) => scope === product)
      frameNumber = own?.last ?? null
      isBookFrame = false
    } else if (entry.type === 'feed' && entry.feed.type === 'book-snapshot') {
      number = entry.feed.sequence
      isBookFrame = true
      if (number !== frameNumber) t.fail('the frame has another number')
    } else if (entry.type === 'feed' && entry.feed.type === 'gap') {
      ++gaps
      number = null
    } else if (
      !isBookFrame &&
      ['level', 'add', 'cancel', 'reduce', 'execute'].includes(entry.type)
    ) {
      if (number === null || frameNumber === null || frameNumber < number) {
        t.fail(`update ${String(frameNumber)} after ${String(number)}`)
        return
      }
      number = frameNumber
    }
  }
  t.ok(gaps >= 2, 'each gap is journaled')
}

t.test('trades do not wait for a book, and are journaled while there is none', async (t) => {
  const rig = await startRig(t, {
    market: new OrdersMarket(),
    bookOf: 'answer',
    instead: (response, count) => fail(response, count === 1, 503),
    client: { backoff: { baseMs: 400, capMs: 400 }, random: () => 0.99 },
  })
  const { updates, problems } = rig
  await until('trades', () => updates.filter(({ update }) => update.type === 'trade').length > 5)
  t.equal(snapshotsOf(rig), 0)
  t.same(rig.book(), [], 'no part of a book before the whole one')
  await until('the book', () => snapshotsOf(rig) === 1)
  await rig.settle(t)
  t.same(problems, [FeedCode.BookFetch])
})

/** Answers with a status if `isFaulty`. */
function fail(response: ServerResponse, isFaulty: boolean, status: number, headers = {}): boolean {
  if (isFaulty) response.writeHead(status, headers).end('{}')
  return isFaulty
}

t.test('a failed request is reported with a code and retried', async (t) => {
  const elsewhere = await BookExchange.start({ market: new LevelsMarket() })
  t.teardown(() => elsewhere.close())
  const faults: ((response: ServerResponse) => void)[] = [
    (response) => response.writeHead(500).end(),
    (response) => response.writeHead(429, { 'retry-after': '0' }).end(),
    (response) => response.destroy(),
    (response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('{"lastUpdateId":')
      setTimeout(() => response.destroy(), 5)
    },
    (response) => response.writeHead(302, { location: `${elsewhere.bookUrl}/book` }).end(),
    () => undefined, // never answered
    (response) => response.writeHead(200, { 'content-length': 1e9 }).write('{'),
    (response) => {
      response.writeHead(200)
      for (let count = 0; count < 10; ++count) response.write('[1],'.repeat(5000))
    },
    (response) => response.end('{"lastUpdateId":1,"bids":[["1.00"]],"asks":[]}'),
    (response) => response.end('{"lastUpdateId":5000000,"bids":['),
    (response) => response.end(Buffer.from([0x7b, 0xc3, 0x28, 0x7d])),
  ]
  const rig = await startRig(t, {
    instead: (response, count) => {
      const fault = faults[count - 1]
      fault?.(response)
      return fault !== undefined
    },
    client: { maxBookBytes: 100_000, bookTimeoutMs: 400, backoff: { baseMs: 2, capMs: 10 } },
  })
  await until('a book', () => snapshotsOf(rig) === 1)
  await more(rig)
  await rig.settle(t)
  t.same(rig.problems, [
    ...Array<string>(6).fill(FeedCode.BookFetch),
    ...Array<string>(2).fill(FeedCode.BookTooLarge),
    ...Array<string>(3).fill(FeedCode.BookMalformed),
  ])
  t.same(elsewhere.asked, [], 'a redirect is not followed')
  t.equal(rig.exchange.connections, 1, 'the stream goes on meanwhile')
})

t.test('an exchange that asks for a pause gets it', async (t) => {
  const times: number[] = []
  const rig = await startRig(t, {
    instead: (response, count) => {
      times.push(performance.now())
      return fail(response, count === 1, 429, { 'retry-after': '1' })
    },
  })
  await until('a book', () => snapshotsOf(rig) === 1)
  t.ok(times[1]! - times[0]! >= 950, String(times[1]! - times[0]!))
})

t.test('a book from before the first update is fetched again', async (t) => {
  const market = new OrdersMarket()
  const old = market.book()
  for (let count = 0; count < 5; ++count) market.next()
  const rig = await startRig(t, {
    market,
    instead: (response, count) => {
      if (count > 2) return false
      // Not before an update arrives that it must reach.
      setTimeout(() => response.end(old), 30)
      return true
    },
  })
  await until('a book', () => snapshotsOf(rig) === 1)
  await more(rig)
  await rig.settle(t)
  t.same(rig.problems, [FeedCode.BookStale, FeedCode.BookStale])
})

t.test('a book that ends before the stream begins is a gap, and fetched again', async (t) => {
  const market = new OrdersMarket()
  const old = market.book()
  const rig = await startRig(t, {
    market,
    burst: 0, // the stream is quiet at first
    instead: (response, count) => {
      if (count === 1) response.end(old)
      return count === 1
    },
  })
  await until('the old book', () => snapshotsOf(rig) === 1)
  for (let count = 0; count < 5; ++count) market.next()
  rig.exchange.happen()
  await until('the new book', () => snapshotsOf(rig) === 2)
  await rig.settle(t)
  t.same(rig.problems, [])
  const [gap] = (await feedEntriesOf(rig.directory, 'gap')).map(({ feed }) => feed)
  t.match(gap, { reason: 'sequence', scope: 'BTC-USD', firstMissed: 1151, lastMissed: 1155 })
})

t.test('if too much waits for a book, a later book takes its place', async (t) => {
  const rig = await startRig(t, {
    bookDelayMs: 40,
    bookOf: 'answer',
    client: { maxHeldFrames: 4, maxBufferedFrames: 64 },
  })
  await until('a book', () => snapshotsOf(rig) === 1)
  await more(rig)
  await rig.settle(t)
})

t.test('a certificate that does not verify is asked for nothing', async (t) => {
  const root = await Authority.root('Stranger')
  const stranger = await BookExchange.start({
    market: new LevelsMarket(),
    trust: { root, identity: await root.issue() },
  })
  t.teardown(() => stranger.close())
  const rig = await startRig(t, {
    client: { bookUrl: stranger.bookUrl, bookPins: [stranger.pin] },
  })
  await until('two tries', () => rig.problems.length >= 2)
  t.equal(rig.problems[0], FeedCode.Tls)
  t.same(stranger.asked, [])
  t.equal(rig.recording.stats().client.state, 'subscribed', 'the stream goes on')
})

t.test('a key that is not pinned is asked for nothing, and ends the client', async (t) => {
  const { pin } = await Authority.root('Another')
  const events: AuditEvent[] = []
  const audit = {
    record: (event: AuditEvent) => {
      events.push(event)
      return Promise.resolve()
    },
  }
  const rig = await startRig(t, { client: { bookPins: [pin], audit } })
  const reason = await rig.recording.finished
  t.equal(reason?.code, FeedCode.PinMismatch)
  t.same(rig.exchange.asked, [])
  t.match(events, [{ action: 'feed.pin-mismatch', outcome: 'refused' }])

  const patient = await startRig(t, { client: { bookPins: [pin], retryPinMismatch: true } })
  await until('two tries', () => patient.problems.length >= 2)
  t.equal(patient.problems[1], FeedCode.PinMismatch)
  t.same(patient.exchange.asked, [])
  t.equal(patient.recording.stats().client.state, 'subscribed', 'by policy')
})

t.test('a feed from elsewhere has no books of the exchange, and says so once', async (t) => {
  const rig = await startRig(t, { withoutBookUrl: true })
  await more(rig)
  rig.exchange.cut()
  await more(rig)
  t.same(rig.problems, [FeedCode.BookFetch])
  t.ok(
    rig.updates.some(({ update }) => update.type === 'levels'),
    'changes are handed on at once',
  )
})

t.test('a bookUrl is a host, and https alone', (t) => {
  const [products, channels, onFrame] = [['BTCUSDT'], ['depth'], () => undefined]
  for (const [bookUrl, code] of [
    ['http://localhost/', FeedCode.InsecureUrl],
    ['https://localhost/path', 'ERR_PINNACLE_INVALID_ARGUMENT'],
    ['https://me@localhost/', 'ERR_PINNACLE_INVALID_ARGUMENT'],
    ['localhost', 'ERR_PINNACLE_INVALID_ARGUMENT'],
  ] as const) {
    const adapter = new BinanceAdapter()
    t.throws(() => new FeedClient({ adapter, products, channels, onFrame, bookUrl }), { code })
  }
  t.end()
})

t.test('a product that is no longer wanted is not requested', async (t) => {
  const rig = await startRig(t, { instead: (response) => fail(response, true, 500) })
  await until('a problem', () => rig.problems.length > 0)
  await rig.recording.unsubscribe({ products: ['BTCUSDT'], channels: ['depth'] })
  const asked = rig.exchange.asked.length
  await more(rig)
  t.ok(rig.exchange.asked.length <= asked + 1)
  await rig.recording.subscribe({ products: ['BTCUSDT'], channels: ['depth'] })
  await until('another try', () => rig.exchange.asked.length > asked + 1)
})
