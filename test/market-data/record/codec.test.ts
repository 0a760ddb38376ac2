import fc from 'fast-check'
import t from 'tap'
import type { FeedEntry } from '../../../lib/market-data/feed-entry.js'
import {
  decodeFeedEntry,
  encodeFeedEntry,
  userTypes,
} from '../../../lib/market-data/record/entry-codec.js'

const count = fc.maxSafeNat()
const price = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -2, max: 2 }))
const orNull = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> =>
  fc.option(value, { nil: null })
const time = fc.bigInt(0n, 2n ** 64n - 1n)
const u32 = fc.nat(0xffff_ffff)
const side = fc.constantFrom(0 as const, 1 as const)
// At most 63 characters of up to 4 bytes: the limit of a one-byte length.
const name = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => utf8(text) <= 254)
const text = fc.string({ unit: 'grapheme', maxLength: 300 })

function utf8(value: string): number {
  return Buffer.byteLength(value)
}

const entries: { [Type in FeedEntry['type']]: fc.Arbitrary<Extract<FeedEntry, { type: Type }>> } = {
  frame: fc.record({
    type: fc.constant('frame' as const),
    connection: u32,
    receivedMonotonicNs: time,
    entries: u32,
    channel: name,
    sequences: fc.array(fc.record({ scope: name, last: count }), { maxLength: 4 }),
  }),
  trade: fc.record({
    type: fc.constant('trade' as const),
    tradeId: name,
    side,
    price,
    quantity: count,
  }),
  ticker: fc.record({
    type: fc.constant('ticker' as const),
    price,
    bidPrice: orNull(price),
    bidQuantity: orNull(count),
    askPrice: orNull(price),
    askQuantity: orNull(count),
    volume: orNull(name),
  }),
  'book-snapshot': fc.record({
    type: fc.constant('book-snapshot' as const),
    levels: u32,
    sequence: orNull(count),
  }),
  gap: fc.record({
    type: fc.constant('gap' as const),
    reason: fc.constantFrom(
      'disconnected' as const,
      'sequence' as const,
      'overflow' as const,
      'process-ended' as const,
      'malformed' as const,
      'book-mismatch' as const,
    ),
    scope: name,
    firstMissed: orNull(count),
    lastMissed: orNull(count),
    fromNs: time,
    toNs: time,
  }),
  connection: fc.record({
    type: fc.constant('connection' as const),
    state: fc.constantFrom(
      'connecting' as const,
      'open' as const,
      'subscribed' as const,
      'lost' as const,
      'closed' as const,
    ),
    connection: u32,
    exchange: name,
    url: text,
    products: fc.array(name, { maxLength: 5 }),
    channels: fc.array(name, { maxLength: 5 }),
    authentication: orNull(name),
    reason: orNull(text),
  }),
  raw: fc.record({ type: fc.constant('raw' as const), channel: name, text }),
  quarantined: fc.record({
    type: fc.constant('quarantined' as const),
    reason: text,
    bytes: u32,
    text,
  }),
  heartbeat: fc.record({
    type: fc.constant('heartbeat' as const),
    product: orNull(name),
    counter: count,
  }),
}

t.test('every feed entry comes back from its bytes as it was', (t) => {
  for (const [type, arbitrary] of Object.entries(entries)) {
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<FeedEntry>, (entry) => {
        const payload = Uint8Array.from(encodeFeedEntry(entry))
        const decoded = decodeFeedEntry(userTypes[entry.type], payload)
        if (JSON.stringify(decoded, big) !== JSON.stringify({ ...decoded, ...entry }, big)) {
          t.same(decoded, entry)
          return false
        }
        // A newer version may append fields.
        if (entry.type === 'raw' || entry.type === 'quarantined') return true
        const longer = Uint8Array.from([...payload, 7, 7])
        return (
          JSON.stringify(decodeFeedEntry(userTypes[entry.type], longer), big) ===
          JSON.stringify(decoded, big)
        )
      }),
      { numRuns: 100 },
    )
    t.pass(`${type} entries`)
  }
  t.end()
})

function big(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${String(value)}n` : value
}

t.test('the bytes are those of the format page', (t) => {
  const hex = (entry: FeedEntry): string => encodeFeedEntry(entry).toString('hex')
  t.equal(
    hex({ type: 'trade', tradeId: '1081', side: 1, price: 6_450_025, quantity: 3 }),
    '696b62000000000003000000000000000104' + '31303831',
  )
  t.equal(
    hex({
      type: 'frame',
      connection: 2,
      receivedMonotonicNs: 5n,
      entries: 1,
      channel: 'ticker',
      sequences: [{ scope: '', last: 9 }],
    }),
    '0500000000000000' +
      '02000000' +
      '01000000' +
      '067469636b6572' +
      '01' +
      '0900000000000000' +
      '00',
  )
  t.equal(
    hex({ type: 'heartbeat', product: null, counter: 258 }),
    '0201000000000000ff',
    'an absent text has the length 255',
  )
  t.equal(
    hex({ type: 'book-snapshot', levels: 2, sequence: null }),
    'ffffffffffffffff02000000',
    'an absent number is all ones',
  )
  t.end()
})

t.test('bytes that are not a feed entry are an error with a code, never a crash', (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(userTypes)),
      fc.uint8Array({ maxLength: 80 }),
      (userType, payload) => {
        try {
          decodeFeedEntry(userType, payload)
        } catch (error) {
          return (error as { code?: string }).code === 'ERR_PINNACLE_FEED_ENTRY'
        }
        return true
      },
    ),
    { numRuns: 3000 },
  )
  t.equal(decodeFeedEntry(5, new Uint8Array(3)), undefined, "others' types are not looked at")
  const cut = encodeFeedEntry({ type: 'heartbeat', product: 'BTC-USD', counter: 1 }).subarray(0, 12)
  t.throws(() => decodeFeedEntry(userTypes.heartbeat, cut), { code: 'ERR_PINNACLE_FEED_ENTRY' })
  t.end()
})

t.test('a text that is too long is cut between two characters', (t) => {
  const payload = encodeFeedEntry({ type: 'raw', channel: '€'.repeat(100), text: 'x' })
  t.match(decodeFeedEntry(userTypes.raw, payload), { channel: '€'.repeat(84), text: 'x' })
  t.end()
})
