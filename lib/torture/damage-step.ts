/** Damages one copy of a recovered directory, and has copies of that repaired by each policy. */
import path from 'node:path'
import type { RecoveryPolicy } from '../config/types.js'
import { recoveryPolicies } from '../native/option-names.js'
import type { Random } from '../order-flow/random.js'
import { damageKinds, type Damage } from './damage.js'
import type { Judge } from './judge.js'
import { tortureFailed } from './mounts.js'
import { repairTools, type RepairTool } from './repair-outcome.js'
import { pick } from './writer-plan.js'

export interface DamageStep {
  judge: Judge
  random: Random
  /** The copy that is damaged. */
  dataDirectory: string
  /** For copies of the damaged copy, and for directories that damage comes from. */
  scratch: string
  /** What was recovered from the directory, and is durable. */
  acknowledged: number
  machine: boolean
}

export interface RepairChoice {
  policy: RecoveryPolicy
  tool: RepairTool
}

export interface RepairsTried {
  damage: Damage
  repairs: RepairChoice[]
  refusedBy: RecoveryPolicy[]
  violations: string[]
}

/** Damages the copy, and repairs copies of it. */
export async function tryRepairs(step: DamageStep): Promise<RepairsTried> {
  const { judge, random, dataDirectory, scratch, acknowledged, machine } = step
  const kind = pick(random, damageKinds)
  const seed = random.uint32()
  const answer = await judge.ask({ kind: 'damage', dataDirectory, damage: kind, seed, scratch })
  const { damage } = answer
  if (damage === undefined) {
    throw tortureFailed(`a copy could not be damaged (${kind}): ${answer.violations.join('; ')}`)
  }
  const repairs: RepairChoice[] = recoveryPolicies.map((policy) => ({
    policy,
    // The command line knows the policies that give something up, only.
    tool: policy === 'strict' ? 'api' : pick(random, repairTools),
  }))
  const refusedBy: RecoveryPolicy[] = []
  const violations: string[] = []
  for (const { policy, tool } of repairs) {
    const judged = await judge.ask({
      kind: 'repair',
      trial: { dataDirectory, damage, policy, tool, machine },
      acknowledged,
      scratch: path.join(scratch, 'repair'),
    })
    if (judged.refused === true) refusedBy.push(policy)
    violations.push(...judged.violations.map((what) => `${what} (${damage.what})`))
  }
  return { damage, repairs, refusedBy, violations }
}
