// The layer check (.dependency-cruiser.mjs) runs as a stage of CI. Here it gets a tree with one offence of each kind.
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { node } from '../children.js'

const root = process.cwd()

/** The rules that a tree of these files breaks. */
async function broken(directory: string): Promise<string[]> {
  const [program, args] = node(
    path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
    '--config',
    path.join(root, '.dependency-cruiser.mjs'),
    '--output-type',
    'json',
    'lib',
  )
  const { stdout } = await promisify(execFile)(program, args, { cwd: directory })
  const { summary } = JSON.parse(stdout) as {
    summary: { violations: { rule: { name: string }; from: string }[] }
  }
  return summary.violations.map(({ rule, from }) => `${from}: ${rule.name}`).sort()
}

t.test('the layer check finds an import that goes up, a circle, and tests in lib', async (t) => {
  const uses = (file: string): string => `export * from '${file}'\n`
  const directory = t.testdir({
    'tsconfig.json': '{ "compilerOptions": { "module": "NodeNext" } }',
    'package.json': '{ "type": "module" }',
    lib: {
      config: { 'a.ts': uses('../journal/b.js'), 'good.ts': uses('../entry/c.js') },
      journal: { 'b.ts': 'export const b = 1\n' },
      entry: { 'c.ts': uses('./d.js'), 'd.ts': uses('./c.js') },
      cli: { 'e.ts': uses('../native/f.js'), 'good.ts': uses('../journal/b.js') },
      native: { 'f.ts': 'export type F = 1\n', 'g.ts': uses('../../test/h.js') },
      attic: { 'i.ts': uses('../journal/b.js') },
      'index.ts': uses('./journal/b.js'),
    },
    test: { 'h.ts': 'export const h = 1\n' },
  })
  t.same(await broken(directory), [
    'lib/attic/i.ts: folder-without-a-layer',
    'lib/cli/e.ts: cli-imports-downward',
    'lib/config/a.ts: config-imports-downward',
    'lib/entry/c.ts: no-circles',
    'lib/native/g.ts: lib-without-tests',
  ])
})
