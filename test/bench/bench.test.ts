// The benchmark suite runs and reports what it promises, and its generator omits nothing. Figures are not
// checked: a machine that runs tests can't measure.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

import { node } from '../children.js'
import { outcomesOf } from '../../bench/goals.js'
import { generate } from '../../bench/load/generator.js'
import { StallLog } from '../../bench/load/stalls.js'
import { percentileChart } from '../../bench/plots/percentiles.js'
import { curveOf, newHistogram, percentilesOf, record } from '../../bench/load/latency.js'
import { stallsByCause } from '../../bench/load/latency.js'
import { figureOf, ratio } from '../../bench/rounds.js'

t.test('the suite runs one part and writes figures, goals and plots', async (t) => {
  const directory = t.testdir()
  const json = path.join(directory, 'result.json')
  const { status, stdout, stderr } = spawnSync(
    ...node(
      '.test-dist/bench/main.js',
      ...['--quick', '--only', 'hot', '--no-limits', '--directory', directory],
      ...['--json', json, '--plots', directory],
    ),
    { encoding: 'utf8' },
  )
  t.equal(status, 0, stderr)
  t.match(stdout, /journal append, single, 32 bytes +\d/)
  t.match(stdout, /(met|missed) +single append, faster than fs\.writeSync/)
  const report = JSON.parse(readFileSync(json, 'utf8')) as {
    parts: Record<string, { figures: { median: number }[] }>
    goals: { name: string; measured: number }[]
  }
  for (const { median } of report.parts.hot?.figures ?? []) t.ok(median > 0)
  t.ok(report.goals.some(({ name, measured }) => name === 'appendBatch' && measured > 0))
  t.match(readFileSync(path.join(directory, 'appends.svg'), 'utf8'), /^<svg .*<\/svg>\n$/s)
})

t.test('an unknown part is refused with the names of those there are', async (t) => {
  const { status, stderr } = spawnSync(...node('.test-dist/bench/main.js', '--only', 'hto'), {
    encoding: 'utf8',
  })
  t.equal(status, 2)
  t.match(stderr, /--only takes hot, books, .*, not 'hto'/)
})

t.test('a stall counts for every operation that falls due while it lasts', async (t) => {
  const operations = 2000
  const stallMs = 20
  let done = 0
  const step = (count: number): void => {
    const before = done
    done += count
    if (before < 1000 && done >= 1000) {
      const until = performance.now() + stallMs
      while (performance.now() < until);
    }
  }
  const latencies = new Uint32Array(operations)
  const stalls = new StallLog()
  stalls.begin()
  const generated = await generate(
    {
      one() {
        step(1)
      },
      several: step,
    },
    { ratePerSecond: 50_000, operations, maxBatch: 16, stallNs: 1e6, turnEvery: 0 },
    latencies,
    stalls,
  )
  stalls.close()
  t.equal(done, operations)
  // At 50,000 a second, 1000 operations fall due within 20 ms; they wait 10 ms on average.
  const late = latencies.filter((ns) => ns > 1e6).length
  t.ok(late >= 900, `${String(late)} operations were late`)
  const longest = latencies.reduce((most, ns) => Math.max(most, ns), 0)
  t.ok(longest >= stallMs * 1e6 * 0.99, 'the operation that stalled')
  t.ok(generated.longestQueue >= 900, 'they were queued')
  const found = stalls.stalls.find(({ durationNs }) => durationNs >= stallMs * 1e6 * 0.99)
  t.ok(found, 'the stall is reported')
})

t.test('a latency is counted in its percentile', async (t) => {
  const latencies = Uint32Array.from({ length: 1000 }, (_, index) => (index < 990 ? 100 : 50_000))
  const histogram = newHistogram()
  record(histogram, latencies, latencies.length)
  const percentiles = percentilesOf(histogram)
  t.equal(percentiles.p50, 100)
  t.equal(percentiles.p99, 100)
  t.ok(percentiles.p999 >= 50_000 && percentiles.p999 < 50_100)
  const run = {
    scenario: 'a < b',
    ratePerSecond: 1e6,
    operations: 1000,
    percentiles,
    p999Rounds: [],
    reachedPerSecond: 1e6,
    longestQueue: 1,
    curve: curveOf(histogram),
    stalls: stallsByCause([{ atNs: 0, durationNs: 30_000, cause: 'fault' }]),
    stallsPerSecond: 1,
    counters: {},
  }
  t.equal(run.stalls.fault.count, 1)
  const chart = percentileChart('title', 'subtitle', [run], [])
  t.match(chart, 'a &lt; b')
  t.notMatch(chart, 'NaN')
})

t.test('ratios are taken between rounds that ran side by side', async (t) => {
  const slow = figureOf('slow', 'ns', [100, 1000, 200])
  const fast = figureOf('fast', 'ns', [10, 100, 20])
  t.same(ratio(slow, fast), { median: 10, min: 10, max: 10 })
})

t.test('a goal is met from the right side', async (t) => {
  const [single, limit] = outcomesOf({ appendSingle: 25, appendLimit: 1.6 })
  t.equal(single?.met, true)
  t.equal(limit?.met, false)
  t.equal(limit?.floor, undefined)
  t.equal(outcomesOf({ durableSingle: 1.2 }, { durableSingle: 1.15 })[0]?.floor, 1.15)
})
