import type { NativeBinding } from '../native/binding.js'
import type { NativeInstrument } from '../native/book-binding.js'

export interface SnapshotInstruments {
  /** The last entry that the snapshot covers. */
  readonly sequence: number
  readonly instruments: readonly NativeInstrument[]
}

/**
 * The instruments in the newest readable snapshot; undefined without one. Compaction may have removed the segments
 * with their definitions, so snapshots are read first.
 */
export async function snapshotInstruments(
  binding: NativeBinding,
  dataDirectory: string,
): Promise<SnapshotInstruments | undefined> {
  const snapshots = binding.listSnapshots(dataDirectory)
  snapshots.sort((left, right) => right.sequence - left.sequence)
  for (const { path, sequence } of snapshots) {
    try {
      const { books } = await binding.loadSnapshot(path)
      const instruments = books.instruments()
      books.close()
      return { sequence, instruments }
    } catch {
      // Damaged, or just rotated away by the writer: the one before it knows as well.
    }
  }
  return undefined
}
