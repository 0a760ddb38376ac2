/**
 * A process beside the exchange that keeps positions of its own from the journal: a risk desk, say. It is a named
 * consumer, so compaction waits for it. Its state and the sequence it belongs to are in one file, which is replaced
 * as a whole; only then is the consumer's position committed. So it may be killed at any moment: what comes again
 * after a restart is left out by its sequence.
 *
 * It gets a transaction as a whole: nothing that this process does between two turns of its event loop (a timer, a
 * request that it answers) sees half of one, as long as the loop over the entries awaits nothing itself.
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
  if (entry.sequence <= applied) continue // it came before the last restart
  positions.follow(entry)
  applied = entry.sequence
}

/** What a request of a customer would see right now. */
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
