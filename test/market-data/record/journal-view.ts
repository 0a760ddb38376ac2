/** A journal's feed entries in a form that allows comparing recordings. */
import type { BookView } from '../../../lib/book/book-view.js'
import { Journal } from '../../../lib/journal/journal.js'
import type { JournalEntry } from '../../../lib/entry/entry.js'
import type { FeedEntry } from '../../../lib/market-data/feed-entry.js'
import { decodeFeedEntry } from '../../../lib/market-data/record/entry-codec.js'

export type FeedSeen<Feed extends FeedEntry = FeedEntry> = Pick<
  JournalEntry,
  'sequence' | 'timestampNs' | 'instrument' | 'givenTime'
> & { type: 'feed'; feed: Feed }

export type Seen = Exclude<JournalEntry, { type: 'user' }> | FeedSeen

export async function entriesOf(directory: string): Promise<Seen[]> {
  const seen: Seen[] = []
  for await (const entry of Journal.read(directory)) {
    if (entry.type !== 'user') {
      seen.push(entry)
      continue
    }
    const { sequence, timestampNs, instrument, givenTime, userType, payload } = entry
    const feed = decodeFeedEntry(userType, payload)
    if (feed) seen.push({ type: 'feed', sequence, timestampNs, instrument, givenTime, feed })
  }
  return seen
}

export async function feedEntriesOf<Type extends FeedEntry['type']>(
  directory: string,
  type: Type,
): Promise<FeedSeen<Extract<FeedEntry, { type: Type }>>[]> {
  return (await entriesOf(directory)).filter(
    (entry): entry is FeedSeen<Extract<FeedEntry, { type: Type }>> =>
      entry.type === 'feed' && entry.feed.type === type,
  )
}

/** Fields that the time and place of receipt decide. */
const localKeys = new Set(['receivedMonotonicNs', 'fromNs', 'toNs', 'url'])
const localTimes = new Set(['frame', 'gap', 'connection', 'raw', 'quarantined', 'instrument'])

/** One line per entry, without the time and place of receipt. */
export function comparable(entries: readonly Seen[]): string[] {
  return entries.map((entry) => {
    const isLocal = localTimes.has(entry.type === 'feed' ? entry.feed.type : entry.type)
    return JSON.stringify(entry, (key, value: unknown) => {
      if (localKeys.has(key) || (isLocal && key === 'timestampNs')) return undefined
      return typeof value === 'bigint' ? String(value) : value
    })
  })
}

/** The book in the form of naiveBooks. */
export function bookMap(book: BookView): Map<string, bigint> {
  const map = new Map<string, bigint>()
  for (const [side, name] of [
    [0, 'bid'],
    [1, 'offer'],
  ] as const) {
    for (const { price, quantity } of book.depth(side, 1_000_000)) {
      map.set(`${name} ${String(price)}`, BigInt(quantity))
    }
  }
  return map
}

export function sorted(map: ReadonlyMap<string, bigint> | undefined): string[] {
  return [...(map ?? [])].map(([key, size]) => `${key} ${String(size)}`).sort()
}
