import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { load, native } from '../../lib/native/load.js'
import type { CodedError } from '../../lib/index.js'

const documented = new Set(
  [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `(ERR_PINNACLE_[A-Z_]+)` +\|/gm)].map(
    (match) => match[1] ?? '',
  ),
)

t.test(
  'every code of the native list is documented, and the addon exports the same list',
  async (t) => {
    const header = readFileSync('native/base/error_codes.h', 'utf8')
    const names = [...header.matchAll(/X\(k\w+,\s*"([A-Z_]+)"\)/g)].map((match) => match[1] ?? '')
    t.ok(names.length > 30)
    t.strictSame(native().errorNames, [
      'OK',
      ...names.filter((name) => name !== 'OK').map((name) => `ERR_PINNACLE_${name}`),
    ])
    for (const name of native().errorNames.slice(1)) t.ok(documented.has(name), name)
  },
)

t.test('every code that the TypeScript sources throw is documented', async (t) => {
  const used = new Set<string>()
  for (const entry of readdirSync('lib', { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.ts')) continue
    const source = readFileSync(join('lib', entry), 'utf8')
    for (const match of source.matchAll(/'(ERR_PINNACLE_[A-Z_]*[A-Z])'/g)) used.add(match[1] ?? '')
  }
  used.delete('ERR_PINNACLE_CONFIG') // a prefix for comparisons
  t.ok(used.size > 25)
  t.strictSame(
    [...used].filter((code) => !documented.has(code)),
    [],
  )
})

t.test(
  'an addon that is not built, or can not be loaded, is a coded error that says what to do',
  async (t) => {
    const failureOf = (root: string): CodedError => {
      try {
        load(root)
      } catch (error) {
        return error as CodedError
      }
      throw new Error('it was loaded')
    }
    const missing = failureOf(t.testdir())
    t.equal(missing.code, 'ERR_PINNACLE_ADDON_MISSING')
    t.match(missing.message, 'npm install')
    const broken = t.testdir({ build: { Release: { 'pinnacle.node': 'no shared object' } } })
    const unloadable = failureOf(broken)
    t.equal(unloadable.code, 'ERR_PINNACLE_ADDON_LOAD')
    t.match(unloadable.message, 'npm rebuild')
  },
)
