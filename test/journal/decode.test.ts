import fc from 'fast-check'
import t from 'tap'
import { decodeEntries, entryBytes } from '../../lib/entry/decode.js'
import type { CodedError, JournalEntry } from '../../lib/index.js'
import { entryImage, instrumentPayload, words } from './entry-image.js'

const decode = (bytes: Uint8Array): JournalEntry[] => {
  const entries: JournalEntry[] = []
  decodeEntries(bytes, (entry) => entries.push(entry))
  return entries
}

const given = 0x02
const sell = 0x01
const wide = 0x0123456789abcdef_fedcba9876543210n
const low = wide & (2n ** 64n - 1n)
const high = wide >> 64n

t.test('every type of entry decodes to its fields', async (t) => {
  const base = { timestampNs: 1_700_000_000_123_456_789n, instrument: 3, givenTime: false }
  const { timestampNs, instrument } = base
  const image = (sequence: number, type: number, payload: Uint8Array, flags = 0): Buffer =>
    entryImage({ sequence, type, payload, flags, timestampNs, instrument })
  const bytes = Buffer.concat([
    image(1, 0x03, instrumentPayload('BTC-ü', 2, 8, 1)),
    image(2, 0x11, words(17, 0, 10_025, 5), sell | given),
    image(3, 0x12, words(low, high, 0, 2)),
    image(4, 0x14, words(17, 0, 0, 0)),
    image(5, 0x18, words(17, 0, 0, 3)),
    image(6, 0x21, words(17, 2n ** 64n - 1n, 10_026, 4)),
    image(7, 0x22, words(low, high, 18, 0, 10_027, 9_007_199_254_740_991n)),
    image(8, 0x24, words(0, 0, 77, 0)),
    image(9, 0x28, words(0, 0, 0, 0)),
    image(10, 0x41, words(0, 0, 78, 6), sell),
    image(11, 0x42, words(0, 0, 0, 1)),
    image(12, 0x80, new Uint8Array()),
    image(13, 0xff, Buffer.from('x'.repeat(33))),
    image(30, 0x05, words(14, 20, 3, 0)),
  ])
  t.strictSame(decode(bytes), [
    {
      type: 'instrument',
      sequence: 1,
      ...base,
      name: 'BTC-ü',
      priceScale: 2,
      quantityScale: 8,
      kind: 'levels',
    },
    {
      type: 'add',
      sequence: 2,
      ...base,
      givenTime: true,
      orderId: 17n,
      side: 1,
      price: 10_025,
      quantity: 5,
    },
    { type: 'reduce', sequence: 3, ...base, orderId: wide, quantity: 2 },
    { type: 'cancel', sequence: 4, ...base, orderId: 17n },
    { type: 'execute', sequence: 5, ...base, orderId: 17n, quantity: 3 },
    {
      type: 'replace',
      sequence: 6,
      ...base,
      orderId: 17n,
      newOrderId: 2n ** 64n - 1n,
      price: 10_026,
      quantity: 4,
    },
    {
      type: 'replace',
      sequence: 7,
      ...base,
      orderId: wide,
      newOrderId: 18n,
      price: 10_027,
      quantity: Number.MAX_SAFE_INTEGER,
    },
    { type: 'setLevel', sequence: 8, ...base, side: 0, price: 77, quantity: 0 },
    { type: 'clear', sequence: 9, ...base },
    { type: 'trade', sequence: 10, ...base, side: 1, price: 78, quantity: 6 },
    { type: 'status', sequence: 11, ...base, status: 1 },
    { type: 'user', sequence: 12, ...base, userType: 0, payload: new Uint8Array() },
    {
      type: 'user',
      sequence: 13,
      ...base,
      userType: 127,
      payload: new Uint8Array(33).fill(0x78),
    },
    {
      type: 'hole',
      sequence: 30,
      ...base,
      firstSequence: 14,
      snapshotSequence: 20,
      entriesLeftOut: 3,
    },
  ])
})

t.test(
  'an entry of a transaction says its place in it, and another one says nothing',
  async (t) => {
    const [continues, moreFollows] = [0x04, 0x08]
    const flags = [0, moreFollows, continues | moreFollows | given, continues, sell]
    const images = flags.map((each, index) =>
      entryImage({ type: 0x80, sequence: index + 1, flags: each, payload: new Uint8Array(1) }),
    )
    const entries = decode(Buffer.concat(images))
    t.same(
      entries.map((entry) => ('transaction' in entry ? entry.transaction : 'none')),
      ['none', 'first', 'middle', 'last', 'none'],
    )
    const [order] = decode(
      entryImage({ type: 0x11, sequence: 1, flags: continues, payload: words(17, 0, 5, 5) }),
    )
    t.match(order, { type: 'add', orderId: 17n, transaction: 'last' })
  },
)

t.test('an instrument name may fill all of its 32 bytes', async (t) => {
  const name = 'n'.repeat(32)
  const [entry] = decode(
    entryImage({ type: 0x03, sequence: 1, payload: instrumentPayload(name, 0, 15, 0) }),
  )
  t.match(entry, { name, quantityScale: 15, kind: 'orders' })
})

t.test('user payloads of any length come back whole, as copies', async (t) => {
  const entries = fc.array(
    fc.record({
      userType: fc.integer({ min: 0, max: 127 }),
      payload: fc.uint8Array({ maxLength: 400 }),
    }),
    { maxLength: 20 },
  )
  fc.assert(
    fc.property(entries, fc.integer({ min: 1, max: 2 ** 53 - 100 }), (list, first) => {
      const images = list.map(({ userType, payload }, index) =>
        entryImage({ type: 0x80 + userType, sequence: first + index, payload }),
      )
      // Not at the buffer's start: chunks are views as well.
      const chunk = Buffer.concat([Buffer.alloc(8), ...images]).subarray(8)
      const decoded = decode(chunk)
      chunk.fill(0xee)
      return (
        decoded.length === list.length &&
        decoded.every((entry, index) => {
          const expected = list[index]
          return (
            entry.type === 'user' &&
            entry.sequence === first + index &&
            entry.userType === expected?.userType &&
            Buffer.from(entry.payload).equals(Buffer.from(expected.payload))
          )
        })
      )
    }),
  )
  t.equal(entryBytes(0), 64)
  t.equal(entryBytes(32), 64)
  t.equal(entryBytes(33), 128)
})

t.test('a chunk that ends inside an entry is corrupt, not half an entry', async (t) => {
  const image = entryImage({ type: 0x81, sequence: 1, payload: new Uint8Array(100) })
  for (const length of [1, 63, 64, 128, image.length - 1]) {
    if (length === image.length) continue
    t.throws(() => decode(image.subarray(0, length)), { code: 'ERR_PINNACLE_CORRUPT' })
  }
  t.strictSame(decode(new Uint8Array()), [])
})

t.test('a type that only a newer version knows is named', async (t) => {
  const image = entryImage({ type: 0x7e, sequence: 41, payload: new Uint8Array(32) })
  try {
    decode(image)
    t.fail('it was decoded')
  } catch (error) {
    t.equal((error as CodedError).code, 'ERR_PINNACLE_NEWER_VERSION')
    t.match((error as CodedError).message, 'entry 41 is of type 0x7e')
  }
})
