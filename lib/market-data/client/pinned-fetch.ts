/**
 * One HTTPS request for a text, over a socket of pinned-connection: its certificate is verified and its key
 * compared with the pins before the request is written.
 *
 * Invariants: redirects are not followed, for the new address would skip these checks; at most `maxBytes` of
 * a body are kept; the promise settles within `timeoutMs`; a truncated body never resolves it.
 */
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { isPinnacleError, type CodedError } from '../../errors/pinnacle-error.js'
import { FeedCode, feedError } from './errors.js'
import { openPinnedSocket, type PinnedConnectionOptions } from './pinned-connection.js'

export interface PinnedFetchOptions extends Omit<
  PinnedConnectionOptions,
  'url' | 'scheme' | 'connectTimeoutMs' | 'signal'
> {
  readonly url: URL
  /** For everything, from name resolution to the last byte. */
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/** Some exchanges refuse requests without one. */
const userAgent = 'pinnacle-persistence'
const ok = 200
const nsPerMs = 1_000_000n

const hints: Readonly<Record<number, string>> = {
  401: 'the address wants credentials',
  403: 'the exchange does not serve this network or country',
  404: 'the address has no such book; check the name of the product',
  418: 'the exchange bars this network for too many requests',
  429: 'there were too many requests; the client retries less often by itself',
}

/**
 * The body. Rejects with a coded error; for a status it has `details.status` and, if sent,
 * `details.retryAfterMs`.
 */
export async function fetchPinned(options: PinnedFetchOptions): Promise<Buffer> {
  const { url, timeoutMs, signal } = options
  const startNs = process.hrtime.bigint()
  const socket = await openPinnedSocket({
    ...options,
    scheme: 'https:',
    connectTimeoutMs: timeoutMs,
  })
  const leftMs = timeoutMs - Number((process.hrtime.bigint() - startNs) / nsPerMs)
  const abort = new AbortController()
  const late = setTimeout(
    () => {
      abort.abort(
        failure(url, `the book was not there within ${String(timeoutMs)} ms`, { timeoutMs }),
      )
    },
    Math.max(1, leftMs),
  )
  const stop = (): void => abort.abort(failure(url, 'the request was given up by the caller', {}))
  signal.addEventListener('abort', stop)
  try {
    if (signal.aborted) stop()
    return await bodyOver(socket, options, abort.signal)
  } catch (error) {
    if (abort.signal.aborted) throw abort.signal.reason
    if (isPinnacleError(error)) throw error
    const cause = error as Error
    throw failure(url, `the answer ended early: ${cause.message}`, {}, cause)
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', stop)
    socket.destroy()
  }
}

function bodyOver(
  socket: TLSSocket,
  { url, maxBytes }: PinnedFetchOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      createConnection: () => socket,
      signal,
      headers: { accept: 'application/json', 'user-agent': userAgent },
    })
    asked.on('error', reject)
    asked.on('response', (response) => {
      // A partly read answer fails like the request.
      read(response, url, maxBytes).then(resolve, reject)
    })
    asked.end()
  })
}

async function read(response: IncomingMessage, url: URL, maxBytes: number): Promise<Buffer> {
  const { statusCode: status = 0, headers } = response
  if (status !== ok) {
    response.destroy()
    throw refusal(url, status, headers.location, headers['retry-after'])
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes) {
    response.destroy()
    throw tooLarge(url, maxBytes)
  }
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > maxBytes) throw tooLarge(url, maxBytes) // leaving the loop destroys the response
    pieces.push(piece)
  }
  return Buffer.concat(pieces, bytes)
}

function refusal(url: URL, status: number, location?: string, retryAfter?: string): CodedError {
  const isRedirect = status >= 300 && status < 400
  const hint = isRedirect
    ? `it points to ${JSON.stringify(location ?? 'nowhere').slice(0, 200)}, and redirects are not followed; if ` +
      'that is the right address, give it as bookUrl'
    : (hints[status] ?? "see the exchange's status page")
  const seconds = /^\d{1,7}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined
  return failure(url, `it answered HTTP ${String(status)}: ${hint}`, {
    status,
    ...(seconds === undefined ? {} : { retryAfterMs: seconds * 1000 }),
  })
}

function tooLarge(url: URL, maxBytes: number): CodedError {
  return feedError(
    FeedCode.BookTooLarge,
    `the book of ${url.host} has more than ${String(maxBytes)} bytes; raise maxBookBytes if it is that deep`,
    { details: { host: url.host, maxBookBytes: maxBytes } },
  )
}

function failure(
  url: URL,
  what: string,
  details: Readonly<Record<string, unknown>>,
  cause?: Error,
): CodedError {
  return feedError(
    FeedCode.BookFetch,
    `no book from ${url.host}: ${what}; the client retries by itself`,
    { details: { host: url.host, ...details }, ...(cause === undefined ? {} : { cause }) },
  )
}
