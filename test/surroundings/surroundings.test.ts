// A denied resource ends in coded errors, and outside interference costs nothing that was promised: no abort,
// no signal of our own, no lock left over. `npm run surroundings` is the long form.
import { join } from 'node:path'
import t from 'tap'
import { open } from '../persistence/setup.js'
import { limits } from './limits.js'
import { forks, meetLimit, opensAndCloses, signalled, workers } from './rounds.js'
import { drawn } from '../seed.js'

t.setTimeout(300_000)

for (const limit of limits()) {
  t.test(
    `a writer under ${limit.name} gets coded errors, and goes on once the limit is gone`,
    { skip: limit.unavailable ?? false },
    async (t) => {
      const directory = join(t.testdir(), 'limited')
      const { exit, under, after, appended, stderr } = await meetLimit(limit, directory)
      t.strictSame(exit, [0, null], stderr)
      for (const [name, outcome] of Object.entries(under)) {
        t.match(outcome, /^(ok|ERR_PINNACLE_[A-Z_]+)$/, name)
      }
      t.ok(
        Object.values(under).some((outcome) => limit.codes.includes(outcome)),
        `the limit was met: ${JSON.stringify(under)}`,
      )
      for (const [name, outcome] of Object.entries(after)) t.equal(outcome, 'ok', name)
      t.ok(Object.keys(after).length > 5)
      const manager = await open(join(directory, 'held'))
      t.equal(manager.appendedFrontier, appended)
      await manager.close()
    },
  )
}

t.test('processes that want the same directories, some killed, lose nothing', async (t) => {
  const { opened, codes, killed, wrong, lost } = await forks(6, 3, join(t.testdir(), 'forks'))
  t.ok(opened > 0 && killed > 0)
  t.strictSame(
    Object.keys(codes).filter((code) => code !== 'ERR_PINNACLE_LOCKED'),
    [],
  )
  t.strictSame(wrong, [])
  t.strictSame(lost, [])
})

t.test('opens and closes, with work under way at the close', async (t) => {
  t.strictSame(await opensAndCloses(20, t.testdir()), [])
})

t.test('worker threads that end or are terminated leave no lock', async (t) => {
  t.strictSame(await workers(4, 2, join(t.testdir(), 'workers')), [])
})

t.test('a signal ends a busy writer or does not, and nothing is lost', async (t) => {
  const root = t.testdir()
  for (const signal of ['SIGTERM', 'SIGUSR2', 'SIGCONT'] as const) {
    t.strictSame(await signalled(signal, drawn(20), join(root, signal)), [], signal)
  }
})
