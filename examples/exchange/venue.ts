/**
 * The exchange as a process, with customers that trade at random. It prints each acknowledgement as one line
 * of JSON once the device has the order. Every printed order must survive a kill at any time.
 *
 * Usage: node venue.js DIRECTORY SEED
 */
import { Exchange, NotFilled, type Acknowledgement, type OrderRequest } from './exchange.js'
import { symbols } from './instruments.js'
import { numberOf, ownerOf } from './order-id.js'
import { Random } from './random.js'

const accounts = 8
const middle = 10_000
const spread = 20

/** The printed form: JSON has no bigints. */
export interface Printed extends Omit<Acknowledgement, 'orderId' | 'trades'> {
  orderId: string
  trades: { makerId: string; price: number; quantity: number }[]
}

const [directory = '', seed = '1'] = process.argv.slice(2)
const random = new Random(Number(seed))
const exchange = await Exchange.open(directory)
print({ up: exchange.persistence.appendedFrontier })

for (;;) {
  const burst = Array.from({ length: 1 + random.below(30) }, trade)
  await Promise.all(burst)
  // A restart then begins at a snapshot, and replays the rest of the journal.
  if (random.below(50) === 0) await exchange.persistence.snapshot()
}

async function trade(): Promise<void> {
  if (random.below(4) === 0) return cancelOne()
  try {
    const acknowledgement = await exchange.submit(nextOrder())
    const trades = acknowledgement.trades.map((each) => ({
      ...each,
      makerId: String(each.makerId),
    }))
    print({ ...acknowledgement, orderId: String(acknowledgement.orderId), trades })
  } catch (error) {
    if (!(error instanceof NotFilled)) throw error
  }
}

function nextOrder(): OrderRequest {
  const side = random.below(2) === 0 ? 0 : 1
  return {
    account: 1 + random.below(accounts),
    symbol: symbols[random.below(symbols.length)] ?? symbols[0],
    side,
    price: middle + random.below(spread) - random.below(spread),
    quantity: 1 + random.below(100),
    fillOrKill: random.below(5) === 0,
  }
}

async function cancelOne(): Promise<void> {
  // One of the newest orders, if it still rests.
  const { orders } = exchange.positions
  const newest = exchange.positions.lastOrder - random.below(40)
  const orderId = [...orders.keys()].find((id) => numberOf(id) === newest)
  const order = orderId === undefined ? undefined : orders.get(orderId)
  const symbol = order && symbols[order.instrument - 1]
  if (orderId !== undefined && symbol) await exchange.cancel(ownerOf(orderId), symbol, orderId)
}

function print(line: { up: number } | Printed): void {
  process.stdout.write(`${JSON.stringify(line)}\n`) // (into a pipe: it is written when this returns)
}
