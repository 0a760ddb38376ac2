/** What became of the events of a source. Counted from the file's start, also by a resumed run. */
export interface FlowCounts {
  /** Source events, opening levels among them. */
  events: number
  adds: number
  /** Partial and full cancels. */
  cancels: number
  executions: number
  replaces: number
  /** Hidden executions and prints, which change no order. */
  trades: number
  halts: number
  clears: number
  /** Levels of the opening book, each made one order. */
  openingLevels: number
  /** Events about orders born before the file, taken from their opening level. */
  fromOpeningBook: number
  /** Deletions of orders of which some had gone outside the file's depth, unseen. */
  reducedUnseen: number
  /** Events about orders that neither the file nor the opening book shows: not applied. */
  unknownOrders: number
  /** Events that contradict the book: not applied. */
  inconsistent: number
  /** Lines that could not be read: not applied. */
  brokenLines: number
  /** Fills, whose effect follows as an event of its own. */
  fills: number
  /** Modifications that change nothing. */
  unchanged: number
  /** Trades whose side the venue does not give; journaled on the buy side. */
  tradesWithoutSide: number
}

export function emptyCounts(): FlowCounts {
  return {
    events: 0,
    adds: 0,
    cancels: 0,
    executions: 0,
    replaces: 0,
    trades: 0,
    halts: 0,
    clears: 0,
    openingLevels: 0,
    fromOpeningBook: 0,
    reducedUnseen: 0,
    unknownOrders: 0,
    inconsistent: 0,
    brokenLines: 0,
    fills: 0,
    unchanged: 0,
    tradesWithoutSide: 0,
  }
}
