/** What the addon offers for reading books: live ones, those of a snapshot, and those of a past point. */
export interface NativeInstrument {
  index: number // 1-based
  name: string // 1..32 bytes of UTF-8
  priceScale: number
  quantityScale: number
  kind: 'orders' | 'levels'
  signedPrices?: boolean // prices may be negative; absent: false
}

/** Levels of one side as three columns of the same length, best first. */
export interface NativeLevels {
  /** Ticks. */
  prices: Float64Array
  /** Lots open at each price. */
  quantities: Float64Array
  /** Orders at each price. */
  orders: Float64Array
}

export interface NativeOrder {
  id: bigint
  side: 0 | 1
  price: number
  quantity: number
}

/** Reading of one book; the live one or a rebuilt one. */
export interface NativeBookReader {
  depth(instrument: number, side: 0 | 1, levels: number): NativeLevels
  order(instrument: number, id: bigint): NativeOrder | null
  queuePosition(instrument: number, id: bigint): { ordersAhead: number; quantityAhead: number } | null
  levelOrders(instrument: number, side: 0 | 1, price: number): NativeOrder[] | null
  bookInfo(instrument: number): {
    orders: number
    bidLevels: number
    askLevels: number
    digest: bigint
    memoryBytes: number
    status: number | null // trading status; null: none was journaled
    lastSequence: number // of the last entry of this instrument, 0: none
    lastTimestamp: bigint // ns
    tradeCount: number // executions and trades
    tradedQuantity: number
    lastTradePrice: number | null
  }
  instruments(): NativeInstrument[]
}

/** An entry whose time is before that of an entry ahead of it. */
export interface TimeOutOfOrder {
  /** Sequence of that entry. */
  readonly sequence: number
  /** Its time, in ns. */
  readonly timestamp: bigint
  /** The latest time before it, in ns. */
  readonly aheadTimestamp: bigint
  /** The point asked for lies between the two times: the state there has more than one meaning. */
  readonly acrossPoint: boolean
}

/** What the times of the instrument's entries say about a point that was given as a time. */
export interface TimesAround {
  /** Every entry of the instrument is older than the time asked for: this is the last state. */
  readonly beyondLastEntry: boolean
  /** Of the instrument's last entry in the book; 0n: it has none. */
  readonly lastTimestamp: bigint
  /** Within 65,536 entries of the journal on either side; null: in order, as far as they are kept. */
  readonly outOfOrder: TimeOutOfOrder | null
}

/** A set of books at a past point. `close` frees it; garbage collection does too. */
export interface NativeBookSet extends NativeBookReader {
  readonly sequence: number
  /** Only if the point was given as a time. */
  readonly times?: TimesAround
  close(): void
}
