// The house rules that no formatter or linter checks. Each test lists every offence with its place.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { node } from '../children.js'

const root = process.cwd()
if (!existsSync(path.join(root, 'binding.gyp')))
  throw new Error('run the tests from the top of the checkout')

/** Source files below a directory, as paths from the top with forward slashes. */
function filesBelow(directory: string, extension: RegExp): string[] {
  const absolute = path.join(root, directory)
  if (!existsSync(absolute)) return []
  return readdirSync(absolute, { recursive: true, encoding: 'utf8' })
    .map((file) => `${directory}/${file.split(path.sep).join('/')}`)
    .filter((file) => extension.test(file))
    .sort()
}

const contents = new Map<string, string>()
function read(file: string): string {
  let text = contents.get(file)
  if (text === undefined) contents.set(file, (text = readFileSync(path.join(root, file), 'utf8')))
  return text
}

const cpp = filesBelow('native', /\.(cc|h)$/)
const typescript = ['lib', 'test', 'bench', 'examples'].flatMap((directory) =>
  filesBelow(directory, /\.ts$/),
)
const scripts = filesBelow('scripts', /./)

/** `file:line: word` for every match of the pattern. */
function offences(files: string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => {
        const match = pattern.exec(line)
        return match ? [`${file}:${index + 1}: ${match[0].trim()}`] : []
      }),
  )
}

t.test('there are sources to check', async (t) => {
  t.ok(cpp.length > 10, 'C++')
  t.ok(typescript.length > 10, 'TypeScript')
})

t.test('only native/addon includes Node headers', async (t) => {
  const core = cpp.filter((file) => !file.startsWith('native/addon/'))
  t.same(offences(core, /#\s*include\s*[<"](napi|node|uv|v8|js_native_api)[\w./-]*\.h[>"]/), [])
})

t.test('no source file is longer than 500 lines', async (t) => {
  const long = [...cpp, ...typescript]
    .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
    .filter(({ lines }) => lines > 500)
  t.same(long, [])
})

t.test('no source leaves work for later', async (t) => {
  const later =
    /\b(TODO|FIXME|HACK)\b|(\/\/|\*|#).*\bXXX\b|\b[Ss]tub(s|bed)?\b|[Nn]ot (yet )?implemented|[Ss]impl\w* for now/
  const checked = [...cpp, ...typescript, ...scripts].filter(
    (file) => file !== 'test/style/style.test.ts',
  )
  t.same(offences(checked, later), [])
})

t.test('every C++ header has the include guard that its path demands', async (t) => {
  const wrong = cpp
    .filter((file) => file.endsWith('.h') && !file.endsWith('.inc.h'))
    .filter((file) => {
      const inner = file
        .replace(/^native\//, '')
        .replace(/[/.-]/g, '_')
        .toUpperCase()
      return !read(file).includes(`#ifndef PINNACLE_${inner}_\n#define PINNACLE_${inner}_\n`)
    })
  t.same(wrong, [])
})

t.test(
  'C++ outside the addon throws only for want of memory and owns nothing by a bare pointer',
  async (t) => {
    const core = cpp.filter(
      (file) => !file.startsWith('native/addon/') && !file.endsWith('_test.cc'),
    )
    const code =
      /^(?!\s*\/\/)[^"/]*(\bthrow\b(?!;| std::bad_alloc\(\)| MemoryShortage\()|\bdelete\s+[a-z_])/
    t.same(offences(core, code), [])
  },
)

t.test(
  'TypeScript has no any and silences neither compiler nor linter for a whole file',
  async (t) => {
    const sloppy =
      /^(?!\s*(\/\/|\/?\*))[^'`]*(:\s*any\b|\bas any\b|<any>)|@ts-(ignore|nocheck)|^\s*\/\*\s*eslint-disable(?!-)/
    t.same(
      offences(
        typescript.filter((file) => file !== 'test/style/style.test.ts'),
        sloppy,
      ),
      [],
    )
  },
)

/** The layers of a snapshot's contents, and all below them. */
const cppCore = ['state', 'book', 'journal', 'window', 'platform', 'checksum', 'base']

/** Every layer with the layers that it may import from; unlisted ones are shared and below all. */
const cppLayers: Record<string, string[]> = {
  base: [],
  platform: ['base'],
  checksum: ['base'],
  book: ['platform', 'checksum', 'base'],
  live: ['platform', 'checksum', 'base'],
  window: ['platform', 'checksum', 'base'],
  journal: ['window', 'platform', 'checksum', 'base'],
  state: ['book', 'journal', 'platform', 'checksum', 'base'],
  snapshot: cppCore,
  repair: ['snapshot', ...cppCore],
  consumer: ['journal', 'platform', 'checksum', 'base'],
  engine: ['consumer', 'repair', 'snapshot', 'live', ...cppCore],
  backup: ['engine', 'repair', 'snapshot', 'journal', 'platform', 'checksum', 'base'],
  secret: ['platform', 'base'],
  addon: ['backup', 'engine', 'consumer', 'secret', 'snapshot', 'live', ...cppCore],
}

t.test('C++ layers include downward only', async (t) => {
  const wrong: string[] = []
  for (const file of cpp) {
    // Tests may use the simulated file system and helpers of any layer.
    if (file.endsWith('_test.cc') || /^native\/(test|simulator|fuzz|bench)\//.test(file)) continue
    if (/_bench\.cc$/.test(file)) continue
    const layer = file.split('/')[1] ?? ''
    const below = cppLayers[layer]
    if (!below) {
      wrong.push(`${file}: layer '${layer}' is not in the list of layers`)
      continue
    }
    for (const match of read(file).matchAll(/^#include "([^"/]+)\//gm)) {
      const target = match[1] ?? ''
      if (target !== layer && !below.includes(target)) wrong.push(`${file} includes ${target}/`)
    }
  }
  t.same(wrong, [])
})

t.test('every C++ source is in the target that its folder and its name say', async (t) => {
  const ask = (...targets: string[]) =>
    execFileSync(...node('scripts/native-sources.mjs', ...targets), { encoding: 'utf8' })
      .trim()
      .split('\n')
  const isTestTool = /_test\.cc$|^native\/(bench|fuzz|mutations|simulator|test)\//
  const product = ask('core', 'addon')
  t.same(
    product,
    cpp.filter((file) => file.endsWith('.cc') && !isTestTool.test(file)),
  )
  t.same(
    ask('addon').filter((file) => !file.startsWith('native/addon/')),
    [],
  )
  const tests = ask('tests', 'simulator', 'subjects')
  t.same(
    cpp.filter((file) => file.endsWith('_test.cc') && !tests.includes(file)),
    [],
    'no native test is left out',
  )
  t.throws(() => ask('test'), /Command failed/, 'a target that is not known is an error')
})

t.test('every test that a page of docs/ names is there', async (t) => {
  const tests = [...cpp, ...typescript].filter((file) => /_test\.cc$|\.test\.ts$/.test(file))
  const missing: string[] = []
  let named = 0
  for (const page of filesBelow('docs', /\.md$/)) {
    for (const [, file = '', rest = ''] of read(page).matchAll(
      /`([\w./-]+(?:_test\.cc|\.test\.ts))`([^`|\n]*)/g,
    )) {
      const found = tests.find((each) => each === file || each.endsWith(`/${file}`))
      if (found === undefined) missing.push(`${page}: ${file}`)
      // After it, in quotes, come the cases: the whole name, or its beginning and an ellipsis.
      for (const [, title = ''] of rest.matchAll(/"([^"]+)"/g)) {
        ++named
        const words = title.endsWith('…') ? `"${title.slice(0, -1).trimEnd()}` : `"${title}"`
        // Names are in quotes of any kind, and may contain some.
        const plain = (name: string): string => name.replace(/['`]/g, '"')
        const text = found === undefined ? '' : plain(read(found))
        if (!text.includes(plain(words))) missing.push(`${page}: ${file}: ${words}`)
      }
    }
  }
  t.same(missing, [])
  t.ok(named > 10, 'cases are named')
})

t.test(
  'the decision table of recovery is the one in the code, and each row names a test',
  async (t) => {
    const page = read('docs/recovery.md')
    const table = page.slice(page.indexOf('| known durable'))
    const rows = table
      .slice(0, table.indexOf('\n\n'))
      .split('\n')
      .slice(2)
      .map((row) => row.split('|').slice(1, -1))
    const cells = rows.map((row) => row.slice(0, 4).map((cell) => cell.trim()))
    // Joins strings that a formatter has cut in two.
    const source = read('native/journal/tail_rules.cc').replace(/"\s*\n\s*"/g, '')
    const rules = [
      ...source.matchAll(/\{"([^"]+)",\s*"([^"]+)",\s*"([^"]+)",\s*Tail::k(\w+),/g),
    ].map(([, ...fields]) => [...fields.slice(0, 3), (fields[3] ?? '').toLowerCase()])
    t.ok(rules.length >= 7)
    t.same(cells, rules)
    t.same(
      rows.filter((row) => !/(_test\.cc|\.test\.ts)`: "[^"]+"/.test(row.at(-1) ?? '')),
      [],
    )
  },
)
