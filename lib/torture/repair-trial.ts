/**
 * One repair of a damaged directory: a copy of it is repaired by a policy, opened strictly afterwards,
 * written to, and opened once more. The damaged directory itself stays as it is.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RecoveryPolicy } from '../config/types.js'
import { appendReserved, UserType } from '../registry/user-types.js'
import type { Damage } from './damage.js'
import { attemptToOpen, type OpenPlan } from './open-attempt.js'
import type { Refused, RepairOutcome, RepairTool } from './repair-outcome.js'

export interface RepairTrial {
  /** The damaged directory. */
  dataDirectory: string
  damage: Damage
  policy: RecoveryPolicy
  tool: RepairTool
  /** Whether the directory was written with a state machine. */
  machine: boolean
}

/** `copy` is made, and deleted again. */
export async function tryRepair(trial: RepairTrial, copy: string): Promise<RepairOutcome> {
  const { policy, tool, machine, damage } = trial
  rmSync(copy, { recursive: true, force: true })
  cpSync(trial.dataDirectory, copy, { recursive: true })
  try {
    const before = fingerprints(copy)
    const plan: OpenPlan = { dataDirectory: copy, policy, machine, snapshot: damage.snapshot }
    const outcome: RepairOutcome = {
      policy,
      tool,
      ...(tool === 'api' ? { repair: await attemptToOpen(plan) } : await repairByCommand(plan)),
      changed: [],
      vanished: [],
    }
    const after = fingerprints(copy)
    if (outcome.repair.refused !== undefined) {
      outcome.changed = differences(before, after)
      return outcome
    }
    outcome.vanished = damage.files.filter((name) => {
      const bytes = before.get(path.join('journal', name))
      return bytes !== undefined && ![...after.values()].includes(bytes)
    })
    const strict: OpenPlan = { ...plan, policy: 'strict' }
    outcome.reopened = await attemptToOpen(strict)
    if (outcome.reopened.opened !== undefined) outcome.continued = await goOn(strict)
    return outcome
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

async function repairByCommand(
  plan: OpenPlan,
): Promise<Pick<RepairOutcome, 'repair' | 'saidToKeep' | 'saidClean'>> {
  const words = ['repair', plan.dataDirectory, '--policy', plan.policy, '--json']
  const { code, stdout, stderr } = await pinnacle(words)
  if (code !== 0) return { repair: { refused: refusalIn(stderr) } }
  const document = JSON.parse(stdout) as {
    repaired: boolean
    recovery?: { lastSequence: number }
  }
  return {
    repair: await attemptToOpen({ ...plan, policy: 'strict' }),
    saidClean: !document.repaired,
    ...(document.recovery === undefined ? {} : { saidToKeep: document.recovery.lastSequence }),
  }
}

/** One more entry, and whether it is there after one more open. */
async function goOn(plan: OpenPlan): Promise<NonNullable<RepairOutcome['continued']>> {
  let appended = 0
  const first = await attemptToOpen(plan, (manager) => {
    appended = manager.journal[appendReserved](UserType.torture.fill, new Uint8Array(32))
  })
  if (first.refused !== undefined) return first
  const second = await attemptToOpen(plan)
  if (second.refused !== undefined) return second
  return { appended, recovered: second.opened.lastSequence }
}

/** The package's own command line, in a process of its own. */
function pinnacle(words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL('../cli/main.js', import.meta.url))
  return new Promise((resolve) => {
    const options = { maxBuffer: 64 * 1024 * 1024 }
    const child = execFile(process.execPath, [main, ...words], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })
}

function refusalIn(stderr: string): Refused {
  const code = /^(ERR_PINNACLE_\w+): /m.exec(stderr)?.[1]
  return { code: code ?? 'no code', message: stderr.trim() }
}

/** The bytes of every file but the lock, by name. */
function fingerprints(directory: string): Map<string, string> {
  const files = new Map<string, string>()
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(directory, name)
    if (name === 'LOCK' || !statSync(file).isFile()) continue
    files.set(name, createHash('sha256').update(readFileSync(file)).digest('hex'))
  }
  return files
}

function differences(before: Map<string, string>, after: Map<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].filter((name) => before.get(name) !== after.get(name)).sort()
}
