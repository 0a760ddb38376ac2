/**
 * A process beside the exchange that keeps positions of its own from the journal, such as a risk desk. It is
 * a named consumer, so compaction waits for it. One file holds its state and the sequence it belongs to. It
 * replaces the file as a whole, and only then commits the consumer's position. So it may be killed at any
 * moment: after a restart it skips repeated entries by their sequence.
 *
 * It receives each transaction as a whole. Nothing that this process does between two turns of its event loop
 * (a timer, a request that it answers) sees half of one, as long as the loop over the entries awaits nothing
 * itself.
 *
 * Usage: node follower.js DIRECTORY STATE-FILE
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Consumers } from 'pinnacle-persistence'
import { imbalances } from './checks.js'
import { Positions } from './positions.js'

const [directory = '', file = ''] = process.argv.slice(2)
const positions = new Positions()
let applied = 0
if (existsSync(file)) {
  const saved = readFileSync(file)
  applied = saved.readDoubleLE(0)
  positions.restore(saved.subarray(8))
}

const consumer = await Consumers.of(directory).open('positions')
setInterval(look, 1)
setInterval(save, 50)

for await (const entry of consumer.entries({ follow: true })) {
  if (entry.sequence <= applied) continue // it arrived before the last restart
  positions.follow(entry)
  applied = entry.sequence
}

/** The state that a customer's request would see right now. */
function look(): void {
  const wrong = imbalances(positions)
  if (wrong.length === 0) return
  process.stdout.write(`after entry ${String(applied)}: ${wrong.join(', ')}\n`)
  process.exit(1)
}

function save(): void {
  const sequence = Buffer.alloc(8)
  sequence.writeDoubleLE(applied)
  writeFileSync(`${file}.new`, Buffer.concat([sequence, positions.snapshot()]))
  renameSync(`${file}.new`, file)
  process.stdout.write(`${String(applied)}\n`)
  if (consumer.given > consumer.position) void consumer.commit(consumer.given)
}
