/** `pinnacle recover`: opens a data directory as a writer would, reports, shows the books, closes. */
import type { Command } from 'commander'
import { Side } from '../../book/side.js'
import { PersistenceManager } from '../../persistence/persistence-manager.js'
import { action } from '../action.js'
import { configOf, withDirectory, withPolicy, type EngineOptions } from '../data-options.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { progressBar } from '../progress-bar.js'
import { showRecovery } from '../recovery-text.js'
import { count, plural, table } from '../text.js'

const examples = `
Cuts a torn tail and reports it. Refuses a corrupt journal, unless --recovery-policy says otherwise.

Examples:
  $ pinnacle recover ./data
  $ pinnacle recover ./data --json | jq .recovery.lastSequence`

export function register(program: Command): void {
  const command = program
    .command('recover')
    .description('open a data directory, report what recovery found, and show the books')
  withPolicy(withDirectory(command)).addHelpText('after', examples)
  command.action(action<EngineOptions, [string | undefined]>(recover))
}

async function recover(
  output: Output,
  options: EngineOptions,
  directory: string | undefined,
): Promise<ExitCode> {
  const config = configOf(options, directory, { create: false, snapshotIntervalMin: 0 })
  const bar = progressBar(output, 'recovering')
  const manager = await PersistenceManager.open(config, {
    listeners: {
      recoveryProgress: ({ phase, done, total }) => bar.update(done, total, phase),
    },
  }).finally(() => bar.stop())
  try {
    output.heading(`Recovered ${config.dataDirectory}`)
    showRecovery(output, manager.recovery)
    output.line()
    showBooks(output, manager)
    output.document({ recovery: manager.recovery, books: summaries(manager) })
  } finally {
    await manager.close()
  }
  return ExitCode.Ok
}

export interface BookSummary {
  instrument: string
  kind: string
  orders: number
  bidLevels: number
  askLevels: number
  bestBid: string | null
  bestAsk: string | null
  trades: number
  tradedQuantity: string
  lastSequence: number
  digest: string
}

export function summaries(manager: PersistenceManager): BookSummary[] {
  return manager.instruments().map((instrument) => {
    const book = manager.book(instrument.name)
    const info = book.info()
    const best = (side: Side): string | null => {
      const [level] = book.depth(side, 1)
      return level === undefined ? null : instrument.formatPrice(level.price)
    }
    return {
      instrument: instrument.name,
      kind: instrument.kind,
      orders: info.orders,
      bidLevels: info.bidLevels,
      askLevels: info.askLevels,
      bestBid: best(Side.Buy),
      bestAsk: best(Side.Sell),
      trades: info.tradeCount,
      tradedQuantity: instrument.formatQuantity(info.tradedQuantity),
      lastSequence: info.lastSequence,
      digest: info.digest.toString(16).padStart(16, '0'),
    }
  })
}

export function showBooks(output: Output, manager: PersistenceManager): void {
  const books = summaries(manager)
  if (books.length === 0) {
    output.line('no instruments are defined')
    return
  }
  const { dim } = output.colors
  const head = ['instrument', 'orders', 'levels', 'best bid', 'best ask', 'trades', 'digest'].map(
    dim,
  )
  const rows = books.map((book) => [
    book.instrument,
    count(book.orders),
    `${count(book.bidLevels)} + ${count(book.askLevels)}`,
    book.bestBid ?? '-',
    book.bestAsk ?? '-',
    count(book.trades),
    dim(book.digest),
  ])
  output.heading(plural(books.length, 'book'))
  for (const line of table([head, ...rows], 'lrrrrrl')) output.line(`  ${line}`)
}
