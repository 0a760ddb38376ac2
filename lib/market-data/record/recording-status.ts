/** What a recorded directory says of its feed, while it is recorded or at rest: nothing is locked or changed. */
import { absolutePath } from '../../config/absolute.js'
import { definitionOf, type InstrumentDefinition } from '../../book/instrument.js'
import { Journal } from '../../journal/journal.js'
import { native } from '../../native/load.js'
import { FeedState } from './feed-state.js'

export interface RecordingStatus {
  readonly state: FeedState
  /** By index. */
  readonly instruments: ReadonlyMap<number, InstrumentDefinition>
  /** The journal's last entry. */
  readonly appended: number
}

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

/** The sequence of the newest snapshot that can be used, 0 where none can: then the journal says all. */
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
      // Damaged, just rotated away by the writer, or not a feed's: the one before it may do.
    }
  }
  return 0
}
