/** The status of a recorded directory's feed, during recording or at rest. Locks and changes nothing. */
import { absolutePath } from '../../config/absolute.js'
import { definitionOf, type InstrumentDefinition } from '../../book/instrument.js'
import { Journal } from '../../journal/journal.js'
import { native } from '../../native/load.js'
import { FeedState } from './feed-state.js'

/** What a directory records. */
export interface RecordingStatus {
  /** The state after the last entry. */
  readonly state: FeedState
  /** By index. */
  readonly instruments: ReadonlyMap<number, InstrumentDefinition>
  /** Sequence of the journal's last entry; 0: none. */
  readonly appended: number
}

/**
 * Reads the status of a recorded directory, beside a running writer or at rest: from its newest snapshot and
 * the journal after it. Locks and changes nothing.
 */
export async function readRecordingStatus(directory: string): Promise<RecordingStatus> {
  const dataDirectory = absolutePath(directory)
  const state = new FeedState()
  const instruments = new Map<number, InstrumentDefinition>()
  let appended = await fromSnapshot(dataDirectory, state, instruments)
  const options = appended > 0 ? { from: appended + 1 } : {}
  for await (const entry of Journal.read(dataDirectory, options)) {
    appended = entry.sequence
    if (entry.type === 'user') state.apply(entry)
    else if (entry.type === 'hole') {
      state.hole({ firstSequence: entry.firstSequence, lastSequence: entry.sequence })
    } else if (entry.type === 'instrument') {
      instruments.set(entry.instrument, definitionOf(entry))
    }
  }
  return { state, instruments, appended }
}

/** The sequence of the newest usable snapshot; 0 without one: then the journal has everything. */
async function fromSnapshot(
  dataDirectory: string,
  state: FeedState,
  instruments: Map<number, InstrumentDefinition>,
): Promise<number> {
  const snapshots = native().listSnapshots(dataDirectory)
  snapshots.sort((left, right) => right.sequence - left.sequence)
  for (const { path } of snapshots) {
    try {
      const { info, books, state: bytes } = await native().loadSnapshot(path)
      const definitions = books.instruments()
      books.close()
      if (!bytes) continue
      state.restore(bytes)
      for (const read of definitions) instruments.set(read.index, definitionOf(read))
      return info.sequence
    } catch {
      // Damaged, just rotated away by the writer, or not a feed's: try the snapshot before it.
    }
  }
  return 0
}
