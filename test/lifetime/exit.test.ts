// However a process ends with an open manager: it ends, and the next open finds all that was appended.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { node } from '../children.js'
import { flow, open } from '../persistence/setup.js'
import type { Told } from './dying.js'

const script = fileURLToPath(new URL('./dying.js', import.meta.url))

t.setTimeout(300_000)
t.jobs = 2

interface Ended {
  code: number | null
  signal: string | null
  /** Its last report. */
  told: Told | undefined
  stderr: string
}

function run(directory: string, ending: string): Promise<Ended> {
  const child = spawn(...node(script, directory, ending), {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const overdue = setTimeout(() => child.kill('SIGKILL'), 60_000)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(overdue)
      const last = stdout.trimEnd().split('\n').at(-1) ?? ''
      resolve({ code, signal, stderr, told: last ? (JSON.parse(last) as Told) : undefined })
    })
  })
}

async function recoversWhatWasTold(t: Test, directory: string, told: Told): Promise<void> {
  const manager = await open(directory)
  t.equal(manager.recovery.tail, 'clean')
  t.equal(manager.appendedFrontier, told.appended, 'every entry is there')
  t.equal(String(manager.book('AAPL').digest()), told.digest, 'the book is what it was')
  flow(manager, 50, 2)
  // Leftovers of an interrupted preparation go when the next segment is made, which takes a moment.
  while (manager.stats().segmentsCreated + manager.stats().segmentsRecycled === 0) {
    await sleep(2)
  }
  await manager.close()
  const left = [directory, join(directory, 'journal'), join(directory, 'snapshots')]
    .flatMap((each) => readdirSync(each))
    .filter((name) => /tmp|temporary|partial/.test(name))
  t.same(left, [], 'nothing half-written is left')
}

const endings: [ending: string, code: number | null, stderr: RegExp][] = [
  ['nothing left to do', 0, /^$/],
  ['process.exit in a listener', 7, /^$/],
  ['process.exit where durable() resolves', 7, /^$/],
  ['process.exit with a wait for durable() pending', 7, /^$/],
  ['process.exit while a snapshot runs', 7, /^$/],
  ['process.exit while a compaction runs', 7, /^$/],
  ['process.exit while close() runs', 7, /^$/],
  ['an operation in the exit handler', 0, /^$/],
  ['an uncaught exception', 1, /nobody catches this/],
  ['an uncaught exception in a listener', 1, /nobody catches this/],
  ['an unhandled rejection', 1, /nobody handles this/],
  ['an abort', null, /./],
]

for (const [ending, code, stderr] of endings) {
  t.test(`${ending}: all that was appended is kept`, { buffered: true }, async (t) => {
    const directory = join(t.testdir(), 'data')
    const ended = await run(directory, ending)
    t.equal(ended.code, code, `${String(ended.signal)}: ${ended.stderr}`)
    if (code === null) t.equal(ended.signal, 'SIGABRT')
    else t.match(ended.stderr, stderr)
    if (!ended.told) throw new Error(`it said nothing: ${ended.stderr}`)
    await recoversWhatWasTold(t, directory, ended.told)
  })
}

t.test('process.exit while recovery runs loses nothing', { buffered: true }, async (t) => {
  const directory = join(t.testdir(), 'data')
  const { told } = await run(directory, 'nothing left to do')
  if (!told) throw new Error('it said nothing')
  const ended = await run(directory, 'process.exit while recovery runs')
  t.equal(ended.code, 7, ended.stderr)
  t.equal(ended.stderr, '')
  await recoversWhatWasTold(t, directory, told)
})
