/**
 * The progress of a recording, once a second: on a terminal in one line that is rewritten; else as a line
 * each ten seconds.
 */
import { formatDecimal } from '../decimal/decimal.js'
import type { Instrument } from '../book/instrument.js'
import type { FeedState } from '../market-data/record/feed-state.js'
import type { RecorderStats } from '../market-data/record/feed-recorder.js'
import type { Output } from './output.js'
import { count, nanoseconds, rate } from './text.js'

export interface FeedLineSource {
  readonly recorder: () => Readonly<RecorderStats>
  readonly connection: () => string
  readonly state: FeedState
  readonly instruments: () => readonly Instrument[]
  readonly frontiers: () => { appended: number; durable: number }
}

export interface FeedLine {
  stop(): void
}

const watchedMs = 1000
const unwatchedMs = 10_000
const mostPrices = 3

export function showFeedLine(output: Output, source: FeedLineSource): FeedLine {
  const everyMs = output.interactive ? watchedMs : unwatchedMs
  let before = { frames: source.recorder().frames, atMs: performance.now() }
  const show = (): void => {
    const { frames } = source.recorder()
    const atMs = performance.now()
    const text = feedLine(source, frames - before.frames, atMs - before.atMs)
    before = { frames, atMs }
    if (output.interactive) {
      const columns = process.stderr.columns || 80
      process.stderr.write(`\r\u001b[2K${text.slice(0, columns - 1)}`)
    } else {
      output.line(text)
    }
  }
  const timer = setInterval(show, everyMs)
  return {
    stop() {
      clearInterval(timer)
      if (output.interactive) process.stderr.write('\r\u001b[2K')
    },
  }
}

function feedLine(source: FeedLineSource, frames: number, ms: number): string {
  const stats = source.recorder()
  const { appended, durable } = source.frontiers()
  const prices = source
    .instruments()
    .flatMap((instrument) => {
      const ticks = source.state.lastPrice(instrument.index)
      return ticks === undefined
        ? []
        : [`${instrument.name} ${shortDecimal(formatDecimal(ticks, instrument.priceScale))}`]
    })
    .slice(0, mostPrices)
  const parts = [
    source.connection(),
    rate(frames, ms).replace('/s', ' frames/s'),
    `lag ${lagText(stats)}`,
    ...prices,
    `${count(stats.gaps)} ${stats.gaps === 1 ? 'gap' : 'gaps'}`,
    ...(stats.quarantined > 0 ? [`${count(stats.quarantined)} quarantined`] : []),
    `journal ${count(appended)} (durable ${count(durable)})`,
  ]
  return parts.join('  ')
}

/** Receipt by this machine's clock after the exchange's time: clocks that differ show here, too. */
function lagText({ lastExchangeNs, lastReceivedNs }: Readonly<RecorderStats>): string {
  if (lastExchangeNs === null || lastReceivedNs === null) return '–'
  const lagNs = lastReceivedNs - lastExchangeNs
  return lagNs < 0n ? `-${nanoseconds(Number(-lagNs))}` : nanoseconds(Number(lagNs))
}

/** Without zeros at the end, but with at least two decimal places. */
export function shortDecimal(text: string): string {
  return text.replace(/(\.\d\d\d*?)0+$/, '$1')
}
