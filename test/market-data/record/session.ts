/**
 * A small synthetic session of Coinbase Advanced Trade, and its expected final books, by plain maps over the
 * messages themselves: nothing of the library is involved.
 */
import { randomOf } from '../../seed.js'

export const products = ['BTC-USD', 'ETH-USD']
export const channels = ['level2', 'market_trades', 'ticker']
export const scales = {
  'BTC-USD': { priceScale: 2, quantityScale: 8 },
  'ETH-USD': { priceScale: 2, quantityScale: 8 },
}

const startMs = Date.UTC(2026, 4, 1, 12)

function iso(ms: number): string {
  return `${new Date(startMs + ms).toISOString().slice(0, -1)}123456Z`
}

interface Level {
  side: 'bid' | 'offer'
  event_time: string
  price_level: string
  new_quantity: string
}

/** `count` frames, numbered from 0 without a gap. */
export function sessionFrames(count: number, seed = 1): string[] {
  const random = randomOf(seed)
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random() * items.length)] as Item
  const frames: string[] = []
  const push = (channel: string, events: unknown[]): void => {
    const sequence_num = frames.length
    const timestamp = iso(sequence_num)
    frames.push(JSON.stringify({ channel, client_id: '', timestamp, sequence_num, events }))
  }
  const level = (size?: string): Level => ({
    side: pick(['bid', 'offer']),
    event_time: iso(frames.length),
    price_level: `${String(100 + Math.floor(random() * 60))}.${pick(['5', '25', '07'])}`,
    new_quantity: size ?? (random() < 0.4 ? '0' : `${String(Math.floor(random() * 9))}.00000001`),
  })
  let tradeId = 500
  const trade = (product: string) => ({
    trade_id: String(++tradeId),
    product_id: product,
    price: `${String(100 + Math.floor(random() * 60))}.25`,
    size: `0.${String(1 + Math.floor(random() * 8))}5`,
    side: pick(['BUY', 'SELL']),
    time: iso(frames.length),
  })
  const lists: Record<string, string[]> = {}
  for (const channel of ['market_trades', 'ticker', 'level2']) {
    lists[channel] = products
    if (channel === 'level2') {
      for (const product of products) {
        const updates = Array.from({ length: 40 }, () => level('1.5'))
        push('l2_data', [{ type: 'snapshot', product_id: product, updates }])
      }
    }
    push('subscriptions', [{ subscriptions: { ...lists } }])
  }
  push('subscriptions', [{ subscriptions: { ...lists, heartbeats: ['heartbeats'] } }])
  const sent: ReturnType<typeof trade>[] = []
  while (frames.length < count) {
    const kind = random()
    const product = pick(products)
    if (kind < 0.6) {
      const updates = Array.from({ length: 1 + Math.floor(random() * 4) }, () => level())
      push('l2_data', [{ type: 'update', product_id: product, updates }])
    } else if (kind < 0.75) {
      // Newest first; now and then one that was already sent.
      const trades = Array.from({ length: 1 + Math.floor(random() * 3) }, () => trade(product))
      const repeated = random() < 0.3 ? sent.slice(-1) : []
      sent.push(...trades)
      push('market_trades', [{ type: 'update', trades: [...trades.reverse(), ...repeated] }])
    } else if (kind < 0.9) {
      const ticker = {
        type: 'ticker',
        product_id: product,
        price: '101.25',
        volume_24_h: '12345678901234.5',
        best_bid: '101.07',
        best_bid_quantity: '0.5',
        best_ask: '101.50',
        best_ask_quantity: '1',
      }
      push('ticker', [{ type: 'update', tickers: [ticker] }])
    } else if (kind < 0.95) {
      push('heartbeats', [{ current_time: 'now', heartbeat_counter: frames.length }])
    } else {
      push('made_up', [{ anything: ['goes', { here: 1 }] }])
    }
  }
  return frames
}

/** Lines of a recording in file form; frames are a millisecond apart. */
export function recordingOf(frames: readonly string[], url = 'wss://exchange.example'): string {
  const second = startMs / 1000
  const lines: object[] = [{ t: 'header', format: 2, exchange: 'COINBASE' }]
  lines.push({ t: 'connect', conn: 'one', ts: second, addr: url })
  for (const [index, data] of frames.entries()) {
    lines.push({ t: 'recv', conn: 'one', ts: second + index / 1000, data })
  }
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
}

interface NaiveMessage {
  channel: string
  events: {
    type: string
    product_id: string
    updates?: Level[]
    trades?: { trade_id: string; product_id: string }[]
  }[]
}

/** By product: `bid 101.25` and the like, with the size in lots of eight digits. */
export function naiveBooks(frames: readonly string[]): Map<string, Map<string, bigint>> {
  const books = new Map<string, Map<string, bigint>>()
  for (const frame of frames) {
    const message = JSON.parse(frame) as NaiveMessage
    if (message.channel !== 'l2_data') continue
    for (const event of message.events) {
      if (event.type === 'snapshot') books.set(event.product_id, new Map())
      const book = books.get(event.product_id)
      for (const { side, price_level, new_quantity } of event.updates ?? []) {
        const key = `${side} ${String(scaled(price_level, 2))}`
        const size = scaled(new_quantity, 8)
        if (size === 0n) book?.delete(key)
        else book?.set(key, size)
      }
    }
  }
  return books
}

/** Ids of the product's trades, each once, in the order of their first appearance. */
export function naiveTrades(frames: readonly string[], product: string): string[] {
  const ids = new Set<string>()
  for (const frame of frames) {
    const message = JSON.parse(frame) as NaiveMessage
    if (message.channel !== 'market_trades') continue
    for (const event of message.events) {
      for (const trade of [...(event.trades ?? [])].reverse()) {
        if (trade.product_id === product) ids.add(trade.trade_id)
      }
    }
  }
  return [...ids]
}

function scaled(text: string, digits: number): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.slice(0, digits).padEnd(digits, '0'))
}
