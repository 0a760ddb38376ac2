// Builds the targets of binding.gyp through node-gyp: npm's own copy or, outside npm, the development
// dependency. If this Node came with its headers (the official archives and images do), the build uses them,
// so that an install downloads nothing but packages.
//
// Usage: node scripts/build-addon.mjs [--clean] [--tests]
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The directory above include/node if its headers are exactly this Node's, else undefined. */
function ownHeaders() {
  const directory = path.resolve(path.dirname(process.execPath), '..')
  let header
  try {
    header = readFileSync(path.join(directory, 'include/node/node_version.h'), 'utf8')
    readFileSync(path.join(directory, 'include/node/common.gypi'))
  } catch {
    return undefined
  }
  const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(header)?.[1]
  const version = ['MAJOR', 'MINOR', 'PATCH'].map(part).join('.')
  return version === process.versions.node ? directory : undefined
}

const flags = process.argv.slice(2)
const options = ['--jobs=max', '--loglevel=warn']
const nodeDirectory = process.env.npm_config_nodedir ?? ownHeaders()
if (nodeDirectory) options.push(`--nodedir=${nodeDirectory}`)

function nodeGyp(...words) {
  const { status, error } = spawnSync('node-gyp', words, {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: `${process.env.PATH ?? ''}${path.delimiter}${path.join(root, 'node_modules/.bin')}`,
    },
  })
  if (error) {
    console.error(
      `node-gyp could not be started (${error.message}); build through npm: npm run build:native`,
    )
    return false
  }
  return status === 0
}

// Configure every time: it finds new source files, and leaves up-to-date objects alone.
const variables = ['--', `-Dpinnacle_tests=${flags.includes('--tests') ? 1 : 0}`]
const built =
  (!flags.includes('--clean') || nodeGyp('clean')) &&
  nodeGyp('configure', ...options, ...variables) &&
  nodeGyp('build', ...options)
process.exitCode = built ? 0 : 1
