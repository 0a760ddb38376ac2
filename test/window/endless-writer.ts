/**
 * Appends as fast as it can until it is killed. After each append it records in a file which append that was
 * and how far the segment files were. The page cache survives a kill, and so must the entries.
 */
import { openSync, writeSync } from 'node:fs'
import { PersistenceManager, type Durability } from '../../lib/index.js'

const [, , dataDirectory = '', windowDirectory = '', durability = 'appended', said = ''] =
  process.argv
const manager = await PersistenceManager.open({
  dataDirectory,
  windowDirectory,
  writePath: 'window',
  windowSize: '64KiB',
  segmentSize: '256KiB',
  durability: durability as Durability,
  snapshotIntervalMin: 0,
})
const frontiers = new Float64Array(2)
const file = openSync(said, 'w')
process.send?.('begins')
const payload = new Float64Array(4)
const bytes = new Uint8Array(payload.buffer)
for (let appends = 0; ; appends++) {
  payload[0] = manager.appendedFrontier + 1
  // (One that spans lines and the ring's end.)
  const isLong = appends % 7 === 0
  const sequence = manager.append(3, isLong ? new Uint8Array(200).fill(appends) : bytes)
  frontiers[0] = sequence
  frontiers[1] = manager.writtenFrontier
  writeSync(file, new Uint8Array(frontiers.buffer), 0, 16, 0)
}
