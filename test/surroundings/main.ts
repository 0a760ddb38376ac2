/**
 * `npm run surroundings`: the long form of surroundings.test.ts. Prints one figure per line; fails if any is
 * wrong.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { limits } from './limits.js'
import { forks, meetLimit, opensAndCloses, signalled, signals, workers } from './rounds.js'
import { drawn } from '../seed.js'

const root = mkdtempSync(join(tmpdir(), 'pinnacle-surroundings-'))
// Some limits run their process as uid 65534.
chmodSync(root, 0o755)
let failures = 0

async function stage(
  name: string,
  run: () => Promise<{ wrong: string[]; said: string }>,
): Promise<void> {
  const start = performance.now()
  const { wrong, said } = await run()
  failures += wrong.length
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${wrong.length === 0 ? 'right' : 'WRONG'}  ${name}: ${said} (${seconds} s)`)
  for (const each of wrong.slice(0, 10)) console.log(`       ${each}`)
}

await stage('opens and closes', async () => ({
  wrong: await opensAndCloses(1000, join(root, 'cycles')),
  said: '1,000',
}))
await stage('forks', async () => {
  const { opened, codes, killed, wrong, lost } = await forks(100, 4, join(root, 'forks'))
  const others = Object.keys(codes).filter((code) => code !== 'ERR_PINNACLE_LOCKED')
  return {
    wrong: [...wrong, ...lost.map((directory) => `${directory} lost entries`), ...others],
    said: `100, ${String(opened)} opens, ${String(codes['ERR_PINNACLE_LOCKED'] ?? 0)} found it locked, ${String(killed)} killed`,
  }
})
await stage('worker threads', async () => ({
  wrong: await workers(60, 3, join(root, 'workers')),
  said: '60, half terminated',
}))
await stage('signals', async () => {
  const wrong: string[] = []
  for (let round = 0; round < 5; round++) {
    for (const signal of signals) {
      wrong.push(...(await signalled(signal, drawn(30), join(root, `signals-${signal}`))))
    }
  }
  return { wrong, said: `${String(5 * signals.length)} of ${String(signals.length)} kinds` }
})
for (const limit of limits()) {
  if (limit.unavailable !== undefined) {
    console.log(`not here  ${limit.name}: ${limit.unavailable}`)
    continue
  }
  for (let round = 0; round < 3; round++) {
    await stage(limit.name, async () => {
      const directory = join(root, `${limit.name.replaceAll(' ', '-')}-${String(round)}`)
      const { exit, under, after, stderr } = await meetLimit(limit, directory)
      const wrong: string[] = []
      if (exit[0] !== 0) wrong.push(`ended with ${JSON.stringify(exit)}: ${stderr.slice(-500)}`)
      for (const [name, outcome] of Object.entries(under)) {
        if (!/^(ok|ERR_PINNACLE_[A-Z_]+)$/.test(outcome)) wrong.push(`${name} under it: ${outcome}`)
      }
      for (const [name, outcome] of Object.entries(after)) {
        if (outcome !== 'ok') wrong.push(`${name} after it: ${outcome}`)
      }
      const refused = Object.entries(under).filter(([, outcome]) => outcome !== 'ok')
      if (refused.length === 0) wrong.push('the limit was not met')
      return {
        wrong,
        said: refused
          .map(([name, code]) => `${name} ${code.replace('ERR_PINNACLE_', '')}`)
          .join(', '),
      }
    })
  }
}
rmSync(root, { recursive: true, force: true })
console.log(failures === 0 ? 'all right' : `${String(failures)} wrong`)
process.exitCode = failures === 0 ? 0 : 1
