import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { node } from '../children.js'

t.setTimeout(300_000)

const main = fileURLToPath(new URL('./main.js', import.meta.url))

t.test(
  'backups at random moments of a busy writer, some of them killed, restore to the state of the oracle',
  async (t) => {
    // In a separate process: the test runner's hooks make each comparison of an entry far slower.
    const words = ['--rounds', '6', '--seed', '5', '--directory', t.testdir()]
    const { stdout, stderr, status } = spawnSync(...node(main, ...words), {
      encoding: 'utf8',
      timeout: 280_000,
      killSignal: 'SIGKILL',
    })
    t.equal(status, 0, stdout + stderr)
    const counts = JSON.parse(stdout.split('\n')[0] ?? '') as Record<string, number>
    t.ok((counts['backups'] ?? 0) > 1, stdout)
    t.ok((counts['restores'] ?? 0) >= (counts['backups'] ?? 0), stdout)
    t.ok((counts['killedWriters'] ?? 0) + (counts['killedBackups'] ?? 0) > 0, stdout)
  },
)
