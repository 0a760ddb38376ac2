/** Codes of the feed client. docs/errors.md says what each means and what to do. */
import { PinnacleError, type ErrorOptionsWithDetails } from '../../errors/pinnacle-error.js'

export const FeedCode = {
  /** Not a wss: URL. There is no option that lets one through. */
  InsecureUrl: 'ERR_PINNACLE_FEED_INSECURE_URL',
  /** The certificates verify, but none has a pinned key. */
  PinMismatch: 'ERR_PINNACLE_FEED_PIN_MISMATCH',
  /** The TLS handshake failed: a certificate that does not verify, or no protocol in common. */
  Tls: 'ERR_PINNACLE_FEED_TLS',
  /** No connection: name resolution, network, time-out, or the server refused the WebSocket. */
  Connect: 'ERR_PINNACLE_FEED_CONNECT',
  /** An authenticated subscription can't be signed. */
  Signing: 'ERR_PINNACLE_FEED_SIGNING',
  /** An open connection ended: the server closed it, or the network did. */
  Lost: 'ERR_PINNACLE_FEED_LOST',
  /** No heartbeat in time. */
  Heartbeat: 'ERR_PINNACLE_FEED_HEARTBEAT',
  /** A message above maxMessageBytes. */
  MessageTooLarge: 'ERR_PINNACLE_FEED_MESSAGE_TOO_LARGE',
  /** Not WebSocket text: a binary message, broken UTF-8, a frame against the protocol. */
  Protocol: 'ERR_PINNACLE_FEED_PROTOCOL',
  /** Numbers of the connection's count are missing. */
  Gap: 'ERR_PINNACLE_FEED_GAP',
  /** More frames wait for the consumer than are allowed to. */
  Overflow: 'ERR_PINNACLE_FEED_OVERFLOW',
  /** The exchange said that it refuses something. */
  ServerError: 'ERR_PINNACLE_FEED_SERVER_ERROR',
  /** The exchange has not confirmed a subscription in time. */
  NotSubscribed: 'ERR_PINNACLE_FEED_NOT_SUBSCRIBED',
  /** No book over HTTPS: the request failed, took too long, or was answered with another status than 200. */
  BookFetch: 'ERR_PINNACLE_FEED_BOOK_FETCH',
  /** A fetched book above maxBookBytes. */
  BookTooLarge: 'ERR_PINNACLE_FEED_BOOK_TOO_LARGE',
  /** What was fetched is no book as the exchange documents it. */
  BookMalformed: 'ERR_PINNACLE_FEED_BOOK_MALFORMED',
  /** A fetched book ends before the first update that is here. */
  BookStale: 'ERR_PINNACLE_FEED_BOOK_STALE',
  /** What takes the frames threw. */
  Consumer: 'ERR_PINNACLE_FEED_CONSUMER',
} as const
export type FeedCode = (typeof FeedCode)[keyof typeof FeedCode]

export function feedError(
  code: FeedCode,
  message: string,
  options?: ErrorOptionsWithDetails,
): PinnacleError {
  return new PinnacleError(code, message, options)
}
