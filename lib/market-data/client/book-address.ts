/**
 * Where a book is fetched. The adapter names the exchange's address; a feed that is read from somewhere else (a
 * sandbox, a mirror) has its books somewhere else too, and a book of another place must never be taken for its own.
 */
import { PinnacleTypeError } from '../../errors/pinnacle-error.js'
import { shown } from '../../errors/shown.js'
import { checkFeedUrl } from './pinned-connection.js'

/** The origin that takes the place of the adapter's. */
export function checkBookUrl(url: string): URL {
  const checked = checkFeedUrl(url, 'https:')
  if (checked.pathname === '/' && checked.search === '') return checked
  throw new PinnacleTypeError(
    'ERR_PINNACLE_INVALID_ARGUMENT',
    `bookUrl must be a host alone, such as https://api.example.com, not ${shown(url)}; the path is the exchange's`,
  )
}

/**
 * `named` is the adapter's address. Null where the feed's `url` is not the exchange's own and no `bookUrl` says where
 * its books are.
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
