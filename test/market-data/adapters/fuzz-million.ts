/**
 * node --expose-gc .test-dist/test/market-data/adapters/fuzz-million.js [frames] [seed]
 *
 * Feeds a million mutated frames to all adapters. It fails if anything throws or has a wrong shape, or if the
 * heap after the last part is larger than after the first. The adapters live as long as the run, so what they
 * remember by product has reached its limit in the first part.
 */
import { AdapterFuzz } from './fuzzing.js'

const frames = Number(process.argv[2] ?? 1_000_000)
const seed = Number(process.argv[3] ?? 1)
const parts = 10
/** Growth of the JavaScript engine itself: compiled code, feedback, caches. */
const allowedGrowthBytes = 4 * 2 ** 20

function heapBytes(): number {
  if (!globalThis.gc) {
    console.error('run with --expose-gc: the heap is compared')
    process.exit(2)
  }
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

const fuzz = new AdapterFuzz(seed)
const kinds = { updates: 0, unknown: 0, malformed: 0 }
const problems: string[] = []
let slowestMs = 0
let firstHeap = 0
let lastHeap = heapBytes()
const start = performance.now()
console.log(`seed ${String(seed)}, heap before ${(lastHeap / 2 ** 20).toFixed(1)} MiB`)
for (let part = 1; part <= parts; part++) {
  const outcome = fuzz.run(Math.round(frames / parts))
  for (const kind of ['updates', 'unknown', 'malformed'] as const)
    kinds[kind] += outcome.kinds[kind]
  problems.push(...outcome.problems)
  slowestMs = Math.max(slowestMs, outcome.slowestMs)
  lastHeap = heapBytes()
  if (part === 1) firstHeap = lastHeap
  console.log(
    `${String(part * Math.round(frames / parts))} frames, heap ${(lastHeap / 2 ** 20).toFixed(1)} MiB`,
  )
}
const seconds = (performance.now() - start) / 1000
console.log(
  `${String(kinds.updates)} updates, ${String(kinds.unknown)} unknown, ${String(kinds.malformed)} malformed; ` +
    `slowest frame ${slowestMs.toFixed(1)} ms; ${seconds.toFixed(1)} s with mutation and checks`,
)
for (const problem of problems) console.log(problem)
const grownBytes = lastHeap - firstHeap
if (grownBytes > allowedGrowthBytes) {
  console.log(`the heap grew by ${(grownBytes / 2 ** 20).toFixed(1)} MiB after the first part`)
}
process.exitCode = problems.length > 0 || grownBytes > allowedGrowthBytes ? 1 : 0
