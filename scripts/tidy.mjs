// clang-tidy over the core and the addon, every warning an error. The sources of a folder are checked as one
// file: most of the time goes into the headers they share. Reported places are those of the sources.
//
// Usage: node scripts/tidy.mjs [--deep]
// --deep: the static analyzer follows longer paths, in three times the time.
// PINNACLE_JOBS=n: at most n at a time (2).
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { run } from './stage.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const work = '.build/tidy'
mkdirSync(work, { recursive: true })

function answer(command, ...words) {
  const { stdout, stderr, status } = spawnSync(command, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${stderr}`)
  return stdout.trim().split('\n')
}
const sourcesOf = (target) => answer(process.execPath, 'scripts/native-sources.mjs', target)

const [tidy] = answer(
  'sh',
  '-c',
  'command -v clang-tidy-19 || command -v clang-tidy || { echo no clang-tidy-19 >&2; exit 1; }',
)

/** The flags of the addon's compilation. node-gyp noted where it found Node's headers. */
function addonFlags() {
  const text = readFileSync('build/config.gypi', 'utf8').replace(/^#.*/, '')
  const { nodedir } = JSON.parse(text).variables
  const [api] = answer(process.execPath, 'scripts/native-sources.mjs', 'addon-api')
  return [
    ...['-isystem', `${nodedir}/include/node`, '-isystem', api],
    ...['-DNAPI_VERSION=8', '-DNAPI_DISABLE_CPP_EXCEPTIONS'],
    '-DNODE_ADDON_API_DISABLE_DEPRECATED',
  ]
}

/** One file of the sources, and where each of its lines comes from. */
function joined(folder, files) {
  const lines = []
  const places = []
  for (const file of files) {
    for (const [at, line] of readFileSync(file, 'utf8').split('\n').entries()) {
      lines.push(line)
      places.push(`${file}:${at + 1}`)
    }
  }
  const name = path.resolve(work, `${folder.replaceAll('/', '_')}.cc`)
  writeFileSync(name, lines.join('\n'))
  return { name, places, size: lines.length }
}

/** The line, with the source's place instead of the joined file's. */
function placed(line, { name, places }) {
  const [, at, rest] = /^:(\d+)(.*)$/.exec(line.slice(name.length)) ?? []
  return at === undefined ? line : `${places[at - 1]}${rest}`
}

const folders = {}
for (const file of [...sourcesOf('core'), ...sourcesOf('addon')]) {
  ;(folders[path.dirname(file)] ??= []).push(file)
}
const waiting = Object.entries(folders)
  .map(([folder, files]) => joined(folder, files))
  .sort((one, other) => other.size - one.size)

const shallow = ['-Xclang', '-analyzer-config', '-Xclang', 'mode=shallow']
const common = process.argv.includes('--deep') ? [] : shallow
let failed = 0
async function lane() {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { name } = next
    const flags = name.endsWith('native_addon.cc') ? addonFlags() : []
    const words = [`--config-file=.clang-tidy`, '--quiet', name, '--', '-std=c++20', '-Inative']
    const { code } = await run(tidy, [...words, '-Wall', '-Wextra', ...common, ...flags], {
      onLine(line) {
        if (/^\d+ warnings/.test(line)) return
        console.log(line.startsWith(`${name}:`) ? placed(line, next) : line)
      },
    })
    if (code !== 0) ++failed
  }
}
await Promise.all(Array.from({ length: Number(process.env.PINNACLE_JOBS ?? 2) }, lane))
process.exitCode = failed > 0 ? 1 : 0
