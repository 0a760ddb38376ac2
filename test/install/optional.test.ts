// `npm install` without the optional dependencies, or when they can't be built (then npm omits them, too):
// the real npm, on a copy of the package's sources, without a network. It skips the addon's own build, which
// takes minutes and does not depend on the optional packages.
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { node } from '../children.js'

const root = process.cwd()
const optional = Object.keys(
  (
    JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      optionalDependencies: Record<string, string>
    }
  ).optionalDependencies,
)

function run(cwd: string, [command, words]: [string, string[]]): string {
  const env = { ...process.env, npm_config_offline: 'true', npm_config_update_notifier: 'false' }
  return execFileSync(command, words, { cwd, env, encoding: 'utf8', stdio: 'pipe' })
}

/** Without the test runner's loaders, as children.ts does for Node. */
const npm = (...words: string[]): [string, string[]] => [
  'env',
  ['-u', 'NODE_OPTIONS', 'npm', ...words],
]

/** Hard-links the files if the file system supports it, except for the one that npm writes in place. */
function copyPackages(copy: string): void {
  const [from, to] = [path.join(root, 'node_modules'), path.join(copy, 'node_modules')]
  try {
    execFileSync('cp', ['-al', from, to], { stdio: 'ignore' })
  } catch {
    rmSync(to, { recursive: true, force: true })
    execFileSync('cp', ['-a', from, to])
  }
  const listing = '.package-lock.json'
  rmSync(path.join(to, listing), { force: true })
  if (existsSync(path.join(from, listing)))
    copyFileSync(path.join(from, listing), path.join(to, listing))
}

t.test('the package installs and runs without its optional dependencies', async (t) => {
  t.ok(optional.length > 0)
  // Outside of the checkout: below it, the checkout's own node_modules would be found.
  const copy = mkdtempSync(path.join(tmpdir(), 'pinnacle-install-'))
  t.teardown(() => {
    rmSync(copy, { recursive: true, force: true })
  })
  copyPackages(copy)
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'])
    copyFileSync(path.join(root, name), path.join(copy, name))
  cpSync(path.join(root, 'lib'), path.join(copy, 'lib'), { recursive: true })

  run(copy, npm('install', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'))
  for (const name of optional)
    t.notOk(existsSync(path.join(copy, 'node_modules', name)), `${name} is left out`)
  run(copy, npm('run', 'prepare'))
  t.ok(existsSync(path.join(copy, 'dist/index.d.ts')), 'prepare has type-checked and compiled')
  t.match(run(copy, node('dist/cli/main.js', '--help')), /inspect/)

  const script = `
    const { Pkcs11Provider } = await import('./dist/credentials/pkcs11-provider.js')
    try {
      Pkcs11Provider.open({ library: '/none', token: 'a', keyLabel: 'b' }, undefined)
    } catch (error) {
      console.log(error.code, error.message)
    }`
  t.match(
    run(copy, node('--input-type=module', '-e', script)),
    /^ERR_PINNACLE_TOKEN .*npm install pkcs11js/,
    'a token that is asked for says what is missing',
  )
})
