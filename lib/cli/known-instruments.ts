/** The instruments of a data directory that nobody here has open: from its snapshots and its journal. */
import { definitionOf, type InstrumentDefinition } from '../book/instrument.js'
import { isPinnacleError } from '../errors/pinnacle-error.js'
import { Journal } from '../journal/journal.js'
import { native } from '../native/load.js'

/**
 * Definitions by index, as far as they are known before entry `before`. Snapshots say them at once; a
 * journal that reaches back to its first entry says the rest. Reading stops at the definitions that
 * stand first, since instruments are mostly defined at the start.
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
  const entries = Journal.read(dataDirectory, { to: before - 1, types: ['instrument'] })
  try {
    for await (const entry of entries) {
      if (entry.type === 'instrument') known.set(entry.instrument, definitionOf(entry))
    }
  } catch (error) {
    // No definition is part of a transaction, and those before it were given. Whoever reads from `before` is told.
    if (!isPinnacleError(error) || error.code !== 'ERR_PINNACLE_INSIDE_TRANSACTION') throw error
  }
  return known
}
