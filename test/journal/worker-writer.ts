/** Appends 1000 payloads in a worker thread, says so, and waits to be terminated. */
import { parentPort } from 'node:worker_threads'
import { Journal } from '../../lib/index.js'

const [, , dataDirectory = ''] = process.argv
const journal = await Journal.open({ dataDirectory, segmentSize: '64KiB', durability: 'interval' })
for (let i = 0; i < 1000; i++) journal.append(1, Buffer.from(String(i)))
parentPort?.postMessage(journal.appendedFrontier)
setInterval(() => undefined, 1000)
