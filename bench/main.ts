/**
 * npm run bench [-- --quick] [--only hot|durable|recovery] [--json FILE] [--directory DIR]
 *
 * Everything is measured in one run, rounds interleaved, against what the same machine does with plain
 * files in the same minutes: read the ratios, not the nanoseconds.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { hotPath } from './appends.js'
import { durable } from './durable.js'
import { durableGoals, hotPathGoals, type Goal } from './goals.js'
import { describeMachine } from './machine.js'
import { recovery } from './recovery.js'
import { measure } from './rounds.js'

const parts = ['hot', 'durable', 'recovery']

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
    directory: { type: 'string', default: os.tmpdir() },
  },
})
if (values.only !== undefined && !parts.includes(values.only)) {
  console.error(`--only takes one of ${parts.join(', ')}, not '${values.only}'`)
  process.exit(2)
}
const wanted = (part: string): boolean => values.only === undefined || values.only === part

const directory = mkdtempSync(path.join(values.directory, 'pinnacle-bench-'))
process.on('exit', () => {
  rmSync(directory, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    process.exit(130)
  })
}

const machine = describeMachine(directory)
console.log(
  `${machine.cpu}, ${String(machine.cores)} cores, ${String(machine.memoryGiB)} GiB; ${machine.kernel}, ` +
    `${machine.fileSystem}; Node ${machine.node}; load average ${machine.loadAverage.toFixed(1)}`,
)
if (machine.loadAverage > machine.cores / 2) {
  console.log('This machine is busy: the ratios stand, the tails do not.')
}
const goals: Goal[] = []
const result: Record<string, unknown> = { machine }

if (wanted('hot')) {
  const { cases, close } = await hotPath(directory)
  const figures = await measure(cases, values.quick ? 3 : 9, values.quick ? 2000 : 10_000)
  await close()
  result.hot = figures
  goals.push(...hotPathGoals(figures))
  console.log(
    '\nns per operation            median (min - max of rounds)   p50   p99   p99.9   max',
  )
  for (const { name, median, min, max, latency } of figures) {
    const spread = `${median.toFixed(1)} (${min.toFixed(1)} - ${max.toFixed(1)})`
    const tail =
      latency === undefined
        ? ''
        : [latency.p50, latency.p99, latency.p999, latency.max]
            .map((ns) => ns.toFixed(0))
            .join('  ')
    console.log(`  ${name.padEnd(46)} ${spread.padEnd(28)} ${tail}`)
  }
  console.log('  percentiles are of single operations, the cost of reading the clock included')
}

if (wanted('durable')) {
  const figures = await durable(directory, values.quick ? 2 : 8)
  result.durable = figures
  goals.push(...durableGoals(figures))
  const kib = (bytes: number | undefined): string =>
    bytes === undefined ? 'not told by this system' : `${(bytes / 1024).toFixed(1)} KiB`
  console.log(`
durable, medians
  pwrite + fdatasync, 64 bytes, written file     ${figures.plainUs.toFixed(0)} µs, device ${kib(figures.plainDeviceBytes)}
  append + syncNow                               ${figures.blockingUs.toFixed(0)} µs, device ${kib(figures.deviceBytes)}
  append + await durable()                       ${figures.awaitedUs.toFixed(0)} µs
  64 callers awaiting their own append           ${figures.callersUs.toFixed(0)} µs for all
  groups of 1000 awaited appends                 ${figures.groupUs.toFixed(2)} µs each`)
}

if (wanted('recovery')) {
  const figures = await recovery(directory, values.quick ? 200_000 : 1_000_000)
  result.recovery = figures
  console.log(`
recovery, ${figures.orders.toLocaleString('en')} orders
  replay into books    ${(figures.replayPerSecond / 1e6).toFixed(1)} M entries/s
  verify               ${(figures.verifyBytesPerSecond / 1e9).toFixed(2)} GB/s
  snapshot             ${figures.snapshotMs.toFixed(0)} ms off the hot thread, ${(figures.snapshotBytes / 2 ** 20).toFixed(1)} MiB
  restore              ${figures.restoreMs.toFixed(0)} ms
  memory of the book   ${figures.bookBytesPerOrder.toFixed(0)} bytes an order`)
}

console.log('\ngoals')
for (const { what, goal, measured, met } of goals) {
  console.log(
    `  ${met ? 'met   ' : 'missed'}  ${what.padEnd(46)} goal ${goal.padEnd(24)} ${measured}`,
  )
}
result.goals = goals
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(result, null, 2) + '\n')
