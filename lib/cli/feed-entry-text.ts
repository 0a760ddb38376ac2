/** A feed's entry in words, for the table of entries. Pure. */
import type {
  ConnectionEntry,
  FeedEntry,
  FeedTickerEntry,
  FrameEntry,
  GapEntry,
} from '../market-data/feed-entry.js'
import type { EntryCells, Scaled } from './entry-cells.js'
import { count, nanoseconds, plural } from './text.js'

const shownCharacters = 80

export function feedCells(entry: FeedEntry, { price, quantity }: Scaled): Partial<EntryCells> {
  switch (entry.type) {
    case 'frame':
      return { detail: frameText(entry) }
    case 'trade':
      return {
        side: entry.side === 0 ? 'buy' : 'sell',
        price: price(entry.price),
        quantity: quantity(entry.quantity),
        detail: `trade ${entry.tradeId} of the feed`,
      }
    case 'ticker':
      return { price: price(entry.price), detail: tickerText(entry, { price, quantity }) }
    case 'book-snapshot': {
      const number = entry.sequence === null ? '' : `, number ${String(entry.sequence)}`
      return {
        detail: `snapshot of the book, ${plural(entry.levels, 'entry', 'entries')}${number}`,
      }
    }
    case 'gap':
      return { detail: gapText(entry) }
    case 'connection':
      return { detail: connectionText(entry) }
    case 'raw':
      return { detail: `raw frame of ${entry.channel}: ${shortened(entry.text)}` }
    case 'quarantined': {
      const { bytes, reason, text } = entry
      return { detail: `quarantined, ${count(bytes)} bytes: ${reason}: ${shortened(text)}` }
    }
    case 'heartbeat': {
      const product = entry.product === null ? '' : ` of ${entry.product}`
      return { detail: `heartbeat ${String(entry.counter)}${product}` }
    }
  }
}

function frameText({ channel, connection, entries, sequences }: FrameEntry): string {
  const numbers = sequences.map(({ scope, last }) => `, ${scope || 'number'} ${String(last)}`)
  const of = channel === '' ? '' : ` of ${channel}`
  const follow = plural(entries, 'entry', 'entries')
  return `frame${of}, connection ${String(connection)}, ${follow}${numbers.join('')}`
}

function tickerText(entry: FeedTickerEntry, { price, quantity }: Scaled): string {
  const side = (name: string, ticks: number | null, lots: number | null): string => {
    if (ticks === null) return ''
    return `, ${name} ${price(ticks)}${lots === null ? '' : ` x ${quantity(lots)}`}`
  }
  const { bidPrice, bidQuantity, askPrice, askQuantity, volume } = entry
  const best = side('bid', bidPrice, bidQuantity) + side('ask', askPrice, askQuantity)
  return `ticker${best}${volume === null ? '' : `, day's volume ${volume}`}`
}

function gapText({ reason, scope, firstMissed, lastMissed, fromNs, toNs }: GapEntry): string {
  const of = scope === '' ? '' : ` of ${scope}`
  const missed =
    firstMissed === null || lastMissed === null
      ? ''
      : `, ${String(firstMissed)} to ${String(lastMissed)} missed`
  const long = toNs > fromNs ? `, ${nanoseconds(Number(toNs - fromNs))}` : ''
  return `gap${of}: ${reason}${missed}${long}`
}

function connectionText(entry: ConnectionEntry): string {
  const { connection, state, exchange, url, products, channels, authentication, reason } = entry
  const from = exchange === '' ? url : `${exchange}, ${url}`
  const subscribed = [...products, ...channels].map((name) => ` ${name}`).join('')
  const credential = authentication === null ? '' : `, credential ${authentication}`
  const why = reason === null ? '' : `: ${reason}`
  return `connection ${String(connection)} ${state}, ${from},${subscribed}${credential}${why}`
}

function shortened(text: string): string {
  const characters = Array.from(text.slice(0, 2 * shownCharacters))
  if (characters.length <= shownCharacters) return text
  return `${characters.slice(0, shownCharacters).join('')}…`
}
