import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { documentOf, pinnacle } from './running.js'

t.setTimeout(800_000)

t.test(
  'the demo kills its writers, proves every recovery, and leaves nothing behind',
  async (t) => {
    const temporary = t.testdir()
    const ran = await pinnacle(['demo', '--events', '300000', '--seed', '7'], {
      env: { TMPDIR: temporary },
    })
    t.equal(ran.code, 0, ran.stderr + ran.stdout)
    t.match(ran.stdout, /SIGKILL at about/)
    t.equal([...ran.stdout.matchAll(/3 books equal the uninterrupted run/g)].length, 3)
    t.match(ran.stdout, /after event 300,000: 3 books equal/)
    t.same(readdirSync(temporary), [])
  },
)

t.test('with --data it keeps the directory, which is as good as any', async (t) => {
  const data = join(t.testdir(), 'kept')
  const ran = await pinnacle(['demo', '--events', '200000', '--data', data, '--json'])
  t.equal(ran.code, 0, ran.stderr)
  t.match(documentOf(ran), { equal: true, plan: { events: 200_000 } })
  t.ok(existsSync(join(data, 'journal')))
  t.equal((await pinnacle(['verify', data])).code, 0)
  const again = await pinnacle(['demo', '--events', '200000', '--data', data])
  t.equal(again.code, 1)
  t.match(again.stderr, /^ERR_PINNACLE_ALREADY_EXISTS/)
})
