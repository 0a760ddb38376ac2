// Shows that power cuts find defects: plants one deliberate defect after another, runs
// `pinnacle torture --only power` with each, and demands that it is caught. As root on Linux; needs the
// built package, and xfs_io.
//
// Usage: node scripts/torture-mutations.mjs [--cycles N] [--file-systems ext4,xfs] [NAME ...]
//
// A defect is native (`#if defined(PINNACLE_MUTATION_<NAME>)`) or one of compiled JavaScript
// (compiled-defects.mjs). Each gets a copy of the compiled package in .build/torture/<name>: its dist/, and
// an addon linked from the objects of build/ with those files compiled again that the defect changes.
// Prints the table: defect, cycles until it was caught, what was violated. Exit code 1 if one survives.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { compiledDefects, plantCompiledDefect } from './compiled-defects.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const compiler = process.env.CXX ?? 'c++'

/** Defects that a power cut can show on a device that keeps what was written to it. */
const visible = [
  'ACKNOWLEDGE_BEFORE_SYNC',
  'ROLLED_SEGMENT_NOT_SYNCED',
  'SNAPSHOT_NOT_SYNCED',
  'SYNC_ONE_PAGE_SHORT',
  ...Object.keys(compiledDefects),
]

const words = process.argv.slice(2)
function take(option, otherwise) {
  const at = words.indexOf(option)
  return at < 0 ? otherwise : words.splice(at, 2)[1]
}
const cycles = take('--cycles', '60')
const fileSystems = take('--file-systems', 'ext4,xfs')
const names = words.length > 0 ? words : visible

const files = readdirSync('native', { recursive: true })
  .map((file) => `native/${file.split(path.sep).join('/')}`)
  .filter((file) => /\.(cc|h)$/.test(file) && !/^native\/(simulator|fuzz|test)\//.test(file))
const objects = 'build/Release/obj.target'
const ofTarget = (target) =>
  readdirSync(`${objects}/${target}/native`, { recursive: true })
    .filter((file) => file.endsWith('.o'))
    .map((file) => `${objects}/${target}/native/${file}`)

function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} failed:\n${stderr}`)
}

/** A copy of the compiled package, with the defect in it. */
function packageWith(name) {
  const directory = `.build/torture/${name.toLowerCase()}`
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(`${directory}/build/Release`, { recursive: true })
  cpSync('dist', `${directory}/dist`, { recursive: true })
  cpSync('package.json', `${directory}/package.json`)
  if (Object.hasOwn(compiledDefects, name)) {
    cpSync('build/Release/pinnacle.node', `${directory}/build/Release/pinnacle.node`)
    plantCompiledDefect(name, `${directory}/dist`)
  } else {
    linkAddon(name, directory)
  }
  return directory
}

/** Compiles what the defect changes and links it with the rest. */
function linkAddon(name, directory) {
  const touched = files.filter((file) =>
    readFileSync(file, 'utf8').includes(`defined(PINNACLE_MUTATION_${name})`),
  )
  if (touched.length === 0) throw new Error(`there is no defect ${name}`)
  const headers = touched.filter((file) => file.endsWith('.h'))
  const core = ofTarget('pinnacle_core')
  const sourceOf = (object) =>
    object.replace(`${objects}/pinnacle_core/`, '').replace(/\.o$/, '.cc')
  // A defect in a header changes every file that may include it.
  const again = headers.length > 0 ? core.map(sourceOf) : touched
  const made = again.map((source) => {
    const object = `${directory}/${source.replaceAll('/', '_')}.o`
    const flags = ['-std=c++20', '-O2', '-fPIC', '-fvisibility=hidden', '-w']
    const defines = [`-DPINNACLE_MUTATION_${name}`]
    run(compiler, [...flags, ...defines, '-Inative', '-pthread', '-c', source, '-o', object])
    return object
  })
  const rest = core.filter((object) => !again.includes(sourceOf(object)))
  const addon = `${directory}/build/Release/pinnacle.node`
  run(compiler, ['-shared', '-pthread', '-o', addon, ...ofTarget('pinnacle'), ...made, ...rest])
}

function torture(directory) {
  const work = mkdtempSync(path.join(tmpdir(), 'pinnacle-torture-'))
  const main = `${directory}/dist/cli/main.js`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      main,
      ...['torture', work, '--json', '--only', 'power', '--file-systems', fileSystems],
      ...['--minutes', '30', '--cycles', cycles, '--seed', '1', '--violations', '1'],
    ],
    { encoding: 'utf8' },
  )
  rmSync(work, { recursive: true, force: true })
  if (status !== 0 && status !== 5) throw new Error(`the torture failed (${status}): ${stderr}`)
  return JSON.parse(stdout)
}

let survived = 0
for (const name of names) {
  const { violations, cycles: needed } = torture(packageWith(name))
  const [first] = violations
  if (!first) ++survived
  const said = first ? first.what[0].split('\n')[0].slice(0, 100) : 'SURVIVED'
  console.log(`| ${name.padEnd(35)} | ${String(needed).padStart(4)} cuts | ${said} |`)
}
console.log(`${names.length - survived} caught, ${survived} survived`)
process.exitCode = survived > 0 ? 1 : 0
