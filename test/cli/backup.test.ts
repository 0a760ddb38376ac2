import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { documentOf, lobsterFlow, pinnacle } from './running.js'

t.setTimeout(400_000)

async function withData(
  t: Test,
): Promise<{ data: string; backups: string; at: (name: string) => string }> {
  const directory = t.testdir({ 'flow.csv': lobsterFlow(2000) })
  const at = (name: string): string => join(directory, name)
  const words = ['run', at('flow.csv'), '-d', at('data'), '-i', 'TEST', '--segment-size', '64KiB']
  const ran = await pinnacle(words)
  t.equal(ran.code, 0, ran.stderr)
  return { data: at('data'), backups: at('backups'), at }
}

t.test(
  'backup and restore give a directory with the same books, and verify finds it clean',
  async (t) => {
    const { data, backups, at } = await withData(t)
    const made = await pinnacle(['backup', data, backups, '--json'])
    t.equal(made.code, 0, made.stderr)
    const report = documentOf(made)
    t.match(report.path, /00000001-\d{20}\.backup$/)
    const listed = await pinnacle(['backup', '--list', backups, '--json'])
    t.match(JSON.parse(listed.stdout), [{ path: report.path, problem: '' }])
    const restored = await pinnacle(['restore', backups, at('restored')])
    t.equal(restored.code, 0, restored.stderr)
    t.match(restored.stdout, 'Restored')
    for (const words of [['verify'], ['verify', '--pure']]) {
      const verified = await pinnacle([...words, at('restored')])
      t.equal(verified.code, 0, verified.stdout + verified.stderr)
    }
    const books = await Promise.all(
      [data, at('restored')].map((from) => pinnacle(['book', 'TEST', '-d', from, '--json'])),
    )
    t.equal(books[0]?.stdout, books[1]?.stdout)
  },
)

t.test('a backup on the command line works beside a writer of another process', async (t) => {
  const directory = t.testdir({ 'flow.csv': lobsterFlow(60_000) })
  const backups = join(directory, 'backups')
  let made: ReturnType<typeof pinnacle> | undefined
  const writing = await pinnacle(
    ['run', join(directory, 'flow.csv'), '-d', join(directory, 'data'), '-i', 'TEST'],
    {
      onStart: () => {
        const timer = setInterval(() => {
          if (!existsSync(join(directory, 'data', 'HEAD'))) return
          clearInterval(timer)
          made = pinnacle(['backup', join(directory, 'data'), backups, '--json'])
        }, 5)
      },
    },
  )
  t.equal(writing.code, 0, writing.stderr)
  const ran = await made
  t.equal(ran?.code, 0, ran?.stderr ?? 'it never began')
  const restored = await pinnacle(['restore', backups, join(directory, 'restored'), '--json'])
  t.equal(restored.code, 0, restored.stderr)
  t.equal(documentOf(restored).lastSequence, ran === undefined ? -1 : documentOf(ran).lastSequence)
})

t.test(
  'wrong usage, a target that is not empty and a missing backup have their exit codes',
  async (t) => {
    const { data, backups, at } = await withData(t)
    t.equal((await pinnacle(['backup', data])).code, 2)
    t.equal((await pinnacle(['backup', '--list', backups, data])).code, 2)
    t.equal((await pinnacle(['restore', backups, at('x'), '--sequence', 'x'])).code, 2)
    const missing = await pinnacle(['restore', backups, at('x'), '--json'])
    t.equal(missing.code, 1)
    t.match(missing.stdout + missing.stderr, 'ERR_PINNACLE_NOT_FOUND')
    t.equal((await pinnacle(['backup', data, backups])).code, 0)
    const refused = await pinnacle(['restore', backups, data])
    t.equal(refused.code, 1)
    t.match(refused.stderr, 'ERR_PINNACLE_ALREADY_EXISTS')
    t.strictSame(readdirSync(backups).length, 2)
  },
)

t.test('damage is in the exit codes of backup, its list and restore', async (t) => {
  const { data, backups, at } = await withData(t)
  const first = documentOf(await pinnacle(['backup', data, backups, '--json']))
  const journal = join(String(first.path), 'journal')
  const [segment = ''] = readdirSync(journal)
  const bytes = readFileSync(join(journal, segment))
  bytes[9000] = (bytes[9000] ?? 0) ^ 1
  writeFileSync(join(journal, segment), bytes)
  const restored = await pinnacle(['restore', backups, at('x')])
  t.match(restored, { code: 4, stderr: /ERR_PINNACLE_BACKUP_CORRUPT/ })
  const second = await pinnacle(['backup', data, backups])
  t.match(second, { code: 6, stdout: /of an earlier backup, does not verify/ })
  t.equal((await pinnacle(['restore', backups, at('x')])).code, 0, 'the new one is sound')
  t.equal((await pinnacle(['backup', '--list', backups])).code, 0, 'manifests are')
  writeFileSync(join(String(first.path), 'BACKUP'), 'x')
  t.equal((await pinnacle(['backup', '--list', backups])).code, 6)
})
