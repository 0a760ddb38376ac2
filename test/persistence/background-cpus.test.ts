/** Checks the CPUs of the engine's own threads, as the kernel reports them for each thread of this process. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import {
  Journal,
  loadConfig,
  PersistenceManager,
  type CodedError,
  type PersistenceConfig,
} from '../../lib/index.js'
import { flow, open } from './setup.js'

const onLinux = process.platform === 'linux'

/** The processors that a thread may run on, as "0-3,6"; undefined if the thread has ended. */
function cpusOf(thread: string): string | undefined {
  try {
    const status = readFileSync(`/proc/self/task/${thread}/status`, 'utf8')
    return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1]
  } catch {
    return undefined
  }
}

const threads = (): string[] => readdirSync('/proc/self/task')

/** The threads that did not exist before, each with its processors. */
function newThreads(before: ReadonlySet<string>): Map<string, string> {
  return new Map(
    threads()
      .filter((thread) => !before.has(thread))
      .map((thread): [string, string] => [thread, cpusOf(thread) ?? ''])
      .filter(([, cpus]) => cpus !== ''),
  )
}

/** A thread starts on its creator's processors, and moves at once. */
async function settled(
  before: ReadonlySet<string>,
  expected: readonly string[],
): Promise<readonly string[]> {
  const seen = (): string[] => [...newThreads(before).values()].sort()
  for (let i = 0; i < 500 && seen().join() !== expected.join(); i++) await delay(10)
  return seen()
}

const own = onLinux ? (cpusOf(String(process.pid)) ?? '') : ''
const first = Number(/^\d+/.exec(own)?.[0])
const last = Number(/\d+$/.exec(own)?.[0])
const needsTwo = !onLinux
  ? 'only Linux binds threads to processors'
  : first === last
    ? 'this process may run on one processor only'
    : false

/** One thread for syncs, one for supplies, and one that copies out of the window, if there is one. */
const threadsOn = (cpus: string, writePath = 'auto'): string[] =>
  Array<string>(writePath === 'mapped' ? 2 : 3).fill(cpus)

/** Opened and closed once, so that Node's own pool has its threads before any are counted. */
async function warm(directory: string): Promise<void> {
  await (await open(join(directory, 'warm'))).close()
}

t.test(
  'the threads of an open journal run where the option says',
  { skip: needsTwo },
  async (t) => {
    const directory = t.testdir()
    await warm(directory)
    for (const [cpu, writePath] of [
      [first, 'window'],
      [last, 'window'],
      [last, 'mapped'],
    ] as const) {
      const before = new Set(threads())
      const manager = await open(join(directory, 'data'), { backgroundCpus: [cpu], writePath })
      const expected = threadsOn(String(cpu), writePath)
      t.strictSame(await settled(before, expected), expected)
      t.equal(cpusOf(String(process.pid)), own, 'the thread that opened it stays where it was')
      for (const thread of before) t.equal(cpusOf(thread) ?? own, own, 'and so do the others')
      await manager.close()
    }
    const before = new Set(threads())
    const journal = await Journal.open({
      dataDirectory: join(directory, 'journal'),
      segmentSize: '64KiB',
      backgroundCpus: [last],
    })
    const expected = threadsOn(String(last))
    t.strictSame(await settled(before, expected), expected, 'the same for a journal without books')
    await journal.close()
  },
)

t.test('without the option they run wherever the process may', { skip: needsTwo }, async (t) => {
  const directory = t.testdir()
  await warm(directory)
  const before = new Set(threads())
  for (const config of [{}, { backgroundCpus: [] }]) {
    const manager = await open(join(directory, 'data'), config)
    const expected = threadsOn(own)
    t.strictSame(await settled(before, expected), expected)
    await manager.close()
  }
})

t.test('a snapshot runs there too', { skip: needsTwo }, async (t) => {
  const directory = t.testdir()
  await warm(directory)
  const manager = await open(join(directory, 'data'), { backgroundCpus: [last] })
  flow(manager, 20_000)
  const before = new Set(threads())
  // This thread runs no other JavaScript meanwhile: new threads are the snapshot's.
  const snapshotThreads = (): Map<string, string> => {
    const lastSeen = new Map<string, string>()
    const end = performance.now() + 2_000
    while (performance.now() < end) {
      const now = newThreads(before)
      for (const [thread, cpus] of now) lastSeen.set(thread, cpus)
      if (now.size === 0 && lastSeen.size > 0) break
    }
    return lastSeen
  }
  const taken = manager.snapshot()
  const seen = snapshotThreads()
  await taken
  t.ok(seen.size > 0, 'the snapshot was seen while it ran')
  for (const cpus of seen.values()) t.equal(cpus, String(last))
  await manager.close()
})

t.test(
  'a processor that the process can not use is refused before anything is made',
  { skip: onLinux ? false : 'elsewhere the whole option is refused' },
  async (t) => {
    const empty = t.testdir()
    const refused = async (config: Partial<PersistenceConfig>): Promise<CodedError> => {
      try {
        await (await open(empty, config)).close()
      } catch (error) {
        return error as CodedError
      }
      throw new Error('it was opened')
    }
    // This test is not for a machine that has all of these.
    for (const backgroundCpus of [[1023], [first, 1023], [1023, 1021, 1022, first]]) {
      const error = await refused({ backgroundCpus })
      t.equal(error.code, 'ERR_PINNACLE_CONFIG_RANGE')
      t.ok(error instanceof RangeError)
      const wrong = backgroundCpus.length === 4 ? '1021-1023' : '1023'
      t.match(
        error.message,
        `configuration: backgroundCpus: this process can't run on processor ${wrong}: the machine has`,
      )
      t.match(error.message, 'name others, or widen')
      t.strictSame(readdirSync(empty), [])
    }
    const missing = join(empty, 'data')
    await t.rejects(open(missing, { backgroundCpus: [1023] }), {
      code: 'ERR_PINNACLE_CONFIG_RANGE',
    })
    t.strictSame(readdirSync(empty), [], 'a directory that is missing is not made')
    const manager = await open(empty)
    await t.rejects(
      open(empty, { backgroundCpus: [1023] }),
      { code: 'ERR_PINNACLE_CONFIG_RANGE' },
      'it is reported before the lock is taken',
    )
    await manager.close()
  },
)

t.test(
  'if threads can not be bound, the option is refused instead of ignored',
  { skip: onLinux ? 'Linux binds them' : false },
  async (t) => {
    const empty = t.testdir()
    await t.rejects(open(empty, { backgroundCpus: [0] }), { code: 'ERR_PINNACLE_CONFIG_RANGE' })
    t.strictSame(readdirSync(empty), [])
    await (await open(empty, { backgroundCpus: [] })).close()
  },
)

t.test(
  'a file and the environment bind the threads as an object does',
  { skip: needsTwo },
  async (t) => {
    const directory = t.testdir()
    await warm(directory)
    const file = join(directory, 'pinnacle.json')
    const dataDirectory = join(directory, 'data')
    writeFileSync(file, JSON.stringify({ dataDirectory, backgroundCpus: [first] }))
    const env = { PINNACLE_BACKGROUND_CPUS: `${String(first)},${String(last)}` }
    const before = new Set(threads())
    const both =
      last === first + 1 ? `${String(first)}-${String(last)}` : env.PINNACLE_BACKGROUND_CPUS
    for (const [config, cpus] of [
      [loadConfig({ file }), String(first)],
      [loadConfig({ file, env }), both],
    ] as const) {
      const manager = await PersistenceManager.open(config)
      t.strictSame(await settled(before, threadsOn(cpus)), threadsOn(cpus))
      await manager.close()
    }
  },
)
