/**
 * Backups against `cp -r` and a sync of the same data, and the writer's tail while one runs, in the open
 * loop: an operation's latency runs from its due time.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'

import { backup as backupOf, PersistenceManager, Side, type Book } from '../../lib/index.js'
import { clockNs } from '../load/clock.js'
import { newHistogram, percentilesOf, record } from '../load/latency.js'
import { emptyResult, figureNamed, type Part } from '../part.js'
import { measure, ratio } from '../rounds.js'

const ratePerSecond = 200_000
const roundSeconds = 2

export const backup: Part = {
  name: 'backup',
  async run({ directory, quick }) {
    const mib = quick ? 128 : 1024
    const rounds = quick ? 3 : 7
    const result = emptyResult(`backup of ${String(mib)} MiB beside cp, and beside a writer`)
    const data = path.join(directory, 'data')
    const persistence = await PersistenceManager.open({
      dataDirectory: data,
      durability: 'interval',
      snapshotIntervalMin: 0,
      instruments: [{ name: 'BENCH', priceScale: 2, quantityScale: 0 }],
    })
    const { journal } = persistence
    for (let left = mib * 2 ** 20; left > 0; left -= 64 * 1024) {
      journal.appendLanesBatch(1, 4, 1024)
      if (left % (4 * 2 ** 20) === 0) await persistence.durable()
    }

    // The tail first: the journal is open, and the backups copy it.
    const book = persistence.book('BENCH')
    const latencies = new Uint32Array(ratePerSecond * roundSeconds)
    const tail = async (beside: boolean): Promise<number> => {
      const stop = new AbortController()
      const destination = path.join(directory, 'beside')
      const seen = { ended: false }
      const running = beside
        ? persistence.backup(destination, { signal: stop.signal }).then(
            () => (seen.ended = true),
            () => undefined,
          )
        : undefined
      await new Promise((resolve) => setTimeout(resolve, 20))
      openLoop(book, latencies)
      if (seen.ended) throw new Error('the backup ended before the round did')
      stop.abort()
      await running
      rmSync(destination, { recursive: true, force: true })
      const histogram = newHistogram()
      record(histogram, latencies, latencies.length)
      return percentilesOf(histogram).p999 / 1e3
    }
    const without = 'p99.9 of the writer alone'
    const within = 'p99.9 while a backup runs'
    const tails = await measure(
      [
        { name: without, unit: 'µs', round: () => tail(false) },
        { name: within, unit: 'µs', round: () => tail(true) },
      ],
      rounds,
    )
    await persistence.close()

    const copied = (work: (to: string) => Promise<void> | void) => async (): Promise<number> => {
      const to = path.join(directory, 'copy')
      const begun = performance.now()
      await work(to)
      const seconds = (performance.now() - begun) / 1e3
      rmSync(to, { recursive: true, force: true })
      return mib / seconds
    }
    const rates = await measure(
      [
        {
          name: 'cp -r and sync',
          unit: 'MiB/s',
          round: copied((to) => {
            execFileSync('cp', ['-r', data, to])
            const files = readdirSync(to, { recursive: true, encoding: 'utf8' })
            execFileSync('nice', [
              '-n',
              '10',
              'sync',
              to,
              ...files.map((file) => path.join(to, file)),
            ])
          }),
        },
        {
          name: 'backup, read back',
          unit: 'MiB/s',
          round: copied(async (to) => {
            await backupOf(data, to)
          }),
        },
      ],
      rounds,
    )
    result.figures = [...tails, ...rates]
    const slower = ratio(figureNamed(tails, within), figureNamed(tails, without))
    const share = ratio(
      figureNamed(rates, 'backup, read back'),
      figureNamed(rates, 'cp -r and sync'),
    )
    result.comparisons.push({ what: `${within}, of the writer alone`, ratio: slower })
    result.comparisons.push({ what: "a backup's rate, of cp's", ratio: share })
    result.goals.backupWriter = slower.median
    result.goals.backupRate = share.median * 100
    return result
  },
}

/** Orders come and go, each due by the clock. */
function openLoop(book: Book, latencies: Uint32Array): void {
  const intervalNs = 1e9 / ratePerSecond
  const startNs = clockNs() + 1e6
  for (let i = 0; i < latencies.length; i++) {
    const due = startNs + i * intervalNs
    while (clockNs() < due);
    if (i % 2 === 0) book.add(i + 1, Side.Buy, 100 + (i % 50), 10)
    else book.cancel(i)
    latencies[i] = Math.min(clockNs() - due, 4294967295)
  }
}
