/** Opens journals and forgets them: garbage collection closes them, and the process ends by itself. */
import { mkdirSync } from 'node:fs'
import { Journal } from '../../lib/index.js'

declare const gc: () => void

const [, , directory = ''] = process.argv
for (let round = 0; round < 5; round++) {
  const dataDirectory = `${directory}/${String(round)}`
  mkdirSync(dataDirectory)
  const journal = await Journal.open({ dataDirectory, segmentSize: '64KiB' })
  journal.append(1, Buffer.from('forgotten'))
  await new Promise((resolve) => setImmediate(resolve))
  gc()
}
gc()
