/** `pinnacle book`: draws an instrument's depth, now or at a point of the past. Locks nothing. */
import type { Command } from 'commander'
import type { BookSet, PastBook } from '../../book/book-set.js'
import { Side } from '../../book/side.js'
import { booksAt, booksAtTime, latestBooks } from '../../persistence/books-at.js'
import { action } from '../action.js'
import { countArgument, pointArgument, type Point } from '../arguments.js'
import { directoryOf, withData, type DataOptions } from '../data-options.js'
import { drawDepth } from '../depth-drawing.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { count, plural } from '../text.js'
import { timesWarnings } from '../times-warnings.js'
import { usageError } from '../usage-error.js'

const examples = `
Reads the files beside a running writer or of a directory at rest: the newest snapshot at or below the
point, and the journal from there. The error for a point out of reach says what is covered. A time means
the state before the instrument's first later entry; a warning says if times are out of order there, or
end before it.

Examples:
  $ pinnacle book MSFT --data ./data
  $ pinnacle book MSFT --data ./data --levels 5 --at 1200
  $ pinnacle book ARL --data ./data --at 2025-07-17T14:00:00Z
  $ pinnacle book MSFT --data ./data --at ns:34200000000000 --json`

interface BookOptions extends DataOptions {
  levels: number
  at?: Point
}

export function register(program: Command): void {
  const command = program
    .command('book')
    .description('depth of an instrument, now or at a point of the past')
    .argument('[instrument]', 'default: the only one there is')
  withData(command)
    .option('-l, --levels <n>', 'levels of each side', countArgument, 10)
    .option('--at <point>', 'a sequence, ns:<nanoseconds>, or a UTC time', pointArgument)
    .addHelpText('after', examples)
    .action(action<BookOptions, [string | undefined]>(book))
}

async function book(
  output: Output,
  options: BookOptions,
  name: string | undefined,
): Promise<ExitCode> {
  const directory = directoryOf(options)
  const books = await pastBooks(directory, name, options.at)
  try {
    const past = books.book(name ?? onlyInstrument(books))
    for (const warning of timesWarnings(past)) output.warning(warning)
    show(output, past, options.levels)
  } finally {
    books.close()
  }
  return ExitCode.Ok
}

async function pastBooks(
  directory: string,
  name: string | undefined,
  point: Point | undefined,
): Promise<BookSet> {
  if (point !== undefined && 'sequence' in point) return booksAt(directory, point)
  const latest = await latestBooks(directory)
  if (point === undefined) return latest
  // The time is that of the instrument's entries, and only the books say which index the name has.
  const { instrument } = latest.book(name ?? onlyInstrument(latest))
  latest.close()
  return booksAtTime(directory, point.timestamp, instrument.index)
}

function onlyInstrument(books: BookSet): string {
  const names = books.instruments().map((instrument) => instrument.name)
  const [only] = names
  if (names.length === 1 && only !== undefined) return only
  throw usageError(
    names.length === 0
      ? 'no instrument is defined in this data directory'
      : `name one of the instruments: ${names.join(', ')}`,
  )
}

function show(output: Output, book: PastBook, levels: number): void {
  const { instrument } = book
  const info = book.info()
  const bids = book.depth(Side.Buy, levels)
  const asks = book.depth(Side.Sell, levels)
  output.heading(
    `${instrument.name} at entry ${count(book.sequence)}: ${plural(info.orders, 'order')}, ` +
      `${count(info.bidLevels)} bid and ${plural(info.askLevels, 'ask level')}`,
  )
  const picture = {
    bids,
    asks,
    formatPrice: (ticks: number) => instrument.formatPrice(ticks),
    formatQuantity: (lots: number) => instrument.formatQuantity(lots),
  }
  output.lines(drawDepth(picture, output.colors))
  const decimals = (level: (typeof bids)[number]): Record<string, unknown> => ({
    price: instrument.formatPrice(level.price),
    quantity: instrument.formatQuantity(level.quantity),
    orders: level.orders,
  })
  output.document({
    instrument: instrument.name,
    sequence: book.sequence,
    ...(book.times && { times: book.times }),
    ...info,
    bids: bids.map(decimals),
    asks: asks.map(decimals),
  })
}
