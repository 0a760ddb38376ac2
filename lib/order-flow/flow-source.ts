/** Where events come from: a file or the generator. The same source gives the same events every time. */
import type { InstrumentDefinition } from '../book/instrument.js'
import type { FlowCounts } from './flow-counts.js'
import type { FlowOperation } from './flow-operation.js'

export interface FlowSource {
  /** Tells this source from every other; a data directory remembers positions by it. */
  readonly key: string
  /** For people: what it is. */
  readonly name: string
  /** An operation's `instrument` is an index in it. A file may add to it while it is read. */
  readonly instruments: readonly InstrumentDefinition[]
  /** Events in all, where that is known beforehand. */
  readonly totalEvents: number | undefined
  /** Bytes in all, and read so far; 0 where there is no file. */
  readonly totalBytes: number
  readonly bytesRead: number
  /**
   * All events from the first, in chunks. A chunk is valid until the next is asked for. Can be called once.
   */
  operations(): AsyncIterable<readonly FlowOperation[]>
  /** What became of the events handed out so far; undefined where the source keeps no count. */
  counts(): FlowCounts | undefined
  /** Orders that must be live in the instrument's book now; undefined where the source does not know. */
  liveOrders(instrument: number): number | undefined
}
