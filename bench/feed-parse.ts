/**
 * node .test-dist/bench/feed-parse.js [--quick]
 *
 * Messages a second that each adapter parses on one core: text in, typed updates out. Every case has a thousand
 * different messages in the exchange's shape, so that nothing is remembered from one to the next but what real messages
 * share. The goal is 300,000 tickers a second.
 */
import { pathToFileURL } from 'node:url'
import { adapterByName, exchangeNames } from '../lib/market-data/adapters/index.js'
import type { FeedAdapter } from '../lib/market-data/feed-adapter.js'
import { tickerGoalPerSecond, messagesOf, messageKinds, type MessageKind } from './feed-messages.js'
import { measure, type Case, type Figures } from './rounds.js'

export interface ParseFigure {
  exchange: string
  kind: MessageKind
  /** Mean characters of a message. */
  chars: number
  messagesPerSecond: number
  /** Of the slowest and the fastest round. */
  lowest: number
  highest: number
}

interface ParseCase extends Case {
  exchange: string
  kind: MessageKind
  chars: number
}

const expected: Readonly<Record<MessageKind, readonly string[]>> = {
  ticker: ['ticker'],
  levels: ['levels', 'book-snapshot'],
  trades: ['trade'],
}

function caseOf(exchange: string, kind: MessageKind): ParseCase {
  const messages = messagesOf(exchange, kind)
  const adapter: FeedAdapter = adapterByName(exchange)
  // Twice, as they are parsed round and round: an adapter may remember.
  for (const message of [...messages, ...messages]) {
    const parsed = adapter.parse(message)
    const [update] = parsed.kind === 'updates' ? parsed.updates : []
    if (!update || !expected[kind].includes(update.type)) {
      throw new Error(`${exchange} does not take its ${kind} message: ${message}`)
    }
  }
  let at = 0
  let updates = 0
  return {
    exchange,
    kind,
    chars: Math.round(messages.join('').length / messages.length),
    name: `${exchange} ${kind}`,
    perWindow: 500,
    windows: 40,
    run(count) {
      for (let index = 0; index < count; index++) {
        const parsed = adapter.parse(messages[at] as string)
        if (parsed.kind === 'updates') updates += parsed.updates.length
        at = at + 1 === messages.length ? 0 : at + 1
      }
      if (updates === 0) throw new Error(`${exchange} ${kind}: nothing was parsed`)
    },
  }
}

export async function feedParse(rounds: number): Promise<ParseFigure[]> {
  const cases = exchangeNames.flatMap((exchange) =>
    messageKinds.map((kind) => caseOf(exchange, kind)),
  )
  const figures: Figures[] = await measure(cases, rounds, 0)
  return cases.map(({ exchange, kind, chars }, index) => {
    const { median, min, max } = figures[index] as Figures
    return {
      exchange,
      kind,
      chars,
      messagesPerSecond: 1e9 / median,
      lowest: 1e9 / max,
      highest: 1e9 / min,
    }
  })
}

export function printFeedParse(figures: readonly ParseFigure[]): void {
  const thousands = (perSecond: number): string => `${(perSecond / 1000).toFixed(0)} k`
  console.log('\nfeed messages parsed per second, one core     median (lowest - highest of rounds)')
  for (const { exchange, kind, chars, messagesPerSecond, lowest, highest } of figures) {
    const what = `${exchange} ${kind}, ${String(chars)} characters`
    const goal =
      kind !== 'ticker' ? '' : messagesPerSecond >= tickerGoalPerSecond ? '   met' : '   missed'
    console.log(
      `  ${what.padEnd(50)} ${thousands(messagesPerSecond)} (${thousands(lowest)} - ${thousands(highest)})${goal}`,
    )
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  printFeedParse(await feedParse(process.argv.includes('--quick') ? 3 : 9))
}
