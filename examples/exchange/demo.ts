/**
 * A short tour: trades, a rejected order, a restart, and a look into the past.
 *
 * Usage: node demo.js [DIRECTORY]
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Side } from 'pinnacle-persistence'
import { disagreements, imbalances } from './checks.js'
import { Exchange, NotFilled } from './exchange.js'

const directory = process.argv[2] ?? join(mkdtempSync(join(tmpdir(), 'exchange-')), 'data')
let exchange = await Exchange.open(directory)
const symbol = 'ETH-USD'
const instrument = exchange.persistence.instrument(symbol)
const price = (text: string): number => instrument.ticks(text)
const quantity = (text: string): number => instrument.lots(text)

// Account 1 offers at two prices. Each promise resolves when the device has the order.
const offer = { account: 1, symbol, side: Side.Sell } as const
await exchange.submit({ ...offer, price: price('3000.00'), quantity: quantity('2') })
await exchange.submit({ ...offer, price: price('3001.50'), quantity: quantity('2') })

// Account 2 buys through both of them: two trades, and no state in which only one of them happened.
const buy = { account: 2, symbol, side: Side.Buy } as const
const bought = await exchange.submit({ ...buy, price: price('3002'), quantity: quantity('3') })
console.log(`bought in ${String(bought.trades.length)} trades, ${String(bought.open)} lots open`)
show('account 2', 2)

// All or nothing: its matches are rolled back, in the books too.
const before = exchange.persistence.book(symbol).digest()
try {
  const all = { ...buy, price: price('3002'), quantity: quantity('50'), fillOrKill: true }
  await exchange.submit(all)
} catch (error) {
  if (!(error instanceof NotFilled)) throw error
  console.log(`refused: ${error.message}; the book is as it was:`, isAsBefore())
}

await exchange.close()
exchange = await Exchange.open(directory)
console.log('after a restart the book is as it was:', isAsBefore())
show('account 2', 2)

// The point right before account 2 bought: its transaction has 5 entries.
const { books, positions } = await exchange.at(bought.sequence - 5)
console.log('best offer then:', instrument.formatPrice(books.book(symbol).bestAsk()?.price ?? 0))
console.log('wrong then:', [...imbalances(positions), ...disagreements(books, positions)].length)
books.close()
await exchange.close()

function isAsBefore(): boolean {
  return exchange.persistence.book(symbol).digest() === before
}

function show(name: string, account: number): void {
  const held = exchange.positions.account(account).positions.get(instrument.index) ?? 0
  console.log(`${name} holds ${instrument.formatQuantity(held)} of ${symbol}`)
}
