/**
 * An exchange on this machine: a TLS WebSocket server that speaks the protocol of Coinbase Advanced Trade, and
 * misbehaves as a test wants. Each connection counts its messages from 0, as the exchange does.
 *
 * Messages are the test's own (`frames`), rewritten with the connection's next number; where none are given,
 * small ones are made. Real recordings fit as they are.
 */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { Authority, type Identity } from './certificates.js'

export interface Fault {
  /** Counts the server's connections from 1; every one where it is left out. */
  readonly connection?: number
  /** Before which of the connection's data messages it happens, from 0. */
  readonly before: number
  readonly what:
    | 'drop' // the socket is cut
    | 'close' // a close frame
    | 'skip' // one number is left out, and its message
    | 'duplicate' // the message before comes again
    | 'binary'
    | 'oversize' // a message of `bytes`
    | 'error' // the exchange refuses something
    | 'broken' // text that is no JSON
    | 'fall-silent' // neither data nor heartbeats from here on
  readonly bytes?: number
}

export interface TlsExchangeOptions {
  /** Data messages: JSON text of Coinbase Advanced Trade. Sent after the snapshots, in order, once a connection. */
  readonly frames?: readonly string[]
  readonly faults?: readonly Fault[]
  /** 0 sends all data at once. */
  readonly intervalMs?: number
  /** 0 sends no heartbeats. */
  readonly heartbeatMs?: number
  /** Products that the exchange has; others are refused with an error. All where it is left out. */
  readonly products?: readonly string[]
  /** Continues with made messages when `frames` are sent. */
  readonly endless?: boolean
  /** Answers HTTP with this status instead of a WebSocket, for the connections up to this number. */
  readonly refuse?: { readonly status: number; readonly connections: number }
}

export interface ReceivedRequest {
  readonly connection: number
  readonly message: Readonly<Record<string, unknown>>
}

export interface TlsExchange {
  readonly url: string
  /** PEM of the root. */
  readonly ca: string
  /** Of the server's key. */
  readonly pin: string
  /** WebSockets that were opened, in total. */
  readonly connections: number
  /** Those that are open. */
  readonly open: number
  /** Requests of the clients, in order. */
  readonly received: readonly ReceivedRequest[]
  /** Codes of close frames that clients sent. */
  readonly closeCodes: readonly number[]
  /** Messages that were written to each connection, from the first. */
  readonly sent: readonly (readonly string[])[]
  /** Sends a data message now on every connection that is open. */
  send(message: Record<string, unknown>): void
  /** Cuts every connection that is open now. */
  cut(): void
  close(): Promise<void>
}

const dayStart = Date.UTC(2026, 7, 9)

function iso(tick: number): string {
  return `${new Date(dayStart + tick).toISOString().slice(0, -1)}000000Z`
}

/** A level change as the exchange sends it. */
export function levelMessage(product: string, index: number, type = 'update'): string {
  const updates = [
    {
      side: 'bid',
      event_time: iso(index),
      price_level: String(100 - (index % 7)),
      new_quantity: '1.5',
    },
    {
      side: 'offer',
      event_time: iso(index),
      price_level: String(101 + (index % 5)),
      new_quantity: '2',
    },
  ]
  const events = [{ type, product_id: product, updates }]
  return JSON.stringify({
    channel: 'l2_data',
    client_id: '',
    timestamp: iso(index),
    sequence_num: 0,
    events,
  })
}

export function tradeMessage(product: string, index: number): string {
  const trade = {
    trade_id: String(1000 + index),
    product_id: product,
    price: '100.5',
    size: '0.25',
    side: 'BUY',
    time: iso(index),
  }
  const events = [{ type: 'update', trades: [trade] }]
  return JSON.stringify({
    channel: 'market_trades',
    client_id: '',
    timestamp: iso(index),
    sequence_num: 0,
    events,
  })
}

interface Session {
  readonly number: number
  readonly socket: WebSocket
  readonly subscriptions: Map<string, Set<string>>
  sequence: number
  dataSent: number
  last: string
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
  #refused = 0
  connections = 0

  constructor(root: Authority, identity: Identity, options: TlsExchangeOptions) {
    this.ca = root.cert
    this.pin = identity.pin
    this.#options = options
    this.#https = createServer({ key: identity.key, cert: identity.cert })
    this.#https.on('upgrade', (request, socket, head) => {
      const { refuse } = this.#options
      if (refuse && this.#refused < refuse.connections) {
        ++this.#refused
        socket.end(
          `HTTP/1.1 ${String(refuse.status)} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        )
        return
      }
      this.#server.handleUpgrade(request, socket, head, (peer) => this.#serve(peer))
    })
  }

  get url(): string {
    return `wss://localhost:${String((this.#https.address() as AddressInfo).port)}/`
  }

  get open(): number {
    return this.#sessions.size
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

  async close(): Promise<void> {
    for (const session of this.#sessions) {
      for (const timer of session.timers) clearInterval(timer)
      session.socket.terminate()
    }
    this.#server.close()
    this.#https.closeAllConnections()
    await new Promise((resolve) => this.#https.close(resolve))
  }

  #serve(socket: WebSocket): void {
    const session: Session = {
      number: ++this.connections,
      socket,
      subscriptions: new Map(),
      sequence: 0,
      dataSent: 0,
      last: '',
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
    const known = this.#options.products
    const unknown = products.find((product) => known && !known.includes(product))
    if (unknown !== undefined) {
      this.#raw(
        session,
        JSON.stringify({
          type: 'error',
          message: 'Failed to subscribe',
          reason: `${unknown} is not a valid product`,
        }),
      )
      return
    }
    const subscribed = session.subscriptions.get(channel) ?? new Set<string>()
    if (type === 'subscribe') {
      for (const product of products) subscribed.add(product)
      session.subscriptions.set(channel, subscribed)
      if (channel === 'level2') {
        for (const product of products) this.#write(session, levelMessage(product, 0, 'snapshot'))
      }
    } else {
      for (const product of products) subscribed.delete(product)
      if (subscribed.size === 0) session.subscriptions.delete(channel)
    }
    const subscriptions = Object.fromEntries(
      [...session.subscriptions].map(([name, set]) => [
        name,
        name === 'heartbeats' ? ['heartbeats'] : [...set],
      ]),
    )
    this.#write(
      session,
      JSON.stringify({
        channel: 'subscriptions',
        client_id: '',
        timestamp: iso(0),
        sequence_num: 0,
        events: [{ subscriptions }],
      }),
    )
    if (channel === 'heartbeats' && type === 'subscribe') this.#beat(session)
    if (type === 'subscribe' && channel !== 'heartbeats') this.#stream(session)
  }

  #beat(session: Session): void {
    const everyMs = this.#options.heartbeatMs ?? 50
    if (everyMs === 0 || session.timers.length > 0) return
    let counter = 0
    session.timers.push(
      setInterval(() => {
        if (session.silent) return
        const events = [
          { current_time: '2026-08-09 00:00:00 +0000 UTC', heartbeat_counter: ++counter },
        ]
        const text = {
          channel: 'heartbeats',
          client_id: '',
          timestamp: iso(counter),
          sequence_num: 0,
          events,
        }
        this.#write(session, JSON.stringify(text))
      }, everyMs),
    )
  }

  #stream(session: Session): void {
    if (session.streaming) return
    session.streaming = true
    const everyMs = this.#options.intervalMs ?? 1
    if (everyMs === 0) {
      // Behind the answers to the other subscriptions.
      session.timers.push(
        setTimeout(() => {
          while (!session.silent && this.#data(session));
        }, 20),
      )
      return
    }
    const timer = setInterval(() => {
      if (!this.#data(session)) clearInterval(timer)
    }, everyMs)
    session.timers.push(timer)
  }

  /** The next data message; false where there is none any more. */
  #data(session: Session): boolean {
    const { frames = [], endless = false } = this.#options
    if (session.silent || session.socket.readyState !== session.socket.OPEN) return false
    const index = session.dataSent
    for (const fault of this.#options.faults ?? []) {
      if (fault.before !== index) continue
      if (fault.connection !== undefined && fault.connection !== session.number) continue
      this.#commit(session, fault)
    }
    const product = [...(session.subscriptions.get('level2') ?? [])][0] ?? 'BTC-USD'
    const text = frames[index] ?? (endless ? levelMessage(product, index) : undefined)
    if (text === undefined) return false
    ++session.dataSent
    this.#write(session, text)
    return true
  }

  #commit(session: Session, { what, bytes = 0 }: Fault): void {
    switch (what) {
      case 'drop':
        session.silent = true
        session.socket.terminate()
        break
      case 'close':
        session.silent = true
        session.socket.close(1012, 'restarting')
        break
      case 'skip':
        ++session.sequence
        break
      case 'duplicate':
        this.#raw(session, session.last)
        break
      case 'binary':
        session.socket.send(Buffer.from([1, 2, 3]))
        break
      case 'oversize':
        this.#raw(session, JSON.stringify({ channel: 'l2_data', padding: 'x'.repeat(bytes) }))
        break
      case 'error':
        this.#raw(session, '{"type":"error","message":"Failed to subscribe","reason":"for a test"}')
        break
      case 'broken':
        this.#raw(session, '{"channel":"l2_data",')
        break
      case 'fall-silent':
        session.silent = true
        break
    }
  }

  /** With the connection's next number in the place of the message's own. */
  #write(session: Session, text: string): void {
    if (session.silent) return
    session.last = text.replace(
      /"sequence_num":\d+/,
      `"sequence_num":${String(session.sequence++)}`,
    )
    this.#raw(session, session.last)
  }

  #raw(session: Session, text: string): void {
    this.sent[session.number - 1]?.push(text)
    session.socket.send(text)
  }
}

export async function startTlsExchange(options: TlsExchangeOptions = {}): Promise<TlsExchange> {
  const root = await Authority.root('Exchange root')
  const exchange = new Exchange(root, await root.issue(), options)
  await exchange.listen()
  return exchange
}
