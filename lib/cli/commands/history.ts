/** `pinnacle history`: recorded ticks and candles of a product, and their chart. Locks nothing. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { formatDecimal } from '../../decimal/decimal.js'
import { candleIntervals, type CandleInterval } from '../../market-data/history/candle.js'
import { PriceHistory } from '../../market-data/history/price-history.js'
import { journalTicks } from '../../market-data/record/live-ticks.js'
import { action } from '../action.js'
import { candleChart, type DrawnCandle } from '../candle-chart.js'
import { countArgument, pointArgument } from '../arguments.js'
import { directoryOf, withData, type DataOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import { toJson, type Output } from '../output.js'
import { padStart, printable } from '../text.js'

const examples = `
Times are UTC (2026-11-23T14:00:00Z) or ns:<nanoseconds>; --to is exclusive.

Examples:
  $ pinnacle history candles --data ./data --product BTC-USD --interval 1m
  $ pinnacle history ticks --data ./data --product BTC-USD --format csv
  $ pinnacle history chart --data ./data --product BTC-USD --interval 1s`

interface HistoryOptions extends DataOptions {
  product: string
  interval: CandleInterval
  from?: bigint
  to?: bigint
  fillEmpty?: boolean
  format?: 'table' | 'csv' | 'json'
}

export function register(program: Command): void {
  const history = program.command('history').description('recorded prices: candles and ticks')
  withInterval(withQuery(history.command('candles').description('OHLCV candles')))
    .option('--fill-empty', 'also candles without trades, at the close before')
    .action(action<HistoryOptions>(showCandles))
  withQuery(history.command('ticks').description('every trade')).action(
    action<HistoryOptions>(showTicks),
  )
  withInterval(withRange(history.command('chart').description('candles drawn in the terminal')))
    .option('--width <columns>', 'default: that of the terminal, or 80', countArgument)
    .option('--height <rows>', 'default: that of the terminal, 24 at most', countArgument)
    .action(action<ChartOptions>(showChart))
}

function withInterval(command: Command): Command {
  return command.addOption(
    new Option('--interval <interval>', 'length of a candle')
      .choices(Object.keys(candleIntervals))
      .default('1m'),
  )
}

function withRange(command: Command): Command {
  return withData(command)
    .requiredOption('-p, --product <name>', 'product, such as BTC-USD')
    .option('--from <time>', 'first moment', timeArgument)
    .option('--to <time>', 'the moment after the last', timeArgument)
    .addHelpText('after', examples)
}

function withQuery(command: Command): Command {
  return withRange(command).addOption(
    new Option('--format <format>', 'default: table, with --json json (one object a line)').choices(
      ['table', 'csv', 'json'],
    ),
  )
}

function timeArgument(text: string): bigint {
  const point = pointArgument(text)
  if ('timestamp' in point) return point.timestamp
  throw new InvalidArgumentError('It must be a UTC time, or ns:<nanoseconds>.')
}

function queryOf({ product, from, to }: HistoryOptions) {
  return { product, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}

/** What the files have, and what the journal has beyond. */
function historyOf(options: HistoryOptions): PriceHistory {
  const directory = directoryOf(options)
  return new PriceHistory({ directory, liveTicks: journalTicks(directory) })
}

interface ChartOptions extends HistoryOptions {
  width?: number
  height?: number
}

const mostRows = 24

async function showChart(output: Output, options: ChartOptions): Promise<ExitCode> {
  const history = historyOf(options)
  const { priceScale } = await history.product(options.product)
  const { interval } = options
  // Undefined if stdout is not a terminal.
  const { columns = 80, rows = mostRows } = process.stdout as { columns?: number; rows?: number }
  const width = options.width ?? columns
  const height = options.height ?? Math.min(mostRows, rows - 4)
  // Those that can be drawn at most: older ones have no room.
  const drawn: (DrawnCandle & { startNs: bigint; endNs: bigint; trades: number })[] = []
  for await (const candle of history.candles({ ...queryOf(options), interval, fillEmpty: true })) {
    drawn.push(candle)
    if (drawn.length > width) drawn.shift()
  }
  const first = drawn[0]
  const last = drawn.at(-1)
  if (output.json) {
    output.document({ product: options.product, interval, candles: drawn })
    return ExitCode.Ok
  }
  if (!first || !last) {
    output.line(`No trades of ${options.product} in that time.`)
    return ExitCode.Ok
  }
  const { bold, dim, green, red } = output.colors
  const price = (ticks: number): string => formatDecimal(ticks, priceScale)
  output.line(
    `${bold(options.product)}  ${interval}  last ${price(last.close)}  ` +
      dim(drawn.some(({ gap }) => gap) ? 'a ! under a candle: something may be missing' : ''),
  )
  const timeOf = (ns: bigint): string => isoTime(ns).slice(0, 19).replace('T', ' ')
  output.lines(
    candleChart(drawn, {
      width,
      height,
      priceText: price,
      from: timeOf(first.startNs),
      to: `${timeOf(last.startNs)} UTC`,
      up: green,
      down: red,
      dim,
    }),
  )
  return ExitCode.Ok
}

async function showCandles(output: Output, options: HistoryOptions): Promise<ExitCode> {
  const history = historyOf(options)
  const { priceScale, quantityScale } = await history.product(options.product)
  const price = (ticks: number): string => formatDecimal(ticks, priceScale)
  const write = writer(output, options, [31, 12, 12, 12, 12, 16, 8, 5])
  const { interval, fillEmpty = false } = options
  for await (const candle of history.candles({ ...queryOf(options), interval, fillEmpty })) {
    await write({
      time: isoTime(candle.startNs),
      open: price(candle.open),
      high: price(candle.high),
      low: price(candle.low),
      close: price(candle.close),
      volume: decimal(candle.volume, quantityScale),
      trades: candle.trades,
      gap: candle.gap,
    })
  }
  return ExitCode.Ok
}

async function showTicks(output: Output, options: HistoryOptions): Promise<ExitCode> {
  const history = historyOf(options)
  const { priceScale, quantityScale } = await history.product(options.product)
  const write = writer(output, options, [12, 31, 36, 5, 12, 16])
  for await (const tick of history.ticks(queryOf(options))) {
    await write({
      sequence: tick.sequence,
      time: isoTime(tick.timeNs),
      tradeId: tick.tradeId,
      side: tick.side === 0 ? 'buy' : 'sell',
      price: formatDecimal(tick.price, priceScale),
      quantity: formatDecimal(tick.quantity, quantityScale),
    })
  }
  return ExitCode.Ok
}

type Row = Record<string, string | number | boolean>

/** Writes rows as they come; the head goes before the first. */
function writer(output: Output, options: HistoryOptions, widths: number[]) {
  const format = options.format ?? (output.json ? 'json' : 'table')
  let first = true
  const line = (cells: string[]): string =>
    format === 'csv'
      ? cells.map(csvCell).join(',')
      : cells.map((cell, column) => padStart(printable(cell), widths[column] ?? 0)).join('  ')
  return async (row: Row): Promise<void> => {
    if (format === 'json') return output.raw(toJson(row))
    if (first) {
      const head = line(Object.keys(row))
      await output.raw(format === 'csv' ? head : output.colors.dim(head))
    }
    first = false
    await output.raw(line(Object.values(row).map(String)))
  }
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function isoTime(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19)
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`
}

/** A sum of lots may be beyond what formatDecimal takes. */
function decimal(value: bigint, scale: number): string {
  const digits = String(value).padStart(scale + 1, '0')
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
