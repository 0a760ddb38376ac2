import t from 'tap'
import { Side } from '../../../lib/book/side.js'
import type { FeedDelivery } from '../../../lib/market-data/client/feed-events.js'
import type { FeedUpdate, LevelChange, ParsedFrame } from '../../../lib/market-data/feed-update.js'
import {
  FeedRecorder,
  type RecorderOptions,
  type RecordedUpdate,
} from '../../../lib/market-data/record/feed-recorder.js'
import { RecordingStore } from '../../../lib/market-data/record/recording-store.js'
import { entriesOf, feedEntriesOf, type Seen } from './journal-view.js'

const source = {
  exchange: 'coinbase',
  url: 'wss://exchange.example',
  products: ['BTC-USD'],
  channels: ['level2'],
  authentication: null,
}

interface Rig {
  store: RecordingStore
  recorder: FeedRecorder
  take(parsed: ParsedFrame, text?: string): void | Promise<void>
  say(...updates: FeedUpdate[]): void | Promise<void>
}

async function rigIn(
  directory: string,
  kind: 'levels' | 'orders' = 'levels',
  more: Partial<RecorderOptions> = {},
): Promise<Rig> {
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
      ...more,
    },
    1n,
  )
  store.define('BTC-USD', kind, { priceScale: 2, quantityScale: 4 })
  recorder.addProduct('BTC-USD')
  let number = 0
  const take = (parsed: ParsedFrame, text = '{}'): void | Promise<void> => {
    const at = BigInt(++number) * 1_000_000n
    const frame = {
      text,
      bytes: Buffer.from(text),
      receivedNs: at,
      receivedMonotonicNs: at + 5n,
      connection: 1,
    }
    return recorder.take({ frame, parsed } satisfies FeedDelivery)
  }
  return {
    store,
    recorder,
    take,
    say: (...updates) => take({ kind: 'updates', channel: 'c', sequences: [], updates }),
  }
}

const trade = (tradeId: string, price = '10.25', size = '1.5'): FeedUpdate => ({
  type: 'trade',
  product: 'BTC-USD',
  exchangeTimeNs: 7n,
  tradeId,
  side: Side.Buy,
  price,
  size,
})

function feedTypes(entries: readonly Seen[]): string[] {
  return entries.map((entry) => (entry.type === 'feed' ? entry.feed.type : entry.type))
}

t.test(
  'what does not fit the scale is quarantined with its reason, the rest is kept',
  async (t) => {
    const directory = t.testdir()
    const rig = await rigIn(directory)
    await rig.say(trade('1'), trade('2', '10.255'), trade('3', '10.2500', '0.00001'), trade('4'))
    await rig.say({ ...trade('5'), product: 'DOGE-USD' } as FeedUpdate)
    await rig.say(trade('6', '99999999999999999.99'))
    t.match(rig.recorder.stats(), { quarantined: 4, updates: 2, gaps: 3 })
    await rig.store.close()
    const entries = await entriesOf(directory)
    t.same(feedTypes(entries), [
      'instrument',
      ...['frame', 'trade', 'quarantined', 'quarantined', 'trade', 'gap'],
      ...['frame', 'quarantined', 'gap'],
      ...['frame', 'quarantined', 'gap'],
    ])
    const quarantined = await feedEntriesOf(directory, 'quarantined')
    t.match(quarantined[0]?.feed.reason, /"10.255" has 3 decimal places/)
    t.match(quarantined[0]?.feed.text, /"tradeId":"2"/)
    t.match(quarantined[2]?.feed.reason, /DOGE-USD is not among the recorded products/)
    t.match(quarantined[3]?.feed.reason, /does not fit/)
    const gaps = await feedEntriesOf(directory, 'gap')
    t.same(
      gaps.map(({ feed }) => [feed.reason, feed.scope]),
      [
        ['malformed', 'BTC-USD'],
        ['malformed', 'DOGE-USD'],
        ['malformed', 'BTC-USD'],
      ],
    )
  },
)

t.test('of a book, the levels that its scales can not hold are quarantined alone', async (t) => {
  const directory = t.testdir()
  const rig = await rigIn(directory)
  const far = { side: Side.Sell, price: '99999999999999999.99', size: '1' }
  const level = (price: string): LevelChange => ({ side: Side.Buy, price, size: '2' })
  const of = { product: 'BTC-USD', exchangeTimeNs: 5n } as const
  await rig.say({ type: 'book-snapshot', ...of, levels: [level('10'), far, level('9')] })
  await rig.say({ type: 'levels', ...of, changes: [far, level('8')] })
  await rig.say({ type: 'levels', ...of, changes: Array.from({ length: 40 }, () => far) })
  t.match(rig.recorder.stats(), { quarantined: 3, updates: 2, gaps: 3 })
  t.equal(rig.store.persistence.book('BTC-USD').info().orders, 3)
  await rig.store.close()
  t.same(feedTypes(await entriesOf(directory)), [
    'instrument',
    ...['frame', 'book-snapshot', 'clear', 'setLevel', 'setLevel', 'quarantined', 'gap'],
    ...['frame', 'setLevel', 'quarantined', 'gap'],
    ...['frame', 'quarantined', 'gap'],
  ])
  const [snapshot] = await feedEntriesOf(directory, 'book-snapshot')
  t.equal(snapshot?.feed.levels, 2, 'as many as follow')
  const [first, , all] = await feedEntriesOf(directory, 'quarantined')
  t.match(first?.feed.text, /^\{"side":1,"price":"99999999999999999.99","size":"1"\}$/)
  t.match(all?.feed.text, /"changes":/)
})

t.test('unknown frames are kept as they came, malformed ones with a reason', async (t) => {
  const directory = t.testdir()
  const rig = await rigIn(directory)
  await rig.take({ kind: 'unknown', channel: 'new', sequences: [] }, '{"channel":"new","x":"€"}')
  await rig.take({ kind: 'malformed', reason: 'not JSON: oops' }, '\u0000{'.repeat(5000))
  const big = `"${'y'.repeat(100_000)}"`
  await rig.take({ kind: 'unknown', channel: 'new', sequences: [] }, big)
  t.match(rig.recorder.stats(), { unknown: 2, quarantined: 2 })
  await rig.store.close()
  const raw = await feedEntriesOf(directory, 'raw')
  t.same(
    raw.map(({ feed }) => feed),
    [{ type: 'raw', channel: 'new', text: '{"channel":"new","x":"€"}' }],
  )
  const [malformed, large] = await feedEntriesOf(directory, 'quarantined')
  t.equal(malformed?.feed.bytes, 10_000)
  t.equal(malformed?.feed.text.length, 4096)
  t.equal(malformed?.feed.reason, 'not JSON: oops')
  t.equal(large?.feed.bytes, big.length, 'larger than the journal can hold in one piece')
})

t.test('a removal of an absent level changes nothing and is journaled as it came', async (t) => {
  const directory = t.testdir()
  const rig = await rigIn(directory)
  const levels = (...changes: [0 | 1, string, string][]): FeedUpdate => ({
    type: 'levels',
    product: 'BTC-USD',
    exchangeTimeNs: 3n,
    changes: changes.map(([side, price, size]) => ({ side, price, size })),
  })
  await rig.say(levels([0, '10', '1'], [1, '11', '2'], [0, '9', '0']))
  const { digest } = rig.store.persistence.book('BTC-USD').info()
  await rig.say(levels([1, '12.5', '0']))
  t.equal(rig.store.persistence.book('BTC-USD').info().digest, digest)
  t.equal(rig.recorder.stats().quarantined, 0)
  await rig.store.close()
  t.same(feedTypes(await entriesOf(directory)), [
    'instrument',
    ...['frame', 'setLevel', 'setLevel', 'setLevel'],
    ...['frame', 'setLevel'],
  ])
})

t.test('order-level events drive the order book', async (t) => {
  const directory = t.testdir()
  const rig = await rigIn(directory, 'orders')
  const id = (digit: string): string =>
    `${digit.repeat(8)}-0000-4000-8000-000000000000`.replace(/^./, digit)
  const order = (
    event: 'open' | 'done' | 'change' | 'match',
    digit: string,
    fields: { side?: 0 | 1; price?: string; size?: string } = {},
  ): FeedUpdate => ({
    type: 'order',
    product: 'BTC-USD',
    exchangeTimeNs: 9n,
    event,
    orderId: id(digit),
    side: fields.side ?? Side.Buy,
    ...(fields.price === undefined ? {} : { price: fields.price }),
    ...(fields.size === undefined ? {} : { size: fields.size }),
  })
  const book = rig.store.persistence.book('BTC-USD')
  await rig.say(
    order('open', 'a', { price: '10', size: '2' }),
    order('open', 'b', { price: '10', size: '3' }),
    order('match', 'a', { size: '0.5' }),
    order('done', 'f'),
  )
  t.match(book.depth(0), [{ price: 1000, quantity: 45_000, orders: 2 }])
  await rig.say(order('change', 'a', { size: '1' }))
  t.match(book.queuePosition(BigInt(`0x${id('b').replaceAll('-', '')}`)), { ordersAhead: 1 })
  await rig.say(order('change', 'a', { size: '1', price: '9.5' }))
  t.match(book.depth(0), [
    { price: 1000, quantity: 30_000 },
    { price: 950, quantity: 10_000 },
  ])
  await rig.say(order('match', 'b', { size: '4' }))
  t.equal(rig.recorder.stats().quarantined, 1, 'more than is open')
  await rig.say(order('open', 'b', { price: '10', size: '3' }))
  t.equal(rig.recorder.stats().quarantined, 2, 'an order that is there already')
  await rig.say(order('match', 'b', { size: '3' }), order('done', 'b'), order('done', 'a'))
  t.equal(book.info().orders, 0)
  t.equal(rig.recorder.stats().unknownOrders, 2)
  const resting = (digit: string, size: string) => ({
    orderId: id(digit),
    side: Side.Sell,
    price: '12',
    size,
  })
  const snapshot: FeedUpdate = {
    type: 'order-snapshot',
    product: 'BTC-USD',
    exchangeTimeNs: 9n,
    orders: [resting('c', '1'), resting('d', '2')],
    sequence: 44,
  }
  await rig.say(order('open', 'e', { price: '8', size: '1' }), snapshot, order('done', 'e'))
  t.match(book.depth(1), [{ price: 1200, quantity: 30_000, orders: 2 }])
  t.same(book.depth(0), [], 'a snapshot replaces what was known')
  await rig.recorder.notice({
    type: 'gap',
    reason: 'disconnected',
    scope: '',
    firstMissed: null,
    lastMissed: null,
    connection: 1,
    fromNs: 1n,
    toNs: 2n,
  })
  t.equal(book.info().orders, 0, 'orders that left unseen would stay for ever')
  await rig.say(snapshot)
  await rig.say({
    type: 'book-mismatch',
    product: 'BTC-USD',
    exchangeTimeNs: 9n,
    reason: 'checksum',
  })
  t.equal(book.info().orders, 0, 'a refuted book is worth nothing')
  await rig.store.close()
  for (const { sequence, feed } of await feedEntriesOf(directory, 'frame')) {
    const behind = (await entriesOf(directory)).slice(sequence, sequence + feed.entries)
    t.notOk(
      feedTypes(behind).includes('frame') || feedTypes(behind).includes('gap'),
      `frame ${String(sequence)} has its ${String(feed.entries)} entries after it`,
    )
  }
  t.match((await feedEntriesOf(directory, 'gap')).at(-1)?.feed, { reason: 'book-mismatch' })
})

t.test(
  'what a book refuses is quarantined, and the frame has as many entries as it says',
  async (t) => {
    const directory = t.testdir()
    const rig = await rigIn(directory, 'orders')
    const most = '900719925474.0991'
    const open = (orderId: string): FeedUpdate => ({
      type: 'order',
      product: 'BTC-USD',
      exchangeTimeNs: 9n,
      event: 'open',
      orderId,
      side: Side.Buy,
      price: '10',
      size: most,
    })
    await rig.say(open('1'), open('2'))
    await rig.store.close()
    t.same(feedTypes(await entriesOf(directory)), [
      'instrument',
      ...['frame', 'add', 'quarantined', 'gap'],
    ])
    t.match((await feedEntriesOf(directory, 'quarantined'))[0]?.feed.reason, /level/)
  },
)

t.test(
  'the user gets updates after their entries, one at a time if it returns promises',
  async (t) => {
    const directory = t.testdir()
    const got: RecordedUpdate[] = []
    let running = 0
    const rig = await rigIn(directory, 'levels', {
      async onUpdate(recorded) {
        t.equal(++running, 1)
        t.ok(recorded.sequence <= rig.store.persistence.appendedFrontier)
        await new Promise((resolve) => setTimeout(resolve, 2))
        got.push(recorded)
        --running
      },
    })
    await rig.say(trade('1'), trade('2'), trade('2'), {
      type: 'book-snapshot',
      product: 'BTC-USD',
      exchangeTimeNs: 4n,
      levels: [{ side: 0, price: '1', size: '1' }],
    })
    await rig.say(trade('1'), trade('3'))
    t.equal(rig.recorder.stats().repeatedTrades, 2)
    await rig.store.close()
    const entries = await entriesOf(directory)
    t.same(
      got.map(({ update, sequence, receivedMonotonicNs }) => {
        const entry = entries[sequence - 1]
        return [update.type, entry && feedTypes([entry])[0], receivedMonotonicNs]
      }),
      [
        ['trade', 'trade', 1_000_005n],
        ['trade', 'trade', 1_000_005n],
        ['book-snapshot', 'setLevel', 1_000_005n],
        ['trade', 'trade', 2_000_005n],
      ],
    )
  },
)
