/**
 * Messages per second that each exchange's adapter parses on one core: text in, typed updates out. Every case
 * has a thousand different messages in the exchange's shape, so that a message shares with the next only what
 * real messages share.
 */
import { adapterByName, exchangeNames } from '../../lib/market-data/adapters/index.js'
import { messageKinds, messagesOf, type MessageKind } from '../feed-messages.js'
import { emptyResult, type Part } from '../part.js'
import { measure, windowed, type Case } from '../rounds.js'

const expected: Readonly<Record<MessageKind, readonly string[]>> = {
  ticker: ['ticker'],
  levels: ['levels', 'book-snapshot'],
  trades: ['trade'],
}

const titles: Readonly<Record<MessageKind, string>> = {
  ticker: 'tickers',
  levels: 'book updates of 10 levels',
  trades: 'trades',
}

function caseOf(exchange: string, kind: MessageKind): Case {
  const messages = messagesOf(exchange, kind)
  const adapter = adapterByName(exchange)
  // Twice, as the measurement repeats them: an adapter may remember.
  for (const message of [...messages, ...messages]) {
    const parsed = adapter.parse(message)
    const [update] = parsed.kind === 'updates' ? parsed.updates : []
    if (!update || !expected[kind].includes(update.type)) {
      throw new Error(`${exchange} does not take its ${kind} message: ${message}`)
    }
  }
  let at = 0
  let updates = 0
  const round = windowed({
    // Short, so that most windows pass without interruption by another process.
    perWindow: 100,
    windows: 200,
    run(count) {
      for (let index = 0; index < count; index++) {
        const parsed = adapter.parse(messages[at] as string)
        if (parsed.kind === 'updates') updates += parsed.updates.length
        at = at + 1 === messages.length ? 0 : at + 1
      }
      if (updates === 0) throw new Error(`${exchange} ${kind}: nothing was parsed`)
    },
  })
  const chars = Math.round(messages.join('').length / messages.length)
  return {
    name: `${exchange}, ${titles[kind]}, ${String(chars)} characters`,
    unit: 'k/s',
    round: async () => 1e6 / (await round()),
  }
}

export const feed: Part = {
  name: 'feed',
  async run({ quick }) {
    const result = emptyResult('feed messages parsed a second, one core')
    const kinds = exchangeNames.flatMap((exchange) =>
      messageKinds.map((kind) => ({ exchange, kind })),
    )
    const cases = kinds.map(({ exchange, kind }) => caseOf(exchange, kind))
    result.figures = await measure(cases, quick ? 3 : 9)
    const tickers = result.figures.filter((_, index) => kinds[index]?.kind === 'ticker')
    result.goals.feedTickers = Math.min(...tickers.map(({ median }) => median))
    return result
  },
}
