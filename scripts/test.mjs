// `npm test`: types and native unit tests side by side, then the compiled JavaScript tests; all of them even
// if one fails. It says how many were skipped, and why, ends with `N passed, N failed` and exits non-zero
// on any failure.
//
// Counted: each type-checked project as one, each doctest case, each tap assertion. A stage that can't run (a
// build error, a crash, no assertion at all) counts as one failure, never as nothing.
//
// Usage: node scripts/test.mjs [types] [native] [js] [file.test.ts ...]
import { existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { noteSkip, reportSkips } from './skips.mjs'
import { run, seconds } from './stage.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

const bin = (name) => path.join('node_modules', '.bin', name)
const print = (line) => console.log(line)

async function types() {
  const { code } = await run(bin('tsc'), ['-p', 'tsconfig.json'], { onLine: print })
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/** Runs quietly; on failure prints the output. */
async function quietly(command, args, options) {
  const lines = []
  const { code } = await run(command, args, { ...options, onLine: (line) => lines.push(line) })
  if (code !== 0) for (const line of lines) print(line)
  return code === 0
}

async function native() {
  const built = await quietly(process.execPath, ['scripts/build-addon.mjs', '--tests'])
  if (!built) return { passed: 0, failed: 1 }
  let summary
  const { code } = await run('build/Release/pinnacle_native_tests', ['--no-colors'], {
    onLine(line) {
      const match = /^\[doctest\] test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed/.exec(
        line,
      )
      if (match) summary = { passed: Number(match[2]), failed: Number(match[3]) }
      noteSkip(line)
      print(line)
    },
  })
  if (!summary) print(`the native tests ended with code ${code} and without a summary`)
  const outcome = summary ?? { passed: 0, failed: 0 }
  // A sanitizer or a crash in a destructor can fail the run after a clean summary.
  if ((code !== 0 && outcome.failed === 0) || outcome.passed + outcome.failed === 0)
    ++outcome.failed
  return outcome
}

/** Compiles the JavaScript tests. */
async function compileJs() {
  // The types stage reports a type error, once, and tests run beside it. Stale compiled tests of renamed
  // sources must not run.
  rmSync('.test-dist', { recursive: true, force: true })
  return (
    (await quietly(bin('tsc'), ['-p', 'tsconfig.build.json', '--noCheck'])) &&
    (await quietly(bin('tsc'), ['-p', 'tsconfig.test.json', '--noCheck'])) &&
    // In a fresh install tap still has its default plugins; its first run would load TypeScript's loader,
    // which resolves imports by rules of its own.
    (await quietly(bin('tap'), ['build']))
  )
}

async function js(files) {
  if (!(await (compiling ?? compileJs()))) return { passed: 0, failed: 1 }

  const compiled = files.map((file) => path.join('.test-dist', file.replace(/\.ts$/, '.js')))
  const missing = compiled.filter((file) => !existsSync(file))
  if (missing.length > 0) {
    for (const file of missing) print(`there is no ${file}`)
    return { passed: 0, failed: missing.length }
  }
  // One line per file; a failing file in full.
  let block = []
  let summary
  const { code } = await run(bin('tap'), ['run', '--reporter=tap', ...compiled], {
    onLine(line) {
      block.push(line)
      noteSkip(line)
      if (/^not ok /.test(line)) {
        for (const held of block) print(held)
        block = []
      } else if (/^ok /.test(line)) {
        print(line.replace(/ \{$/, ''))
        for (const held of block) {
          const skipped = /^\s+ok \d+ - (.*# SKIP.*)$/.exec(held)
          if (skipped) print(`    skipped: ${skipped[1]}`)
        }
        block = []
      } else if (line.startsWith('# { total:')) {
        const field = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0)
        summary = { passed: field('pass'), failed: field('fail') }
      }
    },
  })
  for (const held of block) if (!held.startsWith('# {')) print(held)
  await removeWindows()
  const outcome = summary ?? { passed: 0, failed: 0 }
  if ((code !== 0 && outcome.failed === 0) || outcome.passed + outcome.failed === 0) {
    print(`tap ended with code ${code}${summary ? '' : ' and without a summary'}`)
    ++outcome.failed
  }
  return outcome
}

/** Killed test writers left the windows of directories that the tests removed. */
async function removeWindows() {
  const { cleanWindows } = await import(path.join(root, '.test-dist/lib/index.js'))
  const isOurs = ({ state, dataDirectory }) =>
    ['no-directory', 'refused'].includes(state) &&
    dataDirectory.startsWith(path.join(root, '.tap/'))
  for (const window of await cleanWindows({ dryRun: true })) {
    if (isOurs(window)) rmSync(window.path, { force: true })
  }
}

const stages = { types, native, js }
const asked = process.argv.slice(2)
const files = asked
  .filter((word) => word.endsWith('.ts'))
  .map((file) => path.relative(root, path.resolve(file)))
const names = asked.filter((word) => !word.endsWith('.ts'))
if (files.length > 0 && names.length === 0) names.push('js')
const unknown = names.filter((name) => !Object.hasOwn(stages, name))
if (unknown.length > 0) {
  console.error(
    `unknown stage: ${unknown.join(', ')}; known: ${Object.keys(stages).join(', ')}, or files test/**/*.test.ts`,
  )
  process.exit(2)
}

let passed = 0
let failed = 0
async function stage(name) {
  const start = performance.now()
  print(`--- ${name}`)
  const outcome = await stages[name](files)
  passed += outcome.passed
  failed += outcome.failed
  print(`--- ${name}: ${outcome.passed} passed, ${outcome.failed} failed, ${seconds(start)}`)
}

// The native tests need one core; types and the compilation of the JavaScript tests run beside them. The
// JavaScript tests run alone: they run two files at a time, and some measure time.
const wanted = names.length > 0 ? names : Object.keys(stages)
let compiling
await Promise.all([
  wanted.includes('native') ? stage('native') : undefined,
  (async () => {
    if (wanted.includes('types')) await stage('types')
    if (wanted.includes('js')) await (compiling = compileJs())
  })(),
])
if (wanted.includes('js')) await stage('js')
failed += reportSkips(print)
print(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
