/**
 * `pinnacle demo`, the main job: seeded order flow for three instruments is journaled at full speed while
 * snapshots and compaction run; the writer is killed with SIGKILL, recovered and killed again; every time
 * the recovered books are proved equal, order by order, to those of an uninterrupted run.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { PinnacleError } from '../../errors/pinnacle-error.js'
import { FlowPositions } from '../../order-flow/flow-positions.js'
import { countRecovered } from '../../order-flow/flow-resume.js'
import { PersistenceManager } from '../../persistence/persistence-manager.js'
import type { RecoveryReport } from '../../persistence/events.js'
import { action, onInterrupt } from '../action.js'
import { countArgument, integerArgument } from '../arguments.js'
import { configOf, flowOf, killPoints, type DemoPlan } from '../demo/plan.js'
import { UninterruptedRun, type Proof } from '../demo/proof.js'
import { letWrite, type Writing } from '../demo/writing.js'
import { ExitCode } from '../exit-codes.js'
import { showWriter } from '../latency-text.js'
import type { Output } from '../output.js'
import { progressBar } from '../progress-bar.js'
import { count, milliseconds, plural, rate } from '../text.js'
import { tailText } from '../recovery-text.js'
import { showBooks } from './recover.js'

const examples = `
Takes some seconds, needs no data, and removes its own unless --data is given.

Examples:
  $ pinnacle demo
  $ pinnacle demo --events 10000000 --seed 7
  $ pinnacle demo --data ./demo && pinnacle inspect ./demo`

interface DemoOptions {
  data?: string
  events: number
  seed: number
}

/** One writer and the recovery after it. */
interface Round {
  writing: Writing
  recovery: RecoveryReport
  proof: Proof
}

export function register(program: Command): void {
  program
    .command('demo')
    .description('journal generated flow, kill the writer, recover, prove the books (npm start)')
    .option(
      '-d, --data <directory>',
      'keep the data here (default: a temporary directory, removed)',
    )
    .option('--events <n>', 'events of the flow', countArgument, 2_000_000)
    .option('--seed <n>', 'seed of the flow', integerArgument, 42)
    .addHelpText('after', examples)
    .action(action<DemoOptions>(demo))
}

async function demo(output: Output, options: DemoOptions): Promise<ExitCode> {
  const temporary = options.data === undefined
  const dataDirectory = options.data ?? (await mkdtemp(join(tmpdir(), 'pinnacle-demo-')))
  const interrupt = onInterrupt()
  try {
    const plan = { dataDirectory, seed: options.seed, events: options.events }
    const equal = await play(output, plan, interrupt.signal)
    if (!temporary) output.line(`\nThe data is in ${dataDirectory}.`)
    return equal ? ExitCode.Ok : ExitCode.Error
  } catch (error) {
    if (interrupt.signal.aborted) return interrupt.exitCode
    throw error
  } finally {
    interrupt.stop()
    if (temporary) await rm(dataDirectory, { recursive: true, force: true })
  }
}

async function play(output: Output, plan: DemoPlan, signal: AbortSignal): Promise<boolean> {
  const startedMs = performance.now()
  const { instruments } = flowOf(plan)
  await refuseOtherData(plan)
  output.heading(
    `Pinnacle demo: ${count(plan.events)} events of ${instruments.map(({ name }) => name).join(', ')}, ` +
      `seed ${String(plan.seed)}`,
  )
  const reference = new UninterruptedRun(plan)
  const rounds: Round[] = []
  for (const killAt of [...killPoints(plan), undefined]) {
    output.line()
    const round = await playRound(output, plan, reference, killAt, rounds.at(-1), signal)
    rounds.push(round)
    if (!round.proof.equal) break
    if (round.writing.done !== undefined) break
  }
  const last = rounds.at(-1)
  const equal = last?.proof.equal === true && last.proof.events === plan.events
  await showEnd(output, plan, rounds, equal, performance.now() - startedMs)
  return equal
}

/** The proof is about a flow from its first event: a directory with anything else in it proves nothing. */
async function refuseOtherData(plan: DemoPlan): Promise<void> {
  const manager = await PersistenceManager.open(configOf(plan))
  try {
    if (manager.recovery.lastSequence === 0) return
  } finally {
    await manager.close()
  }
  throw new PinnacleError(
    'ERR_PINNACLE_ALREADY_EXISTS',
    `${plan.dataDirectory} holds entries already; give the demo a new directory`,
  )
}

async function playRound(
  output: Output,
  plan: DemoPlan,
  reference: UninterruptedRun,
  killAt: number | undefined,
  before: Round | undefined,
  signal: AbortSignal,
): Promise<Round> {
  const bar = progressBar(output, 'write')
  const writing = await letWrite(
    plan,
    killAt,
    before?.proof.events ?? 0,
    (events) => bar.update(events, plan.events, `${count(events)} events`),
    signal,
  ).finally(() => bar.stop())
  showWriting(output, writing)
  const round = await proveRecovery(plan, reference, writing)
  showRecovered(output, round)
  return round
}

async function proveRecovery(
  plan: DemoPlan,
  reference: UninterruptedRun,
  writing: Writing,
): Promise<Round> {
  const positions = new FlowPositions()
  const manager = await PersistenceManager.open({ ...configOf(plan), stateMachine: positions })
  try {
    await countRecovered(manager, positions)
    const events = positions.get(flowOf(plan).key)?.events ?? 0
    reference.advanceTo(events)
    const proof = reference.compare(manager)
    // What the writer spoke of was journaled, so a kill may not take it.
    if (events < writing.eventsSeen) {
      proof.equal = false
      proof.difference = `events after ${count(events)} of ${count(writing.eventsSeen)} are lost`
    }
    return { writing, recovery: manager.recovery, proof }
  } finally {
    await manager.close()
  }
}

function showWriting(output: Output, writing: Writing): void {
  const { colors } = output
  const events = writing.eventsSeen - writing.eventsBefore
  const ms = writing.writingMs
  const end = writing.killed
    ? colors.red(`SIGKILL at about ${count(writing.eventsSeen)}`)
    : colors.green(`finished at ${count(writing.eventsSeen)}`)
  output.line(
    `${colors.cyan('write   ')} ${count(events)} events in ${milliseconds(ms)} (${rate(events, ms)}), ` +
      `${plural(writing.snapshots, 'snapshot')}, ${plural(writing.segmentsFreed, 'segment')} freed; ${end}`,
  )
}

function showRecovered(output: Output, { recovery, proof }: Round): void {
  const { colors } = output
  const snapshot =
    recovery.snapshotSequence === 0
      ? 'no snapshot'
      : `snapshot at ${count(recovery.snapshotSequence)}`
  output.line(
    `${colors.cyan('recover ')} ${snapshot} + ${plural(recovery.entriesReplayed, 'entry', 'entries')} replayed in ` +
      `${milliseconds(recovery.durationMs)}, ${tailText(output, recovery.tail)}; entries to ${count(recovery.lastSequence)}`,
  )
  const verdict = proof.equal
    ? colors.green(`${plural(proof.books, 'book')} equal the uninterrupted run`)
    : colors.red(`not equal: ${proof.difference}`)
  output.line(
    `${colors.cyan('prove   ')} after event ${count(proof.events)}: ${verdict} ` +
      colors.dim(`(${count(proof.levels)} levels, ${count(proof.orders)} orders in queue order)`),
  )
}

async function showEnd(
  output: Output,
  plan: DemoPlan,
  rounds: readonly Round[],
  equal: boolean,
  durationMs: number,
): Promise<void> {
  const done = rounds.at(-1)?.writing.done
  output.line()
  const manager = await PersistenceManager.open(configOf(plan))
  try {
    showBooks(output, manager)
  } finally {
    await manager.close()
  }
  if (done !== undefined) {
    output.line()
    output.heading(`The last writer: ${count(done.eventsOfRun)} events`)
    showWriter(output, done.stats)
  }
  const kills = rounds.filter(({ writing }) => writing.killed).length
  const text =
    `${plural(kills, 'SIGKILL')}, ${plural(rounds.length, 'recovery', 'recoveries')}, no event lost or doubled: ` +
    `the books are those of an uninterrupted run. ${milliseconds(durationMs)} in all.`
  output.line()
  output.line(equal ? output.colors.green(`✔ ${text}`) : output.colors.red('✘ the books differ'))
  output.document({ plan, equal, durationMs, rounds })
}
