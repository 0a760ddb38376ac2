import {
  PersistenceManager,
  type InstrumentDefinition,
  type OpenOptions,
  type PersistenceConfig,
} from '../../lib/index.js'

export const instruments: InstrumentDefinition[] = [
  { name: 'AAPL', priceScale: 2, quantityScale: 0 },
  { name: 'BTC-USD', priceScale: 2, quantityScale: 8 },
  { name: 'ETH-USD', priceScale: 2, quantityScale: 8, kind: 'levels' },
]

/** Opens a directory with small segments and no timers, so that a test sees only its own effects. */
export function open(
  dataDirectory: string,
  config: Partial<PersistenceConfig> = {},
  options?: OpenOptions,
): Promise<PersistenceManager> {
  return PersistenceManager.open(
    {
      dataDirectory,
      segmentSize: '64KiB',
      snapshotIntervalMin: 0,
      durability: 'appended',
      expectedOrders: 64,
      instruments,
      ...config,
    },
    options,
  )
}

export interface Fingerprint {
  appended: number
  books: Record<string, { digest: bigint; orders: number; lastSequence: number }>
}

/** Everything that a refusal must leave unchanged. */
export function fingerprint(manager: PersistenceManager): Fingerprint {
  const books: Fingerprint['books'] = {}
  for (const { name } of manager.instruments()) {
    const { digest, orders, lastSequence } = manager.book(name).info()
    books[name] = { digest, orders, lastSequence }
  }
  return { appended: manager.appendedFrontier, books }
}

/** A small deterministic flow: adds, reduces, executions, replaces and cancels on AAPL. */
export function flow(manager: PersistenceManager, operations: number, seed = 1): void {
  const book = manager.book('AAPL')
  const live: number[] = []
  let state = seed
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  let id = seed * 1_000_000
  for (let i = 0; i < operations; i++) {
    const choice = next(10)
    if (live.length < 10 || choice < 5) {
      book.add(++id, next(2) === 0 ? 0 : 1, 10_000 + next(50), 10 + next(100), i + 1)
      live.push(id)
      continue
    }
    const at = next(live.length)
    const victim = live[at] as number
    if (choice < 7) book.reduce(victim, 1, i + 1)
    else if (choice < 8) {
      book.replace(victim, ++id, 10_000 + next(50), 10 + next(100), i + 1)
      live[at] = id
    } else {
      book.cancel(victim, i + 1)
      live.splice(at, 1)
    }
    if (choice < 7 && !book.order(victim)) live.splice(at, 1)
  }
}
