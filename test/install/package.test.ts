// What `npm pack` puts into the package: all that an install compiles, and no test tool.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { node } from '../children.js'

// npm by `env`: without the test runner's loaders, as children.ts does it for Node.
const packed = JSON.parse(
  execFileSync(
    'env',
    ['-u', 'NODE_OPTIONS', 'npm', 'pack', '--dry-run', '--ignore-scripts', '--json'],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  ),
) as [{ files: { path: string }[] }]
const files = packed[0].files.map((file) => file.path).sort()
const native = files.filter((file) => file.startsWith('native/'))

t.test(
  'the package has the sources of the product, their headers and nothing else of native/',
  async (t) => {
    const sources = execFileSync(...node('scripts/native-sources.mjs', 'core', 'addon'), {
      encoding: 'utf8',
    })
    t.same(
      native.filter((file) => file.endsWith('.cc')),
      sources.trim().split('\n'),
    )
    const folders = new Set(native.map((file) => path.posix.dirname(file)))
    const headers = [...folders].flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => file.endsWith('.h'))
        .map((file) => `${folder}/${file}`),
    )
    t.same(
      native.filter((file) => !file.endsWith('.cc')),
      headers.sort(),
    )
  },
)

t.test('what a shipped source includes is shipped, and used', async (t) => {
  const included = new Set<string>()
  for (const file of native) {
    for (const [, header = ''] of readFileSync(file, 'utf8').matchAll(/^#include "([^"]+)"/gm))
      included.add(`native/${header}`)
  }
  const headers = native.filter((file) => file.endsWith('.h'))
  t.same([...included].sort(), headers, 'each header, and no other')
})

t.test(
  'the package has what builds it, what runs and its pages, and nothing of the developers',
  async (t) => {
    const gyp = readFileSync('binding.gyp', 'utf8')
    const { install } = (
      JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { install: string } }
    ).scripts
    const scripts = new Set(`${gyp} ${install}`.match(/scripts\/[\w-]+\.mjs/g))
    const others = files.filter((file) => !/^(native|dist|docs)\//.test(file))
    t.same(others, ['LICENSE', 'README.md', 'binding.gyp', 'package.json', ...scripts].sort())
    t.ok(files.includes('dist/index.js') && files.includes('dist/cli/main.js'))
  },
)
