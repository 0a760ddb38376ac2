/**
 * The state that a restart needs of a recorded feed: how it was connected, how far each product's numbers
 * were, and the last trades. It is derived from the journal's feed entries alone. Snapshots contain it, so
 * that it survives compaction. It holds no secrets: `authentication` is the name of a credential.
 *
 * It can wrap a state machine of the user's own, which receives the user entries that are not the feeds'.
 */
import { isOldFlowEntry } from '../../entry/old-flow-entries.js'
import { isFeedType, UserType } from '../../registry/user-types.js'
import type { UserEntry } from '../../entry/entry.js'
import type { Hole, StateMachine } from '../../entry/state-machine.js'
import { PinnacleError } from '../../errors/pinnacle-error.js'
import type { ConnectionEntry } from '../feed-entry.js'
import { decodeFeedEntry } from './entry-codec.js'
import { RecentIds } from './recent-ids.js'

/** Trade ids remembered per product. An exchange repeats up to 100 after a reconnect. */
const rememberedTrades = 1024

const version = 1
const lengthBytes = 4

/** The last frame of a recording. */
export interface LastFrame {
  /** Sequence of its frame entry. */
  sequence: number
  /** Entries that belong to it. */
  entries: number
  /** Wall clock at its receipt: ns since 1970-01-01 UTC. */
  receivedNs: bigint
}

/** The last heartbeat of a recording. */
export interface LastHeartbeat {
  /** Wall clock at its receipt: ns since 1970-01-01 UTC. */
  receivedNs: bigint
  /** The exchange's count. */
  counter: number
  /** The product; null: the whole connection. */
  product: string | null
}

/** Entries of a recording, by kind. */
export interface FeedCounts {
  /** Frames. */
  frames: number
  /** Trades. */
  trades: number
  /** Tickers. */
  tickers: number
  /** Gaps. */
  gaps: number
  /** Frames that are kept raw. */
  raw: number
  /** Frames and updates that could not be kept as they are. */
  quarantined: number
  /** Frames that a kill cut: only their first entries are kept. */
  cutFrames: number
}

/** The state in JSON. */
interface Stored {
  version: number
  connection: ConnectionEntry | null
  connectionNs: string
  connections: number
  sequences: [scope: string, last: number][]
  lastFrame: { sequence: number; entries: number; receivedNs: string } | null
  lastWholeNs: string | null
  lastHeartbeat: { receivedNs: string; counter: number; product: string | null } | null
  lastPrices: [instrument: number, price: number][]
  trades: [instrument: number, ids: string[]][]
  counts: FeedCounts
}

/**
 * The state of a recording: connection, numbers, last prices and recent trades. It is the state machine of the
 * recorded directory; entries that are not the feed's go to `inner`.
 */
export class FeedState implements StateMachine {
  readonly #inner: StateMachine | undefined
  readonly #sequences = new Map<string, number>()
  readonly #lastPrices = new Map<number, number>()
  readonly #trades = new Map<number, RecentIds>()
  #counts: FeedCounts = noCounts()
  #connection: ConnectionEntry | null = null
  #connectionNs = 0n
  #connections = 0
  #lastFrame: LastFrame | null = null
  #lastWholeNs: bigint | null = null
  #lastHeartbeat: LastHeartbeat | null = null
  /** Throws if a snapshot must not be taken now. */
  guard: (() => void) | undefined

  constructor(inner?: StateMachine) {
    this.#inner = inner
  }

  /** The last connection entry: URL, products, channels, authentication reference; null before the first. */
  get connection(): ConnectionEntry | null {
    return this.#connection
  }

  /** Time at which it was journaled, wall clock. */
  get connectionNs(): bigint {
    return this.#connectionNs
  }

  /** Number of connections that this data directory has had. */
  get connections(): number {
    return this.#connections
  }

  /** The last number of each scope: a product, or '' for a connection as a whole. */
  get lastSequences(): ReadonlyMap<string, number> {
    return this.#sequences
  }

  /** The last frame; null before the first. */
  get lastFrame(): LastFrame | null {
    return this.#lastFrame
  }

  /** The last heartbeat; null before the first. */
  get lastHeartbeat(): LastHeartbeat | null {
    return this.#lastHeartbeat
  }

  /** Entries by kind since the directory's beginning. */
  get counts(): Readonly<FeedCounts> {
    return this.#counts
  }

  /** The last trade's or ticker's price, ticks, by the instrument's index. */
  lastPrice(instrument: number): number | undefined {
    return this.#lastPrices.get(instrument)
  }

  /** Whether the trade is among the recent ones of the instrument (its index). */
  hasTrade(instrument: number, tradeId: string): boolean {
    return this.#trades.get(instrument)?.has(tradeId) ?? false
  }

  /**
   * Wall clock of the last frame that is whole in the journal, given how far the journal goes: a kill may
   * have cut the last frame in two.
   */
  lastReceivedNs(appended: number): bigint | null {
    const last = this.#lastFrame
    if (!last) return null
    return last.sequence + last.entries <= appended
      ? last.receivedNs
      : (this.#lastWholeNs ?? last.receivedNs)
  }

  apply(entry: UserEntry): void {
    const isOldFlow = this.#counts.frames === 0 && isOldFlowEntry(entry)
    if (!isFeedType(entry.userType) || isOldFlow) {
      this.#inner?.apply(entry)
      return
    }
    const { instrument, sequence, timestampNs, userType, payload } = entry
    if (userType === UserType.feed.raw) {
      ++this.#counts.raw
      return
    }
    const feed = decodeFeedEntry(userType, payload)
    switch (feed?.type) {
      case 'frame': {
        ++this.#counts.frames
        this.#settle(sequence)
        this.#lastWholeNs = this.#lastFrame?.receivedNs ?? null
        this.#lastFrame = { sequence, entries: feed.entries, receivedNs: timestampNs }
        for (const { scope, last } of feed.sequences) this.#sequences.set(scope, last)
        break
      }
      case 'trade': {
        ++this.#counts.trades
        this.#lastPrices.set(instrument, feed.price)
        let known = this.#trades.get(instrument)
        if (!known) this.#trades.set(instrument, (known = new RecentIds(rememberedTrades)))
        known.add(feed.tradeId)
        break
      }
      case 'ticker':
        ++this.#counts.tickers
        this.#lastPrices.set(instrument, feed.price)
        break
      case 'gap':
        this.#settle(sequence)
        ++this.#counts.gaps
        break
      case 'quarantined':
        ++this.#counts.quarantined
        break
      case 'heartbeat': {
        const { counter, product } = feed
        // The frame's receipt, since the entry has the exchange's time.
        this.#lastHeartbeat = {
          receivedNs: this.#lastFrame?.receivedNs ?? timestampNs,
          counter,
          product,
        }
        break
      }
      case 'connection':
        this.#settle(sequence)
        if (feed.connection > this.#connections) {
          this.#connections = feed.connection
        }
        this.#connection = feed
        this.#connectionNs = timestampNs
        break
      default:
    }
  }

  /**
   * If an entry outside of a frame lies within the last frame, a kill cut that frame in two: it doesn't
   * count.
   */
  #settle(sequence: number): void {
    const last = this.#lastFrame
    if (!last || sequence > last.sequence + last.entries) return
    ++this.#counts.cutFrames
    this.#lastFrame = {
      sequence: last.sequence,
      entries: 0,
      receivedNs: this.#lastWholeNs ?? last.receivedNs,
    }
  }

  hole(hole: Hole): void {
    this.#settle(hole.firstSequence)
    this.#inner?.hole?.(hole)
  }

  snapshot(): Uint8Array {
    this.guard?.()
    const stored: Stored = {
      version,
      connection: this.#connection,
      connectionNs: String(this.#connectionNs),
      connections: this.#connections,
      sequences: [...this.#sequences],
      lastFrame: this.#lastFrame && {
        ...this.#lastFrame,
        receivedNs: String(this.#lastFrame.receivedNs),
      },
      lastWholeNs: this.#lastWholeNs === null ? null : String(this.#lastWholeNs),
      lastHeartbeat: this.#lastHeartbeat && {
        ...this.#lastHeartbeat,
        receivedNs: String(this.#lastHeartbeat.receivedNs),
      },
      lastPrices: [...this.#lastPrices],
      trades: [...this.#trades].map(([instrument, ids]) => [instrument, ids.list()]),
      counts: this.#counts,
    }
    const json = Buffer.from(JSON.stringify(stored))
    const length = Buffer.alloc(lengthBytes)
    length.writeUInt32LE(json.length)
    return Buffer.concat([length, json, this.#inner?.snapshot() ?? Buffer.alloc(0)])
  }

  restore(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const length = buffer.length < lengthBytes ? -1 : buffer.readUInt32LE(0)
    const end = lengthBytes + length
    if (length < 0 || end > buffer.length) throw notFeedState()
    const stored = parseStored(buffer.toString('utf8', lengthBytes, end))
    this.#connection = stored.connection
    this.#connectionNs = BigInt(stored.connectionNs)
    this.#connections = stored.connections
    replace(this.#sequences, stored.sequences)
    const { lastFrame, lastWholeNs, lastHeartbeat } = stored
    this.#lastFrame = lastFrame && { ...lastFrame, receivedNs: BigInt(lastFrame.receivedNs) }
    this.#lastWholeNs = lastWholeNs === null ? null : BigInt(lastWholeNs)
    this.#lastHeartbeat = lastHeartbeat && {
      ...lastHeartbeat,
      receivedNs: BigInt(lastHeartbeat.receivedNs),
    }
    replace(this.#lastPrices, stored.lastPrices)
    this.#trades.clear()
    for (const [instrument, ids] of stored.trades) {
      this.#trades.set(instrument, new RecentIds(rememberedTrades, ids))
    }
    this.#counts = { ...noCounts(), ...stored.counts }
    if (this.#inner && end < buffer.length) this.#inner.restore(buffer.subarray(end))
  }
}

function noCounts(): FeedCounts {
  return { frames: 0, trades: 0, tickers: 0, gaps: 0, raw: 0, quarantined: 0, cutFrames: 0 }
}

function replace<Key, Value>(map: Map<Key, Value>, entries: readonly [Key, Value][]): void {
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}

function parseStored(json: string): Stored {
  let stored: Partial<Stored> | null
  try {
    stored = JSON.parse(json) as Partial<Stored> | null
  } catch (cause) {
    throw notFeedState(cause)
  }
  if (stored?.version === version) return stored as Stored
  throw notFeedState()
}

function notFeedState(cause?: unknown): PinnacleError {
  return new PinnacleError(
    'ERR_PINNACLE_FEED_STATE',
    "the snapshot's state is not that of a recorded feed, or a newer version wrote it; open the directory with " +
      'what wrote it, or record into a new one',
    cause === undefined ? {} : { cause },
  )
}
