/**
 * One data directory under torture: its flow, its judge, and what was recovered from it so far. It is
 * begun anew every few cycles, so that creation is interrupted too and no directory outgrows its checks.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Random } from '../order-flow/random.js'
import { Child } from './child.js'
import type { Claim, Judgement } from './check-recovery.js'
import { countJudgement, countLife, type FaultCounts, type FaultKind } from './counts.js'
import { Keepsake } from './evidence.js'
import { instrumentCount } from './flow.js'
import { Judge } from './judge.js'
import type { Phase, Testimony } from './testimony.js'
import { drawWriterPlan, type WriterPlan } from './writer-plan.js'

export interface Violation {
  fault: FaultKind
  what: string[]
  /** Directory of the evidence. */
  kept: string
}

/** What a subject shares with the run. */
export interface Surroundings {
  seed: number
  /** Where copies and evidence go: a directory that no fault touches. */
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
const followLimitMs = 20_000

export class Subject {
  flowSeed = 0
  recovered = 0
  readonly #name: string
  readonly #base: string
  #generation = 0
  readonly #random: Random
  readonly #around: Surroundings
  readonly #judge = new Judge()
  #follower: Child | undefined
  #followed = 0
  #overtaken = 0
  #cyclesLeft = 0

  /** `name` is unique in the run; data directories are `base` with a number behind it. */
  constructor(name: string, base: string, random: Random, around: Surroundings) {
    this.#name = name
    this.#base = base
    this.#random = random
    this.#around = around
  }

  /**
   * Each one has a name of its own: a power cut can bring a removed directory back, which must not be
   * taken for its successor.
   */
  get dataDirectory(): string {
    return `${this.#base}-${String(this.#generation)}`
  }

  /** Begins a new directory where the old one has served its cycles. */
  async prepare(expectFull: boolean): Promise<WriterPlan> {
    if (this.#cyclesLeft === 0) {
      await this.endFollower()
      this.#removeAll()
      this.#generation++
      this.#cyclesLeft = 1 + this.#random.below(longestGeneration)
      this.flowSeed = this.#random.uint32()
      this.recovered = 0
      await this.#judge.ask({ kind: 'begin', flowSeed: this.flowSeed })
    }
    this.#cyclesLeft--
    return drawWriterPlan(this.#random, this.dataDirectory, this.flowSeed, expectFull)
  }

  startFollower(): void {
    if (this.#follower !== undefined) return
    this.#followed = 0
    this.#overtaken = 0
    this.#follower = new Child('follower', {
      dataDirectory: this.dataDirectory,
      flowSeed: this.flowSeed,
    })
  }

  async endFollower(): Promise<void> {
    const follower = this.#follower
    this.#follower = undefined
    if (follower !== undefined) await follower.end('SIGKILL')
  }

  /** What a follower that ended by itself says. */
  async followerFailure(): Promise<string[]> {
    const follower = this.#follower
    if (follower?.over !== true) return []
    const { code, signal, stderr } = await follower.ended
    this.#follower = undefined
    return [`the follower ended (${signal ?? String(code)}): ${stderr.trim()}`]
  }

  /** What the follower saw since it was last counted. */
  countFollower(fault: FaultKind): void {
    const testimony = this.#follower?.testimony
    if (testimony === undefined) return
    const counts = this.#around.counts(fault)
    counts.followed += testimony.seen - this.#followed
    counts.overtaken += testimony.overtaken - this.#overtaken
    this.#followed = testimony.seen
    this.#overtaken = testimony.overtaken
  }

  async peek(testimony: Testimony): Promise<string[]> {
    const { dataDirectory } = this
    const { violations } = await this.#judge.ask({
      kind: 'peek',
      dataDirectory,
      atLeast: testimony.returned,
    })
    return violations
  }

  /** Recovers and judges what the fault left, counts it, and keeps the evidence of a violation. */
  async judge(cycle: Cycle): Promise<void> {
    const { fault, testimony, phase, plan } = cycle
    const counts = this.#around.counts(fault)
    const claim = this.#claimOf(cycle)
    const keepsake = new Keepsake(
      this.dataDirectory,
      path.join(this.#around.directory, `copy-${this.#name}`),
    )
    const recoveredBefore = this.recovered
    const { violations, judgement } = await this.#judge.ask({
      kind: 'check',
      dataDirectory: this.dataDirectory,
      claim,
    })
    if (judgement !== undefined) this.recovered = judgement.recovered
    const what = [
      ...cycle.violations,
      ...violations,
      ...(await this.#judgeFollower(judgement, cycle)),
    ]
    counts.cycles++
    countLife(counts, testimony, phase)
    countJudgement(counts, testimony, judgement)
    if (what.length === 0) {
      keepsake.forget()
      return
    }
    counts.violations++
    const kept = keepsake.keep(path.join(this.#around.directory, 'violations'), {
      fault,
      violations: what,
      seed: this.#around.seed,
      flowSeed: this.flowSeed,
      claim,
      plan,
      phase,
      recoveredBefore,
    })
    this.#around.violated({ fault, what, kept })
    // Nothing can be learned from what goes on with it.
    this.#cyclesLeft = 0
  }

  async dispose(): Promise<void> {
    await this.endFollower()
    this.#judge.stop()
    this.#removeAll()
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
      : Math.max(testimony.returned, this.#follower?.testimony.seen ?? 0)
    return {
      atLeast: Math.max(this.recovered, promised, testimony.snapshot),
      atMost: Math.max(this.recovered, testimony.attempted, instrumentCount),
      snapshot: testimony.snapshot,
      closed: testimony.closed,
    }
  }

  /** A follower sees everything that was recovered, soon. Behind a power cut there is none. */
  async #judgeFollower(judgement: Judgement | undefined, cycle: Cycle): Promise<string[]> {
    const follower = this.#follower
    if (follower === undefined) return []
    const { testimony } = follower
    const recovered = judgement?.recovered ?? 0
    for (let waitedMs = 0; waitedMs < followLimitMs; waitedMs += 5) {
      if (follower.over || testimony.seen >= recovered) break
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    this.countFollower(cycle.fault)
    const failure = await this.followerFailure()
    if (failure.length > 0 || testimony.seen >= recovered) return failure
    await this.endFollower()
    return [
      `the follower stands at entry ${String(testimony.seen)}, ${String(recovered)} are there`,
    ]
  }
}
