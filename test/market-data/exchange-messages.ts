/** Small synthetic messages of Coinbase Advanced Trade. The server numbers them. */

const dayStart = Date.UTC(2026, 7, 9)

/** A moment of the exchange's clock, which ticks in milliseconds. */
function iso(tick: number): string {
  return `${new Date(dayStart + tick).toISOString().slice(0, -1)}000000Z`
}

function message(channel: string, tick: number, events: readonly unknown[]): string {
  return JSON.stringify({ channel, client_id: '', timestamp: iso(tick), sequence_num: 0, events })
}

export interface Level {
  readonly side: 'bid' | 'offer'
  readonly price: string
  /** The level's new size; "0" removes it. */
  readonly size: string
}

export function levelsMessage(
  product: string,
  tick: number,
  levels: readonly Level[],
  type: 'snapshot' | 'update' = 'update',
): string {
  const updates = levels.map(({ side, price, size }) => ({
    side,
    event_time: iso(tick),
    price_level: price,
    new_quantity: size,
  }))
  return message('l2_data', tick, [{ type, product_id: product, updates }])
}

/** Two levels that change with the index. */
export function levelMessage(
  product: string,
  index: number,
  type: 'snapshot' | 'update' = 'update',
): string {
  const levels: Level[] = [
    { side: 'bid', price: String(100 - (index % 7)), size: '1.5' },
    { side: 'offer', price: String(101 + (index % 5)), size: '2' },
  ]
  return levelsMessage(product, index, levels, type)
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
  return message('market_trades', index, [{ type: 'update', trades: [trade] }])
}

export function heartbeatMessage(counter: number): string {
  const time = '2026-08-09 00:00:00 +0000 UTC'
  return message('heartbeats', counter, [{ current_time: time, heartbeat_counter: counter }])
}

export function subscriptionsMessage(subscriptions: Record<string, string[]>): string {
  return message('subscriptions', 0, [{ subscriptions }])
}

export function errorMessage(reason: string): string {
  return JSON.stringify({ type: 'error', message: 'Failed to subscribe', reason })
}
