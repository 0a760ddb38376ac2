/**
 * Makes backups at random moments of busy writers, in the writer's process or from another one, with kills of
 * the backup and of the writer. After each round everything with a backup's name must restore to the oracle's
 * state at its sequence; nothing else may pass for a backup.
 *
 * The oracle derives the state from the flow alone (lib/torture/oracle.ts). The second reader, which has no
 * native code, checks every restored directory before the engine does.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isPinnacleError, listBackups, restore, type FoundBackup } from '../../lib/index.js'
import { Random } from '../../lib/order-flow/random.js'
import { RecoveryCheck } from '../../lib/torture/check-recovery.js'
import { Oracle } from '../../lib/torture/oracle.js'
import { fork } from '../children.js'
import type { Answer, Ask, Life } from './writer.js'

export interface Plan {
  rounds: number
  seed: number
  /** Made for the campaign, and removed afterwards. */
  directory: string
  onRound?: (round: number, counts: Readonly<Counts>) => void
}

export interface Counts {
  backups: number
  restores: number
  /** Restored and compared entry by entry. */
  entries: number
  levels: number
  killedBackups: number
  killedWriters: number
  leftovers: number
  restarts: number
  sharedFiles: number
  busy: number
  violations: string[]
}

const entriesOfDirectory = 150_000
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export async function backupCampaign(plan: Plan): Promise<Counts> {
  const counts: Counts = {
    backups: 0,
    restores: 0,
    entries: 0,
    levels: 0,
    killedBackups: 0,
    killedWriters: 0,
    leftovers: 0,
    restarts: 0,
    sharedFiles: 0,
    busy: 0,
    violations: [],
  }
  const isSound = (): boolean => counts.violations.length === 0
  const random = new Random(plan.seed)
  for (let round = 0; round < plan.rounds && isSound();) {
    const place = path.join(plan.directory, `place-${String(round)}`)
    mkdirSync(place)
    const directory = new Directory(place, random, counts)
    try {
      while (round < plan.rounds && isSound() && !directory.full) {
        await directory.round()
        plan.onRound?.(++round, counts)
      }
    } finally {
      await directory.end()
    }
    if (isSound()) rmSync(place, { recursive: true, force: true })
  }
  return counts
}

/** One data directory with its backups. */
class Directory {
  readonly #data: string
  readonly #backups: string
  readonly #restored: string
  readonly #random: Random
  readonly #counts: Counts
  readonly #flowSeed: number
  readonly #oracle: Oracle
  #writer: ChildProcess | undefined
  /** The highest sequence that any backup restores to. */
  #highest = 0
  #judged = 0

  constructor(place: string, random: Random, counts: Counts) {
    this.#data = path.join(place, 'data')
    this.#backups = path.join(place, 'backups')
    this.#restored = path.join(place, 'restored')
    this.#random = random
    this.#counts = counts
    this.#flowSeed = random.uint32()
    this.#oracle = new Oracle(this.#flowSeed)
  }

  get full(): boolean {
    return this.#highest > entriesOfDirectory
  }

  async round(): Promise<void> {
    const writer = this.#writer ?? (await this.#startWriter())
    const random = this.#random
    await sleep(random.below(40))
    const inside = random.below(5) < 3
    const fate = random.below(10)
    const maker = inside ? writer : fork(script('maker.js'), [this.#data, this.#backups])
    const asked = inside ? ask(writer, { backup: this.#backups }) : answerOf(maker)
    // A separate process takes a while to start.
    const moment = random.below(inside ? 60 : 260)
    let answer: Answer | undefined
    if (fate < 2) {
      answer = await Promise.race([asked, sleep(moment).then(() => undefined)])
      if (answer === undefined) this.#counts.killedBackups++
      await kill(maker)
      if (inside) this.#writerDied()
    } else if (fate < 4 && !inside) {
      await sleep(moment)
      await kill(writer)
      this.#writerDied()
      answer = await asked
    } else {
      answer = await asked
    }
    if (answer !== undefined) await this.#judgeAnswer(answer, inside)
    if (existsSync(this.#backups)) await this.#judgeBackups(answer?.made !== undefined)
  }

  async end(): Promise<void> {
    if (this.#writer !== undefined) await kill(this.#writer)
  }

  #violated(what: string): void {
    this.#counts.violations.push(`${this.#data}: ${what}`)
  }

  #writerDied(): void {
    this.#writer = undefined
    this.#counts.killedWriters++
  }

  async #startWriter(): Promise<ChildProcess> {
    const life: Life = {
      dataDirectory: this.#data,
      flowSeed: this.#flowSeed,
      lifeSeed: this.#random.uint32(),
    }
    const writer = fork(script('writer.js'), [JSON.stringify(life)])
    const { durable, error } = await answerOf(writer)
    if (error !== undefined) throw new Error(`the writer ended: ${error}`)
    if (durable < this.#highest) {
      this.#violated(
        `a backup has entries to ${String(this.#highest)}, its source recovered only to ${String(durable)}`,
      )
    }
    this.#writer = writer
    return writer
  }

  async #judgeAnswer({ made, error, before, durable }: Answer, inside: boolean): Promise<void> {
    if (made === undefined) {
      // Continuous compaction may win; then the answer is busy, and there is no copy.
      if (error?.startsWith('ERR_PINNACLE_BUSY') === true) this.#counts.busy++
      else this.#violated(`a backup failed: ${error ?? 'without a word'}`)
      return
    }
    this.#counts.backups++
    this.#counts.restarts += made.restarts
    this.#counts.sharedFiles += made.sharedFiles
    const frontier =
      inside || this.#writer === undefined ? durable : (await ask(this.#writer, {})).durable
    if (frontier !== 0 && made.lastSequence > frontier) {
      this.#violated(`${made.path} is ahead of what was durable, ${String(frontier)}`)
    }
    if (inside && made.lastSequence < before) {
      this.#violated(`${made.path} lacks what was durable when it was asked for, ${String(before)}`)
    }
  }

  async #judgeBackups(finished: boolean): Promise<void> {
    const leftovers = readdirSync(this.#backups).filter((name) => name.endsWith('.tmp'))
    this.#counts.leftovers += leftovers.length
    if (finished && leftovers.length > 0) this.#violated(`${leftovers.join()} was left behind`)
    const found = listBackups(this.#backups)
    for (const backup of found) {
      if (backup.problem !== '') this.#violated(backup.problem)
      else if (backup.number > this.#judged) await this.#judge(backup)
    }
    for (const { path: old } of found.slice(0, -2)) rmSync(old, { recursive: true })
  }

  async #judge({ number, path: from, lastSequence, snapshotSequence }: FoundBackup): Promise<void> {
    this.#judged = number
    rmSync(this.#restored, { recursive: true, force: true })
    try {
      await restore(from, this.#restored)
    } catch (error) {
      const text = isPinnacleError(error) ? `${error.code}: ${error.message}` : String(error)
      this.#violated(`${from} can't be restored: ${text}`)
      return
    }
    const claim = {
      atLeast: lastSequence,
      atMost: lastSequence,
      snapshot: snapshotSequence,
      closed: true,
    }
    const judgement = await new RecoveryCheck(this.#oracle, this.#restored, claim, true).run()
    for (const violation of judgement.violations) this.#violated(`${from}, restored: ${violation}`)
    this.#highest = Math.max(this.#highest, lastSequence)
    this.#counts.restores++
    this.#counts.entries += judgement.compared
    this.#counts.levels += judgement.levels
  }
}

/** The next message of a process, or how it ended instead. */
async function answerOf(child: ChildProcess): Promise<Answer> {
  const ended = new AbortController()
  try {
    return await Promise.race([
      once(child, 'message', { signal: ended.signal }).then(([answer]) => answer as Answer),
      once(child, 'exit', { signal: ended.signal }).then(([code, signal]): Answer => ({
        before: 0,
        durable: 0,
        error: `ended by ${String(code ?? signal)}`,
      })),
    ])
  } finally {
    ended.abort()
  }
}

function ask(writer: ChildProcess, question: Ask): Promise<Answer> {
  const answer = answerOf(writer)
  writer.send(question)
  return answer
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}
