import { native } from '../native/load.js'

const chunkBytes = 1024 * 1024

/**
 * The last entry of a data directory that a writer may have open. Reads from the newest snapshot on;
 * 0 if there is no entry.
 */
export function lastSequenceOf(dataDirectory: string): number {
  const binding = native()
  const newest = binding
    .listSnapshots(dataDirectory)
    .reduce((sequence, snapshot) => Math.max(sequence, snapshot.sequence), 0)
  const reader = binding.openReader(dataDirectory, newest + 1)
  try {
    while (reader.read(chunkBytes) !== null) continue
    return Math.max(newest, reader.nextSequence - 1)
  } finally {
    reader.close()
  }
}
