/**
 * Feeds mutated frames to adapters and checks what every consumer relies on: nothing throws, the results have
 * the shape of FeedUpdate, and no prototype was touched.
 */
import { adapterByName, exchangeNames } from '../../../lib/market-data/adapters/index.js'
import type { FeedAdapter } from '../../../lib/market-data/feed-adapter.js'
import type { FeedSequence, FeedUpdate, ParsedFrame } from '../../../lib/market-data/feed-update.js'
import { FrameMutator } from './mutate.js'
import { framesByExchange } from './own-frames.js'

const decimal = /^(0|[1-9]\d*)(\.\d+)?$/
const maxTimeNs = 2n ** 63n

/** What is wrong with a result, or ''. */
function problemOf(parsed: ParsedFrame): string {
  switch (parsed.kind) {
    case 'malformed':
      if (parsed.reason === '' || parsed.reason.length > 1000) return `reason ${parsed.reason}`
      return ''
    case 'unknown':
      return parsed.channel === '' ? 'no channel' : problemOfSequences(parsed.sequences)
    case 'updates':
      for (const update of parsed.updates) {
        const problem = problemOfUpdate(update)
        if (problem !== '') return `${update.type}: ${problem}`
      }
      return parsed.channel === '' ? 'no channel' : problemOfSequences(parsed.sequences)
  }
}

function problemOfSequences(sequences: readonly FeedSequence[]): string {
  for (const { first, last } of sequences) {
    const isFine = Number.isSafeInteger(first) && Number.isSafeInteger(last) && first <= last
    if (!isFine) return `sequence ${String(first)}-${String(last)}`
  }
  return ''
}

function isDecimals(...texts: (string | undefined)[]): boolean {
  return texts.every((text) => text === undefined || decimal.test(text))
}

function problemOfUpdate(update: FeedUpdate): string {
  if ('product' in update && (update.product === '' || typeof update.product !== 'string')) {
    return 'product'
  }
  if ('exchangeTimeNs' in update) {
    const time = update.exchangeTimeNs
    if (typeof time !== 'bigint' || time < 0n || time >= maxTimeNs) return `time ${String(time)}`
  }
  switch (update.type) {
    case 'ticker': {
      const { price, bidPrice, bidSize, askPrice, askSize, volume } = update
      return isDecimals(price, bidPrice, bidSize, askPrice, askSize, volume) ? '' : 'decimal'
    }
    case 'trade':
      if (update.tradeId === '' || update.tradeId.length > 64) return 'tradeId'
      return isSide(update.side) && isDecimals(update.price, update.size) ? '' : 'side or decimal'
    case 'book-snapshot':
      return update.levels.every(isLevel) ? '' : 'level'
    case 'levels':
      return update.changes.every(isLevel) ? '' : 'level'
    case 'order': {
      const { event, side, price, size } = update
      if (!isSide(side) || !isDecimals(price, size)) return 'side or decimal'
      const needsBoth = event === 'open' || event === 'match'
      return needsBoth && (price === undefined || size === undefined) ? 'price or size' : ''
    }
    case 'order-snapshot':
      return update.orders.every(isLevel) ? '' : 'order'
    case 'heartbeat':
      return Number.isSafeInteger(update.counter) ? '' : 'counter'
    case 'subscriptions':
      return Object.getPrototypeOf(update.channels) === Object.prototype ? '' : 'prototype'
    case 'server-error':
      return update.message === '' ? 'message' : ''
    case 'book-mismatch':
      return update.reason === '' ? 'reason' : ''
    case 'other':
      return update.channel === '' ? 'channel' : ''
  }
}

const isSide = (side: unknown): boolean => side === 0 || side === 1
const isLevel = (level: { side: unknown; price: string; size: string }): boolean =>
  isSide(level.side) && isDecimals(level.price, level.size)

export interface FuzzOutcome {
  readonly frames: number
  readonly kinds: Readonly<Record<ParsedFrame['kind'], number>>
  /** At most ten. */
  readonly problems: readonly string[]
  readonly slowestMs: number
}

/** One run over all adapters in turn, each with its own frames and now and then another's. */
export class AdapterFuzz {
  readonly #adapters: { adapter: FeedAdapter; mutator: FrameMutator }[]

  constructor(seed: number) {
    const all = Object.values(framesByExchange).flat()
    this.#adapters = exchangeNames.map((name, index) => ({
      adapter: adapterByName(name),
      mutator: new FrameMutator([...(framesByExchange[name] ?? []), ...all], seed + index),
    }))
  }

  run(frames: number): FuzzOutcome {
    const kinds = { updates: 0, unknown: 0, malformed: 0 }
    const problems: string[] = []
    let slowestMs = 0
    for (let count = 0; count < frames; count++) {
      const { adapter, mutator } = this.#adapters[count % this.#adapters.length]!
      const frame = mutator.next()
      const start = performance.now()
      let problem: string
      try {
        const parsed = count % 16 === 15 ? parseBook(adapter, frame) : adapter.parse(frame)
        kinds[parsed.kind]++
        problem = problemOf(parsed)
      } catch (error) {
        problem = `threw ${String(error)}`
      }
      slowestMs = Math.max(slowestMs, performance.now() - start)
      if (problem !== '' && problems.length < 10) {
        problems.push(`${adapter.name}: ${problem}: ${frame.slice(0, 500)}`)
      }
    }
    const polluted = ({} as Record<string, unknown>)['polluted']
    if (polluted !== undefined) problems.push('a prototype was changed')
    return { frames, kinds, problems, slowestMs }
  }
}

function parseBook(adapter: FeedAdapter, body: string): ParsedFrame {
  return adapter.parseBookSnapshot?.('BTC-USD', body) ?? adapter.parse(body)
}
