/**
 * One life of a connection: the pinned socket, the WebSocket over it, its end. It knows no exchange's
 * protocol and does not retry.
 *
 * Invariants: `onEnd` is called exactly once, with the reason, and nothing is called after it; `onOpen`
 * precedes the first message; whatever the server sends, the outcome is a message or an end.
 */
import type { IncomingMessage } from 'node:http'
import type WebSocket from 'ws'
import type { CodedError } from '../../errors/pinnacle-error.js'
import { isPinnacleError } from '../../errors/pinnacle-error.js'
import { FeedCode, feedError } from './errors.js'
import { openPinnedSocket, type PinnedConnectionOptions } from './pinned-connection.js'
import { webSocketOver, type WebSocketLimits } from './web-socket.js'

export interface ConnectionHandlers {
  onOpen(): void
  onMessage(bytes: Buffer): void
  /** A ping or pong: the peer is alive. */
  onAlive(): void
  /** `null` if `close` was called. */
  onEnd(reason: CodedError | null): void
}

export interface ConnectionOptions
  extends Omit<PinnedConnectionOptions, 'signal'>, WebSocketLimits {
  /** Bounds the TLS connection, and then the HTTP upgrade. */
  readonly connectTimeoutMs: number
}

const normalClosure = 1000

export class FeedConnection {
  readonly #options: ConnectionOptions
  readonly #handlers: ConnectionHandlers
  readonly #abort = new AbortController()
  readonly #host: string
  #socket: WebSocket | undefined
  #upgradeTimer: NodeJS.Timeout | undefined
  #open = false
  #ended = false
  #closing = false
  #endWaiters: (() => void)[] = []

  constructor(options: ConnectionOptions, handlers: ConnectionHandlers) {
    this.#options = options
    this.#handlers = handlers
    this.#host = new URL(options.url).host
    openPinnedSocket({ ...options, signal: this.#abort.signal }).then(
      (socket) => {
        if (this.#ended) socket.destroy()
        else this.#listen(webSocketOver(socket, options.url, options))
      },
      (error: unknown) => {
        this.#end(isPinnacleError(error) ? error : this.#lost('the connection failed', error))
      },
    )
  }

  get isOpen(): boolean {
    return this.#open && !this.#ended && !this.#closing
  }

  /** Sends if the connection is open. Unsent data is lost with the connection, which then ends. */
  send(text: string): void {
    if (this.isOpen) this.#socket?.send(text, () => undefined) // a failure arrives as `close`
  }

  ping(): void {
    if (this.isOpen) this.#socket?.ping()
  }

  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Ends at once with this reason. */
  fail(reason: CodedError): void {
    this.#end(reason)
  }

  /** Sends a close frame and waits for its answer, for at most `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#ended) return
    if (!this.#open || !this.#socket) {
      this.#end(null)
      return
    }
    const ended = new Promise<void>((resolve) => this.#endWaiters.push(resolve))
    if (!this.#closing) {
      this.#closing = true
      this.#socket.resume() // otherwise the answer would not be read
      this.#socket.close(normalClosure)
    }
    const timer = setTimeout(() => {
      this.#end(null)
    }, timeoutMs)
    await ended
    clearTimeout(timer)
  }

  #listen(socket: WebSocket): void {
    this.#socket = socket
    const { connectTimeoutMs } = this.#options
    // ws's own time-out does not apply to a connected socket.
    this.#upgradeTimer = setTimeout(() => {
      this.#end(
        feedError(
          FeedCode.Connect,
          `${this.#host} has not answered the WebSocket's handshake within ${String(connectTimeoutMs)} ms; see ` +
            "the exchange's status page",
          { details: { host: this.#host, timeoutMs: connectTimeoutMs } },
        ),
      )
    }, connectTimeoutMs)
    socket.on('open', () => {
      if (this.#ended) return
      clearTimeout(this.#upgradeTimer)
      this.#open = true
      this.#handlers.onOpen()
    })
    socket.on('message', (data, isBinary) => {
      if (this.#ended || this.#closing) return
      if (isBinary || !Buffer.isBuffer(data)) {
        this.#end(
          feedError(
            FeedCode.Protocol,
            `${this.#host} sent a binary message, which no known exchange does; check that the address is a ` +
              'market data feed',
          ),
        )
        return
      }
      this.#handlers.onMessage(data)
    })
    const alive = (): void => {
      if (!this.#ended) this.#handlers.onAlive()
    }
    socket.on('ping', alive)
    socket.on('pong', alive)
    socket.on('unexpected-response', (request, response) => {
      this.#end(this.#refusal(response))
      request.destroy()
    })
    // Stays on after the end: ws reports its own termination as an error.
    socket.on('error', (cause) => {
      this.#end(this.#failure(cause))
    })
    socket.on('close', (code, reason) => {
      this.#end(this.#closing ? null : this.#closed(code, reason.toString('utf8')))
    })
  }

  #end(reason: CodedError | null): void {
    if (this.#ended) return
    this.#ended = true
    this.#open = false
    clearTimeout(this.#upgradeTimer)
    this.#abort.abort()
    this.#socket?.terminate()
    this.#handlers.onEnd(reason)
    for (const resolve of this.#endWaiters.splice(0)) resolve()
  }

  #refusal(response: IncomingMessage): CodedError {
    const status = response.statusCode ?? 0
    const hints: Readonly<Record<number, string>> = {
      401: 'the address wants credentials',
      403: 'the exchange does not serve this network or country',
      404: 'the address has no feed at this path',
      429: 'there were too many tries; the client retries less often by itself',
    }
    const hint = hints[status] ?? "see the exchange's status page"
    return feedError(
      FeedCode.Connect,
      `${this.#host} answered HTTP ${String(status)} and no WebSocket: ${hint}`,
      { details: { host: this.#host, status } },
    )
  }

  #failure(cause: Error): CodedError {
    const code = (cause as { code?: unknown }).code
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
      const { maxMessageBytes } = this.#options
      return feedError(
        FeedCode.MessageTooLarge,
        `${this.#host} sent a message of more than ${String(maxMessageBytes)} bytes; if it is a snapshot of a ` +
          'deep book, raise maxMessageBytes',
        { cause, details: { host: this.#host, maxMessageBytes } },
      )
    }
    if (typeof code === 'string' && code.startsWith('WS_ERR_')) {
      return feedError(
        FeedCode.Protocol,
        `${this.#host} broke the WebSocket protocol: ${cause.message}; check what is in between`,
        { cause, details: { host: this.#host } },
      )
    }
    if (this.#open) return this.#lost(cause.message, cause)
    return feedError(
      FeedCode.Connect,
      `no WebSocket with ${this.#host}: ${cause.message}; check the address and the exchange's status page`,
      { cause, details: { host: this.#host } },
    )
  }

  #closed(closeCode: number, closeReason: string): CodedError {
    const said = closeReason === '' ? '' : ` (${JSON.stringify(closeReason.slice(0, 200))})`
    return feedError(
      this.#open ? FeedCode.Lost : FeedCode.Connect,
      `${this.#host} ended the connection with code ${String(closeCode)}${said}; the client reconnects by itself`,
      { details: { host: this.#host, closeCode, closeReason } },
    )
  }

  #lost(what: string, cause: unknown): CodedError {
    return feedError(
      FeedCode.Lost,
      `the connection to ${this.#host} was lost: ${what}; the client reconnects by itself`,
      { cause, details: { host: this.#host } },
    )
  }
}
