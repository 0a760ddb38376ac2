/**
 * The payloads of feed entries. The bytes are pinned: docs/format.md describes them. A later version may only
 * append fields, which an older one ignores.
 */
import { Side } from '../../book/side.js'
import { UserType } from '../../registry/user-types.js'
import type {
  ConnectionEntry,
  FeedEntry,
  FeedTickerEntry,
  FeedTradeEntry,
  FrameEntry,
  GapEntry,
  GapReason,
} from '../feed-entry.js'
import { PayloadReader, PayloadWriter } from './payload.js'

const { bookSnapshot, ...sameNames } = UserType.feed

/** The user type of each entry's type. */
export const userTypes: Readonly<Record<FeedEntry['type'], number>> = {
  ...sameNames,
  'book-snapshot': bookSnapshot,
}

// A code is an index; 0 means none. New ones are appended.
const gapReasons: readonly (GapReason | undefined)[] = [
  undefined,
  'disconnected',
  'sequence',
  'overflow',
  'process-ended',
  'malformed',
  'book-mismatch',
]
const states: readonly (ConnectionEntry['state'] | undefined)[] = [
  undefined,
  'connecting',
  'open',
  'subscribed',
  'lost',
  'closed',
]

const writer = new PayloadWriter()

/** The entry's payload. The next call reuses its memory, so journal it first. */
export function encodeFeedEntry(entry: FeedEntry): Buffer {
  const out = writer.start()
  switch (entry.type) {
    case 'frame':
      out.u64(entry.receivedMonotonicNs).u32(entry.connection).u32(entry.entries)
      out.text8(entry.channel).u8(entry.sequences.length)
      for (const { scope, last } of entry.sequences) out.count(last).text8(scope)
      break
    case 'trade':
      out.price(entry.price).count(entry.quantity).u8(entry.side).text8(entry.tradeId)
      break
    case 'ticker':
      out.price(entry.price).priceOrNull(entry.bidPrice).count(entry.bidQuantity)
      out.priceOrNull(entry.askPrice).count(entry.askQuantity).text8(entry.volume)
      break
    case 'book-snapshot':
      out.count(entry.sequence).u32(entry.levels)
      break
    case 'gap':
      out.u64(entry.fromNs).u64(entry.toNs).count(entry.firstMissed).count(entry.lastMissed)
      out.u8(gapReasons.indexOf(entry.reason)).text8(entry.scope)
      break
    case 'connection':
      out.u32(entry.connection).u8(states.indexOf(entry.state))
      out.text8(entry.exchange).text16(entry.url).text8(entry.authentication).text16(entry.reason)
      out.u16(entry.products.length).u16(entry.channels.length)
      for (const name of entry.products) out.text8(name)
      for (const name of entry.channels) out.text8(name)
      break
    case 'raw':
      out.text8(entry.channel).rest(entry.text)
      break
    case 'quarantined':
      out.u32(entry.bytes).text16(entry.reason).rest(entry.text)
      break
    case 'heartbeat':
      out.count(entry.counter).text8(entry.product)
      break
  }
  return out.finish()
}

type Decode = (reader: PayloadReader) => FeedEntry

const decoders: ReadonlyMap<number, { name: FeedEntry['type']; decode: Decode }> = new Map(
  (
    [
      ['frame', decodeFrame],
      ['trade', decodeTrade],
      ['ticker', decodeTicker],
      [
        'book-snapshot',
        (reader) => {
          const sequence = reader.countOrNull()
          return { type: 'book-snapshot', levels: reader.u32(), sequence }
        },
      ],
      ['gap', decodeGap],
      ['connection', decodeConnection],
      ['raw', (reader) => ({ type: 'raw', channel: reader.text8(), text: reader.rest() })],
      [
        'quarantined',
        (reader) => {
          const bytes = reader.u32()
          return { type: 'quarantined', reason: reader.text16(), bytes, text: reader.rest() }
        },
      ],
      [
        'heartbeat',
        (reader) => {
          const counter = reader.count()
          return { type: 'heartbeat', product: reader.text8OrNull(), counter }
        },
      ],
    ] satisfies [FeedEntry['type'], Decode][]
  ).map(([name, decode]) => [userTypes[name], { name, decode }]),
)

/**
 * The feed entry of a user entry; undefined for user types that feeds don't use. Throws
 * ERR_PINNACLE_FEED_ENTRY if the payload is malformed.
 */
export function decodeFeedEntry(userType: number, payload: Uint8Array): FeedEntry | undefined {
  const known = decoders.get(userType)
  return known?.decode(new PayloadReader(payload, known.name))
}

function decodeFrame(reader: PayloadReader): FrameEntry {
  const receivedMonotonicNs = reader.u64()
  const connection = reader.u32()
  const entries = reader.u32()
  const channel = reader.text8()
  const sequences: FrameEntry['sequences'] = []
  for (let left = reader.u8(); left > 0; left--) {
    const last = reader.count()
    sequences.push({ scope: reader.text8(), last })
  }
  return { type: 'frame', connection, receivedMonotonicNs, entries, channel, sequences }
}

function decodeTrade(reader: PayloadReader): FeedTradeEntry {
  const price = reader.price()
  const quantity = reader.count()
  const side = reader.u8()
  if (side !== Side.Buy && side !== Side.Sell) throw reader.bad('has an unknown side')
  return { type: 'trade', tradeId: reader.text8(), side, price, quantity }
}

function decodeTicker(reader: PayloadReader): FeedTickerEntry {
  return {
    type: 'ticker',
    price: reader.price(),
    bidPrice: reader.priceOrNull(),
    bidQuantity: reader.countOrNull(),
    askPrice: reader.priceOrNull(),
    askQuantity: reader.countOrNull(),
    volume: reader.text8OrNull(),
  }
}

function decodeGap(reader: PayloadReader): GapEntry {
  const fromNs = reader.u64()
  const toNs = reader.u64()
  const firstMissed = reader.countOrNull()
  const lastMissed = reader.countOrNull()
  const reason = gapReasons[reader.u8()]
  if (reason === undefined) throw reader.bad('has an unknown reason')
  return { type: 'gap', reason, scope: reader.text8(), firstMissed, lastMissed, fromNs, toNs }
}

function decodeConnection(reader: PayloadReader): ConnectionEntry {
  const connection = reader.u32()
  const state = states[reader.u8()]
  if (state === undefined) throw reader.bad('has an unknown state')
  const exchange = reader.text8()
  const url = reader.text16()
  const authentication = reader.text8OrNull()
  const reason = reader.text16OrNull()
  const counts = { products: reader.u16(), channels: reader.u16() }
  const products = Array.from({ length: counts.products }, () => reader.text8())
  const channels = Array.from({ length: counts.channels }, () => reader.text8())
  return {
    type: 'connection',
    state,
    connection,
    exchange,
    url,
    products,
    channels,
    authentication,
    reason,
  }
}
