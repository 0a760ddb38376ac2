/** A market on one TLS server: its stream as a WebSocket, its book over HTTPS. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { BookMarket } from './book-markets.js'
import { Authority, type Identity } from './certificates.js'

export interface BookExchangeOptions {
  readonly market: BookMarket
  /** Messages per two milliseconds. */
  readonly burst?: number
  /** Delay between a request for the book and the answer. */
  readonly bookDelayMs?: number
  /** Whether the book is from the time of the request or of the answer. */
  readonly bookOf?: 'request' | 'answer'
  /** Answers requests for books instead of the exchange, counted from 1; false lets the exchange answer. */
  readonly instead?: (response: ServerResponse, count: number, request: IncomingMessage) => boolean
  /** The certificate's authority and identity; new ones by default. */
  readonly trust?: { readonly root: Authority; readonly identity: Identity }
}

export class BookExchange {
  readonly ca: string
  readonly pin: string
  /** Requests of the WebSocket clients. */
  readonly received: Record<string, unknown>[] = []
  /** Requests for books: path and query. */
  readonly asked: string[] = []
  readonly agents: (string | undefined)[] = []
  connections = 0
  /** Messages to omit from now on. */
  skip = 0
  readonly #options: BookExchangeOptions
  readonly #https
  readonly #server
  readonly #timers = new Set<NodeJS.Timeout>()
  #marketTimer: NodeJS.Timeout | undefined

  static async start(options: BookExchangeOptions): Promise<BookExchange> {
    const root = options.trust?.root ?? (await Authority.root('Book root'))
    const identity = options.trust?.identity ?? (await root.issue())
    const exchange = new BookExchange(root, identity, options)
    exchange.#https.listen(0, '127.0.0.1')
    await once(exchange.#https, 'listening')
    return exchange
  }

  private constructor(root: Authority, { key, cert, pin }: Identity, options: BookExchangeOptions) {
    this.ca = root.cert
    this.pin = pin
    this.#options = options
    const { market, burst = 3 } = options
    this.#https = createServer({ key, cert }, (request, response) => this.#book(request, response))
    this.#https.on('tlsClientError', () => undefined)
    this.#server = new WebSocketServer({ server: this.#https })
    this.#server.on('connection', (socket) => {
      ++this.connections
      socket.on('error', () => undefined)
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as Record<string, unknown>
        this.received.push(message)
        socket.send(market.answer(message))
        this.#marketTimer ??= setInterval(() => {
          for (let count = 0; count < burst; ++count) this.#happen()
        }, 2)
      })
    })
  }

  get url(): string {
    return `wss://localhost:${String(this.#port)}/`
  }

  get bookUrl(): string {
    return `https://localhost:${String(this.#port)}`
  }

  get #port(): number {
    return (this.#https.address() as AddressInfo).port
  }

  /** One message, besides the timed ones. */
  happen(): void {
    this.#happen()
  }

  cut(): void {
    for (const socket of this.#server.clients) socket.terminate()
  }

  /** Nothing more happens; all messages were sent. */
  stop(): void {
    clearInterval(this.#marketTimer)
  }

  async close(): Promise<void> {
    this.stop()
    for (const timer of this.#timers) clearTimeout(timer)
    this.cut()
    this.#server.close()
    this.#https.closeAllConnections()
    await new Promise((resolve) => this.#https.close(resolve))
  }

  #happen(): void {
    const message = this.#options.market.next()
    if (this.skip > 0) {
      --this.skip
      return
    }
    for (const socket of this.#server.clients) socket.send(message)
  }

  #book(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(request.url ?? '')
    this.agents.push(request.headers['user-agent'])
    const { market, instead, bookDelayMs = 0, bookOf = 'request' } = this.#options
    if (instead?.(response, this.asked.length, request)) return
    const atRequest = bookOf === 'request' ? market.book() : undefined
    const timer = setTimeout(() => {
      response.setHeader('content-type', 'application/json')
      response.end(atRequest ?? market.book())
    }, bookDelayMs)
    this.#timers.add(timer)
  }
}
