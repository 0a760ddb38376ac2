/**
 * A writer that will be killed: each fill adds an order, executes it, and journals what two traders got.
 *
 * Usage: node writer.js DIRECTORY transactions|plain
 */
import { writeSync } from 'node:fs'
import { PersistenceManager, Side } from '../../lib/index.js'
import { encodeFill, fillType, Positions } from './positions.js'

const [dataDirectory = '', mode = ''] = process.argv.slice(2)
const persistence = await PersistenceManager.open({
  dataDirectory,
  snapshotIntervalMin: 0,
  stateMachine: new Positions(),
  instruments: [{ name: 'X', priceScale: 0, quantityScale: 0 }],
})
const book = persistence.book('X')
let id = 1

function fill(): void {
  book.add(id, Side.Sell, 100, 5)
  book.execute(id, 5)
  persistence.append(fillType, encodeFill(0, -5))
  persistence.append(fillType, encodeFill(1, 5))
  id++
}

writeSync(1, 'up')
for (;;) {
  for (let i = 0; i < 2000; i++) {
    if (mode === 'plain') fill()
    else persistence.transaction(fill)
  }
  await new Promise(setImmediate)
}
