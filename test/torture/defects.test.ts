// The defects that scripts/mutations.mjs plants in compiled code must still be defects.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'

interface Script {
  compiledDefects: Record<string, { file: string; changes: [string, string][] }>
  plantCompiledDefect: (name: string, dist: string) => void
}

t.test('every defect of compiled code finds the text that it changes, once', async (t) => {
  const script = pathToFileURL(join(process.cwd(), 'scripts/compiled-defects.mjs')).href
  const { compiledDefects, plantCompiledDefect } = (await import(script)) as Script
  const names = Object.keys(compiledDefects)
  t.ok(names.length >= 4)
  for (const name of names) {
    const { file = '', changes = [] } = compiledDefects[name] ?? {}
    const copy = join(t.testdir(), file)
    mkdirSync(dirname(copy), { recursive: true })
    const text = readFileSync(join('dist', file), 'utf8')
    writeFileSync(copy, text)
    plantCompiledDefect(name, t.testdirName)
    const changed = readFileSync(copy, 'utf8')
    for (const [piece, replacement] of changes) {
      t.ok(changed.includes(replacement) && !changed.includes(piece), `${name}: ${replacement}`)
    }
    t.throws(() => plantCompiledDefect(name, t.testdirName), /instead of once/, 'not twice')
  }
})
