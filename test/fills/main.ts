/**
 * npm run fills -- [--kills N] [--seed N] [--plain] [--directory DIRECTORY]
 *
 * A fill is one business event: an execution and two entries. This kills a writer of fills N times at random
 * moments, and counts the kills that left half of one. `--plain` makes them without transactions, so that the
 * count exceeds 0.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { PersistenceManager } from '../../lib/index.js'
import { Random } from '../../lib/order-flow/random.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import { node } from '../children.js'
import { Positions } from './positions.js'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    plain: { type: 'boolean', default: false },
    directory: { type: 'string', default: tmpdir() },
  },
})
const kills = Number(values.kills)
const random = new Random(Number(values.seed))
const script = fileURLToPath(new URL('writer.js', import.meta.url))
const directory = mkdtempSync(join(values.directory, 'pinnacle-fills-'))

async function killedWriter(data: string): Promise<void> {
  const words = node(script, data, values.plain ? 'plain' : 'transactions')
  const child = spawn(...words, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await delay(50 + random.below(200))
  child.kill('SIGKILL')
  await once(child, 'close')
}

/** Whether half of a fill is in the journal, and the number of whole ones. */
async function judge(data: string): Promise<{ isHalf: boolean; fills: number }> {
  const positions = new Positions()
  await using persistence = await PersistenceManager.open({
    dataDirectory: data,
    snapshotIntervalMin: 0,
    stateMachine: positions,
  })
  const fills = persistence.book('X').info().tradeCount
  const [first = 0, second = 0] = positions.held
  const isHalf =
    first + second !== 0 ||
    positions.entries !== 2 * fills ||
    persistence.book('X').info().orders !== 0 ||
    persistence.appendedFrontier !== 1 + 4 * fills
  return { isHalf, fills }
}

let inconsistent = 0
let fills = 0
for (let round = 0; round < kills; round++) {
  const data = join(directory, String(round))
  await killedWriter(data)
  const judged = await judge(data)
  fills += judged.fills
  const isClean = verifyPure(data).verdict === 'clean'
  if (judged.isHalf || !isClean) inconsistent++
  rmSync(data, { recursive: true, force: true })
}
rmSync(directory, { recursive: true, force: true })
console.log(
  `${String(kills)} kills, seed ${values.seed}, ${String(fills)} fills: ${String(inconsistent)} inconsistent`,
)
process.exitCode = inconsistent === 0 ? 0 : 1
