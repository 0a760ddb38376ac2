// docs/limits.md against the constants, and docs/compatibility.md against the formats and the fixtures.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import {
  bounds,
  longestNameBytes,
  longestWindowDirectoryBytes,
  rangeText,
} from '../../lib/config/bounds.js'
import { freeFailures, lockOutAfter } from '../../lib/credentials/attempt-limiter.js'
import { defaultHistory } from '../../lib/credentials/content.js'
import { maxKeyEntries } from '../../lib/credentials/envelope.js'
import { maxPasswordBytes } from '../../lib/credentials/strength.js'
import { maxHistory } from '../../lib/credentials/vault.js'
import { maxScale } from '../../lib/decimal/decimal.js'
import { Staging } from '../../lib/native/binding.js'
import { lastUsersType } from '../../lib/registry/user-types.js'

const limits = readFileSync('docs/limits.md', 'utf8')

/** The cell after the first one of the row that begins so. */
function limitOf(what: string): string {
  const row = limits.split('\n').find((line) => line.startsWith(`| ${what} `))
  return row?.split('|')[2]?.trim() ?? `there is no row "${what}"`
}

/** What a source says after `name = `. */
function constantOf(file: string, name: string): string {
  const [, value] = new RegExp(`\\b${name} = ([^;\\n]+)`).exec(readFileSync(file, 'utf8')) ?? []
  return value ?? `there is no ${name}`
}

const number = (value: number): string => value.toLocaleString('en-US')

t.test('the page of limits has the figures of the code', async (t) => {
  const said: [what: string, begin: string][] = [
    ['decimal places of prices, quantities', `0 to ${maxScale}`],
    ['instruments of a directory', number(bounds.instruments.to)],
    ["an instrument's name", `${longestNameBytes} bytes`],
    ['orders to reserve for', `${number(bounds.expectedOrders.to)} in`],
    ["a user entry's type", `0 to ${lastUsersType}`],
    ['a batch', `${number(Staging.maxOperations)} operations`],
    ['a segment', rangeText(bounds.segmentSize)],
    ['the window', rangeText(bounds.windowSize)],
    ['`windowDirectory`', `${longestWindowDirectoryBytes} bytes`],
    ['spare segments', rangeText(bounds.spareSegments)],
    ['kept snapshots', rangeText(bounds.keepSnapshots)],
    ['old values of a credential', `0 to ${maxHistory}, by default ${defaultHistory}`],
    ['keys that open a file', String(maxKeyEntries)],
    ['a master password', `12 to ${number(maxPasswordBytes)} bytes`],
    ['failed unlocks', `${freeFailures} without a wait; a lock-out from ${lockOutAfter} on`],
  ]
  for (const [what, begin] of said) {
    t.ok(limitOf(what).startsWith(begin), `${what}: ${limitOf(what)}, in the code ${begin}`)
  }
})

t.test('the page of limits has the figures of the sources that export none', async (t) => {
  const said: [what: string, text: string, file: string, name: string, value: string][] = [
    ['live orders of a book', '2^30', 'native/book/order_book.h', 'kMaxOrders', '1u << 30'],
    [
      'a payload',
      '16 MiB − 32 bytes, and half of a segment',
      'native/journal/format.h',
      'kMaxPayloadBytes',
      '16 * 1024 * 1024 - 32',
    ],
    ['levels of one `depth()`', '1,000,000', 'lib/book/book-view.ts', 'maxDepth', '1_000_000'],
    [
      'credentials of a store',
      '4,096, in a file of 4 MiB',
      'lib/credentials/store-files.ts',
      'maxCredentialsBytes',
      '4 * 1024 * 1024',
    ],
    ['a field', '16 KiB', 'lib/credentials/validation.ts', 'maxFieldBytes', '16 * 1024'],
    [
      'a master password',
      '12 to 1,024 bytes',
      'lib/credentials/strength.ts',
      'minPasswordBytes',
      '12',
    ],
  ]
  for (const [what, text, file, name, value] of said) {
    t.equal(constantOf(file, name), value, `${file}: ${name}; the row of the page is "${what}"`)
    t.equal(limitOf(what), text)
  }
})

t.test('the page names the platforms of the package', async (t) => {
  const { os, cpu } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, string[]>
  t.same(os, ['linux', 'darwin'])
  t.same(cpu, ['x64', 'arm64'])
  t.match(limits, /^- Linux and macOS, x64 and arm64/m)
})

t.test('every fixture of an earlier version has its row and its test', async (t) => {
  const page = readFileSync('docs/compatibility.md', 'utf8')
  const rows = [...page.matchAll(/^\| `([\w-]+)` +\|[^|]*\| `(test\/[^`]+)` +\|$/gm)]
  t.same(rows.map(([, name]) => name).sort(), readdirSync('test/fixtures').sort())
  for (const [, name = '', test = ''] of rows) {
    t.ok(existsSync(test), test)
    t.ok(existsSync(test) && readFileSync(test, 'utf8').includes(name), `${test} opens ${name}`)
  }
})

t.test('the page of compatibility has the versions that are written', async (t) => {
  const page = readFileSync('docs/compatibility.md', 'utf8')
  const written = (file: string): string =>
    new RegExp(`^\\| ${file} +\\| (\\d+) `, 'm').exec(page)?.[1] ?? `no row "${file}"`
  t.equal(written('segment'), constantOf('native/journal/format.h', 'kJournalVersion'))
  t.equal(written('snapshot'), constantOf('native/snapshot/format.h', 'kSnapshotVersion'))
  t.equal(written('window'), constantOf('native/window/window_format.h', 'kWindowVersion'))
})
