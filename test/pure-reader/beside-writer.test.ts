// Beside a busy writer, the second reader never reports false damage, and always real damage.
import { once } from 'node:events'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'

import type { PureJournal } from '../../lib/pure-reader/journal.js'
import { verifyPure, type PureReport } from '../../lib/pure-reader/verify.js'
import { fork } from '../children.js'
import { Sample, segmentName, write } from './image.js'

const runs = 20

t.test('beside a busy writer every run is clean', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'data')
  const script = fileURLToPath(new URL('./busy-writer.js', import.meta.url))
  const child = fork(script, [dataDirectory])
  const exited = once(child, 'exit')
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  let last = 0n
  let first: PureJournal | undefined
  let released = 0n
  for (let run = 1; run <= runs; run++) {
    // Reading blocks this thread; the pause also moves the point within the writer's rounds.
    await sleep(20 + run)
    const report = verifyPure(dataDirectory)
    t.same([report.verdict, ...report.problems, ...report.damaged], ['clean'], `run ${run}`)
    // (The writer may have waited for a snapshot meanwhile.)
    t.ok(report.journal.lastSequence >= last, `entry ${String(report.journal.lastSequence)}`)
    first ??= report.journal
    last = report.journal.lastSequence
    released = report.journal.firstSequence
  }
  t.ok(last > (first?.lastSequence ?? 0n), 'entries were written meanwhile')
  t.ok(released > (first?.firstSequence ?? 0n), 'segments were released meanwhile')
  child.kill('SIGKILL')
  await exited
  // The kill's last write may be torn, but nothing that was read is gone.
  const left = verifyPure(dataDirectory)
  t.not(left.verdict, 'corrupt', left.problems.join())
  t.ok(left.journal.lastSequence >= last)
})

t.test('damage that is there is found, and so is a tail that stays torn', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'data')
  const judged = (change: (sample: Sample) => void): PureReport => {
    const sample = new Sample()
    change(sample)
    sample.write(dataDirectory)
    // A live writer that does nothing.
    write(dataDirectory, { LOCK: Buffer.from(`${String(process.pid)}\n`) })
    return verifyPure(dataDirectory)
  }
  t.match(
    judged(() => undefined),
    { verdict: 'clean' },
  )
  t.match(
    judged(({ two }) => two.flip(60)),
    { verdict: 'corrupt', problems: [/0002\.segment: the header/] },
  )
  t.match(
    judged(({ two }) => two.flip(4600)),
    { verdict: 'corrupt', problems: [/0002\.segment at 4544: entry 18/] },
  )
  const torn = judged(({ three, head }) => {
    three.zero(4096 + 4 * 64 + 60, 4)
    head.durable = 20
  })
  t.match(torn, { verdict: 'torn', problems: [/entry 25 was still being written/] })
})

t.test('if no two looks find the same, nothing is said', async (t) => {
  const dataDirectory = new Sample().write(path.join(t.testdir(), 'data'))
  const worker = new Worker(fileURLToPath(new URL('./restless.js', import.meta.url)), {
    workerData: path.join(dataDirectory, segmentName(2)),
  })
  t.teardown(() => worker.terminate())
  write(dataDirectory, { LOCK: Buffer.from(`${String(process.pid)}\n`) })
  await once(worker, 'message')
  t.throws(() => verifyPure(dataDirectory), {
    code: 'ERR_PINNACLE_BUSY',
    message: /a writer changed .* during each of 40 attempts .*it holds segment/,
  })
})
