/** Directories with files that are missing, renamed, foreign, or from a copy that was continued elsewhere. */
import { copyFileSync, cpSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { inspect, verdictOf } from '../../lib/index.js'
import { flow, open } from './setup.js'

const segmentsOf = (directory: string): string[] =>
  readdirSync(join(directory, 'journal'))
    .filter((name) => name.endsWith('.segment'))
    .sort()
    .map((name) => join(directory, 'journal', name))

/** About four full segments and a ready one; 500 entries before the snapshot, if there is one. */
async function made(directory: string, snapshot: boolean): Promise<number> {
  const manager = await open(directory)
  for (let i = 0; i < 500; i++) manager.append(1, Uint8Array.of(1))
  if (snapshot) await manager.snapshot()
  for (let i = 0; i < 3500; i++) manager.append(1, Uint8Array.of(2))
  const last = await manager.durable()
  await manager.close()
  return last
}

/** A strict open refuses, verify reports corruption, and both say what is wrong. */
async function refused(t: Test, directory: string, why: RegExp): Promise<void> {
  await t.rejects(open(directory), { code: 'ERR_PINNACLE_CORRUPT', message: why })
  t.equal(verdictOf(await inspect(directory)), 'corrupt')
}

t.test('missing segments are corruption, and the error says which', async (t) => {
  for (const snapshot of [true, false]) {
    const whole = t.testdir({ [String(snapshot)]: {} })
    const source = join(whole, String(snapshot), 'whole')
    await made(source, snapshot)
    const names = segmentsOf(source)
    t.ok(names.length >= 5)
    const last = names.length
    for (const [what, gone] of [
      ['the first', [0]],
      ['one in the middle', [2]],
      ['the last with entries and the ready one', [last - 2, last - 1]],
      ['all but the ready one', names.map((_, index) => index).slice(0, -1)],
      ['the ready one', [last - 1]],
      ['all', names.map((_, index) => index)],
    ] as const) {
      const copy = join(whole, String(snapshot), what)
      cpSync(source, copy, { recursive: true })
      const paths = segmentsOf(copy)
      for (const index of gone) rmSync(paths[index] as string)
      await refused(t, copy, new RegExp(`segment ${String(gone[0] + 1)} is missing`))
    }
  }
})

t.test('a segment that only an older snapshot needs is missing: corruption, too', async (t) => {
  const directory = t.testdir()
  const manager = await open(directory, { keepSnapshots: 2 })
  for (let round = 0; round < 2; round++) {
    flow(manager, 2500, round + 1)
    await manager.snapshot()
  }
  await manager.close()
  rmSync(segmentsOf(directory)[1] as string)
  await refused(t, directory, /segment 2 is missing/)
})

t.test(
  'a head record that is missing or damaged is corruption; a repair keeps every entry',
  async (t) => {
    const directory = t.testdir()
    const last = await made(directory, true)
    rmSync(join(directory, 'HEAD'))
    await refused(t, directory, /HEAD is missing/)
    const manager = await open(directory, { recoveryPolicy: 'point-in-time' })
    t.equal(manager.recovery.lastSequence, last)
    t.same(manager.recovery.holes, [])
    await manager.close()
    await (await open(directory)).close()
  },
)

t.test('segments of a copy that was continued elsewhere are never mixed in', async (t) => {
  const directory = t.testdir()
  const [ours, theirs] = [join(directory, 'ours'), join(directory, 'theirs')]
  const start = await open(ours)
  for (let i = 0; i < 500; i++) start.append(1, Uint8Array.of(1))
  await start.close()
  cpSync(ours, theirs, { recursive: true })
  for (const [where, byte] of [
    [ours, 2],
    [theirs, 3],
  ] as const) {
    const manager = await open(where)
    for (let i = 0; i < 3500; i++) manager.append(1, Uint8Array.of(byte))
    await manager.close()
  }
  // (Timing decides whether the next segment was ready at the close.)
  const count = Math.min(segmentsOf(ours).length, segmentsOf(theirs).length)
  const exchanges = [[0], [1], [2], [count - 2], [count - 1], [1, 2], [0, 1]]
  exchanges.push(Array.from({ length: count }, (_, index) => index))
  for (const exchanged of exchanges) {
    const mixed = join(directory, exchanged.join('-'))
    cpSync(ours, mixed, { recursive: true })
    for (const index of exchanged) {
      copyFileSync(segmentsOf(theirs)[index] as string, segmentsOf(mixed)[index] as string)
    }
    await refused(t, mixed, /elsewhere|another segment|head record/)
    for (const recoveryPolicy of ['point-in-time', 'salvage'] as const) {
      const copy = `${mixed}-${recoveryPolicy}`
      cpSync(mixed, copy, { recursive: true })
      const manager = await open(copy, { recoveryPolicy })
      const seen = new Set<number>()
      for await (const entry of manager.journal.entries()) {
        if (entry.type === 'user') seen.add(entry.payload[0] ?? 0)
      }
      // (Both share the first segment: without ours, the copy's additions to it are indistinguishable.)
      if (!exchanged.includes(0)) t.notOk(seen.has(3), `${exchanged.join()}, ${recoveryPolicy}`)
      await manager.close()
      await (await open(copy)).close()
    }
  }
})

t.test(
  'a renamed or duplicated segment is corruption, and nothing of it is recycled',
  async (t) => {
    const directory = t.testdir()
    const source = join(directory, 'source')
    await made(source, false)
    const count = segmentsOf(source).length
    const nameOf = (index: number): string => `${String(index).padStart(20, '0')}.segment`
    for (const [what, to] of [
      ['over another', 2],
      ['over the ready one', count],
      ['as a new one', count + 1],
    ] as const) {
      const copy = join(directory, what)
      cpSync(source, copy, { recursive: true })
      copyFileSync(join(copy, 'journal', nameOf(3)), join(copy, 'journal', nameOf(to)))
      await refused(t, copy, /holds segment 3/)
      t.ok(readdirSync(join(copy, 'journal')).includes(nameOf(to)))
    }
    const renamed = join(directory, 'renamed')
    cpSync(source, renamed, { recursive: true })
    renameSync(join(renamed, 'journal', nameOf(3)), join(renamed, 'journal', nameOf(count + 1)))
    await refused(t, renamed, /segment 3 is missing/)
  },
)

t.test('nothing of another journal is applied, under any policy', async (t) => {
  const directory = t.testdir()
  const [ours, theirs] = [join(directory, 'ours'), join(directory, 'theirs')]
  for (const [where, base, snapshots] of [
    [ours, 1_000_000, [100]],
    [theirs, 2_000_000, [300]],
  ] as const) {
    const manager = await open(where)
    const book = manager.book('AAPL')
    for (let i = 1; i <= 2000; i++) {
      book.add(base + i, 0, 100 + (i % 10), 1)
      if (snapshots.some((at) => at === i)) await manager.snapshot()
    }
    await manager.close()
  }
  const mixtures: Record<string, (copy: string) => void> = {
    snapshots: (copy) =>
      cpSync(join(theirs, 'snapshots'), join(copy, 'snapshots'), { recursive: true }),
    'a segment': (copy) =>
      copyFileSync(segmentsOf(theirs)[1] as string, segmentsOf(copy)[1] as string),
    'the newest segment': (copy) =>
      copyFileSync(segmentsOf(theirs).at(-2) as string, segmentsOf(copy).at(-2) as string),
    'the head record': (copy) => copyFileSync(join(theirs, 'HEAD'), join(copy, 'HEAD')),
  }
  for (const [what, mix] of Object.entries(mixtures)) {
    for (const recoveryPolicy of ['strict', 'point-in-time', 'salvage'] as const) {
      const copy = join(directory, `${what}-${recoveryPolicy}`)
      cpSync(ours, copy, { recursive: true })
      mix(copy)
      if (recoveryPolicy === 'strict' && what !== 'snapshots') {
        await t.rejects(open(copy), { code: 'ERR_PINNACLE_CORRUPT' })
        continue
      }
      const manager = await open(copy, { recoveryPolicy })
      const ids: bigint[] = []
      for (const { price } of manager.book('AAPL').depth(0, 100)) {
        for (const order of manager.book('AAPL').levelOrders(0, price)) ids.push(order.id)
      }
      t.ok(ids.length > 0 && ids.every((id) => id < 2_000_000n), `${what}, ${recoveryPolicy}`)
      if (what === 'snapshots' || what === 'the head record') t.equal(ids.length, 2000)
      await manager.close()
      const again = await open(copy)
      t.equal(again.book('AAPL').info().orders, ids.length)
      await again.close()
    }
  }
  mkdirSync(join(directory, 'done'))
})
