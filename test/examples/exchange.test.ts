// The example exchange: its documentation runs, and it keeps its promises when it is killed.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { node } from '../children.js'

t.setTimeout(300_000)

function run(name: string, ...words: string[]): { status: number | null; output: string } {
  const script = fileURLToPath(new URL(`../../examples/exchange/${name}.js`, import.meta.url))
  const { stdout, stderr, status } = spawnSync(...node(script, ...words), {
    encoding: 'utf8',
    timeout: 280_000,
    killSignal: 'SIGKILL',
  })
  return { status, output: stdout + stderr }
}

t.test('the tour of the exchange ends as it says', async (t) => {
  const { status, output } = run('demo', `${t.testdir()}/data`)
  t.equal(status, 0, output)
  t.match(output, /bought in 2 trades, 0 lots open/)
  t.match(output, /refused: 49000 lots found no match; the book is as it was: true/)
  t.match(output, /after a restart the book is as it was: true/)
  t.match(output, /best offer then: 3000\.00\nwrong then: 0/)
})

t.test('a killed exchange keeps whole trades, and all that it acknowledged', async (t) => {
  const seed = String(process.pid)
  const words = ['--kills', '10', '--seed', seed, '--directory', t.testdir()]
  const { status, output } = run('kills', ...words)
  t.equal(status, 0, output)
  t.comment(output)
  t.match(output, `10 kills, seed ${seed}`)
  t.match(output, /"acknowledged":[1-9]/)
  t.match(output, /10 kills, 0 wrong/)
})
