// The TypeScript of the guides, checked against the package's types as strictly as a careful user would.
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { blocksOf } from './page.js'

const root = process.cwd()

t.test('the snippets of the guides fit the types', async (t) => {
  const directory = t.testdir({ 'package.json': '{ "type": "module" }' })
  mkdirSync(path.join(directory, 'node_modules'))
  symlinkSync(root, path.join(directory, 'node_modules/pinnacle-persistence'))
  symlinkSync(path.join(root, 'node_modules/@types'), path.join(directory, 'node_modules/@types'))
  const files: string[] = []
  for (const page of readdirSync('docs/guides')) {
    for (const { line, words, text } of blocksOf(path.join('docs/guides', page))) {
      if (words[0] !== 'ts') continue
      t.match(words[1], /^[\w-]+\.ts$/, `${page}:${line}: a block of TypeScript names its file`)
      const file = path.join(directory, words[1] ?? '')
      writeFileSync(file, text)
      files.push(file)
    }
  }
  t.ok(files.length >= 5)
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noUnusedLocals: true,
    skipLibCheck: true,
    types: ['node'],
    noEmit: true,
  })
  const problems = ts.getPreEmitDiagnostics(program).map((problem) => {
    const message = ts.flattenDiagnosticMessageText(problem.messageText, '\n')
    return `${path.basename(problem.file?.fileName ?? '')}: ${message}`
  })
  t.same(problems, [])
})
