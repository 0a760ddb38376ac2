/** A source of events: a file or the generator. The same source yields the same events every time. */
import type { InstrumentDefinition } from '../book/instrument.js'
import type { FlowCounts } from './flow-counts.js'
import type { FlowOperation } from './flow-operation.js'

export interface FlowSource {
  /** Identifies the source; a data directory stores positions under it. */
  readonly key: string
  /** For people: what it is. */
  readonly name: string
  /** An operation's `instrument` is an index into it. It may grow while a file is read. */
  readonly instruments: readonly InstrumentDefinition[]
  /** Number of events, if known in advance. */
  readonly totalEvents: number | undefined
  /** Size, and bytes read so far; 0 without a file. */
  readonly totalBytes: number
  readonly bytesRead: number
  /**
   * All events from the first, in chunks. A chunk is valid until the next is requested. Callable once.
   */
  operations(): AsyncIterable<readonly FlowOperation[]>
  /** What became of the events so far; undefined if the source keeps no counts. */
  counts(): FlowCounts | undefined
  /** Orders that must be live in the instrument's book now; undefined if the source does not know. */
  liveOrders(instrument: number): number | undefined
}
