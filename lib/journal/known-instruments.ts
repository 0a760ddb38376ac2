/** The instruments of a data directory that this process does not have open: from its snapshots and its journal. */
import { definitionOf, type InstrumentDefinition } from '../book/instrument.js'
import { isPinnacleError } from '../errors/pinnacle-error.js'
import { native } from '../native/load.js'
import { directorySource, readEntries } from './read-entries.js'
import { snapshotInstruments } from './snapshot-instruments.js'

/**
 * Definitions by index, as far as they are known before entry `before`. The newest snapshot has them at once; a
 * journal that reaches back to its first entry has the rest.
 */
export async function knownInstruments(
  dataDirectory: string,
  before = 1,
): Promise<Map<number, InstrumentDefinition>> {
  const binding = native()
  const found = await snapshotInstruments(binding, dataDirectory)
  const known = new Map(found?.instruments.map((read) => [read.index, definitionOf(read)]))
  if (before <= 1 || (found && found.sequence >= before - 1)) return known
  const source = directorySource(binding, dataDirectory)
  try {
    for await (const entry of readEntries(source, { to: before - 1, types: ['instrument'] })) {
      if (entry.type === 'instrument') known.set(entry.instrument, definitionOf(entry))
    }
  } catch (error) {
    // A transaction has no definition, so all of them were given. Reading from `before` reports the transaction.
    if (!isPinnacleError(error) || error.code !== 'ERR_PINNACLE_INSIDE_TRANSACTION') throw error
  }
  return known
}
