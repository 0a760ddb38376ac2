// Proves that the simulation sees: builds it with one deliberate defect after another
// (`#if defined(PINNACLE_MUTATION_<NAME>)` in the sources) and demands that each is caught.
//
// Usage: node scripts/mutations.mjs [--runs N] [NAME ...]     (2000 seeds each, all mutations)
//
// Prints the table: mutation, the seed that caught it, what was violated. Exit code 1 where one
// survives. Only the sources that a mutation touches are compiled again.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { run } from './stage.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const compiler = process.env.CXX ?? 'c++'
const flags = ['-std=c++20', '-O1', '-Wall', '-Wextra', '-Inative', '-pthread']
const directory = '.build/mutations'

const words = process.argv.slice(2)
const at = words.indexOf('--runs')
const runs = at < 0 ? 2000 : Number(words.splice(at, 2)[1])
if (!Number.isInteger(runs) || runs < 1) {
  console.error('mutations: --runs needs a whole number')
  process.exit(2)
}

const files = readdirSync('native', { recursive: true })
  .map((file) => `native/${file.split(path.sep).join('/')}`)
  .sort()
const sources = files.filter(
  (file) =>
    file.endsWith('.cc') && !/_test\.cc$|_bench\.cc$|^native\/(addon|fuzz|test)\//.test(file),
)
const pattern = /defined\(PINNACLE_MUTATION_([A-Z_]+)\)/g
/** Mutation -> the files that it changes. */
const mutations = new Map()
for (const file of files.filter((name) => /^native\/(?!simulator\/).*\.(cc|h)$/.test(name))) {
  for (const [, name] of readFileSync(file, 'utf8').matchAll(pattern)) {
    mutations.set(name, (mutations.get(name) ?? new Set()).add(file))
  }
}
const names = words.length > 0 ? words : [...mutations.keys()].sort()
for (const name of names) {
  if (mutations.has(name)) continue
  console.error(`mutations: there is no ${name}; known: ${[...mutations.keys()].sort().join(', ')}`)
  process.exit(2)
}

const objectOf = (base, source) => `${base}/${source.replaceAll('/', '_')}.o`
/** The files that an object was made from, by the compiler's own list. */
function madeFrom(object) {
  return readFileSync(`${object}.d`, 'utf8')
    .replace(/^[^:]*:/, '')
    .split(/[\s\\]+/)
    .filter((file) => file.startsWith('native/'))
}

async function compile(base, list, defines) {
  mkdirSync(base, { recursive: true })
  const waiting = [...list]
  const worker = async () => {
    for (let source = waiting.shift(); source; source = waiting.shift()) {
      const object = objectOf(base, source)
      const said = []
      const { code } = await run(
        compiler,
        [...flags, ...defines, '-MD', '-MF', `${object}.d`, '-c', source, '-o', object],
        { onLine: (line) => said.push(line) },
      )
      if (code !== 0) throw new Error(`${source} does not compile:\n${said.join('\n')}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
}

function isStale(object) {
  if (!existsSync(object) || !existsSync(`${object}.d`)) return true
  const made = statSync(object).mtimeMs
  return madeFrom(object).some((file) => !existsSync(file) || statSync(file).mtimeMs > made)
}

const plain = `${directory}/plain`
await compile(
  plain,
  sources.filter((source) => isStale(objectOf(plain, source))),
  [],
)

let survived = 0
const rows = []
for (const name of names) {
  const base = `${directory}/${name.toLowerCase()}`
  const touched = sources.filter((source) =>
    madeFrom(objectOf(plain, source)).some((file) => mutations.get(name).has(file)),
  )
  await compile(base, touched, [
    `-DPINNACLE_MUTATION_${name}`,
    '-Wno-unused',
    '-Wno-unused-parameter',
  ])
  const objects = sources.map((source) => objectOf(touched.includes(source) ? base : plain, source))
  const simulate = `${base}/simulate`
  const linked = spawnSync(compiler, [...objects, '-pthread', '-o', simulate], { encoding: 'utf8' })
  if (linked.status !== 0) throw new Error(`${name} does not link:\n${linked.stderr}`)
  const found = spawnSync(simulate, ['--seed', '1', '--runs', String(runs)], { encoding: 'utf8' })
  const violation = /VIOLATION at seed (\d+) \(run \d+\): (.*)/.exec(found.stdout)
  const died = /the engine died; reproduce with: .*--seed (\d+)/.exec(found.stderr)
  const row = violation
    ? [name, `seed ${violation[1]}`, violation[2]]
    : died
      ? [name, `seed ${died[1]}`, 'an assertion of the engine stopped it']
      : [name, 'SURVIVED', `${runs} seeds`]
  if (!violation && !died) ++survived
  rows.push(row)
  console.log(`| ${row[0].padEnd(30)} | ${row[1].padEnd(10)} | ${row[2].slice(0, 110)} |`)
}
console.log(`${rows.length - survived} caught, ${survived} survived`)
process.exitCode = survived > 0 ? 1 : 0
