/** The instruments of a data directory that this process does not have open, from its snapshots and journal. */
import { definitionOf, type InstrumentDefinition } from '../book/instrument.js'
import { Journal } from '../journal/journal.js'
import { native } from '../native/load.js'

/**
 * Definitions by index, as far as they are known before entry `before`. Snapshots have them at once; a
 * journal that reaches back to its first entry has the rest. Reading stops after the first run of
 * definitions, since instruments are mostly defined at the start.
 */
export async function knownInstruments(
  dataDirectory: string,
  before = 1,
): Promise<Map<number, InstrumentDefinition>> {
  const known = new Map<number, InstrumentDefinition>()
  const binding = native()
  const snapshots = binding.listSnapshots(dataDirectory)
  snapshots.sort((left, right) => right.sequence - left.sequence)
  for (const { path, sequence } of snapshots) {
    try {
      const { books } = await binding.loadSnapshot(path)
      for (const read of books.instruments()) known.set(read.index, definitionOf(read))
      books.close()
      if (sequence >= before - 1) return known
      break
    } catch {
      // Damaged, or just rotated away by the writer: the one before it knows as much of what is old.
    }
  }
  if (before <= 1) return known
  for await (const entry of Journal.read(dataDirectory, {
    to: before - 1,
    types: ['instrument'],
  })) {
    if (entry.type !== 'instrument') continue
    known.set(entry.instrument, definitionOf(entry))
  }
  return known
}
