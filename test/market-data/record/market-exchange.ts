/**
 * A market that runs with or without listeners, on a TLS WebSocket server that speaks Coinbase Advanced
 * Trade. A new connection gets the current book, the last trades again, and everything from then on.
 */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { Authority } from '../certificates.js'
import { randomOf } from '../../seed.js'

export const product = 'BTC-USD'

export interface MarketTrade {
  id: string
  atMs: number
}

const repeatedTrades = 20

export class MarketExchange {
  /** `bid 10025`: lots of eight digits. */
  readonly book = new Map<string, bigint>()
  readonly trades: MarketTrade[] = []
  readonly ca: string
  readonly #https
  readonly #server: WebSocketServer
  readonly #sequences = new Map<WebSocket, number>()
  readonly #random: () => number
  readonly #sent: object[] = []
  #timer: NodeJS.Timeout | undefined

  /** `perTick` events happen every `everyMs`. */
  static async start(seed: number, everyMs: number, perTick = 1): Promise<MarketExchange> {
    const root = await Authority.root('Market root')
    const { key, cert } = await root.issue()
    const exchange = new MarketExchange(root.cert, key, cert, randomOf(seed))
    exchange.#https.listen(0, '127.0.0.1')
    await once(exchange.#https, 'listening')
    exchange.#timer = setInterval(() => {
      for (let count = 0; count < perTick; count++) exchange.#happen()
    }, everyMs)
    return exchange
  }

  private constructor(ca: string, key: string, cert: string, random: () => number) {
    this.ca = ca
    this.#random = random
    this.#https = createServer({ key, cert })
    this.#server = new WebSocketServer({ server: this.#https })
    this.#server.on('connection', (socket) => {
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sequences.delete(socket))
      socket.on('message', (data: Buffer) => this.#request(socket, data.toString()))
    })
    for (let level = 0; level < 60; level++) this.#change()
  }

  get url(): string {
    return `wss://localhost:${String((this.#https.address() as AddressInfo).port)}/`
  }

  get connected(): boolean {
    return this.#sequences.size > 0
  }

  /** Nothing more happens; all messages were sent. */
  stop(): void {
    clearInterval(this.#timer)
  }

  async close(): Promise<void> {
    this.stop()
    for (const socket of this.#server.clients) socket.terminate()
    this.#server.close()
    this.#https.closeAllConnections()
    await new Promise((resolve) => this.#https.close(resolve))
  }

  readonly #channels = new WeakMap<WebSocket, Set<string>>()

  #request(socket: WebSocket, text: string): void {
    const { type, channel } = JSON.parse(text) as { type: string; channel: string }
    if (type !== 'subscribe') return
    if (!this.#sequences.has(socket)) this.#sequences.set(socket, 0)
    const channels = this.#channels.get(socket) ?? new Set<string>()
    this.#channels.set(socket, channels.add(channel))
    if (channel === 'level2') {
      const updates = [...this.book].map(([key, lots]) => levelOf(key, lots))
      this.#send(socket, 'l2_data', { type: 'snapshot', product_id: product, updates })
    }
    if (channel === 'market_trades') {
      const trades = this.#sent.slice(-repeatedTrades).reverse()
      this.#send(socket, 'market_trades', { type: 'snapshot', trades })
    }
    const subscriptions = Object.fromEntries([...channels].map((name) => [name, [product]]))
    this.#send(socket, 'subscriptions', { subscriptions })
  }

  #happen(): void {
    const listeners = [...this.#sequences.keys()]
    if (this.#random() < 0.3) {
      const trade = this.#trade()
      for (const socket of listeners) {
        if (!this.#channels.get(socket)?.has('market_trades')) continue
        this.#send(socket, 'market_trades', { type: 'update', trades: [trade] })
      }
      return
    }
    const updates = Array.from({ length: 1 + Math.floor(this.#random() * 4) }, () => this.#change())
    for (const socket of listeners) {
      if (!this.#channels.get(socket)?.has('level2')) continue
      this.#send(socket, 'l2_data', { type: 'update', product_id: product, updates })
    }
  }

  #change(): object {
    const side = this.#random() < 0.5 ? 'bid' : 'offer'
    const cents = (side === 'bid' ? 10_000 : 11_000) + Math.floor(this.#random() * 80)
    const lots = this.#random() < 0.35 ? 0n : BigInt(1 + Math.floor(this.#random() * 1e9))
    const key = `${side} ${String(cents)}`
    if (lots === 0n) this.book.delete(key)
    else this.book.set(key, lots)
    return levelOf(key, lots)
  }

  #trade(): object {
    const trade = { id: String(1000 + this.trades.length), atMs: Date.now() }
    this.trades.push(trade)
    const sent = {
      trade_id: trade.id,
      product_id: product,
      price: '105.25',
      size: '0.5',
      side: 'BUY',
      time: new Date(trade.atMs).toISOString(),
    }
    this.#sent.push(sent)
    return sent
  }

  #send(socket: WebSocket, channel: string, event: object): void {
    const sequence = this.#sequences.get(socket) ?? 0
    this.#sequences.set(socket, sequence + 1)
    const timestamp = new Date().toISOString()
    const events = [event]
    socket.send(
      JSON.stringify({ channel, client_id: '', timestamp, sequence_num: sequence, events }),
    )
  }
}

function levelOf(key: string, lots: bigint): object {
  const [side, cents = ''] = key.split(' ')
  const digits = String(lots).padStart(9, '0')
  return {
    side,
    event_time: new Date().toISOString(),
    price_level: `${cents.slice(0, -2)}.${cents.slice(-2)}`,
    new_quantity: `${digits.slice(0, -8)}.${digits.slice(-8)}`,
  }
}
