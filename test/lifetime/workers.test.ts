// A manager in a worker thread ends with the thread, however that ends, and the process goes on.
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { open } from '../persistence/setup.js'
import type { Told } from './dying.js'

const script = new URL('./dying.js', import.meta.url)

t.setTimeout(300_000)

async function start(directory: string, ending: string): Promise<{ worker: Worker; told: Told }> {
  const worker = new Worker(script, { workerData: [directory, ending] })
  const [told] = (await once(worker, 'message')) as [Told]
  return { worker, told }
}

for (const ending of ['waiting', 'waiting, with a snapshot running', 'waiting for durable()']) {
  t.test(`a worker is terminated: ${ending}`, async (t) => {
    const directory = join(t.testdir(), 'data')
    let known = 0
    for (let round = 0; round < 2; round++) {
      const { worker, told } = await start(directory, ending)
      await new Promise((resolve) => setTimeout(resolve, round * 7))
      await worker.terminate()
      t.ok(told.appended > known, 'it went on where the one before was ended')
      // In this process: the lock went with the thread.
      const manager = await open(directory)
      t.ok(manager.appendedFrontier >= told.appended, 'every entry is there')
      t.equal(String(manager.book('AAPL').digest()), told.digest)
      known = manager.appendedFrontier
      await manager.close()
    }
  })
}

for (const [ending, error] of [
  ['process.exit in a listener', undefined],
  ['nothing left to do', undefined],
  ['an uncaught exception', /nobody catches this/],
  ['an unhandled rejection', /nobody handles this/],
] as const) {
  t.test(`a worker ends by itself: ${ending}`, async (t) => {
    const directory = join(t.testdir(), 'data')
    const worker = new Worker(script, { workerData: [directory, ending] })
    const errors: Error[] = []
    worker.on('error', (each) => errors.push(each))
    const exited = new Promise((resolve) => worker.once('exit', resolve))
    // Not events.once(): it rejects if 'error' comes in the same turn.
    const told = await new Promise<Told>((resolve) => worker.once('message', resolve))
    await exited
    t.match(errors[0]?.message ?? '', error ?? /^$/)
    const manager = await open(directory)
    t.equal(manager.appendedFrontier, told.appended)
    t.equal(String(manager.book('AAPL').digest()), told.digest)
    await manager.close()
  })
}
