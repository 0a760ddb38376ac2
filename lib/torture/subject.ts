/**
 * One data directory under torture: its flow, its judge, its followers, and what was recovered from it so
 * far. A new directory takes its place every few cycles, so that creation is interrupted too and no
 * directory outgrows its checks.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Random } from '../order-flow/random.js'
import type { Claim } from './check-recovery.js'
import {
  countJudgement,
  countLife,
  countRepairs,
  type FaultCounts,
  type FaultKind,
} from './counts.js'
import { tryRepairs } from './damage-step.js'
import { Keepsake, type Evidence } from './evidence.js'
import { instrumentCount } from './flow.js'
import { Followers } from './followers.js'
import { Judge } from './judge.js'
import type { Phase, Testimony } from './testimony.js'
import { drawWriterPlan, type Setting, type WriterPlan } from './writer-plan.js'

export interface Violation {
  fault: FaultKind
  what: string[]
  /** Directory of the evidence. */
  kept: string
}

/** What a subject shares with the run. */
export interface Surroundings {
  seed: number
  /** Directory for copies and evidence; faults never touch it. */
  directory: string
  counts: (fault: FaultKind) => FaultCounts
  violated: (violation: Violation) => void
}

/** What happened in one cycle, as the judge needs it. */
export interface Cycle {
  fault: FaultKind
  plan: WriterPlan
  testimony: Testimony
  phase: Phase
  /** Whether the fault takes what was not promised as durable. */
  powerLost: boolean
  /** What the cycle itself found wrong. */
  violations: string[]
}

const longestGeneration = 12

export class Subject {
  readonly followers: Followers
  /** The last sequence that a recovery gave. */
  recovered = 0
  readonly #name: string
  readonly #base: string
  readonly #random: Random
  readonly #around: Surroundings
  readonly #judge = new Judge()
  #generation = 0
  #flowSeed = 0
  #machine = false
  #cyclesLeft = 0

  /** `name` is unique in the run; data directories are `base` and a number. */
  constructor(name: string, base: string, random: Random, around: Surroundings) {
    this.#name = name
    this.#base = base
    this.#random = random
    this.#around = around
    this.followers = new Followers(name, around.directory, random)
  }

  /**
   * Each directory has a name of its own: a power cut can bring a removed directory back, which must not
   * be taken for its successor.
   */
  get dataDirectory(): string {
    return `${this.#base}-${String(this.#generation)}`
  }

  /** Begins a new directory after the last cycle of the old one. */
  async prepare(expectFull: boolean): Promise<WriterPlan> {
    if (this.#cyclesLeft === 0) {
      await this.followers.stop()
      this.followers.forget()
      this.#removeAll()
      this.#generation++
      this.#cyclesLeft = 1 + this.#random.below(longestGeneration)
      this.#flowSeed = this.#random.uint32()
      this.#machine = this.#random.below(4) > 0
      this.recovered = 0
      await this.#judge.ask({ kind: 'begin', flowSeed: this.#flowSeed, machine: this.#machine })
    }
    this.#cyclesLeft--
    return drawWriterPlan(this.#random, this.#setting, { expectFull, log: this.#readerLog })
  }

  startFollower(): void {
    this.followers.startAnother(this.dataDirectory)
  }

  countsOf(fault: FaultKind): FaultCounts {
    return this.#around.counts(fault)
  }

  async peek(testimony: Testimony): Promise<string[]> {
    const { dataDirectory } = this
    const { violations } = await this.#judge.ask({
      kind: 'peek',
      dataDirectory,
      returned: testimony.returned,
      durable: testimony.durable,
    })
    return violations
  }

  /** Recovers and judges what the fault left, counts it, and keeps the evidence of a violation. */
  async judge(cycle: Cycle): Promise<void> {
    const { fault, testimony, phase, plan } = cycle
    const { dataDirectory } = this
    const counts = this.countsOf(fault)
    const claim = this.#claimOf(cycle)
    const keepsake = new Keepsake(dataDirectory, this.#copy)
    const recoveredBefore = this.recovered
    const { violations, judgement } = await this.#judge.ask({ kind: 'check', dataDirectory, claim })
    if (judgement !== undefined) this.recovered = judgement.recovered
    // A follower sees everything that was recovered, soon. After a power cut none is left.
    const late = await this.followers.catchUp(judgement?.recovered ?? 0)
    this.followers.count(counts)
    const files = [...this.followers.logs, this.#readerLog]
    const seen = await this.#judge.ask({ kind: 'sightings', files, atMost: claim.atMost })
    const what = [...cycle.violations, ...violations, ...late, ...seen.violations]
    counts.cycles++
    countLife(counts, testimony, phase)
    countJudgement(counts, testimony, judgement)
    if (what.length === 0) keepsake.forget()
    else {
      this.#violated(keepsake, files, {
        fault,
        violations: what,
        seed: this.#around.seed,
        flowSeed: this.#flowSeed,
        machine: this.#machine,
        claim,
        plan,
        phase,
        recoveredBefore,
      })
    }
    rmSync(this.#readerLog, { force: true })
    this.followers.forget()
  }

  /**
   * Damages a copy of the directory, at rest and recovered, and repairs copies of that by each policy. The
   * directory itself goes on as it was.
   */
  async damage(): Promise<void> {
    if (this.recovered === 0) return
    const counts = this.countsOf('damage')
    const keepsake = new Keepsake(this.dataDirectory, this.#copy)
    const scratch = `${this.#copy}-scratch`
    mkdirSync(scratch, { recursive: true })
    const tried = await tryRepairs({
      judge: this.#judge,
      random: this.#random,
      dataDirectory: keepsake.dataDirectory,
      scratch,
      acknowledged: this.recovered,
      machine: this.#machine,
    })
    rmSync(scratch, { recursive: true, force: true })
    countRepairs(counts, tried)
    const { damage, repairs, violations } = tried
    if (violations.length === 0) keepsake.forget()
    else {
      this.#violated(keepsake, [], {
        fault: 'damage',
        violations,
        seed: this.#around.seed,
        flowSeed: this.#flowSeed,
        machine: this.#machine,
        damage,
        acknowledged: this.recovered,
        repairs,
      })
    }
  }

  async dispose(): Promise<void> {
    await this.followers.stop()
    this.followers.forget()
    this.#judge.stop()
    this.#removeAll()
  }

  get #setting(): Setting {
    return {
      dataDirectory: this.dataDirectory,
      flowSeed: this.#flowSeed,
      machine: this.#machine,
    }
  }

  get #copy(): string {
    return path.join(this.#around.directory, `copy-${this.#name}`)
  }

  /** Of the follower in the writer's own process; one file for each life of a writer. */
  get #readerLog(): string {
    const life = `${String(this.#generation)}-${String(this.#cyclesLeft)}`
    return path.join(this.#around.directory, `reader-${this.#name}-${life}.log`)
  }

  #violated(keepsake: Keepsake, logs: readonly string[], evidence: Evidence): void {
    const { fault, violations: what } = evidence
    this.countsOf(fault).violations++
    const kept = keepsake.keep(path.join(this.#around.directory, 'violations'), evidence, logs)
    this.#around.violated({ fault, what, kept })
    // Nothing more can be learned from this directory.
    this.#cyclesLeft = 0
  }

  #removeAll(): void {
    const above = path.dirname(this.#base)
    const prefix = `${path.basename(this.#base)}-`
    if (!existsSync(above)) return
    for (const name of readdirSync(above)) {
      if (!name.startsWith(prefix) || !/^\d+$/.test(name.slice(prefix.length))) continue
      rmSync(path.join(above, name), { recursive: true, force: true })
    }
  }

  #claimOf({ testimony, powerLost }: Cycle): Claim {
    const promised = powerLost
      ? testimony.durable
      : Math.max(testimony.returned, testimony.seen, this.followers.seen)
    return {
      atLeast: Math.max(this.recovered, promised, testimony.snapshot),
      atMost: Math.max(this.recovered, testimony.attempted, instrumentCount),
      snapshot: testimony.snapshot,
      closed: testimony.closed,
    }
  }
}
