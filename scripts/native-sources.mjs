// Answers binding.gyp's questions: the C++ sources of one target, the directory of node-addon-api's headers,
// or whether warnings are errors. CMakeLists.txt globs by the same rules.
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const isTest = (file) => file.endsWith('_test.cc') || file.startsWith('native/test/')
const isAddon = (file) => file.startsWith('native/addon/')
// The fuzzers' subjects are part of the tests, which replay their corpora; libFuzzer's entry points are not.
const isFuzz = (file) => file.startsWith('native/fuzz/')
const isTool = (file) => file.endsWith('_bench.cc') || file.endsWith('_fuzz.cc')

const targets = {
  core: (file) =>
    !isTest(file) &&
    !isAddon(file) &&
    !isTool(file) &&
    !isFuzz(file) &&
    !file.startsWith('native/simulator/'),
  addon: (file) => isAddon(file) && !isTest(file),
  // The simulated file system is test support, not part of the product.
  test: (file) =>
    !isTool(file) &&
    !isAddon(file) &&
    (isTest(file) || isFuzz(file) || file.startsWith('native/simulator/')) &&
    !file.endsWith('_main.cc'),
}

function sources() {
  return readdirSync(path.join(root, 'native'), { recursive: true })
    .map((file) => `native/${file.split(path.sep).join('/')}`)
    .filter((file) => file.endsWith('.cc'))
    .sort()
}

const question = process.argv[2]
if (question === 'werror') {
  console.log(process.env.PINNACLE_WERROR === '1' ? '-Werror' : '-Wno-error')
} else if (question === 'addon-api') {
  console.log(path.dirname(createRequire(import.meta.url).resolve('node-addon-api/package.json')))
} else if (Object.hasOwn(targets, question)) {
  for (const file of sources().filter(targets[question])) console.log(file)
} else {
  console.error(
    `native-sources: unknown question '${question}'; known: werror, addon-api, ${Object.keys(targets).join(', ')}`,
  )
  process.exitCode = 2
}
