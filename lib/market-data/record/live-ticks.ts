/** Ticks that the journal has and the price history's files may lack. Locks nothing. */
import { absolutePath } from '../../config/absolute.js'
import { UserType } from '../../registry/user-types.js'
import { isPinnacleError } from '../../errors/pinnacle-error.js'
import { Journal } from '../../journal/journal.js'
import { readArchivedSequence } from '../history/history-archive.js'
import type { Tick } from '../history/tick.js'
import { decodeFeedEntry } from './entry-codec.js'

/** For PriceHistory's `liveTicks`. */
export function journalTicks(dataDirectory: string): (product: string) => AsyncIterable<Tick> {
  const directory = absolutePath(dataDirectory)
  return (product) => ticksOf(directory, product)
}

async function* ticksOf(dataDirectory: string, product: string): AsyncGenerator<Tick> {
  const archived = await readArchivedSequence(dataDirectory)
  try {
    for await (const entry of Journal.read(dataDirectory, {
      from: archived + 1,
      instrument: product,
    })) {
      if (entry.type !== 'user' || entry.userType !== UserType.feed.trade) continue
      const feed = decodeFeedEntry(entry.userType, entry.payload)
      if (feed?.type !== 'trade') continue
      const { sequence, timestampNs: timeNs } = entry
      const { tradeId, side, price, quantity } = feed
      // The frame has the time of receipt; files and journal have it for those who need it.
      yield { sequence, timeNs, receivedNs: timeNs, tradeId, side, price, quantity }
    }
  } catch (error) {
    // A history without its journal, or a writer that has compacted its archived entries meanwhile.
    const gone =
      isPinnacleError(error) &&
      ['ERR_PINNACLE_OUT_OF_REACH', 'ERR_PINNACLE_NOT_FOUND'].includes(error.code)
    if (!gone) throw error
  }
}
