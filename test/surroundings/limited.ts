/**
 * A process that gets a limit while it has a writer open. It does the same things under the limit and after
 * it, and reports each result to its parent: 'ok', or the error's code.
 */
import { join } from 'node:path'
import { SecretBuffer } from '../../lib/secure/secret-buffer.js'
import { inspect, Journal } from '../../lib/index.js'
import { flow, open } from '../persistence/setup.js'

export type Outcomes = Record<string, string>

const [, , directory = '', kind = ''] = process.argv
const held = join(directory, 'held')
let orders = 1

// (test/window checks the effect of a limit on file size on a window.)
const writePath = kind === 'fsize' ? 'mapped' : 'auto'
const manager = await open(held, { keepSnapshots: 2, writePath })
// Things that load or start at first use are there before the limit.
SecretBuffer.allocate(32).release()
flow(manager, 1500, orders)
orders += 1500
await manager.snapshot()
await manager.durable()

async function openAndClose(name: string, config: Parameters<typeof open>[1] = {}): Promise<void> {
  const other = await open(join(directory, name), config)
  try {
    flow(other, 500, other.appendedFrontier + 1)
    await other.durable()
  } finally {
    await other.close()
  }
}

const attempts: Record<string, () => unknown> = {
  operations() {
    // Beyond the tables' and the segment's room.
    const first = orders
    orders += 2500
    flow(manager, 2500, first)
  },
  durable: () => manager.durable(),
  snapshot: () => manager.snapshot(),
  compact: () => manager.compact({ force: true }),
  bookAt: () => manager.bookAt('AAPL', { sequence: manager.appendedFrontier }),
  'another directory': () => openAndClose('another'),
  ...(kind === 'memory' && {
    'many expected orders': () => openAndClose('expecting', { expectedOrders: 4_000_000 }),
    'large segments': () => openAndClose('large', { segmentSize: '128MiB' }),
  }),
  verify: () => inspect(held),
  async 'a reader'() {
    let count = 0
    for await (const entry of Journal.read(held)) {
      count += entry.sequence
      if (count > 1000) break
    }
  },
  'a secret': () => {
    SecretBuffer.allocate(100_000).release()
  },
}

async function attemptAll(): Promise<Outcomes> {
  const outcomes: Outcomes = {}
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt()
      outcomes[name] = 'ok'
    } catch (error) {
      const { code } = error as { code?: string }
      outcomes[name] = code ?? String(error)
    }
  }
  return outcomes
}

process.on('message', (message) => {
  if (message === 'end') {
    void manager.close().then(() => {
      process.send?.({ appended: manager.appendedFrontier }, () => {
        process.disconnect()
      })
    })
    return
  }
  void attemptAll().then((outcomes) => process.send?.(outcomes))
})
process.send?.('ready')
