/** Codes of the feed client. docs/errors.md explains each and says what to do. */
import { PinnacleError, type ErrorOptionsWithDetails } from '../../errors/pinnacle-error.js'

/** Codes of the feed client's errors. */
export const FeedCode = {
  /** Not a wss: URL. No option permits one. */
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
  /** A message larger than maxMessageBytes. */
  MessageTooLarge: 'ERR_PINNACLE_FEED_MESSAGE_TOO_LARGE',
  /** Not WebSocket text: a binary message, broken UTF-8, a frame that violates the protocol. */
  Protocol: 'ERR_PINNACLE_FEED_PROTOCOL',
  /** The connection's sequence numbers have a gap. */
  Gap: 'ERR_PINNACLE_FEED_GAP',
  /** More frames wait for the consumer than allowed. */
  Overflow: 'ERR_PINNACLE_FEED_OVERFLOW',
  /** The exchange refused a request. */
  ServerError: 'ERR_PINNACLE_FEED_SERVER_ERROR',
  /** The exchange has not confirmed a subscription in time. */
  NotSubscribed: 'ERR_PINNACLE_FEED_NOT_SUBSCRIBED',
  /** No book over HTTPS: the request failed, timed out, or got a status other than 200. */
  BookFetch: 'ERR_PINNACLE_FEED_BOOK_FETCH',
  /** A fetched book larger than maxBookBytes. */
  BookTooLarge: 'ERR_PINNACLE_FEED_BOOK_TOO_LARGE',
  /** The response is not a book in the exchange's documented form. */
  BookMalformed: 'ERR_PINNACLE_FEED_BOOK_MALFORMED',
  /** A fetched book ends before the first update received. */
  BookStale: 'ERR_PINNACLE_FEED_BOOK_STALE',
  /** The frame handler threw. */
  Consumer: 'ERR_PINNACLE_FEED_CONSUMER',
} as const
/** One of these codes. */
export type FeedCode = (typeof FeedCode)[keyof typeof FeedCode]

export function feedError(
  code: FeedCode,
  message: string,
  options?: ErrorOptionsWithDetails,
): PinnacleError {
  return new PinnacleError(code, message, options)
}
