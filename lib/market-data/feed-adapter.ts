/**
 * One exchange's protocol, and nothing else: no socket, no journal, no clock. To add an exchange, write an
 * adapter (docs/feeds.md explains how). parse() never throws, whatever the bytes. An adapter may remember the
 * state of its connection, so each connection has its own. It learns from frames alone if it can, for a
 * recording that is parsed again has no subscribe().
 */
import type { ParsedFrame } from './feed-update.js'

/** A subscription; each adapter lists its channels. */
export interface FeedSubscription {
  /** The exchange's own product names, such as `BTC-USD`. */
  products: readonly string[]
  /** The exchange's own channel names, such as `level2` and `market_trades`. */
  channels: readonly string[]
}

/**
 * Signs an authenticated subscription. It gets the secret for the time of one call (`withSecret`) and keeps
 * nothing of it.
 */
export type SubscriptionSigner = () => Promise<Readonly<Record<string, string>>>

/**
 * Numbers that rise by one, ranges of them, numbers that only rise, or none (resync by time-out and
 * checksum).
 */
export type SequenceRule = 'contiguous' | 'ranges' | 'increasing' | 'none'

/**
 * One exchange's protocol: makes the requests and reads the frames. Each connection has an adapter of its own.
 */
export interface FeedAdapter {
  /** `coinbase`, `coinbase-exchange`, `kraken`, `binance`. */
  readonly name: string
  /** Address of the exchange's feed, `wss:`. */
  readonly defaultUrl: string
  /** Channels that can be subscribed to. */
  readonly channels: readonly string[]
  /** Channels without which the exchange closes the connection, or that carry the heartbeat. */
  readonly impliedChannels: readonly string[]
  /** Channels whose subscription must be signed. */
  readonly authenticatedChannels: readonly string[]
  /** How its numbers count. */
  readonly sequenceRule: SequenceRule
  /** Whether the first frame after a (re)connect may have any number. */
  readonly sequenceRestartsOnConnect: boolean
  /** `levels` for books of aggregated changes, `orders` for books by order; depends on the channels. */
  bookKind(channels: readonly string[]): 'levels' | 'orders'
  /** Messages to send once connected, in order. `signed` holds the signer's fields, if any. */
  subscribe(subscription: FeedSubscription, signed?: Readonly<Record<string, string>>): string[]
  /** Messages that end subscriptions, in order. */
  unsubscribe(subscription: FeedSubscription, signed?: Readonly<Record<string, string>>): string[]
  /** One received text frame. */
  parse(frame: string): ParsedFrame
  /**
   * The address of a product's whole book, for channels whose stream starts without one (Coinbase Exchange's
   * `full`, Binance's `depth`); undefined if the stream brings the book itself.
   */
  bookSnapshotUrl?(product: string, channels: readonly string[]): string | undefined
  /**
   * The response from that address: one `book-snapshot` or `order-snapshot` with its number. It includes
   * everything the stream said up to that number. Never throws, like parse().
   */
  parseBookSnapshot?(product: string, body: string): ParsedFrame
}
