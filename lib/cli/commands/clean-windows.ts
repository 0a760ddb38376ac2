/** `pinnacle clean-windows`: the windows in memory, and the end of those that nothing needs. */
import type { Command } from 'commander'
import { loadConfig } from '../../config/load-config.js'
import { cleanWindows, type FoundWindow } from '../../persistence/clean-windows.js'
import { action } from '../action.js'
import { ExitCode } from '../exit-codes.js'
import type { Output } from '../output.js'
import { bytes, plural } from '../text.js'

const examples = `
A killed writer leaves its window: a file in memory with its last appended entries. The next open of its
data directory takes these over and removes the window, so normally there is nothing to do. Windows remain
if their directories went on without them. This command removes windows whose data directory exists and
names another window or none, and windows of an earlier boot.

Kept, unless --force is given: a window whose data directory is not found (it was moved or removed, or a
container sees it at another path), one that an open could not use (.refused), and one that can't be read.
They may have the only copy of entries. One that a writer has, or that the next open takes, is always kept.

Examples:
  $ pinnacle clean-windows --dry-run
  $ pinnacle clean-windows --window-directory /run/pinnacle
  $ pinnacle clean-windows --json | jq '.windows[] | select(.removed | not)'`

interface CleanWindowsOptions {
  windowDirectory?: string
  force?: boolean
  dryRun?: boolean
}

export function register(program: Command): void {
  program
    .command('clean-windows')
    .description('list windows in memory, and remove those that nothing needs')
    .option(
      '--window-directory <directory>',
      'directory to search (default: PINNACLE_WINDOW_DIRECTORY, else shared memory)',
    )
    .option('--force', 'also remove windows that may have the only copy of entries')
    .option('--dry-run', 'remove nothing')
    .addHelpText('after', examples)
    .action(action<CleanWindowsOptions>(clean))
}

async function clean(output: Output, options: CleanWindowsOptions): Promise<ExitCode> {
  const { windowDirectory = configuredDirectory(), force = false, dryRun = false } = options
  const windows = await cleanWindows({
    ...(windowDirectory === undefined ? {} : { windowDirectory }),
    force,
    dryRun,
  })
  for (const window of windows) show(output, window)
  const removed = windows.filter((window) => window.removed).length
  const found = windows.length === 0 ? 'No windows' : plural(windows.length, 'window')
  output.line(windows.length === 0 ? found : `${found}, ${String(removed)} removed`)
  output.document({ windows })
  return ExitCode.Ok
}

function configuredDirectory(): string | undefined {
  const name = 'PINNACLE_WINDOW_DIRECTORY'
  const env = { [name]: process.env[name] }
  return loadConfig({ object: { dataDirectory: '.' }, env }).windowDirectory
}

const stateTexts: Readonly<Record<FoundWindow['state'], string>> = {
  'in-use': 'in use',
  needed: 'needed',
  'left-over': 'left over',
  'other-boot': 'of an earlier boot',
  'no-directory': 'its directory is not found',
  refused: 'was refused',
  unreadable: 'not readable',
}

function show(output: Output, window: FoundWindow): void {
  const { green, yellow } = output.colors
  const of = window.dataDirectory === '' ? '' : ` of ${window.dataDirectory}`
  const end = window.removed ? green('removed') : yellow('kept')
  const by = window.state === 'in-use' ? ` by process ${String(window.pid)}` : ''
  output.line(
    `${end}  ${window.path} (${bytes(window.bytes)})${of}: ${stateTexts[window.state]}${by}`,
  )
  if (!window.removed && window.reason !== '') output.line(`  ${window.reason}`)
}
