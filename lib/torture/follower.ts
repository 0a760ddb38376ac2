/**
 * Reads a journal while another process writes it, is killed and writes again, and checks every entry
 * against the flow: a follower must see a prefix, in order, with no hole and no phantom. Says on
 * descriptor 3 how far it saw. Exit code 1: what it saw was wrong; stderr says what.
 */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isPinnacleError } from '../errors/pinnacle-error.js'
import { Journal } from '../journal/journal.js'
import { mismatch } from './entry-match.js'
import { leaveWithParent } from './leave-with-parent.js'
import { Oracle } from './oracle.js'
import { Speaker, Word } from './testimony.js'

export interface FollowerPlan {
  dataDirectory: string
  flowSeed: number
}

const retryMs = 5

/** Follows until it is overtaken or the directory's journal can't be opened yet. */
async function follow(plan: FollowerPlan, speaker: Speaker, from: number): Promise<number> {
  const oracle = new Oracle(plan.flowSeed)
  let last = from - 1
  try {
    const options = { follow: true, ...(from > 1 ? { from } : {}) }
    for await (const entry of Journal.read(plan.dataDirectory, options)) {
      if (last > 0 && entry.sequence !== last + 1) {
        throw new Error(`the follower got entry ${String(entry.sequence)} behind ${String(last)}`)
      }
      const wrong = mismatch(entry.sequence, oracle.eventOf(entry.sequence), entry)
      if (wrong !== '') throw new Error(`the follower saw that ${wrong}`)
      last = entry.sequence
      speaker.say(Word.seen, last)
    }
  } catch (error) {
    if (!isPinnacleError(error)) throw error
    // The directory was made, its first segment not yet.
    if (error.code === 'ERR_PINNACLE_NOT_FOUND' && last === 0) return 0
    if (error.code !== 'ERR_PINNACLE_OUT_OF_REACH') throw error
    // The journal was compacted before this reader came so far.
    speaker.say(Word.overtaken, last)
    return 0
  }
  return last
}

leaveWithParent()
const plan = JSON.parse(process.argv[2] ?? '') as FollowerPlan
const speaker = new Speaker()
const journalDirectory = `${plan.dataDirectory}/journal`
let last = 0
try {
  for (;;) {
    if (existsSync(journalDirectory)) last = await follow(plan, speaker, last + 1)
    await sleep(retryMs)
  }
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exitCode = 1
}
