/**
 * Repairs an image under a policy, by repair() or by an open with the policy. The dry run predicts what will
 * be kept and changes nothing, the report matches the contents, files taken out of use are in quarantine, a
 * refusal changes nothing, and the directory can be used further.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { repair, type RepairReport } from '../../lib/index.js'
import type { Base } from './base.js'
import { examine, textOf } from './examine.js'
import { isKept, type Expectations, type Kept, type Loss } from './expected.js'
import { changedPaths, copyDirectory, digest, fingerprint, kindOf } from './files.js'
import { allowedLines } from './lines.js'
import { liveOn } from './live-on.js'
import {
  canRestoreMachine,
  isRefused,
  machineRefusals,
  type StrictFinding,
} from './check-strict.js'
import { comesFromRunOfTwin, isLoneSnapshotOfTwin } from './forks.js'
import { countedFiles, type Limit } from './witnesses.js'
import { open, refusalOf, type Opened, type Refused } from './subject.js'

export type Policy = 'point-in-time' | 'salvage'
export type Way = 'repair' | 'open'

export interface PolicyFinding {
  /** Undefined: refused. */
  kept: Kept | undefined
  code: string
  limit?: Limit
}

interface Context {
  base: Base
  expectations: Expectations
  image: string
  policy: Policy
  strict: StrictFinding
  directory: string
  violated: (what: string) => void
}

export async function checkPolicy(
  base: Base,
  expectations: Expectations,
  image: string,
  work: string,
  policy: Policy,
  way: Way,
  strict: StrictFinding,
  violations: string[],
): Promise<PolicyFinding> {
  const directory = path.join(work, policy)
  copyDirectory(image, directory)
  const violated = (what: string): void => {
    violations.push(`${policy} by ${way}: ${what}`)
  }
  const context: Context = { base, expectations, image, policy, strict, directory, violated }
  const before = fingerprint(directory)
  const plan = await mend(directory, policy, true)
  const seen = changedPaths(before, fingerprint(directory))
  if (seen.length > 0) violated(`the dry run changed ${seen.join(', ')}`)
  if (!('code' in plan)) comparePlanWithStrict(context, plan)
  const finding: PolicyFinding =
    'code' in plan ? { kept: undefined, code: plan.code } : { kept: keptOf(plan), code: '' }
  const subject =
    way === 'repair' ? await byRepair(context, plan, before) : await byOpen(context, plan, before)
  if (!subject) return finding
  const isMended = !('code' in plan) && (way === 'repair' || isRefused(strict))
  if (isMended && subject.unreadable !== '') {
    violated(`the mended journal can't be read: ${subject.unreadable}`)
  }
  if (isMended && isLoneSnapshotOfTwin(image, base, subject.manager.recovery.snapshotSequence)) {
    await subject.manager.close()
    return { ...finding, limit: 'snapshot-of-twin' }
  }
  if (isMended && comesFromRunOfTwin(image, base, subject.entries)) {
    await subject.manager.close()
    return { ...finding, limit: 'run-of-twin' }
  }
  const found: string[] = []
  const losses = isMended ? lossesOf(plan) : []
  const examined = examine(base, expectations, subject, allowedLines(base, image), losses, found)
  for (const what of found) violated(what)
  if (examined) await liveOn(directory, subject, violations, `${policy} by ${way}`)
  else await subject.manager.close()
  return finding
}

async function mend(
  directory: string,
  policy: Policy,
  dryRun: boolean,
): Promise<RepairReport | Refused> {
  try {
    return await repair(directory, { policy, dryRun })
  } catch (error) {
    return refusalOf(error)
  }
}

function lossesOf({ holes }: Pick<RepairReport, 'holes'>): Loss[] {
  return holes.map(({ firstSequence, lastSequence }) => ({
    first: firstSequence,
    last: lastSequence,
  }))
}

function keptOf(report: RepairReport): Kept {
  return { snapshot: report.snapshotSequence, last: report.lastSequence, losses: lossesOf(report) }
}

function textOfReport(
  report: Pick<RepairReport, 'lastSequence' | 'snapshotSequence' | 'holes'>,
): string {
  const holes = report.holes.map(
    ({ firstSequence, lastSequence, snapshotSequence, entriesLeftOut }) =>
      `${String(firstSequence)}-${String(lastSequence)} (snapshot ${String(snapshotSequence)}, left out ${String(entriesLeftOut)})`,
  )
  return `last ${String(report.lastSequence)}, snapshot ${String(report.snapshotSequence)}, holes ${holes.join(' ') || 'none'}`
}

/** A repair keeps what a strict open accepts; it marks what an open skips because the snapshot has it. */
function comparePlanWithStrict({ strict, policy, violated }: Context, plan: RepairReport): void {
  if (isRefused(strict)) return
  const isCovered = plan.holes.every(({ lastSequence }) => lastSequence <= plan.snapshotSequence)
  const isEqual = plan.lastSequence === strict.lastSequence && isCovered
  const isMore = policy === 'salvage' && plan.lastSequence >= strict.lastSequence
  if (isEqual || isMore) return
  violated(
    `the dry run says ${textOfReport(plan)}, but a strict open keeps ${String(strict.lastSequence)} entries`,
  )
}

function isUnchanged({ directory, violated }: Context, before: Map<string, string>): void {
  const changed = changedPaths(before, fingerprint(directory))
  if (changed.length > 0) violated(`the refusal changed ${changed.join(', ')}`)
}

async function byRepair(
  context: Context,
  plan: RepairReport | Refused,
  before: Map<string, string>,
): Promise<Opened | undefined> {
  const { base, directory, image, policy, violated } = context
  const report = await mend(directory, policy, false)
  if ('code' in report || 'code' in plan) {
    const codes = [plan, report].map((each) => ('code' in each ? each.code : 'success'))
    if (codes[0] !== codes[1]) violated(`the dry run ends in ${codes.join(', the repair in ')}`)
    if ('code' in report) isUnchanged(context, before)
    return undefined
  }
  if (textOfReport(plan) !== textOfReport(report)) {
    violated(`the dry run said ${textOfReport(plan)}; the repair says ${textOfReport(report)}`)
  }
  compareQuarantine(context, report, before, image)
  const opened = await orWithoutMachine(
    context,
    await open(directory, 'strict', base.machine),
    'strict',
  )
  if (!opened.opened) {
    violated(`the mended directory does not open: ${opened.code}: ${opened.message}`)
    return undefined
  }
  if (opened.manager.recovery.tail !== 'clean' && report.quarantineDirectory !== '') {
    violated(`after the repair a strict open finds a tail that is ${opened.manager.recovery.tail}`)
  }
  return opened
}

/** Each file is unchanged, or lies in quarantine unchanged. */
function compareQuarantine(
  { directory, violated }: Context,
  report: RepairReport,
  before: Map<string, string>,
  image: string,
): void {
  const after = fingerprint(directory)
  const { quarantineDirectory } = report
  const held = new Map<string, string>()
  if (quarantineDirectory !== '') {
    for (const name of readdirSync(quarantineDirectory)) {
      held.set(name, digest(readFileSync(path.join(quarantineDirectory, name))))
    }
  }
  for (const [name, print] of before) {
    if (after.get(name) === print) continue
    if (held.get(path.basename(name)) !== print) {
      violated(`${name} was changed or removed and is not in quarantine as it was`)
    }
  }
  for (const name of report.quarantined.map((each) => path.relative(directory, each))) {
    if (!existsSync(path.join(image, name)))
      violated(`${name} is reported in quarantine but never existed`)
    else if (held.get(path.basename(name)) !== before.get(name)) {
      violated(`${name} is reported in quarantine but is not there unchanged`)
    }
  }
}

async function byOpen(
  context: Context,
  plan: RepairReport | Refused,
  before: Map<string, string>,
): Promise<Opened | undefined> {
  const { base, directory, policy, strict, violated } = context
  const first = await open(directory, policy, base.machine)
  if (!first.opened && isRefused(strict)) isUnchanged(context, before)
  const subject = await orWithoutMachine(context, first, policy)
  if (!subject.opened || 'code' in plan) {
    const codes = [
      'code' in plan ? plan.code : 'success',
      subject.opened ? 'success' : subject.code,
    ]
    // An open treats an empty directory as new; there is nothing to repair.
    if (codes[0] !== codes[1] && countedFiles(context.image).length > 0) {
      violated(`the dry run ends in ${codes.join(', the open in ')}`)
    }
    if (subject.opened) await subject.manager.close()
    else isUnchanged(context, before)
    return undefined
  }
  const { recovery } = subject.manager
  if (isRefused(strict)) {
    if (textOfReport(plan) !== textOfReport(recovery)) {
      violated(`the dry run said ${textOfReport(plan)}; the open says ${textOfReport(recovery)}`)
    }
    compareListed(context, plan, recovery.quarantineDirectory, before)
  } else if (recovery.lastSequence !== strict.lastSequence || recovery.tail !== strict.outcome) {
    violated(
      `opens at ${String(recovery.lastSequence)} (${recovery.tail}), a strict open at ` +
        `${String(strict.lastSequence)} (${strict.outcome})`,
    )
  }
  return subject
}

/** Every file that the dry run named lies in quarantine unchanged. */
function compareListed(
  { directory, violated }: Context,
  plan: RepairReport,
  quarantine: string,
  before: Map<string, string>,
): void {
  for (const name of plan.quarantined.map((each) => path.relative(directory, each))) {
    if (kindOf(name) === 'other') continue
    const held = path.join(quarantine, path.basename(name))
    if (existsSync(held) && digest(readFileSync(held)) === before.get(name)) continue
    violated(`${name} was taken out of use and is not in quarantine as it was`)
  }
}

/** The state machine may be refused if its snapshot has no state and the journal lacks entries. */
async function orWithoutMachine(
  { base, directory, violated }: Context,
  subject: Opened | Refused,
  policy: Policy | 'strict',
): Promise<Opened | Refused> {
  if (subject.opened || !base.machine || !machineRefusals.has(subject.code)) return subject
  const without = await open(directory, policy, false)
  if (without.opened && canRestoreMachine(base, without)) {
    violated(`the state machine was refused without a reason: ${subject.message}`)
  }
  return without
}

/** Salvage keeps everything that point-in-time keeps. */
export function comparePolicies(
  pointInTime: PolicyFinding,
  salvage: PolicyFinding,
  violations: string[],
): void {
  const less = pointInTime.kept
  const more = salvage.kept
  if (!less) return
  if (!more) {
    violations.push(
      `point-in-time keeps ${String(less.last)} entries, salvage refuses with ${salvage.code}`,
    )
    return
  }
  for (let sequence = 1; sequence <= less.last; sequence++) {
    if (!isKept(less, sequence) || isKept(more, sequence)) continue
    violations.push(
      `point-in-time keeps entry ${String(sequence)} (last ${String(less.last)}, lost ${textOf(less.losses)}), ` +
        `salvage does not (last ${String(more.last)}, lost ${textOf(more.losses)})`,
    )
    return
  }
}
