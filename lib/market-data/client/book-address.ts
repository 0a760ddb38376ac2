/**
 * The address of a book. The adapter names the exchange's. A feed from another host (a sandbox, a mirror) has
 * its books on another host too, and the exchange's book must never be mistaken for the feed's.
 */
import { PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'
import { checkFeedUrl } from './pinned-connection.js'

/** The origin that replaces the adapter's. */
export function checkBookUrl(url: string): URL {
  const checked = checkFeedUrl(url, 'https:')
  if (checked.pathname === '/' && checked.search === '') return checked
  throw new PinnacleTypeError(
    'ERR_PINNACLE_INVALID_ARGUMENT',
    `bookUrl must be a host alone, such as https://api.example.com, not ${shown(url)}; the path is the exchange's`,
  )
}

/**
 * `named` is the adapter's address. Null if the feed's `url` is not the exchange's own and no `bookUrl` names
 * the host of its books.
 */
export function bookAddress(
  named: string,
  { url, bookUrl }: { readonly url: string; readonly bookUrl?: string },
  defaultUrl: string,
): URL | null {
  const { pathname, search, href } = new URL(named)
  if (bookUrl !== undefined) return new URL(`${checkBookUrl(bookUrl).origin}${pathname}${search}`)
  return new URL(url).host === new URL(defaultUrl).host ? new URL(href) : null
}
