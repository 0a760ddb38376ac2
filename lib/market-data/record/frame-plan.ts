/**
 * Plans the entries of a parsed frame. Decimals convert exactly at the instrument's scales; values that do
 * not fit are quarantined, never rounded, and a gap says that the product's data lacks them. Planning
 * journals nothing, and never throws because of exchange input.
 */
import type { Book } from '../../book/book.js'
import type { Instrument } from '../../book/instrument.js'
import type { Side } from '../../book/side.js'
import { isPinnacleError } from '../../errors/pinnacle-error.js'
import type { QuarantinedEntry } from '../feed-entry.js'
import type {
  FeedUpdate,
  HeartbeatUpdate,
  LevelChange,
  OrderUpdate,
  OtherUpdate,
  ParsedFrame,
  ServerErrorUpdate,
  SubscriptionsUpdate,
  TickerUpdate,
} from '../feed-update.js'
import { NotRecordable } from './not-recordable.js'
import { recordedPrice } from './recorded-price.js'
import { OrderOperations } from './order-operations.js'
import type { PlannedEntry, PlannedOperation } from './planned-entry.js'

/** Length limit of a quarantined text. */
const quarantinedBytes = 4096

export interface PlanSource {
  /** The book of a recorded product; undefined for others. */
  bookOf(product: string): Book | undefined
  /** Whether the trade was journaled recently: exchanges repeat some after a reconnect. */
  hasTrade(instrument: number, tradeId: string): boolean
  /** Longest raw text that is kept whole, bytes. */
  readonly maxRawBytes: number
}

/** An update, and the number of the frame's entries up to its last. */
export interface PlannedUpdate {
  update: FeedUpdate
  entriesThrough: number
}

export interface LostData {
  scope: string
  reason: 'malformed' | 'book-mismatch'
}

export interface FramePlan {
  channel: string
  sequences: { scope: string; last: number }[]
  entries: PlannedEntry[]
  /** Planned updates, in order. */
  updates: PlannedUpdate[]
  /** Scopes that lost data ('' for all), and why. */
  lost: LostData[]
  quarantined: number
  repeatedTrades: number
  /** Events of orders that the book does not have. */
  unknownOrders: number
  /** Whether the adapter does not know the frame's type. */
  unknown: boolean
}

type NotOfProduct = SubscriptionsUpdate | ServerErrorUpdate | OtherUpdate | HeartbeatUpdate

/** Data that a frame's planned entries need besides the update. */
interface FrameText {
  text: string
  bytes: number
  receivedNs: bigint
}

const maxSequences = 255
/** Levels of one update that are quarantined individually. */
const maxRefusedLevels = 16
const maxSnapshotLevels = 2 ** 32 - 1

export class FramePlanner {
  readonly #source: PlanSource
  readonly #orders = new OrderOperations()

  constructor(source: PlanSource) {
    this.#source = source
  }

  plan(parsed: ParsedFrame, frame: FrameText): FramePlan {
    const plan: FramePlan = {
      channel: '',
      sequences: [],
      entries: [],
      updates: [],
      lost: [],
      quarantined: 0,
      repeatedTrades: 0,
      unknownOrders: 0,
      unknown: false,
    }
    if (parsed.kind === 'malformed') {
      this.#quarantine(plan, null, parsed.reason, frame.text, frame.bytes, frame.receivedNs)
      plan.lost.push({ scope: '', reason: 'malformed' })
      return plan
    }
    plan.channel = parsed.channel
    plan.sequences = parsed.sequences
      .slice(0, maxSequences)
      .map(({ scope, last }) => ({ scope, last }))
    if (parsed.kind === 'unknown') {
      plan.unknown = true
      this.#raw(plan, null, frame)
      return plan
    }
    this.#orders.reset()
    const trades = parsed.updates.length > 1 ? new Set<string>() : undefined
    for (const update of parsed.updates) this.#take(plan, update, frame, trades)
    return plan
  }

  #take(
    plan: FramePlan,
    update: FeedUpdate,
    frame: FrameText,
    trades: Set<string> | undefined,
  ): void {
    const before = plan.entries.length
    try {
      if (this.#plan(plan, update, frame, trades)) {
        plan.updates.push({ update, entriesThrough: plan.entries.length })
      }
    } catch (error) {
      // Errors of the decimals explain what does not fit; any other error is a defect of this package.
      if (!(error instanceof NotRecordable) && !isPinnacleError(error)) throw error
      plan.entries.length = before
      const product = 'product' in update ? (update.product ?? '') : ''
      const instrument = this.#source.bookOf(product)?.instrument ?? null
      const text = JSON.stringify(update, (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      )
      const bytes = Buffer.byteLength(text)
      this.#quarantine(plan, instrument, error.message, text, bytes, frame.receivedNs)
      plan.lost.push({ scope: product, reason: 'malformed' })
    }
  }

  /** Whether the update was planned: false if it changes nothing. */
  #plan(
    plan: FramePlan,
    update: FeedUpdate,
    frame: FrameText,
    trades: Set<string> | undefined,
  ): boolean {
    switch (update.type) {
      case 'subscriptions':
      case 'server-error':
        this.#raw(plan, null, frame)
        return true
      case 'other':
        this.#raw(plan, this.#instrumentOf(update.product), frame)
        return true
      case 'heartbeat': {
        const { product = null, counter } = update
        plan.entries.push({
          kind: 'feed',
          entry: { type: 'heartbeat', product, counter },
          instrument: this.#instrumentOf(update.product),
          timestampNs: update.exchangeTimeNs || frame.receivedNs,
        })
        return true
      }
      default:
        return this.#ofProduct(plan, update, frame, trades)
    }
  }

  #instrumentOf(product: string | undefined): Instrument | null {
    return (product === undefined ? undefined : this.#source.bookOf(product)?.instrument) ?? null
  }

  #ofProduct(
    plan: FramePlan,
    update: Exclude<FeedUpdate, NotOfProduct>,
    frame: FrameText,
    trades: Set<string> | undefined,
  ): boolean {
    const book = this.#source.bookOf(update.product)
    if (!book) throw new NotRecordable(`${update.product} is not among the recorded products`)
    const { instrument } = book
    const timestampNs = update.exchangeTimeNs || frame.receivedNs
    if (timestampNs > maxTimeNs) throw new NotRecordable('its time is beyond the year 2262')
    switch (update.type) {
      case 'ticker':
        plan.entries.push(tickerEntry(update, instrument, timestampNs))
        return true
      case 'trade':
        return this.#trade(plan, update, instrument, timestampNs, trades)
      case 'levels':
        expectKind(instrument, 'levels')
        this.#levels(plan, instrument, update.changes, timestampNs, frame.receivedNs)
        return true
      case 'book-snapshot': {
        expectKind(instrument, 'levels')
        const { levels, sequence = null } = update
        if (levels.length > maxSnapshotLevels) throw new NotRecordable('too many levels')
        const head = plan.entries.length
        plan.entries.push({ kind: 'clear', instrument, timestampNs })
        const taken = this.#levels(plan, instrument, levels, timestampNs, frame.receivedNs)
        plan.entries.splice(head, 0, {
          kind: 'feed',
          entry: { type: 'book-snapshot', levels: taken, sequence },
          instrument,
          timestampNs,
        })
        return true
      }
      case 'order-snapshot': {
        expectKind(instrument, 'orders')
        const { orders, sequence = null } = update
        const operations = this.#orders.snapshot(book, orders, timestampNs)
        plan.entries.push({
          kind: 'feed',
          entry: { type: 'book-snapshot', levels: orders.length, sequence },
          instrument,
          timestampNs,
        })
        for (const operation of operations) plan.entries.push(operation)
        return true
      }
      case 'book-mismatch':
        plan.entries.push(this.#orders.clear(book, timestampNs))
        plan.lost.push({ scope: update.product, reason: 'book-mismatch' })
        return true
      case 'order':
        return this.#order(plan, update, book, timestampNs)
    }
  }

  /**
   * Returns the number of planned levels. A few levels that the scales can't hold (a real book has offers at
   * prices of nine digits) are quarantined individually. If there are more, the scales are wrong, and the
   * whole update is quarantined.
   */
  #levels(
    plan: FramePlan,
    instrument: Instrument,
    changes: readonly LevelChange[],
    timestampNs: bigint,
    receivedNs: bigint,
  ): number {
    const refused: { change: LevelChange; reason: string }[] = []
    for (const change of changes) {
      try {
        plan.entries.push(levelOperation(instrument, change, timestampNs))
      } catch (error) {
        if (!isPinnacleError(error) || refused.length === maxRefusedLevels) throw error
        refused.push({ change, reason: error.message })
      }
    }
    const taken = changes.length - refused.length
    const [first] = refused
    if (!first) return taken
    if (taken === 0) throw new NotRecordable(first.reason)
    for (const { change, reason } of refused) {
      const text = JSON.stringify(change)
      this.#quarantine(plan, instrument, reason, text, Buffer.byteLength(text), receivedNs)
    }
    plan.lost.push({ scope: instrument.name, reason: 'malformed' })
    return taken
  }

  /** A match's trade has an update of its own. */
  #order(plan: FramePlan, update: OrderUpdate, book: Book, timestampNs: bigint): boolean {
    expectKind(book.instrument, 'orders')
    const operation = this.#orders.of(book, update, timestampNs)
    if (operation) plan.entries.push(operation)
    else ++plan.unknownOrders
    return operation !== undefined
  }

  #trade(
    plan: FramePlan,
    trade: { tradeId: string; side: Side; price: string; size: string },
    instrument: Instrument,
    timestampNs: bigint,
    trades: Set<string> | undefined,
  ): boolean {
    const { tradeId, side } = trade
    if (!tradeId.isWellFormed() || Buffer.byteLength(tradeId) > maxTradeIdBytes) {
      throw new NotRecordable('the tradeId is longer than 128 bytes, or not well-formed text')
    }
    const key = trades && `${String(instrument.index)} ${tradeId}`
    if (this.#source.hasTrade(instrument.index, tradeId) || (key && trades.has(key))) {
      ++plan.repeatedTrades
      return false
    }
    const price = recordedPrice(instrument, trade.price)
    const quantity = instrument.lots(trade.size)
    if (key) trades.add(key)
    plan.entries.push({
      kind: 'feed',
      entry: { type: 'trade', tradeId, side, price, quantity },
      instrument,
      timestampNs,
    })
    return true
  }

  #raw(plan: FramePlan, instrument: Instrument | null, frame: FrameText): void {
    const { text, bytes, receivedNs } = frame
    const { maxRawBytes } = this.#source
    if (bytes > maxRawBytes) {
      const reason = `a raw frame of more than ${String(maxRawBytes)} bytes is not kept whole`
      this.#quarantine(plan, instrument, reason, text, bytes, receivedNs)
      return
    }
    const last = plan.entries.at(-1)
    // One frame may hold several updates without a typed entry: its text is kept once.
    if (last?.kind === 'feed' && last.entry.type === 'raw') return
    plan.entries.push({
      kind: 'feed',
      entry: { type: 'raw', channel: plan.channel, text },
      instrument,
      timestampNs: receivedNs,
    })
  }

  #quarantine(
    plan: FramePlan,
    instrument: Instrument | null,
    reason: string,
    text: string,
    bytes: number,
    timestampNs: bigint,
  ): void {
    ++plan.quarantined
    const entry = quarantinedEntry(reason, text, bytes)
    plan.entries.push({ kind: 'feed', entry, instrument, timestampNs })
  }
}

const maxTradeIdBytes = 128
/** Price history stores times as signed 64-bit integers. */
const maxTimeNs = 2n ** 63n - 1n

export function quarantinedEntry(reason: string, text: string, bytes: number): QuarantinedEntry {
  return { type: 'quarantined', reason, bytes, text: firstBytes(text, quarantinedBytes) }
}

/** The longest prefix that fits, without cutting a character. */
function firstBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text
  const buffer = Buffer.allocUnsafe(maxBytes)
  return buffer.toString('utf8', 0, buffer.write(text, 0, maxBytes, 'utf8'))
}

function expectKind(instrument: Instrument, kind: 'levels' | 'orders'): void {
  if (instrument.kind === kind) return
  throw new NotRecordable(
    `the book of ${instrument.name} is one of ${instrument.kind}, this update is of ${kind}`,
  )
}

function levelOperation(
  instrument: Instrument,
  { side, price, size }: LevelChange,
  timestampNs: bigint,
): PlannedOperation {
  return {
    kind: 'setLevel',
    instrument,
    timestampNs,
    side,
    price: recordedPrice(instrument, price),
    quantity: instrument.lots(size),
  }
}

function tickerEntry(
  update: TickerUpdate,
  instrument: Instrument,
  timestampNs: bigint,
): PlannedEntry {
  const { price, bidPrice, bidSize, askPrice, askSize, volume = null } = update
  return {
    kind: 'feed',
    entry: {
      type: 'ticker',
      price: recordedPrice(instrument, price),
      bidPrice: bidPrice === undefined ? null : recordedPrice(instrument, bidPrice),
      bidQuantity: bidSize === undefined ? null : instrument.lots(bidSize),
      askPrice: askPrice === undefined ? null : recordedPrice(instrument, askPrice),
      askQuantity: askSize === undefined ? null : instrument.lots(askSize),
      volume,
    },
    instrument,
    timestampNs,
  }
}
