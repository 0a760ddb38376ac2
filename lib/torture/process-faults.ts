/** Cycles in which a writer is killed, stopped, or starved of space. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../order-flow/random.js'
import { Child, type Ended } from './child.js'
import type { FaultKind } from './counts.js'
import { hasSegments } from './check-recovery.js'
import type { Space } from './space.js'
import type { Subject } from './subject.js'
import type { Phase } from './testimony.js'
import type { WriterPlan } from './writer-plan.js'

const openLimitMs = 60_000
const resumeLimitMs = 20_000
const refusalWaitMs = 500
const mostAwaited = 400
const workLimitMs = 500
/** A writer that needs a new segment soon. */
const fillsSegments: Partial<WriterPlan> = { style: 'batch', commit: 'none', segmentSize: '64KiB' }
/** Exit code of a writer that a full disk kept from opening. */
const noRoomToOpen = 2

/** SIGKILL at any moment, while it opens and recovers too. `much`: the writer fills segments. */
export async function killCycle(subject: Subject, random: Random, much = false): Promise<void> {
  const plan = await subject.prepare(false)
  if (much) Object.assign(plan, fillsSegments)
  const writer = new Child('writer', plan)
  subject.startFollower()
  if (random.below(6) === 0) await sleep(random.below(150))
  else {
    await opened(writer)
    await sleep(random.below(200))
    await worked(writer, random)
  }
  await endAndJudge(subject, 'kill', plan, writer, 'SIGKILL')
}

/**
 * SIGSTOP and SIGCONT some times, with a look at the directory of the stopped writer; then
 * SIGKILL, at times while it is stopped, or SIGTERM, upon which it closes in order.
 */
export async function stopCycle(subject: Subject, random: Random): Promise<void> {
  const plan = await subject.prepare(false)
  const writer = new Child('writer', plan)
  subject.startFollower()
  await opened(writer)
  const violations: string[] = []
  let phase: Phase = 'writing'
  for (let stops = 1 + random.below(3); stops > 0 && !writer.over; stops--) {
    await sleep(random.below(60))
    writer.signal('SIGSTOP')
    await drained(writer)
    phase = writer.testimony.phase
    violations.push(...(await subject.peek(writer.testimony)))
    if (random.below(5) === 0) break
    writer.signal('SIGCONT')
    await sleep(random.below(20))
  }
  const kill = random.below(2) === 0
  // A signal that can be caught reaches a stopped process when it goes on.
  if (!kill) writer.signal('SIGCONT')
  await endAndJudge(subject, 'stop', plan, writer, kill ? 'SIGKILL' : 'SIGTERM', violations, phase)
}

/** The disk gets full; operations are refused and leave no trace; with room again they go on. */
export async function fullCycle(subject: Subject, random: Random, space: Space): Promise<void> {
  const plan = await subject.prepare(true)
  // A limit that the writer is started with must let it open, and refuse what comes then.
  const limited = space.launcher !== undefined && hasSegments(subject.dataDirectory)
  // Mostly writers that need a new segment soon.
  if (random.below(4) > 0) Object.assign(plan, fillsSegments)
  plan.segmentSize = limited ? '1MiB' : '64KiB'
  const writer = new Child('writer', plan, limited ? space.launcher : undefined)
  const { testimony } = writer
  const violations: string[] = []
  if (random.below(8) > 0) await opened(writer)
  await sleep(random.below(80))
  space.fill(writer.pid)
  await until(() => testimony.refused > 0 || writer.over, refusalWaitMs)
  await sleep(random.below(30))
  const { phase } = testimony
  if (random.below(3) > 0 && space.free(writer.pid) && testimony.phase === 'full') {
    const resumed = testimony.resumed
    if (!(await until(() => testimony.resumed > resumed || writer.over, resumeLimitMs))) {
      violations.push('there is room again, and operations are still refused')
    }
    await sleep(random.below(60))
  }
  const signal = random.below(3) === 0 ? 'SIGTERM' : 'SIGKILL'
  const ended = await writer.end(signal)
  space.free(writer.pid)
  if (ended.code !== noRoomToOpen) violations.push(...unexpected(ended, signal))
  const cycle = { fault: 'full', plan, testimony, phase, powerLost: false, violations } as const
  await subject.judge(cycle)
}

async function endAndJudge(
  subject: Subject,
  fault: FaultKind,
  plan: WriterPlan,
  writer: Child,
  signal: 'SIGKILL' | 'SIGTERM',
  violations: string[] = [],
  seenPhase?: Phase,
): Promise<void> {
  const phase = seenPhase ?? writer.testimony.phase
  violations.push(...unexpected(await writer.end(signal), signal))
  const { testimony } = writer
  await subject.judge({ fault, plan, testimony, phase, powerLost: false, violations })
}

/** '' if the writer ended as it was asked to. */
export function unexpected({ code, signal, stderr }: Ended, sent: NodeJS.Signals): string[] {
  if (signal === sent) return []
  if (sent === 'SIGTERM' && code === 0) return []
  return [`the writer ended by itself (${signal ?? String(code)}): ${stderr.trim()}`]
}

export async function opened(writer: Child): Promise<void> {
  await until(() => writer.testimony.opened || writer.over, openLimitMs)
}

/** On a slow machine a writer needs its time before there is something to lose. */
export async function worked(writer: Child, random: Random): Promise<void> {
  const { testimony } = writer
  const enough = testimony.openedAt + random.below(mostAwaited)
  await until(() => testimony.returned >= enough || writer.over, workLimitMs)
}

/** What a stopped writer had said before has arrived: nothing more comes. */
async function drained(writer: Child): Promise<void> {
  const { testimony } = writer
  for (let before = -1; before !== testimony.attempted + testimony.returned;) {
    before = testimony.attempted + testimony.returned
    await sleep(5)
  }
}

async function until(reached: () => boolean, limitMs: number): Promise<boolean> {
  const startedMs = performance.now()
  while (!reached()) {
    if (performance.now() - startedMs > limitMs) return false
    await sleep(2)
  }
  return true
}
