// The contract's pages name the test that shows each claim. A name that no test has shows nothing.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

/** Source files of tests by path and, where that is not ambiguous, by name. */
const tests = new Map<string, string>()
for (const [directory, extension] of [
  ['native', '_test.cc'],
  ['test', '.test.ts'],
] as const) {
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith(extension)) continue
    const file = `${directory}/${entry.split(path.sep).join('/')}`
    tests.set(file, file)
    tests.set(path.basename(file), file)
  }
}

interface Citation {
  page: string
  line: number
  file: string
  /** '' where only the file is named. */
  name: string
}

/** `file`: "name", "name" … : each name belongs to the file before it, within a cell or paragraph. */
function citationsOf(page: string, text: string): Citation[] {
  const citations: Citation[] = []
  for (const [index, lineText] of text.split('\n').entries()) {
    for (const cell of lineText.split(/(?<!\\)\|/)) {
      let file = ''
      let named = false
      const bare = (): void => {
        if (file !== '' && !named) citations.push({ page, line: index + 1, file, name: '' })
      }
      for (const [, code, quoted] of cell.matchAll(/`([^`]+)`|"([^"]+)"/g)) {
        if (code !== undefined) {
          if (!/(_test\.cc|\.test\.ts)$/.test(code)) continue
          bare()
          file = code
          named = false
        } else if (file !== '' && quoted !== undefined) {
          named = true
          citations.push({ page, line: index + 1, file, name: quoted })
        }
      }
      bare()
    }
  }
  return citations
}

/** A test's source as one line of words: names may be wrapped, and put together from pieces. */
function wordsOf(file: string): string {
  return readFileSync(file, 'utf8')
    .replace(/"\s*\n\s*"/g, '')
    .replace(/\$\{[^}]*\}/g, '…')
}

function missing(citations: Citation[]): Citation[] {
  return citations.filter(({ file, name }) => {
    const source = tests.get(file)
    if (source === undefined) return true
    // "…" stands for the rest of a name, and for what a loop puts into it.
    const words = wordsOf(source)
    return !name.split('…').every((part) => words.includes(part.trim()))
  })
}

const pages = ['docs/durability.md', 'docs/recovery.md', 'docs/torture.md', 'docs/security.md']

for (const page of pages) {
  t.test(`every test that ${page} names exists`, async (t) => {
    const citations = citationsOf(page, readFileSync(page, 'utf8'))
    t.strictSame(missing(citations), [])
    if (page === 'docs/durability.md') t.ok(citations.length >= 20, `${citations.length} citations`)
    if (page === 'docs/recovery.md') t.ok(citations.length >= 8, `${citations.length} citations`)
  })
}

t.test('a name that is not there, and a file that is not there, are found', async (t) => {
  const cited = citationsOf('p', '| yes | `scan_test.cc`: "one", "two"; `x.test.ts` | `code` |')
  t.strictSame(cited, [
    { page: 'p', line: 1, file: 'scan_test.cc', name: 'one' },
    { page: 'p', line: 1, file: 'scan_test.cc', name: 'two' },
    { page: 'p', line: 1, file: 'x.test.ts', name: '' },
  ])
  const right = '`scan_test.cc`: "a torn last entry …"; `cited-tests.test.ts`'
  t.strictSame(missing(citationsOf('p', right)), [])
  const wrong = '`scan_test.cc`: "no test is called so"; `no-such.test.ts`'
  t.equal(missing(citationsOf('p', wrong)).length, 2)
})
