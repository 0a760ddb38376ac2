/**
 * Journals a planned frame: its frame entry, followed at once by all of its entries. Book operations go in
 * batches, one native call for up to 1024.
 *
 * Invariant: exactly as many entries follow a frame entry as it says, unless the process ends or the journal
 * fails in between. If a book refuses an operation, a quarantined entry replaces it.
 */
import type { Book } from '../../book/book.js'
import type { OperationBatch } from '../../book/operation-batch.js'
import { appendReserved } from '../../registry/user-types.js'
import type { PersistenceManager } from '../../persistence/persistence-manager.js'
import type { ConnectionEntry, FeedEntry, FrameEntry, GapEntry } from '../feed-entry.js'
import { encodeFeedEntry, userTypes } from './entry-codec.js'
import { quarantinedEntry } from './frame-plan.js'
import type { PlannedEntry, PlannedOperation } from './planned-entry.js'

export interface WrittenFrame {
  /** Sequence of the frame entry. */
  sequence: number
  lastSequence: number
  /** Products with a refused operation. */
  refused: string[]
}

const batchLimit = 1024

export class EntryWriter {
  readonly #persistence: PersistenceManager
  readonly #batch: OperationBatch
  readonly #bookOf: (name: string) => Book

  constructor(persistence: PersistenceManager) {
    this.#persistence = persistence
    this.#batch = persistence.batch({ skipRefused: true })
    this.#bookOf = (name) => persistence.book(name)
  }

  /** Calls `onFeedEntry` for each feed entry with its sequence. */
  frame(
    frame: Omit<FrameEntry, 'type' | 'entries'>,
    receivedNs: bigint,
    entries: readonly PlannedEntry[],
    onFeedEntry: (planned: Extract<PlannedEntry, { kind: 'feed' }>, sequence: number) => void,
  ): WrittenFrame {
    const head: FrameEntry = { type: 'frame', ...frame, entries: entries.length }
    const sequence = this.entry(head, undefined, receivedNs)
    const written: WrittenFrame = { sequence, lastSequence: sequence, refused: [] }
    const staged: PlannedOperation[] = []
    for (const planned of entries) {
      if (planned.kind !== 'feed') {
        staged.push(planned)
        if (staged.length === batchLimit) this.#commit(staged, written, receivedNs)
        continue
      }
      if (staged.length > 0) this.#commit(staged, written, receivedNs)
      const { entry, instrument, timestampNs } = planned
      written.lastSequence = this.entry(entry, instrument?.name, timestampNs)
      onFeedEntry(planned, written.lastSequence)
    }
    if (staged.length > 0) this.#commit(staged, written, receivedNs)
    return written
  }

  gap(gap: Omit<GapEntry, 'type'>, instrument?: string): number {
    return this.entry({ type: 'gap', ...gap }, instrument, gap.toNs)
  }

  connection(connection: Omit<ConnectionEntry, 'type'>, atNs: bigint): number {
    return this.entry({ type: 'connection', ...connection }, undefined, atNs)
  }

  entry(entry: FeedEntry, instrument: string | undefined, timestampNs: bigint): number {
    const { journal } = this.#persistence
    return journal[appendReserved](userTypes[entry.type], encodeFeedEntry(entry), {
      timestampNs,
      ...(instrument === undefined ? {} : { instrument }),
    })
  }

  #commit(staged: PlannedOperation[], written: WrittenFrame, receivedNs: bigint): void {
    for (const operation of staged) {
      this.#batch.stage(this.#bookOf(operation.instrument.name), operation)
    }
    const { lastSequence, refused } = this.#batch.commit()
    if (lastSequence > 0) written.lastSequence = lastSequence
    for (const { index, error } of refused) {
      const operation = staged[index]
      if (!operation) continue
      const { instrument, ...rest } = operation
      const text = JSON.stringify(rest, (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      )
      const entry = quarantinedEntry(error.message, text, Buffer.byteLength(text))
      written.lastSequence = this.entry(entry, instrument.name, receivedNs)
      if (!written.refused.includes(instrument.name)) written.refused.push(instrument.name)
    }
    staged.length = 0
  }
}
