/** One cut for several writers on one file system: all of them lose their power in the same moment. */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../order-flow/random.js'
import { Child } from './child.js'
import type { FaultKind } from './counts.js'
import { loseWindows } from './lose-windows.js'
import { writeBack, type LoopFileSystem } from './loop-file-system.js'
import { opened, unexpected, worked } from './process-faults.js'
import type { Subject } from './subject.js'
import { pick, type WriterPlan } from './writer-plan.js'

const pageBytes = 4096

interface Life {
  subject: Subject
  plan: WriterPlan
  writer: Child
}

export async function powerCycle(
  fileSystem: LoopFileSystem,
  subjects: readonly Subject[],
  random: Random,
): Promise<void> {
  const fault: FaultKind = `power ${fileSystem.type}`
  fileSystem.arm()
  const lives: Life[] = []
  for (const subject of subjects) {
    const plan = await subject.prepare(false)
    lives.push({ subject, plan, writer: new Child('writer', plan) })
  }
  const followed = pick(random, subjects)
  for (let count = 1 + random.below(2); count > 0; count--) followed.startFollower()
  const writingBack = await load(lives, random)

  const ended = await Promise.all(
    lives.map(async ({ writer }) =>
      writer.over ? unexpected(await writer.ended, 'SIGKILL') : undefined,
    ),
  )
  const followerFailures = await followed.followers.failures()
  const phases = lives.map(({ writer }) => writer.testimony.phase)
  await fileSystem.cut()
  // A writer that noticed the missing disk may have ended; the others are killed.
  for (const { writer } of lives) writer.signal('SIGKILL')
  for (const { writer } of lives) await writer.ended
  await Promise.all(writingBack)
  followed.followers.count(followed.countsOf(fault))
  await followed.followers.stop()
  fileSystem.unmount()
  await loseWindows(subjects.map(({ dataDirectory }) => dataDirectory))
  fileSystem.mount()

  for (const [index, { subject, plan, writer }] of lives.entries()) {
    const violations = [...(ended[index] ?? []), ...(subject === followed ? followerFailures : [])]
    const phase = phases[index] ?? 'writing'
    const { testimony } = writer
    await subject.judge({ fault, plan, testimony, phase, powerLost: true, violations })
  }
}

/** Lets the writers write for a while; some cuts come while they open. Returns what still goes on. */
async function load(lives: readonly Life[], random: Random): Promise<Promise<void>[]> {
  const goingOn: Promise<void>[] = []
  if (random.below(6) === 0) {
    await sleep(random.below(150))
    return goingOn
  }
  for (const { writer } of lives) await opened(writer)
  await sleep(random.below(250))
  for (const { writer } of lives) await worked(writer, random)
  for (let times = random.below(4); times > 0; times--) {
    const writing = writeBackSomething(pick(random, lives).subject.dataDirectory, random)
    if (random.below(2) === 0) await writing
    else goingOn.push(writing)
  }
  return goingOn
}

/** Some pages about the end of what was written to the youngest segments. */
async function writeBackSomething(dataDirectory: string, random: Random): Promise<void> {
  const journal = path.join(dataDirectory, 'journal')
  try {
    const segments = readdirSync(journal).filter((name) => name.endsWith('.segment'))
    if (segments.length === 0) return
    const file = path.join(journal, pick(random, segments.slice(-2)))
    const page = Math.max(0, firstZeroPage(file) - random.below(6))
    await writeBack(file, page * pageBytes, (1 + random.below(3)) * pageBytes)
  } catch (error) {
    // Not made yet, or compacted away in between.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Entries follow each other without a gap, so the written pages are the first ones. */
function firstZeroPage(file: string): number {
  const page = Buffer.alloc(pageBytes)
  const zeros = Buffer.alloc(pageBytes)
  const descriptor = openSync(file, 'r')
  try {
    let low = 1
    let high = Math.floor(statSync(file).size / pageBytes)
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      readSync(descriptor, page, 0, pageBytes, middle * pageBytes)
      if (page.equals(zeros)) high = middle
      else low = middle + 1
    }
    return low
  } finally {
    closeSync(descriptor)
  }
}
