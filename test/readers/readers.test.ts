import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { node } from '../children.js'

t.setTimeout(300_000)

const main = fileURLToPath(new URL('./main.js', import.meta.url))

t.test(
  'a slow reader beside a fast writer gets everything or an error, never silence',
  async (t) => {
    const words = ['--rounds', '120', '--seed', '1000', '--directory', t.testdir()]
    const { stdout, stderr, status } = spawnSync(...node(main, ...words), {
      encoding: 'utf8',
      timeout: 280_000,
      killSignal: 'SIGKILL',
    })
    t.equal(status, 0, stdout + stderr)
    t.match(stdout, /120 interleavings, 0 wrong/)
    for (const kind of ['follow', 'consume']) t.match(stdout, `${kind} stopped`)
    for (const kind of ['iterate', 'dump', 'bookAt', 'book']) t.match(stdout, `${kind} complete`)
    for (const code of ['OUT_OF_REACH', 'DIRECTORY_LOST']) t.match(stdout, code)
  },
)
