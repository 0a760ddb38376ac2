/** `npm run readers -- --rounds 10000 --seed 1`: interleavings of slow readers with a fast writer; see docs/contributing.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { interleave, readerKinds, type ReaderKind } from './interleaving.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    directory: { type: 'string', default: tmpdir() },
  },
})
const rounds = Number(values.rounds)
const first = Number(values.seed)
const directory = mkdtempSync(join(values.directory, 'pinnacle-readers-'))
const counts: Record<string, number> = {}
let next = 0
let wrong = 0

async function work(): Promise<void> {
  while (next < rounds) {
    const round = next++
    // Fewer rounds of the kinds that start a process.
    const rare = new Map<number, ReaderKind>([
      [0, 'dump'],
      [10, 'book'],
    ])
    const kind = rare.get(round % 20) ?? readerKinds[round % 4] ?? 'follow'
    const outcome = await interleave(join(directory, String(round)), first + round, kind)
    const end = typeof outcome.end === 'string' ? outcome.end : outcome.end.code
    counts[`${kind} ${end}`] = (counts[`${kind} ${end}`] ?? 0) + 1
    if (outcome.wrong === '') continue
    wrong++
    console.log(`seed ${String(first + round)} ${kind}: ${outcome.wrong}`)
  }
}

try {
  await Promise.all([work(), work(), work()])
} finally {
  rmSync(directory, { recursive: true, force: true })
}
for (const [what, count] of Object.entries(counts).sort()) console.log(`${what}: ${String(count)}`)
console.log(`${String(rounds)} interleavings, ${String(wrong)} wrong`)
process.exitCode = wrong === 0 ? 0 : 1
