/** One image: a base, damaged as the seed says, and checked in every way. */
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { Random } from '../../lib/order-flow/random.js'
import type { Base } from './base.js'
import { checkPolicy, comparePolicies, type PolicyFinding, type Way } from './check-policy.js'
import { checkStrict, checkVerdicts, isRefused, type StrictFinding } from './check-strict.js'
import { classes } from './damage/classes.js'
import { Target } from './damage/target.js'
import type { Expectations } from './expected.js'
import { copyDirectory } from './files.js'
import type { Limit } from './witnesses.js'

export interface ImageRequest {
  seed: number
  number: number
  /** The class of damage; undefined: the seed chooses. */
  only: string | undefined
}

export interface ImageResult {
  number: number
  damage: string
  /** The damage, in words. */
  notes: string[]
  strict: string
  limits: Limit[]
  /** Whether the policies gave a directory that opens. */
  pointInTime: boolean
  salvage: boolean
  /** Readers that disagree with a strict open. */
  disagreements: string[]
  violations: string[]
}

export interface DamagedImage {
  directory: string
  damage: string
  notes: string[]
}

/** Images made from each base. */
export const imagesPerBase = 25

const mostTries = 40

export function baseSeed(seed: number, number: number): number {
  return new Random(seed * 7919 + Math.floor(number / imagesPerBase)).uint32()
}

/** Makes the image in `directory`. */
export function damageBase(base: Base, request: ImageRequest, directory: string): DamagedImage {
  const random = new Random((request.seed * 1_000_003 + request.number) ^ 0x5eed)
  const names = request.only === undefined ? [...classes.keys()] : [request.only]
  for (let tries = 0; tries < mostTries; tries++) {
    const name = names[random.below(names.length)] ?? ''
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    copyDirectory(base.ours.directory, directory)
    const target = new Target(base, directory, random)
    if (classes.get(name)?.(target)) return { directory, damage: name, notes: target.notes }
  }
  return { directory, damage: 'undamaged', notes: [] }
}

/** `directory` is the damaged image, which remains unchanged; `work` is for copies. */
export async function checkImage(
  base: Base,
  expectations: Expectations,
  image: DamagedImage,
  number: number,
  work: string,
  comparesPure: boolean,
): Promise<ImageResult> {
  const violations: string[] = []
  const { directory, damage, notes } = image
  const disagreements: string[] = []
  let strict: StrictFinding = { outcome: 'failed', lastSequence: 0, unreadable: false }
  const findings: PolicyFinding[] = []
  try {
    strict = await checkStrict(base, expectations, directory, work, violations)
    disagreements.push(...(await checkVerdicts(directory, strict, comparesPure)))
    if (damage === 'undamaged' || damage === 'stray-files') expectWhole(base, strict, violations)
    for (const [index, policy] of (['point-in-time', 'salvage'] as const).entries()) {
      const way: Way = (number + index) % 2 === 0 ? 'repair' : 'open'
      findings.push(
        await checkPolicy(base, expectations, directory, work, policy, way, strict, violations),
      )
    }
    const [pointInTime, salvage] = findings
    if (pointInTime && salvage) comparePolicies(pointInTime, salvage, violations)
  } catch (error) {
    violations.push(
      `the check ended in ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  }
  for (const part of ['strict', 'point-in-time', 'salvage']) {
    rmSync(path.join(work, part), { recursive: true, force: true })
  }
  return {
    number,
    damage,
    notes,
    strict: strict.outcome,
    limits: [...new Set([strict, ...findings].flatMap(({ limit }) => limit ?? []))],
    pointInTime: findings[0]?.kept !== undefined,
    salvage: findings[1]?.kept !== undefined,
    disagreements,
    violations,
  }
}

/** Nothing was done to the journal. */
function expectWhole(base: Base, strict: StrictFinding, violations: string[]): void {
  const { entries } = base.ours.history
  if (isRefused(strict) || strict.lastSequence !== entries.length) {
    violations.push(
      `an undamaged directory gives ${strict.outcome} and ${String(strict.lastSequence)} of ${String(entries.length)} entries`,
    )
  }
}
