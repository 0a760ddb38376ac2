/** Listeners that throw: the bug is theirs, and the library continues. */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { inspect } from '../../lib/index.js'
import { fork } from '../children.js'
import { open } from './setup.js'
import type { Seen } from './throwing-listeners.js'

const script = fileURLToPath(new URL('./throwing-listeners.js', import.meta.url))

t.test('a listener that throws disturbs nothing but its own process', async (t) => {
  const child = fork(script, [t.testdir(), 'handled'])
  const [[seen], [code]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [
    [Seen],
    [number | null],
  ]
  t.equal(code, 0)
  const events = ['snapshot', 'snapshotFailed', 'compaction', 'closed']
  for (const event of events) {
    t.ok(seen.uncaught.includes(event), `${event}: an uncaught exception`)
    t.ok(seen.others.includes(event), `${event}: the other listener`)
  }
  t.equal(seen.rejected, 'ERR_PINNACLE_STATE_MACHINE', 'snapshot() rejects with its own error')
  t.ok(seen.snapshots > 0)
  t.equal(seen.idleSnapshots, 0, 'without traffic the timer takes no snapshot')
  t.ok(seen.firstSequence > 1, 'the journal was compacted')
})

t.test(
  'a listener that throws while a directory is opened makes open reject, and the lock is free',
  async (t) => {
    const directory = t.testdir()
    await (await open(directory)).close()
    for (const event of ['recoveryProgress', 'recovered'] as const) {
      const calls: string[] = []
      const listener = (): void => {
        calls.push(event)
        throw new Error(`a bug in ${event}`)
      }
      const listeners = { [event]: listener }
      await t.rejects(open(directory, {}, { listeners }), { message: `a bug in ${event}` })
      t.ok(calls.length > 0, event)
      await (await open(directory)).close()
    }
  },
)

t.test('without a handler the exception ends the process, and the lock is free', async (t) => {
  const directory = t.testdir()
  const child = fork(script, [directory, 'unhandled'], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  t.equal(code, 1)
  t.match(errors, /Error: snapshot/)
  const manager = await open(directory)
  await manager.close()
})

t.test('an inspection whose progress listener throws ends with its report', async (t) => {
  const directory = t.testdir()
  await (await open(directory)).close()
  const child = fork(fileURLToPath(new URL('./inspecting.js', import.meta.url)), [directory])
  const [[said], [code]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [
    [{ uncaught: string[]; tail: string }],
    [number | null],
  ]
  t.equal(code, 0)
  t.equal(said.tail, (await inspect(directory)).recovery.tail)
  t.ok(said.uncaught.length > 0 && said.uncaught.every((message) => message === 'progress'))
})
