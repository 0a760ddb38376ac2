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
} as const
export type FeedCode = (typeof FeedCode)[keyof typeof FeedCode]

export function feedError(
  code: FeedCode,
  message: string,
  options?: ErrorOptionsWithDetails,
): PinnacleError {
  return new PinnacleError(code, message, options)
}
