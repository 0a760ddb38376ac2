/** The errors that the feed client raises itself: what happened, and what to do. */
import type { PinnacleError } from '../../errors/pinnacle-error.js'
import type { ServerErrorUpdate } from '../feed-update.js'
import { FeedCode, feedError } from './errors.js'
import type { SequenceGap } from './frame-intake.js'

export function silence(silentMs: number, timeoutMs: number): PinnacleError {
  return feedError(
    FeedCode.Heartbeat,
    `nothing was received for ${String(silentMs)} ms (heartbeatTimeoutMs is ${String(timeoutMs)}); the ` +
      'client reconnects',
    { details: { silentMs, timeoutMs } },
  )
}

export function refusedByServer({ message, reason }: ServerErrorUpdate): PinnacleError {
  return feedError(
    FeedCode.ServerError,
    `the exchange refused something: ${message}${reason === undefined ? '' : ` (${reason})`}; correct ` +
      'the subscription or the credential that it names',
    { details: { message, ...(reason === undefined ? {} : { reason }) } },
  )
}

export function missingNumbers({ scope, firstMissed, lastMissed }: SequenceGap): PinnacleError {
  const range = `${String(firstMissed)} to ${String(lastMissed)}`
  return feedError(
    FeedCode.Gap,
    `the numbers ${range} of the connection are missing, of whichever product; the client reconnects`,
    { details: { scope, firstMissed, lastMissed } },
  )
}

export function overflow(maxBufferedFrames: number): PinnacleError {
  return feedError(
    FeedCode.Overflow,
    `${String(maxBufferedFrames)} frames wait for the consumer and one more came; it is dropped, and the ` +
      'client reconnects when the consumer has caught up. Make it faster, or raise maxBufferedFrames',
    { details: { maxBufferedFrames } },
  )
}

export function consumerFailure(cause: unknown, left: number): PinnacleError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return feedError(
    FeedCode.Consumer,
    `the frame handler failed, so the client closes: ${message}; ${String(left)} queued frames were dropped`,
    { cause, details: { left } },
  )
}

export function noBooks(url: string, adapter: string): PinnacleError {
  return feedError(
    FeedCode.BookFetch,
    `books are not fetched: ${url} is not the address of ${adapter}, so the address of its books is unknown; ` +
      'until bookUrl names it, they hold only what has changed',
    { details: { url } },
  )
}
