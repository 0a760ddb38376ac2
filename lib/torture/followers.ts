/**
 * The follower processes of one data directory: up to three, started in different cycles, so that each
 * begins at another place. They outlive the writers, up to a power cut.
 */
import { rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../order-flow/random.js'
import { Child } from './child.js'
import type { FaultCounts } from './counts.js'
import type { FollowerPlan } from './follower.js'
import { pick } from './writer-plan.js'

/** How many there are: mostly few, since they take the writers' time. */
const counts = [1, 1, 2, 3]
const catchUpMs = 20_000

interface Follower {
  child: Child
  log: string
  /** Of its testimony, what is counted already. */
  seen: number
  overtaken: number
}

export class Followers {
  readonly #name: string
  readonly #logDirectory: string
  readonly #random: Random
  #running: Follower[] = []
  #logs: string[] = []
  #started = 0
  #wanted = 0

  /** `name` is unique in the run. */
  constructor(name: string, logDirectory: string, random: Random) {
    this.#name = name
    this.#logDirectory = logDirectory
    this.#random = random
  }

  /** Records of those that run, and of those that were stopped and not forgotten. */
  get logs(): readonly string[] {
    return this.#logs
  }

  /** The last entry that any of them saw. */
  get seen(): number {
    return Math.max(0, ...this.#running.map(({ child }) => child.testimony.seen))
  }

  /** Starts one more, unless there are as many as were drawn. */
  startAnother(dataDirectory: string): void {
    if (this.#running.length === 0) this.#wanted = pick(this.#random, counts)
    if (this.#running.length >= this.#wanted) return
    const log = path.join(
      this.#logDirectory,
      `follower-${this.#name}-${String(++this.#started)}.log`,
    )
    const restEvery = this.#random.below(3) === 0 ? 20 : 0
    const plan: FollowerPlan = { dataDirectory, log, restEvery }
    this.#logs.push(log)
    this.#running.push({ child: new Child('follower', plan), log, seen: 0, overtaken: 0 })
  }

  /** Waits until all have seen entry `last`; says which did not, and which ended. */
  async catchUp(last: number): Promise<string[]> {
    const late = (): Follower[] =>
      this.#running.filter(({ child }) => !child.over && child.testimony.seen < last)
    const startedMs = performance.now()
    while (late().length > 0 && performance.now() - startedMs < catchUpMs) await sleep(5)
    const failures = await this.failures()
    for (const { child } of late()) {
      failures.push(
        `a follower is still at entry ${String(child.testimony.seen)} of ${String(last)}`,
      )
    }
    if (failures.length > 0) await this.stop()
    return failures
  }

  /** What those that ended by themselves say. */
  async failures(): Promise<string[]> {
    const over = this.#running.filter(({ child }) => child.over)
    this.#running = this.#running.filter((follower) => !over.includes(follower))
    return Promise.all(
      over.map(async ({ child }) => {
        const { code, signal, stderr } = await child.ended
        return `a follower ended (${signal ?? String(code)}): ${stderr.trim()}`
      }),
    )
  }

  /** What they saw since it was last counted. */
  count(counts: FaultCounts): void {
    for (const follower of this.#running) {
      const { seen, overtaken } = follower.child.testimony
      counts.followed += seen - follower.seen
      counts.overtaken += overtaken - follower.overtaken
      Object.assign(follower, { seen, overtaken })
    }
  }

  /** Ends them; their records stay until forget(). */
  async stop(): Promise<void> {
    const running = this.#running
    this.#running = []
    await Promise.all(running.map(({ child }) => child.end('SIGKILL')))
  }

  /** Deletes the records of those that are stopped. */
  forget(): void {
    const kept = this.#running.map(({ log }) => log)
    for (const log of this.#logs) if (!kept.includes(log)) rmSync(log, { force: true })
    this.#logs = kept
  }
}
