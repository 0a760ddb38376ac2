/** `pinnacle run`: journals an order-flow file into a data directory; resumes after a kill. */
import { Option, type Command } from 'commander'
import { openFlowFile } from '../../order-flow/file-source.js'
import { flowFormats, type FlowFormat } from '../../order-flow/detect-format.js'
import type { FlowCounts } from '../../order-flow/flow-counts.js'
import type { FlowPolicy } from '../../order-flow/flow-policy.js'
import { FlowPositions } from '../../order-flow/flow-positions.js'
import { runFlow, type FlowProgress, type FlowRunResult } from '../../order-flow/flow-run.js'
import { PersistenceManager } from '../../persistence/persistence-manager.js'
import type { Stats } from '../../persistence/stats.js'
import { action, onInterrupt } from '../action.js'
import { countArgument, integerArgument, speedArgument } from '../arguments.js'
import { configOf, withData, withEngine, withPolicy, type EngineOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import { showWriter } from '../latency-text.js'
import type { Output } from '../output.js'
import { progressBar } from '../progress-bar.js'
import { showRecovery } from '../recovery-text.js'
import { bytes, count, milliseconds, plural, rate } from '../text.js'
import { showBooks, summaries } from './recover.js'

const examples = `
Reads LOBSTER message CSV and Databento order-by-order CSV. Killed at any moment, the same command resumes
with the first missing event. Events about orders older than the file are counted; with a LOBSTER order
book (--opening-book) they reduce the level that holds them.

Examples:
  $ pinnacle run mbo.csv --data ./data
  $ pinnacle run message_50.csv --data ./data --instrument MSFT --opening-book orderbook_50.csv
  $ pinnacle run message_1.csv --data ./data --instrument AMZN --speed 60x --durability durable`

interface RunOptions extends EngineOptions {
  instrument?: string
  format?: FlowFormat
  openingBook?: string
  priceScale?: number
  signedPrices?: boolean
  speed: 'full' | number
  brokenLines: FlowPolicy
  unknownOrders: FlowPolicy
  batchSize: number
  fromEvent?: number
}

export function register(program: Command): void {
  const command = program
    .command('run')
    .description('journal an order-flow file; resumes after a kill')
    .argument('<file>', 'LOBSTER message CSV or Databento mbo CSV')
  withPolicy(withEngine(withData(command)))
    .option('-i, --instrument <name>', 'name of the instrument (LOBSTER files do not hold it)')
    .addOption(new Option('--format <format>', 'default: detected').choices(flowFormats))
    .option('--opening-book <file>', "LOBSTER order book; its first row is the book's start")
    .option(
      '--price-scale <digits>',
      'decimal digits of a Databento tick (default: 4)',
      integerArgument,
    )
    .option('--signed-prices', 'prices of a Databento file may be negative')
    .option(
      '--speed <speed>',
      "full, or a factor of the flow's own time such as 60x",
      speedArgument,
      'full',
    )
    .addOption(
      new Option('--broken-lines <policy>', "lines that can't be read or contradict the book")
        .choices(['stop', 'skip'])
        .default('stop'),
    )
    .addOption(
      new Option('--unknown-orders <policy>', 'events about orders that nothing shows')
        .choices(['stop', 'skip'])
        .default('skip'),
    )
    .option(
      '--from-event <n>',
      'continue with this event, after a salvage that lost the position in the file',
      countArgument,
    )
    .option('--batch-size <n>', 'operations a native call, at most 1024', countArgument, 256)
    .addHelpText('after', examples)
    .action(action<RunOptions, [string]>(run))
}

async function run(output: Output, options: RunOptions, file: string): Promise<ExitCode> {
  const positions = new FlowPositions()
  const config = configOf(options, undefined, { stateMachine: positions })
  const source = await openFlowFile(file, options)
  const interrupt = onInterrupt()
  const manager = await PersistenceManager.open(config)
  const failures: string[] = []
  manager.on('snapshotFailed', (error) => failures.push(error.message))
  const bar = progressBar(output, source.name)
  try {
    const result = await runFlow(manager, positions, source, {
      speed: options.speed,
      batchSize: Math.min(1024, options.batchSize),
      signal: interrupt.signal,
      ...(options.fromEvent === undefined ? {} : { fromEvent: options.fromEvent }),
      onProgress: (progress) => bar.update(progress.bytesRead, progress.totalBytes, live(progress)),
    }).finally(() => bar.stop())
    await manager.durable()
    const stats = manager.stats()
    show(output, source.name, manager, result, stats, failures)
    output.document({
      source: source.name,
      format: source.format,
      ...result,
      snapshotFailures: failures,
      recovery: manager.recovery,
      stats,
      books: summaries(manager),
    })
    return result.interrupted ? interrupt.exitCode : ExitCode.Ok
  } finally {
    interrupt.stop()
    await manager.close()
  }
}

let startedMs = 0

function live(progress: FlowProgress): string {
  startedMs ||= performance.now()
  const speed = rate(progress.eventsOfRun, performance.now() - startedMs)
  return `${count(progress.events)} events  ${speed}  ${bytes(progress.bytesRead)}`
}

function show(
  output: Output,
  name: string,
  manager: PersistenceManager,
  result: FlowRunResult,
  stats: Stats,
  failures: readonly string[],
): void {
  output.heading(headingOf(name, result))
  if (!manager.recovery.created) showRecovery(output, manager.recovery)
  if (result.eventsOfRun > 0) {
    output.field(
      'events',
      `${count(result.eventsOfRun)} in ${milliseconds(result.durationMs)}, ${rate(result.eventsOfRun, result.durationMs)}`,
    )
    if (result.counts !== undefined) showCounts(output, result.counts)
    showWriter(output, stats)
  }
  if (result.lostEvents > 0) output.line(output.colors.yellow(`  ${lossText(result)}`))
  for (const failure of failures) output.line(output.colors.yellow(`  snapshot failed: ${failure}`))
  output.line()
  showBooks(output, manager)
  if (result.interrupted) output.line('\nInterrupted; the same command continues from here.')
}

function lossText({ lostEvents, leftOut }: FlowRunResult): string {
  const lost = `a salvage lost ${plural(lostEvents, 'event')} at most: the books are not those of the file`
  return leftOut === 0
    ? lost
    : `${lost}; ${plural(leftOut, 'event')} of this run could not be applied for lack of them`
}

function headingOf(name: string, result: FlowRunResult): string {
  if (result.complete && result.eventsOfRun === 0) {
    return `${name} is complete: all of its ${plural(result.events, 'event')} are in the journal`
  }
  const resumed =
    result.resumedFrom === 0 ? '' : `, resumed after event ${count(result.resumedFrom)}`
  return `${name}: ${result.complete ? 'complete' : 'stopped'} at ${plural(result.events, 'event')}${resumed}`
}

const countTexts: readonly (readonly [keyof FlowCounts, string])[] = [
  ['adds', 'added'],
  ['cancels', 'cancelled'],
  ['executions', 'executed'],
  ['replaces', 'modified'],
  ['trades', 'trades'],
  ['tradesWithoutSide', 'trades without a side'],
  ['halts', 'halts'],
  ['clears', 'clears'],
  ['fills', 'fills'],
  ['unchanged', 'modified to the same'],
  ['openingLevels', 'opening levels'],
  ['fromOpeningBook', 'taken from an opening level'],
  ['reducedUnseen', 'deleted with less than the file had shown'],
]
const skippedTexts: readonly (readonly [keyof FlowCounts, string])[] = [
  ['unknownOrders', 'about orders born before the file'],
  ['inconsistent', 'contradict the book'],
  ['brokenLines', 'broken lines'],
]

function showCounts(output: Output, counts: FlowCounts): void {
  const listed = (texts: typeof countTexts): string =>
    texts
      .filter(([key]) => counts[key] > 0)
      .map(([key, text]) => `${count(counts[key])} ${text}`)
      .join(', ')
  output.field('applied', listed(countTexts))
  const skipped = listed(skippedTexts)
  output.field('not applied', skipped === '' ? 'none' : output.colors.yellow(skipped))
}
