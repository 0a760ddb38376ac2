import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { node } from '../children.js'

t.setTimeout(300_000)

const main = fileURLToPath(new URL('./main.js', import.meta.url))

t.test('no kill leaves half of a fill that is a transaction', async (t) => {
  const words = ['--kills', '12', '--seed', String(process.pid), '--directory', t.testdir()]
  const { stdout, stderr, status } = spawnSync(...node(main, ...words), {
    encoding: 'utf8',
    timeout: 280_000,
    killSignal: 'SIGKILL',
  })
  t.equal(status, 0, stdout + stderr)
  t.match(stdout, /^12 kills, seed \d+, [1-9]\d* fills: 0 inconsistent/)
})
