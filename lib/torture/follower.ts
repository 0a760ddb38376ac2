/**
 * Reads a journal while another process writes it, is killed and writes again, and records every entry
 * that it sees (sighting-log.ts). Says on descriptor 3 how far it saw. Exit code 1: it could not go on;
 * stderr says why.
 */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Journal } from '../journal/journal.js'
import { leaveWithParent } from './leave-with-parent.js'
import { SightingLog } from './sighting-log.js'
import { Speaker, Word } from './testimony.js'

export interface FollowerPlan {
  dataDirectory: string
  /** File in which it records what it sees. */
  log: string
  /** Entries after which it pauses briefly, so that compaction can overtake it; 0: never. */
  restEvery: number
}

const retryMs = 5
const restMs = 2

leaveWithParent()
const plan = JSON.parse(process.argv[2] ?? '') as FollowerPlan
const speaker = new Speaker()
const log = new SightingLog(
  plan.log,
  (sequence) => {
    speaker.say(Word.seen, sequence)
  },
  () => {
    speaker.say(Word.overtaken, log.last)
  },
)

const following = (from: number | undefined): ReturnType<typeof Journal.read> =>
  Journal.read(plan.dataDirectory, { follow: true, ...(from === undefined ? {} : { from }) })

async function rest(sequence: number): Promise<void> {
  if (sequence % plan.restEvery === 0) await sleep(restMs)
}

try {
  let from: number | undefined
  for (;;) {
    if (existsSync(`${plan.dataDirectory}/journal`)) {
      from = await log.record(following, from, plan.restEvery > 0 ? rest : undefined)
    }
    await sleep(retryMs)
  }
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exitCode = 1
}
