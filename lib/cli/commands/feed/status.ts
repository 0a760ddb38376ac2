/** `pinnacle feed status`: what a directory records, while it does or at rest. Locks nothing. */
import type { Command } from 'commander'
import { formatDecimal } from '../../../decimal/decimal.js'
import { PinnacleError } from '../../../errors/pinnacle-error.js'
import { readArchivedSequence } from '../../../market-data/history/history-archive.js'
import { readRecordingStatus } from '../../../market-data/record/recording-status.js'
import { action } from '../../action.js'
import { directoryOf, withDirectory, type DataOptions } from '../../data-options.js'
import { ExitCode } from '../../exit-codes.js'
import { shortDecimal } from '../../feed-status-line.js'
import type { Output } from '../../output.js'
import { count } from '../../text.js'

export function register(feed: Command): void {
  withDirectory(
    feed.command('status').description('what a directory records, and how far it is'),
  ).action(action<DataOptions, [string | undefined]>(status))
}

async function status(
  output: Output,
  options: DataOptions,
  argument: string | undefined,
): Promise<ExitCode> {
  const directory = directoryOf(options, argument)
  const { state, instruments, appended } = await readRecordingStatus(directory)
  const archived = await readArchivedSequence(directory)
  const { connection, connectionNs, lastFrame, lastHeartbeat, counts, connections } = state
  if (!connection) {
    throw new PinnacleError(
      'ERR_PINNACLE_FEED_NOTHING_TO_RESUME',
      `no feed was recorded into ${directory}; "pinnacle feed record" does that`,
    )
  }
  const sequences = Object.fromEntries(state.lastSequences)
  const prices = Object.fromEntries(
    [...instruments].flatMap(([index, { name, priceScale }]) => {
      const ticks = state.lastPrice(index)
      return ticks === undefined ? [] : [[name, shortDecimal(formatDecimal(ticks, priceScale))]]
    }),
  )
  output.document({
    ...connection,
    connectionNs,
    connections,
    lastSequences: sequences,
    lastFrame,
    lastHeartbeat,
    prices,
    counts,
    appended,
    archived,
  })
  output.heading(`${connection.exchange}  ${connection.products.join(', ')}`)
  const reason = connection.reason === null ? '' : ` (${connection.reason})`
  output.field('state', `${connection.state} since ${timeOf(connectionNs)}${reason}`)
  output.field('address', connection.url)
  output.field('channels', connection.channels.join(', '))
  output.field('credential', connection.authentication ?? 'none')
  output.field('connections', count(connections))
  output.field('last frame', lastFrame ? timeOf(lastFrame.receivedNs) : 'none')
  output.field('last heartbeat', lastHeartbeat ? timeOf(lastHeartbeat.receivedNs) : 'none')
  for (const [scope, last] of Object.entries(sequences)) {
    output.field('last number', `${count(last)}${scope === '' ? '' : ` of ${scope}`}`)
  }
  for (const [name, price] of Object.entries(prices)) output.field('last price', `${name} ${price}`)
  output.field(
    'counts',
    `${count(counts.frames)} frames, ${count(counts.trades)} trades, ${count(counts.gaps)} gaps, ` +
      `${count(counts.raw)} raw, ${count(counts.quarantined)} quarantined, ${count(counts.cutFrames)} cut`,
  )
  output.field('journal', `entry ${count(appended)}, archived through ${count(archived)}`)
  return ExitCode.Ok
}

function timeOf(ns: bigint): string {
  return new Date(Number(ns / 1_000_000n)).toISOString()
}
