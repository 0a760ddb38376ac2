// Runs `npm install`, `npm test` and the stages of scripts/ci-stages in this checkout, prints each
// outcome and closes with the plain line `N passed, N failed`. .ci/run calls it in a clean clone,
// .github/workflows/test.yml with a few stages on each of several machines.
//
// Usage: node scripts/ci.mjs [stage ...]   (without a name: everything)
//        node scripts/ci.mjs --list        prints the names of the stages
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

import { run, seconds } from './stage.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

// The whole takes at most 40 minutes on two idle cores; more is a failure. Only a machine with other work
// to do sets another bound.
const deadline = performance.now() + Number(process.env.PINNACLE_CI_SECONDS ?? 40 * 60) * 1000

/** How many stages of one core run at a time: what serves them best is to keep every core busy. */
const cores = Math.max(
  1,
  Number(process.env.PINNACLE_CI_CORES ?? Math.min(2, availableParallelism())),
)

const stages = [
  { name: 'install', limitSeconds: 600, cores, command: 'npm install --no-audit --no-fund' },
  { name: 'test', limitSeconds: 1800, cores, command: 'npm test' },
]
for (const line of readFileSync('scripts/ci-stages', 'utf8').split('\n')) {
  if (/^\s*(#|$)/.test(line)) continue
  const match = /^(\S+)\s+(\d+)\s+(\S.*)$/.exec(line)
  if (!match) throw new Error(`scripts/ci-stages: not "name seconds command": ${line}`)
  stages.push({ name: match[1], limitSeconds: Number(match[2]), cores: 1, command: match[3] })
}

const asked = process.argv.slice(2)
if (asked[0] === '--list') {
  for (const { name } of stages) console.log(name)
  process.exit(0)
}
const unknown = asked.filter((name) => !stages.some((stage) => stage.name === name))
if (unknown.length > 0) {
  console.error(
    `unknown stage: ${unknown.join(', ')}; known: ${stages.map(({ name }) => name).join(', ')}`,
  )
  process.exit(2)
}

function countOf(line) {
  const plain = /^(\d+) passed, (\d+) failed$/.exec(line)
  if (plain) return { passed: Number(plain[1]), failed: Number(plain[2]) }
  const doctest = /^\[doctest\] test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed/.exec(line)
  if (doctest) return { passed: Number(doctest[2]), failed: Number(doctest[3]) }
  return undefined
}

/** Runs a stage; `say` gets what it prints. Answers its counts and the line of the summary. */
async function runStage({ name, limitSeconds, command }, say) {
  const start = performance.now()
  const left = deadline - start
  let outcome = { passed: 0, failed: 1 }
  let note = ', not started: the time for the whole was used up'
  if (left >= 1000) {
    let counted
    let skipped = ''
    note = ''
    const timeoutMs = Math.min(limitSeconds * 1000, left)
    const { code, timedOut } = await run('bash', ['-c', command], {
      timeoutMs,
      env: {
        PINNACLE_WERROR: '1',
        PINNACLE_JOBS: process.env.PINNACLE_JOBS ?? '1',
        NO_COLOR: '1',
        CI: 'true',
      },
      onLine(line) {
        counted = countOf(line) ?? counted
        if (/^\d+ skipped$/.test(line)) skipped = `, ${line}`
        say(line)
      },
    })
    outcome = counted ?? { passed: code === 0 ? 1 : 0, failed: 0 }
    if (code !== 0 && outcome.failed === 0) outcome.failed = 1
    note = skipped
    if (timedOut) note = `, ended after its limit of ${Math.round(timeoutMs / 1000)} s`
    else if (code !== 0) note = `, exit code ${code}`
  }
  const line = `${name}: ${outcome.passed} passed, ${outcome.failed} failed, ${seconds(start)}${note}`
  return { ...outcome, line }
}

let passed = 0
let failed = 0
const table = []
function close(outcome) {
  passed += outcome.passed
  failed += outcome.failed
  console.log(`=== ${outcome.line}`)
  table.push(outcome.line)
}

const started = performance.now()
const waiting = stages.filter(({ name }) => asked.length === 0 || asked.includes(name))
// Those that take the whole machine come first and say what they do while they do it.
while (waiting.length > 0 && waiting[0].cores === cores && cores > 1) {
  const stage = waiting.shift()
  console.log(`=== ${stage.name}: ${stage.command}`)
  close(await runStage(stage, (line) => console.log(line)))
}
// The others run side by side, one a core; what one says is held back until it has ended.
async function lane() {
  for (let stage = waiting.shift(); stage; stage = waiting.shift()) {
    const said = []
    console.log(`=== ${stage.name} begins: ${stage.command}`)
    const outcome = await runStage(stage, (line) => said.push(line))
    console.log(`=== ${stage.name}: ${stage.command}`)
    for (const line of said) console.log(line)
    close(outcome)
  }
}
await Promise.all(Array.from({ length: cores }, lane))

console.log('=== summary')
for (const line of table) console.log(line)
console.log(`all of it took ${seconds(started)} on ${cores} cores`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
