/**
 * An exchange on this machine: a TLS WebSocket server that speaks the protocol of Coinbase Advanced Trade,
 * and misbehaves on request. Each connection counts its messages from 0, as the exchange does.
 *
 * Messages are the test's own (`frames`), rewritten with the connection's next number; by default small ones
 * are generated. Real recordings fit unchanged. With a `market` every connection hears the same market from
 * its subscription on, with snapshots of the current books.
 */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TlsOptions } from 'node:tls'
import { WebSocketServer, type WebSocket } from 'ws'
import { Authority, type Identity } from './certificates.js'
import type { ExchangeMarket, MarketMessage } from './exchange-market.js'
import {
  errorMessage,
  heartbeatMessage,
  levelMessage,
  subscriptionsMessage,
} from './exchange-messages.js'

export { levelMessage, tradeMessage } from './exchange-messages.js'

export interface Fault {
  /** Counts the server's connections from 1. Default: every one. */
  readonly connection?: number
  /** The fault happens before this data message of the connection, from 0. */
  readonly before: number
  readonly what:
    | 'drop' // the socket is cut
    | 'close' // a close frame
    | 'skip' // one number is omitted, with its message
    | 'duplicate' // the preceding message comes again
    | 'late' // the message comes after the next one
    | 'binary'
    | 'oversize' // a message of `bytes`
    | 'error' // the exchange refuses something
    | 'broken' // text that is not JSON
    | 'broken-utf8' // a text message that is not UTF-8
    | 'fall-silent' // neither data nor heartbeats from here on
  readonly bytes?: number
}

export interface TlsExchangeOptions {
  /**
   * Data messages: JSON text of Coinbase Advanced Trade. Sent after the snapshots, in order, once per
   * connection.
   */
  readonly frames?: readonly string[]
  /** Replaces `frames` and `endless`. */
  readonly market?: ExchangeMarket
  readonly faults?: readonly Fault[]
  /** 0 sends all data at once. */
  readonly intervalMs?: number
  /** Messages of the market per interval. Default: 1. */
  readonly burst?: number
  /** 0 sends no heartbeats. */
  readonly heartbeatMs?: number
  /** Products that the exchange has; others are refused with an error. Default: all. */
  readonly products?: readonly string[]
  /** Continues with generated messages after `frames`. */
  readonly endless?: boolean
  /**
   * Answers the upgrade of the connections up to this number with an HTTP status, by hanging up, or not at
   * all.
   */
  readonly refuse?: {
    readonly status: number | 'hang-up' | 'no-answer'
    readonly connections: number
  }
  /** Returns why a request of the channel `user` is refused; undefined accepts it. */
  readonly authenticate?: (message: Readonly<Record<string, unknown>>) => string | undefined
  /**
   * `connection`: as Advanced Trade does. `product`: level changes of a market by product, across
   * connections; a snapshot has the number that it reaches, and everything else has 0.
   */
  readonly numbering?: 'connection' | 'product'
  /** The server certificate's authority and identity; new ones by default. */
  readonly trust?: { readonly root: Authority; readonly identity: Identity }
  readonly tls?: TlsOptions
}

export interface ReceivedRequest {
  readonly connection: number
  readonly message: Readonly<Record<string, unknown>>
}

export interface TlsExchange {
  readonly url: string
  readonly port: number
  /** PEM of the root. */
  readonly ca: string
  /** Pin of the server's key. */
  readonly pin: string
  /** WebSockets opened so far. */
  readonly connections: number
  /** Those that are open. */
  readonly open: number
  /** Requests of the clients, in order. */
  readonly received: ReceivedRequest[]
  /** Codes of close frames that clients sent. */
  readonly closeCodes: readonly number[]
  /** Messages written to each connection, from the first. */
  readonly sent: string[][]
  /** Bytes that wait here because the clients don't read. */
  readonly unsentBytes: number
  /** Sends a data message now on every connection that is open. */
  send(message: Record<string, unknown>): void
  /** Cuts every connection that is open now. */
  cut(): void
  /** Stops the market. */
  stopMarket(): void
  /** Later connections see this certificate. */
  use(identity: Identity): void
  close(): Promise<void>
}

interface Session {
  readonly number: number
  readonly socket: WebSocket
  readonly subscriptions: Map<string, Set<string>>
  sequence: number
  dataSent: number
  /** The last data message. */
  last: string
  /** The message to send after the next data message. */
  held: string | undefined
  silent: boolean
  streaming: boolean
  timers: NodeJS.Timeout[]
}

class Exchange implements TlsExchange {
  readonly ca: string
  readonly pin: string
  readonly received: ReceivedRequest[] = []
  readonly closeCodes: number[] = []
  readonly sent: string[][] = []
  readonly #options: TlsExchangeOptions
  readonly #https
  readonly #server = new WebSocketServer({ noServer: true })
  readonly #sessions = new Set<Session>()
  readonly #unanswered = new Set<Duplex>()
  readonly #productSequences = new Map<string, number>()
  #marketTimer: NodeJS.Timeout | undefined
  #isMarketOpen = true
  #refused = 0
  connections = 0

  constructor(root: Authority, identity: Identity, options: TlsExchangeOptions) {
    this.ca = root.cert
    this.pin = identity.pin
    this.#options = options
    this.#https = createServer({ key: identity.key, cert: identity.cert, ...options.tls })
    this.#https.on('upgrade', (request, socket, head) => {
      const { refuse } = this.#options
      if (refuse && this.#refused < refuse.connections) {
        ++this.#refused
        this.#refuse(socket, refuse.status)
        return
      }
      this.#server.handleUpgrade(request, socket, head, (peer) => this.#serve(peer))
    })
  }

  get port(): number {
    return (this.#https.address() as AddressInfo).port
  }

  get url(): string {
    return `wss://localhost:${String(this.port)}/`
  }

  get open(): number {
    return this.#sessions.size
  }

  get unsentBytes(): number {
    return [...this.#sessions].reduce((sum, { socket }) => sum + socket.bufferedAmount, 0)
  }

  async listen(): Promise<void> {
    this.#https.listen(0, '127.0.0.1')
    await once(this.#https, 'listening')
  }

  send(message: Record<string, unknown>): void {
    for (const session of this.#sessions) this.#write(session, JSON.stringify(message))
  }

  cut(): void {
    for (const session of this.#sessions) session.socket.terminate()
  }

  stopMarket(): void {
    this.#isMarketOpen = false
    clearInterval(this.#marketTimer)
  }

  use({ key, cert }: Identity): void {
    this.#https.setSecureContext({ key, cert, ...this.#options.tls })
  }

  async close(): Promise<void> {
    this.stopMarket()
    for (const session of this.#sessions) {
      for (const timer of session.timers) clearInterval(timer)
      session.socket.terminate()
    }
    for (const socket of this.#unanswered) socket.destroy()
    this.#server.close()
    this.#https.closeAllConnections()
    await new Promise((resolve) => this.#https.close(resolve))
  }

  #refuse(socket: Duplex, status: number | 'hang-up' | 'no-answer'): void {
    socket.on('error', () => undefined)
    if (status === 'hang-up') {
      socket.destroy()
    } else if (status === 'no-answer') {
      this.#unanswered.add(socket)
    } else {
      const head = `HTTP/1.1 ${String(status)} Refused`
      socket.end(`${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    }
  }

  #serve(socket: WebSocket): void {
    const session: Session = {
      number: ++this.connections,
      socket,
      subscriptions: new Map(),
      sequence: 0,
      dataSent: 0,
      last: '',
      held: undefined,
      silent: false,
      streaming: false,
      timers: [],
    }
    this.#sessions.add(session)
    this.sent.push([])
    socket.on('error', () => undefined)
    socket.on('message', (data: Buffer) => this.#request(session, data.toString()))
    socket.on('close', (code) => {
      this.closeCodes.push(code)
      for (const timer of session.timers) clearInterval(timer)
      this.#sessions.delete(session)
    })
  }

  #request(session: Session, text: string): void {
    const message = JSON.parse(text) as Record<string, unknown>
    this.received.push({ connection: session.number, message })
    const { type } = message
    const channel = String(message['channel'])
    const products = (message['product_ids'] ?? []) as string[]
    const refusal = this.#refusalOf(channel, products, message)
    if (refusal !== undefined) {
      this.#raw(session, errorMessage(refusal))
      return
    }
    const subscribed = session.subscriptions.get(channel) ?? new Set<string>()
    if (type === 'subscribe') {
      for (const product of products) subscribed.add(product)
      session.subscriptions.set(channel, subscribed)
      if (channel === 'level2') for (const product of products) this.#snapshot(session, product)
    } else {
      for (const product of products) subscribed.delete(product)
      if (subscribed.size === 0) session.subscriptions.delete(channel)
    }
    const listed = [...session.subscriptions].map(([name, set]): [string, string[]] => [
      name,
      name === 'heartbeats' ? ['heartbeats'] : [...set],
    ])
    this.#write(session, subscriptionsMessage(Object.fromEntries(listed)))
    if (channel === 'heartbeats' && type === 'subscribe') this.#beat(session)
    if (type === 'subscribe' && channel !== 'heartbeats') this.#stream(session)
  }

  #refusalOf(
    channel: string,
    products: readonly string[],
    message: Readonly<Record<string, unknown>>,
  ): string | undefined {
    const known = this.#options.products
    const unknown = products.find((product) => known && !known.includes(product))
    if (unknown !== undefined) return `${unknown} is not a valid product`
    return channel === 'user' ? this.#options.authenticate?.(message) : undefined
  }

  #snapshot(session: Session, product: string): void {
    const { market } = this.#options
    this.#write(session, market ? market.snapshot(product) : levelMessage(product, 0, 'snapshot'))
  }

  #beat(session: Session): void {
    const everyMs = this.#options.heartbeatMs ?? 50
    if (everyMs === 0 || session.timers.length > 0) return
    let counter = 0
    session.timers.push(
      setInterval(() => this.#write(session, heartbeatMessage(++counter)), everyMs),
    )
  }

  #stream(session: Session): void {
    if (session.streaming) return
    session.streaming = true
    const { market, intervalMs: everyMs = 1 } = this.#options
    if (market) {
      if (this.#isMarketOpen) this.#marketTimer ??= setInterval(() => this.#trade(market), everyMs)
      return
    }
    if (everyMs === 0) {
      // After the answers to the other subscriptions; in pieces, for the client lives in this process.
      const piece = (): void => {
        for (let count = 0; count < 100; ++count) if (!this.#data(session)) return
        setImmediate(piece)
      }
      session.timers.push(setTimeout(piece, 20))
      return
    }
    const timer = setInterval(() => {
      if (!this.#data(session)) clearInterval(timer)
    }, everyMs)
    session.timers.push(timer)
  }

  #trade(market: ExchangeMarket): void {
    for (let count = this.#options.burst ?? 1; count > 0; --count) {
      const message = market.next()
      this.#count(message)
      for (const session of this.#sessions) {
        if (session.subscriptions.get(message.channel)?.has(message.product)) {
          this.#offer(session, message.text)
        }
      }
    }
  }

  #count({ product, channel }: MarketMessage): void {
    if (channel !== 'level2') return
    this.#productSequences.set(product, (this.#productSequences.get(product) ?? 0) + 1)
  }

  /** The next data message; false if there are no more. */
  #data(session: Session): boolean {
    const { frames = [], endless = false } = this.#options
    const product = [...(session.subscriptions.get('level2') ?? [])][0] ?? 'BTC-USD'
    const index = session.dataSent
    const text = frames[index] ?? (endless ? levelMessage(product, index) : undefined)
    if (text !== undefined) return this.#offer(session, text)
    for (const fault of this.#faultsAt(session, index)) this.#commit(session, fault)
    return false
  }

  #faultsAt({ number }: Session, index: number): Fault[] {
    return (this.#options.faults ?? []).filter(
      ({ before, connection = number }) => before === index && connection === number,
    )
  }

  /** Sends data, or what a fault makes of it; false if the session is over. */
  #offer(session: Session, text: string): boolean {
    if (session.silent || session.socket.readyState !== session.socket.OPEN) return false
    const faults = this.#faultsAt(session, session.dataSent++)
    for (const fault of faults) this.#commit(session, fault)
    const numbered = this.#numbered(session, text)
    const isLate = faults.some(({ what }) => what === 'late')
    if (isLate) session.held = numbered
    if (isLate || faults.some(({ what }) => what === 'skip')) return true
    this.#raw(session, numbered)
    session.last = numbered
    if (session.held !== undefined) this.#raw(session, session.held)
    session.held = undefined
    return true
  }

  #commit(session: Session, { what, bytes = 0 }: Fault): void {
    const { socket } = session
    switch (what) {
      case 'drop':
        session.silent = true
        socket.terminate()
        break
      case 'close':
        session.silent = true
        socket.close(1012, 'restarting')
        break
      case 'skip':
      case 'late':
        break // the sender ends it
      case 'duplicate':
        this.#raw(session, session.last)
        break
      case 'binary':
        socket.send(Buffer.from([1, 2, 3]))
        break
      case 'oversize':
        this.#raw(session, JSON.stringify({ channel: 'l2_data', padding: 'x'.repeat(bytes) }))
        break
      case 'error':
        this.#raw(session, errorMessage('for a test'))
        break
      case 'broken':
        this.#raw(session, '{"channel":"l2_data",')
        break
      case 'broken-utf8':
        socket.send(Buffer.from([0x7b, 0xc3, 0x28, 0x7d]), { binary: false })
        break
      case 'fall-silent':
        session.silent = true
        break
    }
  }

  #write(session: Session, text: string): void {
    if (!session.silent) this.#raw(session, this.#numbered(session, text))
  }

  /** Replaces the message's number with the next one. */
  #numbered(session: Session, text: string): string {
    const { numbering = 'connection' } = this.#options
    const number = numbering === 'connection' ? session.sequence++ : this.#productNumber(text)
    return text.replace(/"sequence_num":\d+/, `"sequence_num":${String(number)}`)
  }

  /** The market counts; a snapshot has the number of the last change. */
  #productNumber(text: string): number {
    const product = /^\{"channel":"l2_data".*?"product_id":"([^"]+)"/.exec(text)?.[1]
    return product === undefined ? 0 : (this.#productSequences.get(product) ?? 0)
  }

  #raw(session: Session, text: string): void {
    this.sent[session.number - 1]?.push(text)
    session.socket.send(text)
  }
}

export async function startTlsExchange(options: TlsExchangeOptions = {}): Promise<TlsExchange> {
  const root = options.trust?.root ?? (await Authority.root('Exchange root'))
  const exchange = new Exchange(root, options.trust?.identity ?? (await root.issue()), options)
  await exchange.listen()
  return exchange
}
