/**
 * kill -9 at random moments, and resume. PINNACLE_FEED_KILLS sets the number of kills (50 for a full run).
 * The market goes on meanwhile, so each pause is a gap with trades that were really missed.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { node } from '../../children.js'
import { PriceHistory } from '../../../lib/market-data/history/price-history.js'
import { booksAt } from '../../../lib/persistence/books-at.js'
import { bookMap, entriesOf, sorted, type Seen } from './journal-view.js'
import { MarketExchange, product } from './market-exchange.js'
import { drawn } from '../../seed.js'

const kills = Number(process.env['PINNACLE_FEED_KILLS'] ?? 6)
t.setTimeout(60_000 + kills * 10_000)

const child = fileURLToPath(new URL('record-child.js', import.meta.url))

interface Run {
  process: ChildProcess
  /** Lines of acknowledgements. */
  output: { text: string }
  errors: { text: string }
}

function start(directory: string, url: string, caFile: string): Run {
  const started = spawn(...node(child, directory, url, caFile))
  const output = { text: '' }
  const errors = { text: '' }
  started.stdout.setEncoding('utf8').on('data', (text: string) => (output.text += text))
  started.stderr.setEncoding('utf8').on('data', (text: string) => (errors.text += text))
  return { process: started, output, errors }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The child's output; a line that the kill cut in two is ignored. */
function acknowledged(text: string): { sequence: number; what: string }[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const space = line.indexOf(' ')
      return { sequence: Number(line.slice(0, space)), what: line.slice(space + 1) }
    })
}

function whatOf(entry: Seen | undefined): string {
  if (entry?.type === 'setLevel') {
    return `level ${String(entry.side)} ${String(entry.price)} ${String(entry.quantity)}`
  }
  if (entry?.type === 'feed' && entry.feed.type === 'trade') return `trade ${entry.feed.tradeId}`
  return `no update but ${entry?.type ?? 'nothing'}`
}

interface Told {
  fromNs: bigint
  toNs: bigint
}

/**
 * Checks that each session's first frame follows a gap with the time of the previous session's last frame.
 */
function checkGaps(entries: readonly Seen[]): { told: Told[]; sessions: number; wrong: string[] } {
  const told: Told[] = []
  const wrong: string[] = []
  let sessions = 0
  let ended = false
  let gap: Told | undefined
  let last: { sequence: number; entries: number; atNs: bigint } | undefined
  let lastWholeNs: bigint | undefined
  for (const entry of entries) {
    if (entry.type !== 'feed') continue
    const { feed, sequence } = entry
    if (feed.type === 'connection' && feed.reason === 'the process ended') {
      // As it is in the journal, not as the library remembers it.
      if (last && sequence > last.sequence + last.entries) lastWholeNs = last.atNs
      last = undefined
      ended = true
      gap = undefined
    } else if (feed.type === 'gap' && feed.reason === 'process-ended') {
      gap = feed
    } else if (feed.type === 'frame') {
      if (ended && lastWholeNs !== undefined) {
        if (!gap) wrong.push(`no gap in front of frame ${String(sequence)}`)
        else if (gap.fromNs !== lastWholeNs || gap.toNs !== entry.timestampNs) {
          wrong.push(`the gap in front of frame ${String(sequence)} has other times`)
        } else {
          told.push(gap)
        }
      }
      if (ended || sessions === 0) ++sessions
      ended = false
      if (last) lastWholeNs = last.atNs
      last = { sequence, entries: feed.entries, atNs: entry.timestampNs }
    }
  }
  return { told, sessions, wrong }
}

t.test(
  `${String(kills)} kills lose nothing that was acknowledged, and each is a gap`,
  async (t) => {
    const root = t.testdir({})
    const directory = join(root, 'data')
    mkdirSync(directory)
    const exchange = await MarketExchange.start(kills, 2)
    t.teardown(() => exchange.close())
    const caFile = join(root, 'ca.pem')
    writeFileSync(caFile, exchange.ca)

    const acknowledgements: { sequence: number; what: string }[] = []
    const problems: string[] = []
    for (let kill = 0; kill < kills; kill++) {
      const run = start(directory, exchange.url, caFile)
      const ended = once(run.process, 'exit')
      // Most kills come during frames, some while the process opens or connects.
      const early = drawn(1) < 0.15
      const waitUntil = performance.now() + (early ? 150 + drawn(400) : 30_000)
      while (
        run.output.text === '' &&
        performance.now() < waitUntil &&
        run.process.exitCode === null
      ) {
        await sleep(2)
      }
      if (!early) await sleep(drawn(350))
      run.process.kill('SIGKILL')
      await ended
      if (run.process.exitCode !== null) problems.push(`run ${String(kill)}: ${run.errors.text}`)
      acknowledgements.push(...acknowledged(run.output.text))
    }

    const last = start(directory, exchange.url, caFile)
    const lastEnded = once(last.process, 'exit')
    while (!last.output.text.includes(' trade ') && last.process.exitCode === null) await sleep(5)
    await sleep(100)
    exchange.stop()
    await sleep(300)
    last.process.kill('SIGTERM')
    await lastEnded
    acknowledgements.push(...acknowledged(last.output.text))
    t.same(problems, [], 'no run ended by itself')
    t.equal(last.process.exitCode, 0, last.errors.text)

    const entries = await entriesOf(directory)
    const lost = acknowledgements.filter(
      ({ sequence, what }) => whatOf(entries[sequence - 1]) !== what,
    )
    t.same(
      lost.slice(0, 5),
      [],
      `${String(acknowledgements.length)} acknowledged updates are there`,
    )
    t.ok(acknowledgements.length > kills * 5)

    const { told, sessions, wrong } = checkGaps(entries)
    t.same(wrong, [])
    t.equal(told.length, sessions - 1, `${String(sessions)} sessions, a gap between each two`)
    t.ok(sessions > kills / 2)

    const books = await booksAt(directory, { sequence: entries.length })
    t.same(sorted(bookMap(books.book(product))), sorted(exchange.book), "the book is the market's")
    books.close()

    const history = new PriceHistory({ directory })
    const ids: string[] = []
    for await (const tick of history.ticks({ product })) ids.push(tick.tradeId)
    t.equal(new Set(ids).size, ids.length, `${String(ids.length)} ticks, none twice`)
    const archived = new Set(ids)
    const unarchived = entries.filter(
      (entry) =>
        entry.type === 'feed' && entry.feed.type === 'trade' && !archived.has(entry.feed.tradeId),
    )
    t.same(unarchived, [], 'every journaled trade is in the history')
    const gaps = await history.gaps({ product })
    t.equal(gaps.filter(({ reason }) => reason === 'process-ended').length, told.length)

    // The market's clock is this machine's; a message takes a moment.
    const slackNs = 1_500_000_000n
    const firstNs = entries.find((entry) => entry.type === 'feed')?.timestampNs ?? 0n
    const unexplained = exchange.trades.filter(({ id, atMs }) => {
      const atNs = BigInt(atMs) * 1_000_000n
      if (archived.has(id) || atNs < firstNs + slackNs) return false
      return !told.some(({ fromNs, toNs }) => atNs >= fromNs - slackNs && atNs <= toNs + slackNs)
    })
    t.same(unexplained, [], 'a trade that is missing is missing in a gap')
    t.comment(
      `${String(kills)} kills, ${String(sessions)} sessions, ${String(entries.length)} entries, ` +
        `${String(acknowledgements.length)} acknowledged, ${String(ids.length)} of ` +
        `${String(exchange.trades.length)} trades`,
    )
  },
)
