/** `pinnacle feed record`: records until Ctrl-C, `--duration`, or an error that can't pass. */
import { readFileSync } from 'node:fs'
import { InvalidArgumentError, type Command } from 'commander'
import type { CredentialStore } from '../../../credentials/store.js'
import { adapterByName, exchangeNames } from '../../../market-data/adapters/index.js'
import { advancedTradeSigner, exchangeSigner } from '../../../market-data/client/signers.js'
import type { SubscriptionSigner } from '../../../market-data/feed-adapter.js'
import { FeedRecording, type RecordingStats } from '../../../market-data/record/feed-recording.js'
import type { ProductScales } from '../../../market-data/record/recording-store.js'
import { action, onInterrupt, type Interrupt } from '../../action.js'
import { countArgument, listArgument, numberArgument } from '../../arguments.js'
import { withPassword, withStore, type UnlockOptions } from '../../creds-access.js'
import { configOf, withDirectory, withEngine, type EngineOptions } from '../../data-options.js'
import { ExitCode } from '../../exit-codes.js'
import { showFeedLine } from '../../feed-status-line.js'
import type { Output } from '../../output.js'
import { count, milliseconds } from '../../text.js'
import { usageError } from '../../usage-error.js'

const examples = `
Without --product it resumes what the directory was recording, and marks the time in between as a gap.

Examples:
  $ pinnacle feed record ./data --product BTC-USD,ETH-USD --channel level2,market_trades
  $ pinnacle feed record ./data
  $ pinnacle feed record ./data -p BTC-USD --channel user --credential coinbase --password-file ./pw`

interface RecordOptions extends EngineOptions, UnlockOptions {
  exchange?: string
  product?: string[]
  channel?: string[]
  url?: string
  ca?: string
  pin?: string[]
  bookUrl?: string
  bookPin?: string[]
  credential?: string
  scale?: Record<string, ProductScales>
  duration?: number
  retentionDays?: number
  history: boolean
}

export function register(feed: Command): void {
  const command = feed.command('record').description('record a live feed; resumes what is recorded')
  withPassword(withEngine(withDirectory(command)))
    .option('-e, --exchange <name>', `one of ${exchangeNames.join(', ')} (default: coinbase)`)
    .option('-p, --product <names>', 'products, such as BTC-USD', listArgument)
    .option(
      '--channel <names>',
      "the exchange's channels (default: all that are public)",
      listArgument,
    )
    .option('--url <url>', "wss: address (default: the exchange's)")
    .option('--ca <file>', 'PEM of authorities to trust besides the usual ones')
    .option('--pin <pins>', 'SPKI SHA-256 pins of which one must match, base64', listArgument)
    .option('--book-url <url>', "https: host that whole books come from (default: the exchange's)")
    .option('--book-pin <pins>', 'pins of that host, like --pin', listArgument)
    .option('--credential <name>', 'credential that signs channels which need it')
    .option(
      '--scale <product:price:size>',
      'decimal places of prices and sizes (default: 8 and 8); append :signed if prices may be negative',
      scaleArgument,
    )
    .option('--duration <seconds>', 'stop after this many seconds', numberArgument)
    .option('--retention-days <n>', 'days of price history to keep (default: all)', countArgument)
    .option('--no-history', 'no price history')
    .addHelpText('after', examples)
    .action(action<RecordOptions, [string | undefined]>(record))
}

/** `BTC-USD:2:8`, `CL-SPREAD:2:0:signed` */
export function scaleArgument(
  text: string,
  before: Record<string, ProductScales> | undefined,
): Record<string, ProductScales> {
  const match = /^(.+):(\d{1,2}):(\d{1,2})(:signed)?$/.exec(text)
  const [, product = '', price, size, signed] = match ?? []
  if (!match || Number(price) > 15 || Number(size) > 15) {
    throw new InvalidArgumentError('It must be a product and two numbers of 0 to 15: BTC-USD:2:8.')
  }
  const scales: ProductScales = { priceScale: Number(price), quantityScale: Number(size) }
  if (signed !== undefined) scales.signedPrices = true
  return { ...before, [product]: scales }
}

async function record(
  output: Output,
  options: RecordOptions,
  directory: string | undefined,
): Promise<ExitCode> {
  const { credential, product } = options
  if (
    !product &&
    (options.exchange ?? options.channel ?? options.url ?? credential) !== undefined
  ) {
    throw usageError('say which products to record (--product), or nothing at all to resume')
  }
  if (credential === undefined) return run(output, options, directory, undefined)
  const data = configOf(options, directory).dataDirectory
  return withStore(output, { ...options, data }, (store) => run(output, options, directory, store))
}

async function run(
  output: Output,
  options: RecordOptions,
  directory: string | undefined,
  credentials: CredentialStore | undefined,
): Promise<ExitCode> {
  const problem = (what: unknown): void => {
    output.warning(what instanceof Error ? what.message : String(what))
  }
  const config = configOf(options, directory)
  const interrupt = onInterrupt()
  try {
    const recording = await open(options, config, credentials, problem)
    return await follow(output, options, recording, interrupt)
  } finally {
    interrupt.stop()
  }
}

function open(
  options: RecordOptions,
  persistence: ReturnType<typeof configOf>,
  credentials: CredentialStore | undefined,
  onProblem: (problem: unknown) => void,
): Promise<FeedRecording> {
  const { product, channel, exchange = 'coinbase', url, ca, pin, credential, scale } = options
  const { retentionDays, bookUrl, bookPin } = options
  const shared = {
    persistence,
    history: options.history
      ? { onProblem, ...(retentionDays === undefined ? {} : { retentionDays }) }
      : (false as const),
    onProblem,
    client: {
      ...(ca === undefined ? {} : { ca: readCa(ca) }),
      ...(pin === undefined ? {} : { pins: pin }),
      ...(bookUrl === undefined ? {} : { bookUrl }),
      ...(bookPin === undefined ? {} : { bookPins: bookPin }),
    },
  }
  const signerOf = (name: string, of: string): SubscriptionSigner => {
    if (!credentials) {
      throw usageError(`the credential "${name}" signs this feed: give --credential ${name}`)
    }
    return of === 'coinbase-exchange'
      ? exchangeSigner({ credentials, name })
      : advancedTradeSigner({ credentials, name })
  }
  if (!product) return FeedRecording.resume({ ...shared, signerOf })
  const adapter = adapterByName(exchange)
  const isPublic = (name: string): boolean => !adapter.authenticatedChannels.includes(name)
  return FeedRecording.open({
    ...shared,
    exchange,
    products: product,
    channels: channel ?? adapter.channels.filter((name) => isPublic(name) && usual.has(name)),
    ...(url === undefined ? {} : { url }),
    ...(scale === undefined ? {} : { scales: scale }),
    ...(credential === undefined
      ? {}
      : { authentication: credential, signer: signerOf(credential, exchange) }),
  })
}

/** The channels of a recording by default: the book, the trades, the ticker. */
const usual: ReadonlySet<string> = new Set([
  'level2',
  'level2_batch',
  'market_trades',
  'matches',
  'ticker',
  'book',
  'trade',
  'depth',
  'depth@100ms',
])

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw usageError(`--ca ${file} can't be read: ${(error as Error).message}`)
  }
}

async function follow(
  output: Output,
  { duration }: RecordOptions,
  recording: FeedRecording,
  interrupt: Interrupt,
): Promise<ExitCode> {
  const { store } = recording
  const { connection, lastFrame, counts } = store.state
  if (connection && lastFrame) {
    output.line(
      `Continues after ${count(counts.frames)} recorded frames; the time in between is a gap.`,
    )
  }
  const startedMs = performance.now()
  const timers: NodeJS.Timeout[] = []
  const stop = new Promise<void>((resolve) => {
    const end = (): void => {
      resolve()
    }
    if (interrupt.signal.aborted) end()
    interrupt.signal.addEventListener('abort', end, { once: true })
    if (duration !== undefined) timers.push(setTimeout(end, duration * 1000))
  })
  recording.start()
  const line = showFeedLine(output, {
    recorder: () => recording.stats().recorder,
    connection: () => recording.stats().client.state,
    state: store.state,
    instruments: () => store.persistence.instruments(),
    frontiers: () => recording.stats(),
  })
  const reason = await Promise.race([recording.finished, stop.then(() => null)])
  line.stop()
  timers.forEach(clearTimeout)
  let stats = recording.stats()
  try {
    await recording.close()
  } finally {
    const { archivedSequence = null } = store.history ?? {}
    stats = { ...stats, recorder: { ...stats.recorder }, archived: archivedSequence }
  }
  if (reason) throw reason
  show(output, stats, performance.now() - startedMs)
  return interrupt.signal.aborted ? interrupt.exitCode : ExitCode.Ok
}

function show(output: Output, stats: RecordingStats, ms: number): void {
  const { recorder, client, archived } = stats
  output.heading(`Recorded ${count(recorder.frames)} frames in ${milliseconds(ms)}`)
  output.field('entries', count(recorder.entries))
  output.field('gaps', count(recorder.gaps))
  output.field('quarantined', count(recorder.quarantined))
  output.field('unknown', count(recorder.unknown))
  output.field(
    'repeated',
    `${count(recorder.repeatedTrades)} trades, ${count(client.duplicates)} frames`,
  )
  output.field('reconnects', count(client.reconnects))
  if (archived !== null) output.field('history', `archived through entry ${count(archived)}`)
  output.document(stats)
}
