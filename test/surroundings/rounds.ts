/** What a process and its surroundings do to each other, in counts that the caller chooses. */
import { chmodSync, mkdirSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { fork } from '../children.js'
import { flow, open } from '../persistence/setup.js'
import type { Said } from './contender.js'
import type { Outcomes } from './limited.js'
import { isRoot, nobody, type Limit } from './limits.js'
import { drawn } from '../seed.js'

const scriptOf = (name: string): string => new URL(name, import.meta.url).pathname

export interface Limited {
  /** How the process ended; 0 and null are right. */
  exit: [number | null, NodeJS.Signals | null]
  under: Outcomes
  after: Outcomes
  appended: number
  stderr: string
}

/** A writer that meets a limit and goes on once it is lifted. */
export async function meetLimit(limit: Limit, directory: string): Promise<Limited> {
  mkdirSync(directory, { recursive: true })
  const asNobody = limit.asNobody && isRoot
  if (asNobody) chmodSync(directory, 0o777)
  const kind = limit.ofMemory ? 'memory' : limit.name === 'ulimit -f' ? 'fsize' : ''
  const child = fork(scriptOf('limited.js'), [directory, kind], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    ...(asNobody ? { uid: nobody, gid: nobody } : {}),
  })
  const pid = child.pid ?? 0
  const exited = once(child, 'exit') as Promise<Limited['exit']>
  let stderr = ''
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
  const answer = async <T>(): Promise<T | undefined> => {
    const [message] = (await Promise.race([once(child, 'message'), exited.then(() => [])])) as [T?]
    return message
  }
  try {
    await answer()
    limit.set(pid)
    let under: Outcomes
    try {
      child.send('attempt')
      under = (await answer<Outcomes>()) ?? {}
    } finally {
      if (child.exitCode === null) limit.lift(pid)
    }
    if (child.connected) child.send('attempt')
    const after = (await answer<Outcomes>()) ?? {}
    if (child.connected) child.send('end')
    const said = await answer<{ appended: number }>()
    return { exit: await exited, under, after, appended: said?.appended ?? -1, stderr }
  } finally {
    child.kill('SIGKILL')
    limit.remove()
  }
}

export interface Contended {
  opened: number
  /** Other outcomes than an open, by code. */
  codes: Record<string, number>
  killed: number
  /** Processes that ended by a signal that the test did not send, or by an error. */
  wrong: string[]
  /** Directories that hold less than was reported durable, or can't be opened. */
  lost: string[]
}

/** `count` processes that want the same directories; every third is killed at some moment. */
export async function forks(count: number, atOnce: number, root: string): Promise<Contended> {
  mkdirSync(root, { recursive: true })
  const directories = ['a', 'b', 'c'].map((name) => join(root, name))
  const durable = new Map<string, number>()
  const result: Contended = { opened: 0, codes: {}, killed: 0, wrong: [], lost: [] }
  let started = 0
  const runOne = async (): Promise<void> => {
    const isKilled = started++ % 3 === 2
    const child = fork(scriptOf('contender.js'), ['8', ...directories])
    child.on('message', (message) => {
      const { directory, durable: sequence, code } = message as Said
      if (sequence !== undefined) {
        result.opened++
        durable.set(directory, Math.max(durable.get(directory) ?? 0, sequence))
      }
      if (code !== undefined) result.codes[code] = (result.codes[code] ?? 0) + 1
    })
    const exited = once(child, 'exit') as Promise<Limited['exit']>
    if (isKilled) {
      await Promise.race([once(child, 'message'), exited])
      await new Promise((resolve) => setTimeout(resolve, drawn(20)))
      child.kill('SIGKILL')
    }
    const [code, signal] = await exited
    if (isKilled) result.killed++
    else if (code !== 0) result.wrong.push(`${String(code)} ${String(signal)}`)
  }
  const lane = async (): Promise<void> => {
    while (started < count) await runOne()
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  for (const directory of directories) {
    const manager = await open(directory)
    if (manager.appendedFrontier < (durable.get(directory) ?? 0)) result.lost.push(directory)
    await manager.close()
  }
  return result
}

/** Opens and closes in this process; returns what was wrong. */
export async function opensAndCloses(count: number, root: string): Promise<string[]> {
  mkdirSync(root, { recursive: true })
  const wrong: string[] = []
  let appended = 0
  for (let cycle = 0; cycle < count; cycle++) {
    const manager = await open(join(root, 'data'), { keepSnapshots: 2 })
    if (manager.appendedFrontier < appended) wrong.push(`cycle ${String(cycle)} lost entries`)
    flow(manager, 20, manager.appendedFrontier + 1)
    appended = manager.appendedFrontier
    // Closed with work of every kind under way.
    const pending = [
      manager.durable(),
      ...(cycle % 7 === 0 ? [manager.snapshot()] : []),
      ...(cycle % 11 === 0 ? [manager.bookAt('AAPL', { sequence: appended })] : []),
    ]
    if (cycle % 2 === 0) await Promise.all(pending)
    await manager.close()
    for (const outcome of await Promise.allSettled(pending)) {
      const { code } = ((outcome as PromiseRejectedResult).reason ?? {}) as { code?: string }
      if (outcome.status === 'rejected' && code === undefined) wrong.push(String(outcome.reason))
    }
  }
  return wrong
}

/** Worker threads with a directory each, every second one terminated; returns what was wrong. */
export async function workers(count: number, atOnce: number, root: string): Promise<string[]> {
  mkdirSync(root, { recursive: true })
  const wrong: string[] = []
  let started = 0
  const lane = async (slot: number): Promise<void> => {
    while (started < count) {
      const isTerminated = started++ % 2 === 1
      const directory = join(root, String(slot))
      const worker = new Worker(new URL('../lifetime/dying.js', import.meta.url), {
        workerData: [
          directory,
          isTerminated ? 'waiting, with a snapshot running' : 'nothing left to do',
        ],
      })
      worker.on('error', (error) => wrong.push(String(error)))
      const exited = new Promise((resolve) => worker.once('exit', resolve))
      const told = await new Promise<{ appended: number }>((resolve) =>
        worker.once('message', resolve),
      )
      if (isTerminated) await worker.terminate()
      await exited
      const manager = await open(directory)
      if (manager.appendedFrontier < told.appended)
        wrong.push(`worker ${String(slot)} lost entries`)
      await manager.close()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, slot) => lane(slot)))
  return wrong
}

export const signals = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR2',
  'SIGPIPE',
  'SIGWINCH',
  'SIGCONT',
  'SIGKILL',
] as const

/** A busy writer gets a signal `delayMs` after its first output; returns what was wrong. */
export async function signalled(
  signal: (typeof signals)[number],
  delayMs: number,
  directory: string,
): Promise<string[]> {
  const wrong: string[] = []
  const child = fork(
    new URL('../lifetime/dying.js', import.meta.url).pathname,
    [directory, 'waiting for durable()'],
    {
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    },
  )
  const exited = once(child, 'exit') as Promise<Limited['exit']>
  const [text] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const told = JSON.parse(text.toString()) as { appended: number }
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  child.kill('SIGSTOP')
  child.kill('SIGCONT')
  child.kill(signal)
  await new Promise((resolve) => setTimeout(resolve, 20))
  // Some signals do not end it.
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  const [, ended] = await exited
  if (ended !== signal && ended !== 'SIGKILL') wrong.push(`${signal} ended it by ${String(ended)}`)
  const manager = await open(directory)
  if (manager.appendedFrontier < told.appended) wrong.push(`entries are lost after ${signal}`)
  await manager.close()
  return wrong
}
