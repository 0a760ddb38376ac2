// What a process holds: nothing grows with open and close, forked children inherit nothing, and garbage
// collection closes what was dropped.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { fork } from '../children.js'
import { flow, open } from '../persistence/setup.js'
import type { Held } from './cycles.js'

const scriptOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

t.setTimeout(300_000)

t.test(
  '50 times open and close: no more descriptors, threads, mappings or memory',
  { skip: !existsSync('/proc/self/task') && 'needs /proc' },
  async (t) => {
    const directory = join(t.testdir(), 'data')
    const child = fork(scriptOf('./cycles.js'), [directory, '50'], { execArgv: ['--expose-gc'] })
    const exited = once(child, 'exit')
    const [all] = (await once(child, 'message')) as [Held[]]
    t.same(await exited, [0, null])
    t.equal(all.length, 50)
    const settled = all[9] as Held
    for (const [cycle, held] of all.entries()) {
      t.equal(held.mappings, 0, `cycle ${String(cycle)}: no file is mapped`)
      if (cycle < 10) continue
      t.equal(held.descriptors, settled.descriptors, `cycle ${String(cycle)}: descriptors`)
      t.equal(held.threads, settled.threads, `cycle ${String(cycle)}: threads`)
    }
    const least = (from: number, to: number): number =>
      Math.min(...all.slice(from, to).map((held) => held.residentKiB))
    const grown = least(40, 50) - least(5, 15)
    t.ok(grown < 8 * 1024, `memory grew by ${String(grown)} KiB in 35 cycles`)
  },
)

t.test('20 forked children inherit neither files nor the lock', async (t) => {
  const directory = join(t.testdir(), 'data')
  const manager = await open(directory)
  const children: ChildProcess[] = []
  t.teardown(() => {
    for (const child of children) child.kill()
  })
  for (let round = 0; round < 4; round++) {
    const some = Array.from({ length: 5 }, () => fork(scriptOf('./forked.js'), [directory]))
    children.push(...some)
    flow(manager, 100, round + 1)
    for (const told of await Promise.all(some.map((child) => once(child, 'message')))) {
      t.same(told[0], [], 'no file of the data directory is open in the child')
    }
  }
  const appended = manager.appendedFrontier
  await manager.close()
  const again = await open(directory)
  t.equal(again.appendedFrontier, appended, 'the lock is free though the children live')
  await again.close()
  const exits = children.map((child) => once(child, 'exit'))
  for (const child of children) child.disconnect()
  for (const [code] of await Promise.all(exits)) t.equal(code, 0)
})

t.test('managers that are forgotten without close() are let go with all they had', async (t) => {
  const directory = join(t.testdir(), 'data')
  const child = fork(scriptOf('./forgotten.js'), [directory], { execArgv: ['--expose-gc'] })
  const exited = once(child, 'exit')
  const [told] = (await Promise.race([once(child, 'message'), exited])) as [number[]]
  t.same(await exited, [0, null])
  t.equal(told.length, 5)
  const manager = await open(directory)
  t.equal(manager.appendedFrontier, told.at(-1))
  await manager.close()
})
