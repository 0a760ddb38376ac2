// The one place that says which target a C++ source belongs to: binding.gyp, CMakeLists.txt and the
// scripts ask here. Folder and name decide, so that a new source needs no entry.
//
// Usage: node scripts/native-sources.mjs TARGET ...   prints the sources of these targets
//        node scripts/native-sources.mjs werror|addon-api   what else binding.gyp has to know
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The product is core and addon; all else is for tests and measurements. */
const targets = {
  core: 'the product without Node',
  addon: 'what Node loads, on top of it',
  tests: 'unit tests and what they share',
  simulator: 'the simulated file system, a library for tests',
  simulate: 'the simulation, an executable',
  subjects:
    'what is fuzzed: linked into the fuzzers and, with the inputs found, into the unit tests',
  fuzzers: 'an executable each',
  bench: 'an executable each',
}

function targetOf(file) {
  const folder = file.split('/')[1]
  if (folder === 'test' || file.endsWith('_test.cc')) return 'tests'
  if (folder === 'simulator') return file.endsWith('_main.cc') ? 'simulate' : 'simulator'
  if (folder === 'fuzz') return file.endsWith('_fuzz.cc') ? 'fuzzers' : 'subjects'
  return ['addon', 'bench'].includes(folder) ? folder : 'core'
}

function sources() {
  return readdirSync(path.join(root, 'native'), { recursive: true })
    .map((file) => `native/${file.split(path.sep).join('/')}`)
    .filter((file) => file.endsWith('.cc'))
    .sort()
}

const questions = process.argv.slice(2)
const unknown = questions.filter((question) => !Object.hasOwn(targets, question))
if (questions[0] === 'werror') {
  console.log(process.env.PINNACLE_WERROR === '1' ? '-Werror' : '-Wno-error')
} else if (questions[0] === 'addon-api') {
  console.log(path.dirname(createRequire(import.meta.url).resolve('node-addon-api/package.json')))
} else if (unknown.length > 0 || questions.length === 0) {
  console.error(
    `native-sources: unknown question '${unknown.join(' ')}'; known: werror, addon-api, or`,
  )
  for (const [name, what] of Object.entries(targets)) console.error(`  ${name}: ${what}`)
  process.exitCode = 2
} else {
  for (const file of sources()) if (questions.includes(targetOf(file))) console.log(file)
}
