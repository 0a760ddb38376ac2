/**
 * What is kept of a violation: the directory as the fault left it, before anything recovered it, what had
 * been promised, and what followers had seen. `pinnacle torture --recheck` judges a copy of it again.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PinnacleError } from '../errors/pinnacle-error.js'
import { asError } from '../errors/native-error.js'
import type { Claim, Judgement } from './check-recovery.js'
import type { FaultKind } from './counts.js'
import type { Damage } from './damage.js'
import type { RepairChoice } from './damage-step.js'
import { Judge } from './judge.js'
import type { WriterPlan } from './writer-plan.js'

interface EvidenceOfAll {
  fault: FaultKind
  violations: string[]
  /** Of the run; the data directory's flow has a seed of its own. */
  seed: number
  flowSeed: number
  machine: boolean
}

/** Of a recovery. */
export interface RecoveryEvidence extends EvidenceOfAll {
  claim: Claim
  plan: WriterPlan
  /** What the writer was in the middle of. */
  phase: string
  /** What the oracle had been given before this fault. */
  recoveredBefore: number
}

/** Of a repair; the directory that is kept is the damaged one. */
export interface RepairEvidence extends EvidenceOfAll {
  damage: Damage
  acknowledged: number
  repairs: RepairChoice[]
}

export type Evidence = RecoveryEvidence | RepairEvidence

const evidenceFile = 'violation.json'
const dataName = 'data'

/** A copy of a data directory at rest; it is deleted, or becomes evidence. */
export class Keepsake {
  readonly #copy: string

  constructor(dataDirectory: string, copy: string) {
    this.#copy = copy
    rmSync(copy, { recursive: true, force: true })
    mkdirSync(copy, { recursive: true })
    if (existsSync(dataDirectory))
      cpSync(dataDirectory, path.join(copy, dataName), { recursive: true })
  }

  /** The copied data directory. */
  get dataDirectory(): string {
    return path.join(this.#copy, dataName)
  }

  forget(): void {
    rmSync(this.#copy, { recursive: true, force: true })
  }

  /** Returns the directory that holds the evidence. `logs`: the followers' records. */
  keep(violationsDirectory: string, evidence: Evidence, logs: readonly string[] = []): string {
    mkdirSync(violationsDirectory, { recursive: true })
    let number = 1
    while (existsSync(path.join(violationsDirectory, String(number)))) number++
    const kept = path.join(violationsDirectory, String(number))
    writeFileSync(
      path.join(this.#copy, evidenceFile),
      `${JSON.stringify(evidence, undefined, 2)}\n`,
    )
    for (const log of logs) {
      if (existsSync(log)) cpSync(log, path.join(this.#copy, path.basename(log)))
    }
    renameSync(this.#copy, kept)
    return kept
  }
}

export interface Recheck {
  evidence: Evidence
  violations: string[]
  judgement: Judgement | undefined
}

/** Judges a copy of what was kept; the evidence itself is not changed. */
export async function recheck(directory: string): Promise<Recheck> {
  let evidence: Evidence
  try {
    evidence = JSON.parse(readFileSync(path.join(directory, evidenceFile), 'utf8')) as Evidence
  } catch (error) {
    throw new PinnacleError(
      'ERR_PINNACLE_NOT_FOUND',
      `${directory} holds no ${evidenceFile}: give the directory that "pinnacle torture" named with a violation`,
      { cause: asError(error) },
    )
  }
  const copy = await mkdtemp(path.join(tmpdir(), 'pinnacle-recheck-'))
  const judge = new Judge()
  try {
    const data = path.join(copy, dataName)
    const kept = path.join(directory, dataName)
    if (existsSync(kept)) cpSync(kept, data, { recursive: true })
    const { flowSeed, machine } = evidence
    await judge.ask({ kind: 'begin', flowSeed, machine })
    if ('damage' in evidence) {
      const { damage, acknowledged } = evidence
      const violations: string[] = []
      for (const repair of evidence.repairs) {
        const trial = { ...repair, dataDirectory: data, damage, machine }
        const scratch = path.join(copy, 'repair')
        const judged = await judge.ask({ kind: 'repair', trial, acknowledged, scratch })
        violations.push(...judged.violations)
      }
      return { evidence, violations, judgement: undefined }
    }
    const { claim } = evidence
    const { violations, judgement } = await judge.ask({ kind: 'check', dataDirectory: data, claim })
    const files = readdirSync(directory)
      .filter((name) => name.endsWith('.log'))
      .map((name) => path.join(directory, name))
    const seen = await judge.ask({ kind: 'sightings', files, atMost: claim.atMost })
    return { evidence, violations: [...violations, ...seen.violations], judgement }
  } finally {
    judge.stop()
    await rm(copy, { recursive: true, force: true })
  }
}
