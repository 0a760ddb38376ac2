// Shows that the tests see: plants one deliberate defect after another in a copy of the tree, builds that
// and demands that the defect is caught. native/mutations has the native defects, compiled-defects.mjs
// those of compiled JavaScript.
//
// Usage: node scripts/mutations.mjs [simulation] [--runs N] [NAME ...]
//        node scripts/mutations.mjs power [--cycles N] [--file-systems ext4,xfs] [NAME ...]
//
// simulation: `simulate`, 2000 seeds for each defect. Needs cmake.
// power:      `pinnacle torture --only power`. Needs root on Linux, xfs_io and the built package.
//
// Prints a line for each defect: its name, when it was caught, what was violated. Exit code 1 if one
// survives. With ccache, what a defect leaves alone is compiled once.
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { compiledDefects, plantCompiledDefect } from './compiled-defects.mjs'
import { plant, readMutations } from './mutation-patches.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const tree = path.resolve('.build/mutations/tree')

const words = process.argv.slice(2)
function take(option, otherwise) {
  const at = words.indexOf(option)
  return at < 0 ? otherwise : words.splice(at, 2)[1]
}
const runs = take('--runs', '2000')
const cycles = take('--cycles', '60')
const fileSystems = take('--file-systems', 'ext4,xfs')
const judge = ['simulation', 'power'].includes(words[0]) ? words.shift() : 'simulation'

const mutations = new Map(readMutations(root).map((mutation) => [mutation.name, mutation]))
const known = [...mutations.values()]
  .filter(({ caughtBy }) => caughtBy.includes(judge))
  .map(({ name }) => name)
  .concat(judge === 'power' ? Object.keys(compiledDefects) : [])
const unknown = words.find((name) => !known.includes(name))
if (unknown !== undefined) {
  console.error(`mutations: there is no ${unknown}; known to ${judge}: ${known.join(', ')}`)
  process.exit(2)
}

const hasCcache = spawnSync('ccache', ['--version']).status === 0

function run(command, args, options = {}) {
  const ended = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options })
  if (ended.error) throw ended.error
  return ended
}
function build(command, args, options) {
  const { status, stdout, stderr } = run(command, args, options)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}:\n${stdout}${stderr}`)
}

const filesBelow = (part) =>
  statSync(part).isDirectory()
    ? readdirSync(part, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)))
    : [part]

/** Makes the copy equal to the tree; what is equal already keeps its time, so that it is built once. */
function copyTree() {
  const parts = [
    'native',
    'third_party',
    'scripts',
    'CMakeLists.txt',
    'binding.gyp',
    'package.json',
  ]
  if (judge === 'power') parts.push('dist')
  const files = new Set(parts.flatMap(filesBelow))
  for (const file of files) {
    const copy = path.join(tree, file)
    const bytes = readFileSync(file)
    if (existsSync(copy) && readFileSync(copy).equals(bytes)) continue
    mkdirSync(path.dirname(copy), { recursive: true })
    writeFileSync(copy, bytes)
  }
  for (const part of parts) {
    for (const file of filesBelow(path.join(tree, part)).map((each) => path.relative(tree, each))) {
      if (!files.has(file)) rmSync(path.join(tree, file))
    }
  }
}

/** Builds the simulation and runs it. Answers when the defect was caught and by what, if it was. */
function simulate() {
  const cmake = '.build/mutations/cmake'
  const launcher = hasCcache ? ['-DCMAKE_CXX_COMPILER_LAUNCHER=ccache'] : []
  // A defect may leave variables unused; precompiled headers would keep ccache from its work.
  const flags = ['-DCMAKE_BUILD_TYPE=None', '-DCMAKE_CXX_FLAGS=-O1 -w']
  const plain = '-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON'
  build('cmake', ['-S', tree, '-B', cmake, ...flags, plain, ...launcher])
  const jobs = String(process.env.PINNACLE_JOBS ?? Math.min(2, availableParallelism()))
  build('cmake', ['--build', cmake, '--target', 'simulate', '--parallel', jobs])
  const { stdout, stderr } = run(`${cmake}/simulate`, ['--seed', '1', '--runs', runs])
  const violation = /VIOLATION at seed (\d+) \(run \d+\): (.*)/.exec(stdout)
  if (violation) return [`seed ${violation[1]}`, violation[2]]
  const died = /the engine died; reproduce with: .*--seed (\d+)/.exec(stderr)
  return died ? [`seed ${died[1]}`, 'an assertion of the engine stopped it'] : undefined
}

/** Builds the addon and cuts the power of writers that use it. */
function torture() {
  const bin = `${path.resolve('node_modules/.bin')}${path.delimiter}${process.env.PATH}`
  const compilers = hasCcache ? { CC: 'ccache cc', CXX: 'ccache c++' } : {}
  const env = { ...process.env, ...compilers, PATH: bin }
  build(process.execPath, ['scripts/build-addon.mjs'], { cwd: tree, env })
  const work = mkdtempSync(path.join(tmpdir(), 'pinnacle-torture-'))
  const { status, stdout, stderr } = run(process.execPath, [
    path.join(tree, 'dist/cli/main.js'),
    ...['torture', work, '--json', '--only', 'power', '--file-systems', fileSystems],
    ...['--minutes', '30', '--cycles', cycles, '--seed', '1', '--violations', '1'],
  ])
  rmSync(work, { recursive: true, force: true })
  if (status !== 0 && status !== 5) throw new Error(`the torture failed (${status}): ${stderr}`)
  const { violations, cycles: needed } = JSON.parse(stdout)
  const [first] = violations
  return first ? [`${needed} cuts`, first.what[0].split('\n')[0]] : undefined
}

let survived = 0
const names = words.length > 0 ? words : known
for (const name of names) {
  copyTree()
  if (mutations.has(name)) plant(mutations.get(name), tree)
  else plantCompiledDefect(name, path.join(tree, 'dist'))
  const [when, what] = (judge === 'power' ? torture() : simulate()) ?? ['SURVIVED', '']
  if (what === '') ++survived
  console.log(`| ${name.padEnd(35)} | ${when.padEnd(10)} | ${what.slice(0, 110)} |`)
}
console.log(`${names.length - survived} caught, ${survived} survived`)
process.exitCode = survived > 0 ? 1 : 0
