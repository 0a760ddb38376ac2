// An entry whose append has returned survives the process, even if it is in a window and not yet in a file.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { inspect, Journal, PersistenceManager, type WindowLoss } from '../../lib/index.js'
import { durabilities } from '../../lib/native/option-names.js'
import { verifyPure } from '../../lib/pure-reader/verify.js'
import { copyLive } from '../copying.js'
import { killedWriter, saidOf, startWriter } from './killing.js'
import { memoryDirectory, needsMemory, windowsIn } from './places.js'

t.setTimeout(400_000)

for (const durability of durabilities) {
  t.test(`a killed writer loses nothing: ${durability}`, { skip: needsMemory }, async (t) => {
    const memory = memoryDirectory(t)
    const data = join(t.testdir(), 'data')
    let onlyInWindows = 0
    for (let round = 0; round < 8; round++) {
      const { appended } = await killedWriter(data, memory, durability, 5 + 23 * round)
      t.equal(windowsIn(memory).length, 1)
      const found = await inspect(data)
      t.ok(found.recovery.lastSequence >= appended, 'inspect counts what the window has')
      t.equal(found.window.fate, 'used')
      // The two paths alternate in taking over.
      const manager = await PersistenceManager.open({
        dataDirectory: data,
        writePath: round % 2 === 0 ? 'window' : 'mapped',
        windowDirectory: memory,
        snapshotIntervalMin: 0,
      })
      const { recovery } = manager
      t.ok(
        recovery.lastSequence >= appended,
        `${String(recovery.lastSequence)}, ${String(appended)}`,
      )
      t.equal(recovery.lastSequence, found.recovery.lastSequence)
      t.equal(recovery.window.fate, 'used')
      t.equal(recovery.window.entries, found.window.entries)
      t.not(recovery.tail, 'corrupt')
      onlyInWindows += recovery.window.entries
      let next = recovery.firstSequence
      for await (const { sequence } of manager.journal.entries()) {
        if (sequence !== next++) throw new Error(`entry ${String(sequence)} is out of order`)
      }
      t.equal(next, recovery.lastSequence + 1)
      await manager.close()
      t.same(windowsIn(memory), [], 'a close leaves no window')
    }
    if (durability === 'appended') t.ok(onlyInWindows > 0)
    t.equal(verifyPure(data).verdict, 'clean')
  })
}

t.test(
  'a lost window loses what was not written, and the loss is reported',
  { skip: needsMemory },
  async (t) => {
    const memory = memoryDirectory(t)
    const data = join(t.testdir(), 'data')
    const { appended, written } = await killedWriter(data, memory, 'appended', 200)
    const [window = ''] = windowsIn(memory)
    t.equal(verifyPure(data).window, join(memory, window))
    rmSync(join(memory, window))
    t.match(await inspect(data), { window: { fate: 'gone', path: join(memory, window) } })
    const losses: WindowLoss[] = []
    const open = (): Promise<PersistenceManager> =>
      PersistenceManager.open(
        { dataDirectory: data, windowDirectory: memory, snapshotIntervalMin: 0 },
        { listeners: { windowLost: (loss) => losses.push(loss) } },
      )
    const manager = await open()
    t.match(manager.recovery.window, { fate: 'gone', path: join(memory, window), entries: 0 })
    t.ok(manager.recovery.lastSequence >= written)
    t.ok(manager.recovery.lastSequence <= appended + 1)
    t.match(losses, [{ path: join(memory, window), reason: /is gone/, found: 'open' }])
    await manager.close()
    await (await open()).close()
    t.equal(losses.length, 1, 'it is reported once')
  },
)

t.test('a copy of a live directory leaves the window alone', { skip: needsMemory }, async (t) => {
  const memory = memoryDirectory(t)
  const data = join(t.testdir(), 'data')
  const copy = `${data}-copy`
  const { appended } = await killedWriter(data, memory, 'appended', 100, async () => {
    copyLive(data, copy)
    rmSync(join(copy, 'LOCK'), { force: true })
    const [window = ''] = windowsIn(memory)
    const losses: WindowLoss[] = []
    const manager = await PersistenceManager.open(
      { dataDirectory: copy, windowDirectory: memory, recoveryPolicy: 'point-in-time' },
      { listeners: { windowLost: (loss) => losses.push(loss) } },
    )
    t.match(manager.recovery.window, {
      fate: 'refused',
      reason: /of which this directory is a copy/,
    })
    t.equal(losses.length, 1)
    manager.append(3, new Uint8Array(8))
    await manager.close()
    t.same(windowsIn(memory), [window])
  })
  const journal = await Journal.open({ dataDirectory: data, windowDirectory: memory })
  t.equal(journal.recovery.window.fate, 'used')
  t.ok(journal.appendedFrontier >= appended)
  await journal.close()
  t.same(windowsIn(memory), [])
})

t.test(
  'a writer whose files can not be written to fails with the cause, and its window has the rest',
  { skip: needsMemory },
  async (t) => {
    const memory = memoryDirectory(t)
    const data = join(t.testdir(), 'data')
    const child = await startWriter(data, memory, 'appended')
    let stderr = ''
    child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
    // Less than the segment needs, more than the writer's own records take.
    spawnSync('prlimit', ['--pid', String(child.pid), '--fsize=8192:'])
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    t.same([code, signal], [1, null])
    t.match(stderr, /ERR_PINNACLE_(JOURNAL_FAILED|NO_SPACE)/)
    t.match(stderr, /File too large/)
    const { appended } = saidOf(data)
    const manager = await PersistenceManager.open({ dataDirectory: data, windowDirectory: memory })
    t.equal(manager.recovery.window.fate, 'used')
    // (Possibly none is missing from the files, if the failed write was of zeros.)
    t.ok(manager.appendedFrontier >= appended)
    await manager.close()
    t.same(windowsIn(memory), [])
  },
)
