/**
 * Kills the exchange and its follower at random moments, restarts them, and checks what they kept.
 *
 * Usage: node kills.js [--kills N] [--seed N] [--directory DIRECTORY]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { disagreements, imbalances } from './checks.js'
import { Exchange } from './exchange.js'
import { Random } from './random.js'
import { missing, ordersOf } from './orders.js'
import type { Printed } from './venue.js'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    directory: { type: 'string', default: tmpdir() },
  },
})
const kills = Number(values.kills)
const seed = Number(values.seed)
const directory = mkdtempSync(join(values.directory, 'exchange-'))
const data = join(directory, 'data')
const followerState = join(directory, 'follower')
const random = new Random(seed)
const problems: string[] = []
const counts = { acknowledged: 0, trades: 0, pastPoints: 0, followerKills: 0 }
console.log(`${String(kills)} kills, seed ${String(seed)}`)

interface Running {
  child: ChildProcess
  lines: string[]
  /** Resolves when the process is gone and all of its output has been read. */
  ended: Promise<void>
}

/** A program of this directory, and its output. */
function start(name: string, ...words: string[]): Running {
  const script = fileURLToPath(new URL(`${name}.js`, import.meta.url))
  const child = spawn(process.execPath, [script, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  const lines: string[] = []
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    const parts = (text + more).split('\n')
    text = parts.pop() ?? '' // a truncated line was not printed
    lines.push(...parts)
  })
  const ended = once(child, 'close').then(() => undefined)
  return { child, lines, ended }
}

async function untilPrinted(running: Running, wanted: (line: string) => boolean): Promise<void> {
  while (!running.lines.some(wanted)) {
    if (running.child.exitCode !== null) {
      throw new Error(`a process ended by itself; it said: ${running.lines.at(-1) ?? 'nothing'}`)
    }
    await delay(5)
  }
}

async function kill({ child, ended }: Running): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

/** Checks the state after a kill. Returns the last sequence. */
async function judge(printed: readonly Printed[]): Promise<number> {
  const exchange = await Exchange.open(data)
  const { persistence, positions } = exchange
  problems.push(...imbalances(positions), ...disagreements(persistence, positions))
  const orders = await ordersOf(persistence.journal.entries())
  problems.push(...printed.flatMap((acknowledgement) => missing(orders, acknowledgement)))
  await judgePast(exchange, printed)
  const last = persistence.appendedFrontier
  await exchange.close()
  return last
}

/** Checks an acknowledged point, and a random point of the journal. */
async function judgePast(exchange: Exchange, printed: readonly Printed[]): Promise<void> {
  const last = exchange.persistence.appendedFrontier
  const acknowledged = printed[random.below(printed.length)]?.sequence ?? last
  for (const sequence of [acknowledged, 1 + random.below(last)]) {
    try {
      const { books, positions } = await exchange.at(sequence)
      problems.push(...imbalances(positions), ...disagreements(books, positions))
      books.close()
      counts.pastPoints++
    } catch (error) {
      // Only an entry's sequence can lie inside a transaction; an acknowledged one ends it.
      const inside = (error as { code?: string }).code === 'ERR_PINNACLE_INSIDE_TRANSACTION'
      if (!inside || sequence === acknowledged) throw error
    }
  }
}

async function run(): Promise<void> {
  await (await Exchange.open(data)).close()
  let follower = start('follower', data, followerState)
  for (let round = 0; round < kills; round++) {
    const venue = start('venue', data, String(seed + round))
    await untilPrinted(venue, (line) => line.startsWith('{"up"'))
    await delay(random.below(400))
    if (random.below(3) === 0) {
      await kill(follower)
      problems.push(...follower.lines.filter((line) => line.startsWith('after')))
      follower = start('follower', data, followerState)
      counts.followerKills++
    }
    await kill(venue)
    const printed = venue.lines.slice(1).map((line) => JSON.parse(line) as Printed)
    counts.acknowledged += printed.length
    for (const { trades } of printed) counts.trades += trades.length
    const last = await judge(printed)
    if (round === kills - 1) await untilPrinted(follower, (line) => line === String(last))
  }
  await kill(follower)
  problems.push(...follower.lines.filter((line) => line.startsWith('after')))
}

await run()
console.log(JSON.stringify(counts))
for (const problem of problems.slice(0, 20)) console.log(`wrong: ${problem}`)
console.log(`${String(kills)} kills, ${String(problems.length)} wrong`)
if (problems.length === 0) rmSync(directory, { recursive: true, force: true })
else console.log(`kept: ${directory}`)
process.exitCode = problems.length === 0 ? 0 : 1
