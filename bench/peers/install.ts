/**
 * The peers are not dependencies of the project: they are installed below .build/ on request. better-sqlite3
 * is compiled there if no prebuilt binary is available.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

import { root } from '../root.js'

const directory = path.join(root, '.build/bench-peers')

/** A `require` that finds the peers, or why they could not be installed. */
export function installPeers(): { require: NodeJS.Require } | { problem: string } {
  const wanted = path.join(root, 'bench/peers/package.json')
  const installed = path.join(directory, 'package.json')
  const complete = path.join(directory, 'node_modules/.package-lock.json')
  const current =
    existsSync(complete) &&
    existsSync(installed) &&
    readFileSync(installed, 'utf8') === readFileSync(wanted, 'utf8')
  if (!current) {
    console.log('installing the peers below .build/bench-peers; better-sqlite3 may be compiled …')
    mkdirSync(directory, { recursive: true })
    copyFileSync(wanted, installed)
    const { status, error, stderr } = spawnSync(
      'npm',
      ['install', '--no-audit', '--no-fund', '--no-package-lock'],
      { cwd: directory, encoding: 'utf8' },
    )
    if (error) return { problem: `npm could not be started (${error.message})` }
    if (status !== 0) return { problem: `npm install failed:\n${stderr.trim()}` }
  }
  return { require: createRequire(installed) }
}
