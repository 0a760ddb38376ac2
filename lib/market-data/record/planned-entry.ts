/**
 * Entries of a frame before they are journaled. The leading frame entry states how many entries follow, so
 * all of them are planned first.
 */
import type { Instrument } from '../../book/instrument.js'
import type { Side } from '../../book/side.js'
import type { FeedEntry } from '../feed-entry.js'

interface BookEntry {
  instrument: Instrument
  timestampNs: bigint
}

/** The book's own entries. */
export type PlannedOperation =
  | ({ kind: 'clear' } & BookEntry)
  | ({ kind: 'setLevel'; side: Side; price: number; quantity: number } & BookEntry)
  | ({ kind: 'add'; orderId: bigint; side: Side; price: number; quantity: number } & BookEntry)
  | ({ kind: 'reduce' | 'execute'; orderId: bigint; quantity: number } & BookEntry)
  | ({
      kind: 'replace'
      orderId: bigint
      newOrderId: bigint
      price: number
      quantity: number
    } & BookEntry)
  | ({ kind: 'cancel'; orderId: bigint } & BookEntry)

/** A feed entry; `instrument` is null if it belongs to none. */
export interface PlannedFeedEntry {
  kind: 'feed'
  entry: Exclude<FeedEntry, { type: 'frame' | 'connection' }>
  instrument: Instrument | null
  timestampNs: bigint
}

export type PlannedEntry = PlannedOperation | PlannedFeedEntry
