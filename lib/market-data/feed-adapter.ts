/**
 * One exchange's protocol, and nothing else: no socket, no journal, no clock. Adding an exchange is writing
 * one of these (docs/feeds.md says how). parse() never throws, whatever the bytes. An adapter may remember what
 * this connection was told, so each connection has its own; it learns that from frames alone where it can, for
 * a recording that is parsed again has no subscribe().
 */
import type { ParsedFrame } from './feed-update.js'

/** What the exchange's channels are called here; each adapter says which it has. */
export interface FeedSubscription {
  products: readonly string[]
  /** The exchange's own channel names, such as `level2` and `market_trades`. */
  channels: readonly string[]
}

/**
 * Signs what an authenticated subscription needs. It gets the secret for the time of one call
 * (`withSecret`), so that none is kept.
 */
export type SubscriptionSigner = () => Promise<Readonly<Record<string, string>>>

/** Numbers that count up by one, or a level book without any (resync by time-out and checksum alone). */
export type SequenceRule = 'contiguous' | 'ranges' | 'increasing' | 'none'

export interface FeedAdapter {
  /** `coinbase`, `coinbase-exchange`, `kraken`, `binance`. */
  readonly name: string
  readonly defaultUrl: string
  /** Channels that can be subscribed to. */
  readonly channels: readonly string[]
  /** Channels that an exchange closes the connection without, or that carry the heartbeat. */
  readonly impliedChannels: readonly string[]
  /** Channels whose subscription must be signed. */
  readonly authenticatedChannels: readonly string[]
  readonly sequenceRule: SequenceRule
  /** Whether the first frame after a (re)connect may have any number. */
  readonly sequenceRestartsOnConnect: boolean
  /** `levels` books by aggregated changes or `orders` books by order; from the channels. */
  bookKind(channels: readonly string[]): 'levels' | 'orders'
  /** Messages to send once connected, in order. `signed` holds the signer's fields, if any. */
  subscribe(subscription: FeedSubscription, signed?: Readonly<Record<string, string>>): string[]
  unsubscribe(subscription: FeedSubscription, signed?: Readonly<Record<string, string>>): string[]
  /** One received text frame. */
  parse(frame: string): ParsedFrame
  /**
   * Where the whole book of a product is fetched for channels whose stream starts without one (Coinbase
   * Exchange's `full`, Binance's `depth`); undefined where the stream brings the book itself.
   */
  bookSnapshotUrl?(product: string, channels: readonly string[]): string | undefined
  /**
   * What was fetched from there: one `book-snapshot` or `order-snapshot` with the number that it stands for.
   * What the stream said up to that number is in it. Never throws, like parse().
   */
  parseBookSnapshot?(product: string, body: string): ParsedFrame
}
