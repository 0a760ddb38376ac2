/** `pinnacle feed replay`: a recording file or a recorded directory into a data directory. */
import { statSync } from 'node:fs'
import { InvalidArgumentError, type Command } from 'commander'
import { exchangeNames } from '../../../market-data/adapters/index.js'
import { RecordingStore, type ProductScales } from '../../../market-data/record/recording-store.js'
import type { FeedRecorder } from '../../../market-data/record/feed-recorder.js'
import { replayFile, surveyRecording } from '../../../market-data/record/replay-file.js'
import { replayJournal } from '../../../market-data/record/replay-journal.js'
import type { ReplaySpeed } from '../../../market-data/record/replay-pace.js'
import { action, onInterrupt } from '../../action.js'
import { listArgument } from '../../arguments.js'
import { configOf, withData, withEngine, type EngineOptions } from '../../data-options.js'
import { ExitCode } from '../../exit-codes.js'
import { showFeedLine } from '../../feed-status-line.js'
import type { Output } from '../../output.js'
import { count, milliseconds, rate } from '../../text.js'
import { usageError } from '../../usage-error.js'
import { scaleArgument } from './record.js'

const examples = `
A file has one frame a line, or lines {"t":"recv","ts":seconds,"data":"the frame"}. A directory is one that
"pinnacle feed record" wrote.

Examples:
  $ pinnacle feed replay session.jsonl --data ./data --scale BTC-USD:2:8
  $ pinnacle feed replay ./recorded --data ./copy --speed 10`

interface ReplayOptions extends EngineOptions {
  exchange: string
  product?: string[]
  scale?: Record<string, ProductScales>
  speed: ReplaySpeed
}

export function register(feed: Command): void {
  const command = feed
    .command('replay')
    .description('replay a recording into a data directory')
    .argument('<recording>', 'file of frames, or a recorded data directory')
  withEngine(withData(command))
    .option('-e, --exchange <name>', `one of ${exchangeNames.join(', ')}; of a file`, 'coinbase')
    .option('-p, --product <names>', 'products (default: those of the file)', listArgument)
    .option('--scale <product:price:size>', 'decimal places, of a file', scaleArgument)
    .option('--speed <factor>', '1 for the pace of the recording, 10, full', speedOf, 'full')
    .addHelpText('after', examples)
    .action(action<ReplayOptions, [string]>(replay))
}

function speedOf(text: string): ReplaySpeed {
  if (text === 'full') return 'full'
  const factor = Number(/^(\d+(?:\.\d+)?)x?$/.exec(text)?.[1])
  if (factor > 0) return factor
  throw new InvalidArgumentError('It must be "full" or a factor such as 1, 10 or 0.5.')
}

async function replay(
  output: Output,
  options: ReplayOptions,
  recording: string,
): Promise<ExitCode> {
  const isDirectory = kindOf(recording) === 'directory'
  const survey = isDirectory ? undefined : await surveyRecording(recording, options.exchange)
  const persistence = configOf(options)
  if (isDirectory && persistence.dataDirectory === recording) {
    throw usageError('a directory can not be replayed into itself; give another one as --data')
  }
  const interrupt = onInterrupt()
  const startedMs = performance.now()
  const store = await RecordingStore.open({ persistence })
  let live: FeedRecorder | undefined
  const line = showFeedLine(output, {
    recorder: () => live?.stats() ?? noFrames,
    connection: () => 'replaying',
    state: store.state,
    instruments: () => store.persistence.instruments(),
    frontiers: () => ({
      appended: store.persistence.appendedFrontier,
      durable: store.persistence.durableFrontier,
    }),
  })
  const shared = {
    store,
    speed: options.speed,
    signal: interrupt.signal,
    onFrame: (recorder: FeedRecorder) => {
      live = recorder
    },
  }
  let recorder: FeedRecorder
  try {
    recorder = survey
      ? await replayFile({
          ...shared,
          file: recording,
          exchange: options.exchange,
          products: options.product ?? survey.products,
          channels: survey.channels,
          bookKind: survey.bookKind,
          ...(options.scale === undefined ? {} : { scales: options.scale }),
        })
      : await replayJournal({ ...shared, directory: recording })
  } finally {
    line.stop()
    interrupt.stop()
    await store.close()
  }
  const ms = performance.now() - startedMs
  const { frames, entries, gaps, quarantined, unknown } = recorder.stats()
  output.heading(`Replayed ${count(frames)} frames in ${milliseconds(ms)}, ${rate(frames, ms)}`)
  output.field('entries', count(entries))
  output.field('gaps', count(gaps))
  output.field('quarantined', count(quarantined))
  output.field('unknown', count(unknown))
  output.document({ recording, ...recorder.stats() })
  return interrupt.signal.aborted ? interrupt.exitCode : ExitCode.Ok
}

const noFrames = {
  frames: 0,
  entries: 0,
  updates: 0,
  gaps: 0,
  unknown: 0,
  quarantined: 0,
  repeatedTrades: 0,
  unknownOrders: 0,
  lastExchangeNs: null,
  lastReceivedNs: null,
}

function kindOf(recording: string): 'directory' | 'file' {
  try {
    return statSync(recording).isDirectory() ? 'directory' : 'file'
  } catch (error) {
    throw usageError(`${recording} can't be replayed: ${(error as Error).message}`)
  }
}
