import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { node } from '../children.js'

t.setTimeout(120_000)

const child = fileURLToPath(new URL('./prompt-child.js', import.meta.url))
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0
const skip = hasPython ? false : 'a pseudo-terminal is made with python3, which is not installed'

/**
 * Runs the child on a new pseudo-terminal: types `keys` once the prompt is shown, or sends a signal. Reports
 * the output, and whether the terminal's settings are unchanged.
 */
const driver = `
import os, pty, sys, termios, time, signal, json, select
keys = bytes.fromhex(sys.argv[1]); number = int(sys.argv[2]); command = sys.argv[3:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
# Before the child can have changed anything: Node takes longer to start than this line does.
before = termios.tcgetattr(fd); shown = b''; typed = False; deadline = time.time() + 20
during = None
while time.time() < deadline:
    ready, _, _ = select.select([fd], [], [], 0.1)
    if ready:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data: break
        shown += data
    if not typed and b'Say: ' in shown:
        during = termios.tcgetattr(fd)
        typed = True
        if number: os.kill(pid, number)
        else: os.write(fd, keys)
    if typed:
        try:
            after = termios.tcgetattr(fd)
        except termios.error:
            break
_, status = os.waitpid(pid, 0)
try:
    after = termios.tcgetattr(fd)
except termios.error:
    pass
print(json.dumps({
    'shown': shown.decode('latin1'),
    'same': after == before,
    'echoDuring': bool(during and during[3] & termios.ECHO),
    'signal': os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
}))
`

interface Seen {
  readonly shown: string
  readonly same: boolean
  readonly echoDuring: boolean
  readonly signal: number
}

function type(keys: Buffer | string, signal = 0): Seen {
  const { stdout, stderr } = spawnSync(
    'python3',
    ['-c', driver, Buffer.from(keys).toString('hex'), String(signal), ...node(child).flat()],
    { encoding: 'utf8' },
  )
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Seen
}

const got = (text: string): string =>
  `got ${String(Buffer.byteLength(text))} ${createHash('sha256').update(text).digest('hex')}`

t.test('what is typed is masked, never echoed, and arrives whole', { skip }, (t) => {
  const seen = type('hidden wörd\r')
  t.match(seen.shown, got('hidden wörd'))
  t.notMatch(seen.shown, /hidden/)
  t.ok(seen.shown.includes('Say: ***********\r\n'), 'one star a character')
  t.match(seen, { same: true, echoDuring: false })
  t.end()
})

t.test('backspace, Ctrl-U, arrow keys and a bracketed paste do what they should', { skip }, (t) => {
  t.match(type('abcü\x7f\x7fd\r').shown, got('abd'))
  t.match(type('wrong\x15right\r').shown, got('right'))
  t.match(type('a\x1b[D\x1b[Ab\x1bOAc\r').shown, got('abc'))
  t.match(type('\x1b[200~pasted text\x1b[201~\r').shown, got('pasted text'))
  t.match(type(`${'p'.repeat(900)}\r`).shown, got('p'.repeat(900)), 'a long paste')
  t.end()
})

t.test('Ctrl-C and the end of input leave the terminal as it was', { skip }, (t) => {
  const interrupted = type('half a passw\x03')
  t.match(interrupted.shown, 'failed ERR_PINNACLE_INTERRUPTED')
  t.match(interrupted, { same: true, echoDuring: false })
  const ended = type('\x04')
  t.match(ended.shown, 'failed ERR_PINNACLE_PASSWORD_SOURCE')
  t.equal(ended.same, true)
  t.match(type('\r').shown, 'failed ERR_PINNACLE_PASSWORD_SOURCE', 'an empty password')
  t.end()
})

t.test('a signal ends the process with the terminal as it was', { skip }, (t) => {
  for (const number of [15, 2, 1]) {
    const seen = type('', number)
    t.match(seen, { same: true, echoDuring: false, signal: number })
  }
  t.end()
})

t.test('without a terminal there is a coded error', (t) => {
  const { stdout } = spawnSync('setsid', ['-w', ...node(child).flat()], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  if (stdout) t.match(stdout, 'failed ERR_PINNACLE_PASSWORD_SOURCE')
  else t.comment('setsid is not here')
  t.end()
})
