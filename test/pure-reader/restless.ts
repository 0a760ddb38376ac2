/** A worker that constantly changes a directory: it keeps giving a segment another index. */
import { openSync, writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

import { Sample } from './image.js'

const descriptor = openSync(workerData as string, 'r+')
const { two } = new Sample()
for (let index = 1000; ; index++) {
  two.bytes.writeBigUInt64LE(BigInt(index), 48)
  two.sealHeader()
  writeSync(descriptor, two.bytes, 0, 128, 0)
  if (index === 1000) parentPort?.postMessage('begun')
}
