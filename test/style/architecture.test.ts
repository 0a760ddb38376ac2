// docs/architecture.md explains the tree, so what it names must be there, and no folder may be missing.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

const page = readFileSync('docs/architecture.md', 'utf8')
const names = [...page.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(cc|h|ts)$/.test(file))
    .map((file) => path.join(folder, file))
}
const sources = ['native', 'lib'].flatMap(sourcesBelow)
const text = sources.map((file) => readFileSync(file, 'utf8')).join('\n')

t.test('every file and folder that the page names is there', async (t) => {
  const paths = names.filter((name) => /^(native|lib|test|docs|scripts)\//.test(name))
  t.ok(paths.length > 40)
  t.same(
    paths.filter((name) => !existsSync(name)),
    [],
  )
  const files = names.filter((name) => /^[\w-]+\.(ts|cc|h)$/.test(name))
  t.same(
    files.filter((name) => !sources.some((file) => path.basename(file) === name)),
    [],
  )
})

t.test('every class, function and method that the page names is in the sources', async (t) => {
  const methods = names.filter((name) => name.includes('::'))
  t.ok(methods.length > 5)
  const unknown = methods.filter((name) => {
    const [owner = '', method = ''] = name.split('::')
    return !new RegExp(`\\bclass ${owner}\\b`).test(text) || !text.includes(`${method}(`)
  })
  t.same(unknown, [])
  const others = names.filter((name) => /^[A-Z]\w+$/.test(name))
  t.same(
    others.filter((name) => !new RegExp(`\\b${name}\\b`).test(text)),
    [],
  )
})

t.test('every folder has its line', async (t) => {
  const folders = ['native', 'lib'].flatMap((top) =>
    readdirSync(top, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${top}/${entry.name}/`),
  )
  t.same(
    folders.filter((folder) => !names.includes(folder)),
    [],
    'a line in the table of docs/architecture.md is missing',
  )
})
