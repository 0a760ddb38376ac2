/**
 * Follows a journal of another process and reports the delay of its entries: `node distant-follower.js DIR
 * COUNT [spin]`.
 */
import { Journal } from '../../lib/index.js'

const [directory = '', count = '', spin] = process.argv.slice(2)
const delaysMs: number[] = []
process.stdout.write('ready\n')
const options = { follow: true, spin: spin !== undefined, types: ['user'] as const }
for await (const entry of Journal.read(directory, options)) {
  if (entry.type !== 'user') continue
  // The writer's monotonic clock, which is the machine's.
  const { buffer, byteOffset } = entry.payload
  const appendedNs = new DataView(buffer, byteOffset).getBigUint64(0)
  delaysMs.push(Number(process.hrtime.bigint() - appendedNs) / 1e6)
  if (delaysMs.length === Number(count)) break
}
delaysMs.sort((left, right) => left - right)
process.stdout.write(`${String(delaysMs[delaysMs.length >> 1])}\n`)
