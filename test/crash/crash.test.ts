import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

import { node } from '../children.js'
import { PersistenceManager, Side } from '../../lib/index.js'
import { Oracle } from './event-stream.js'

type Mode = (typeof modes)[number]
const phases = ['writing', 'snapshot', 'compaction']

const writer = fileURLToPath(new URL('crash-writer.js', import.meta.url))
const modes = ['single', 'batch', 'snapshot', 'compaction', 'roll'] as const
// A kill and its recovery take about a second: PINNACLE_CRASH_KILLS=210 is the long run.
const killsPerMode = Math.ceil(Number(process.env['PINNACLE_CRASH_KILLS'] ?? 40) / modes.length)

t.jobs = 2

/** The killed writer's last acknowledged sequence, and the phase it was in. */
interface Killed {
  acknowledged: number
  phase: string
}

async function runAndKill(dataDirectory: string, mode: Mode, delayMs: number): Promise<Killed> {
  const child = spawn(...node(writer, dataDirectory, mode), {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const killed: Killed = { acknowledged: 0, phase: 'opening' }
  let rest = Buffer.alloc(0)
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  const reports = child.stdio[3] as Readable
  const begun = new Promise<void>((resolve) => {
    reports.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      const whole = Math.floor(rest.length / 16) * 16
      if (whole >= 16) {
        killed.phase = phases[rest.readDoubleLE(whole - 16)] ?? 'unknown'
        killed.acknowledged = rest.readDoubleLE(whole - 8)
      }
      rest = rest.subarray(whole)
      resolve()
    })
  })
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  // Some are killed while they open and recover, most while they write.
  await Promise.race([begun, closed, new Promise((resolve) => setTimeout(resolve, 30_000))])
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  child.kill('SIGKILL')
  const [code, signal] = await closed
  if (signal !== 'SIGKILL')
    throw new Error(`the writer ended by itself (${String(code)}): ${complaint}`)
  return killed
}

function compare(t: Test, persistence: PersistenceManager, oracle: Oracle): void {
  const book = persistence.book('CRASH')
  for (const side of [Side.Buy, Side.Sell]) {
    const expected = oracle.levels(side)
    const prices = [...expected.keys()].sort((a, b) => (side === Side.Buy ? b - a : a - b))
    t.same(
      book.depth(side, 1_000_000).map(({ price }) => price),
      prices,
    )
    t.same(
      prices.map((price) => book.levelOrders(side, price).map((o) => [o.id, o.quantity])),
      prices.map((price) => expected.get(price)),
    )
  }
}

for (const [index, mode] of modes.entries()) {
  t.test(
    `nothing acknowledged is lost when a writer is killed: ${mode}`,
    { buffered: true, timeout: 800_000 },
    async (t) => {
      const dataDirectory = path.join(t.testdir(), 'data')
      const oracle = new Oracle()
      const hits = new Map<string, number>()
      let random = 977 * (index + 1)
      for (let kill = 0; kill < killsPerMode; kill++) {
        random = (Math.imul(random, 1664525) + 1013904223) >>> 0
        const { acknowledged, phase } = await runAndKill(dataDirectory, mode, (random >>> 8) % 25)
        hits.set(phase, (hits.get(phase) ?? 0) + 1)

        const persistence = await PersistenceManager.open({ dataDirectory, segmentSize: '64KiB' })
        const { recovery } = persistence
        const label = `kill ${String(kill)}, ${phase}`
        t.ok(recovery.lastSequence >= acknowledged, `${label}: nothing acknowledged is lost`)
        t.not(recovery.tail, 'corrupt', `${label}: at most the entry being written is torn`)
        oracle.advanceTo(recovery.lastSequence - 1)
        compare(t, persistence, oracle)
        if (kill % 10 === 0 || kill === killsPerMode - 1) {
          let expected = 0
          for await (const { sequence } of persistence.journal.entries({
            to: recovery.lastSequence,
          })) {
            if (expected !== 0 && sequence !== expected)
              t.fail(`${label}: gap before ${String(sequence)}`)
            expected = sequence + 1
          }
          t.equal(expected, recovery.lastSequence + 1, `${label}: the journal has no gap`)
        }
        await persistence.close()
      }
      t.comment(
        `${String(killsPerMode)} kills (${[...hits].map(([phase, n]) => `${phase} ${String(n)}`).join(', ')}), ` +
          `${String(oracle.events)} events`,
      )
    },
  )
}
