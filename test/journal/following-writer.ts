/** Appends 5000 payloads in bursts, then waits to be killed. */
import { Journal } from '../../lib/index.js'

const [, , dataDirectory = ''] = process.argv
const journal = await Journal.open({ dataDirectory, segmentSize: '64KiB', durability: 'appended' })
process.send?.('open')
for (let i = 1; i <= 5000; i++) {
  journal.append(1, Buffer.from(String(i)))
  if (i % 250 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
}
setInterval(() => undefined, 1000)
