// The regression guard: callgrind counts the hot path's instructions for fixed inputs, and this compares them
// with the committed bench/instructions.json. A count has no noise: a change of a few percent is a change of
// the code. Baselines belong to an architecture and a compiler; for others, and without valgrind or cmake, it
// says so and passes.
//
// Usage: npm run bench:instructions [-- --update]
// --update makes the counts the baseline
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const baselineFile = path.join(root, 'bench/instructions.json')
/** Instructions per operation may exceed the baseline by this. */
const tolerance = 0.03

// Number of operations per count, as in native/bench/instructions_bench.cc.
const cases = {
  CountAppendSingle: { what: 'append, single', operations: 20_000 },
  CountAppendBatch: { what: 'append, batch', operations: 20_000 },
  CountBookAdd: { what: 'book add, journaled', operations: 20_000 },
  CountBookReduce: { what: 'book reduce, journaled', operations: 20_000 },
  CountBookExecute: { what: 'book execute, journaled', operations: 20_000 },
  CountBookCancel: { what: 'book cancel, journaled', operations: 20_000 },
  CountTransactionOfThree: {
    what: 'transaction of a book execute and two appends',
    operations: 20_000,
  },
  CountAppendInTransaction: { what: 'append in a transaction of 100', operations: 20_000 },
  CountExecuteInTransaction: { what: 'book execute in a transaction of 100', operations: 20_000 },
  CountCrcLines: { what: 'crc of a line', operations: 20_000 },
  CountCrcLong: { what: 'crc of 64 bytes in one long run', operations: 20_000 },
  CountRecovery: { what: 'recovery of an entry: scan, verify, decode, apply', operations: 130_001 },
}

function run(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  })
  return { ok: !error && status === 0, stdout: stdout ?? '', output: `${stdout}${stderr}` }
}

function skip(why) {
  console.log(`instruction counts are not checked: ${why}`)
  process.exit(0)
}

function stop(why) {
  console.error(why)
  process.exit(1)
}

/** As the build names it: `x64 GNU 12`. */
function compilerKey() {
  const files = path.join(root, '.build/release/CMakeFiles')
  const version = readdirSync(files).find((name) =>
    existsSync(path.join(files, name, 'CMakeCXXCompiler.cmake')),
  )
  const text = readFileSync(path.join(files, version ?? '', 'CMakeCXXCompiler.cmake'), 'utf8')
  const id = /CMAKE_CXX_COMPILER_ID "(\w+)"/.exec(text)?.[1]
  const major = /CMAKE_CXX_COMPILER_VERSION "(\d+)/.exec(text)?.[1]
  return `${process.arch} ${id} ${major}`
}

const update = process.argv.includes('--update')
if (!run('valgrind', ['--version']).ok) skip('valgrind is not installed')
if (!run('cmake', ['--version']).ok) skip('cmake is not installed')
const configured = run('cmake', ['--preset', 'release'])
if (!configured.ok) stop(configured.output)
const baselines = JSON.parse(readFileSync(baselineFile, 'utf8'))
const key = compilerKey()
const baseline = baselines[key]
if (!baseline && !update) {
  skip(
    `there is no baseline for ${key}, only for ${Object.keys(baselines).join(', ') || 'none'}; ` +
      'npm run bench:instructions -- --update makes one',
  )
}
const built = run('cmake', [
  ...['--build', '.build/release', '--target', 'instructions_bench', '--parallel', '2'],
])
if (!built.ok) stop(built.output)

const directory = mkdtempSync(path.join(os.tmpdir(), 'pinnacle-callgrind-'))
const counts = {}
try {
  const out = path.join(directory, 'callgrind.out')
  const counted = run('valgrind', [
    ...['--tool=callgrind', `--callgrind-out-file=${out}`, '.build/release/instructions_bench'],
  ])
  if (!counted.ok) stop(counted.output)
  console.log(counted.stdout.trim())
  const annotated = run('callgrind_annotate', ['--inclusive=yes', '--threshold=100', out])
  if (!annotated.ok) stop(annotated.output)
  for (const line of annotated.stdout.split('\n')) {
    const match = /^\s*([\d,]+)\s.*::(Count\w+)\(/.exec(line)
    if (match && match[2] in cases) {
      counts[match[2]] = Math.max(counts[match[2]] ?? 0, Number(match[1].replaceAll(',', '')))
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
const missing = Object.keys(cases).filter((name) => !(name in counts))
if (missing.length > 0) stop(`callgrind did not tell of ${missing.join(', ')}`)

let failed = 0
let fewer = 0
const perOperation = {}
for (const [name, { what, operations }] of Object.entries(cases)) {
  const now = Math.round((counts[name] / operations) * 100) / 100
  perOperation[what] = now
  const before = baseline?.[what]
  const change = before === undefined ? undefined : now / before - 1
  const out = change !== undefined && change > tolerance
  if (change !== undefined && change < -tolerance) fewer++
  if (out && !update) failed++
  const told =
    change === undefined ? 'no baseline' : `${change >= 0 ? '+' : ''}${(change * 100).toFixed(1)} %`
  console.log(
    `${out && !update ? 'more' : 'ok  '}  ${what.padEnd(52)} ${now.toFixed(2).padStart(9)}  ${told}`,
  )
}
if (update) {
  baselines[key] = perOperation
  writeFileSync(baselineFile, `${JSON.stringify(baselines, null, 2)}\n`)
  console.log(`the baseline for ${key} is written`)
} else {
  if (failed > 0) {
    console.log(
      `more than ${tolerance * 100} % above the baseline. If that is meant, npm run bench:instructions ` +
        '-- --update and commit bench/instructions.json with the reason',
    )
  }
  if (fewer > 0) {
    console.log(
      'fewer than before: npm run bench:instructions -- --update makes the gain the baseline',
    )
  }
  console.log(`${Object.keys(cases).length - failed} passed, ${failed} failed`)
}
process.exitCode = failed > 0 ? 1 : 0
