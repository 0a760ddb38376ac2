/**
 * The run: slots in which writers are killed, stopped and starved and copies damaged, side by side, and
 * file systems whose power is cut, until time or cycles are over, or something is violated too often to go on.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { PinnacleError } from '../errors/pinnacle-error.js'
import { Random } from '../order-flow/random.js'
import { killAllChildren } from './child.js'
import { emptyCounts, type FaultCounts, type FaultKind } from './counts.js'
import { damageCycle } from './damage-cycle.js'
import { lacksForPowerCut, LoopFileSystem, type FileSystemType } from './loop-file-system.js'
import { detachAllMounts, removeStale } from './mounts.js'
import { powerCycle } from './power-cut.js'
import { fullCycle, killCycle, stopCycle } from './process-faults.js'
import { makeSpace, type Space, type SpaceKind } from './space.js'
import { Subject, type Surroundings, type Violation } from './subject.js'
import { pick } from './writer-plan.js'

export const faults = ['kill', 'stop', 'full', 'power', 'damage'] as const
export type Fault = (typeof faults)[number]

export interface TortureOptions {
  /** Empty, missing, or left by a torture that was killed. */
  directory: string
  minutes: number
  /** Ends the run before its time; a cycle is one fault and the recoveries after it. */
  cycles?: number | undefined
  seed: number
  /** Slots side by side; on a file system whose power is cut, writers. */
  writers: number
  only: readonly Fault[]
  fileSystems: readonly FileSystemType[]
  fullBy: SpaceKind
  /** Violations after which it ends. */
  violations: number
  signal: AbortSignal
  onCycle?: (result: TortureResult) => void
  onNote?: (text: string) => void
}

export interface TortureResult {
  seed: number
  counts: Partial<Record<FaultKind, FaultCounts>>
  cycles: number
  violations: Violation[]
  durationMs: number
}

const exitOnSecondSignal = 130
/** One power cut in this many leaves a directory of which a copy is damaged. */
const damageAfterCuts = 4
const markerName = 'torture.json'

export async function torture(options: TortureOptions): Promise<TortureResult> {
  const power = options.only.includes('power')
  const lacks = power ? lacksForPowerCut(options.fileSystems) : ''
  if (lacks !== '') throw new PinnacleError('ERR_PINNACLE_TORTURE_UNAVAILABLE', lacks)
  const made = claimDirectory(options)
  const directory = realpathSync(options.directory)
  const onExit = (): void => {
    killAllChildren()
    detachAllMounts()
  }
  // A second signal ends the process at once, and still undoes everything.
  const leave = (): never => process.exit(exitOnSecondSignal)
  const onAbort = (): void => {
    process.once('SIGINT', leave)
    process.once('SIGTERM', leave)
  }
  process.once('exit', onExit)
  process.once('SIGHUP', leave)
  options.signal.addEventListener('abort', onAbort)
  try {
    return await new Run({ ...options, directory }).run()
  } finally {
    process.off('exit', onExit)
    options.signal.removeEventListener('abort', onAbort)
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.off(signal, leave)
    onExit()
    releaseDirectory(options.directory, made)
  }
}

class Run {
  readonly #options: TortureOptions
  readonly #result: TortureResult
  readonly #startedMs = performance.now()
  readonly #around: Surroundings

  constructor(options: TortureOptions) {
    this.#options = options
    const { seed, directory } = options
    this.#result = { seed, counts: {}, cycles: 0, violations: [], durationMs: 0 }
    this.#around = {
      seed,
      directory,
      counts: (fault) => (this.#result.counts[fault] ??= emptyCounts()),
      violated: (violation) => this.#result.violations.push(violation),
    }
  }

  async run(): Promise<TortureResult> {
    const { only, writers } = this.#options
    const loops: Promise<void>[] = []
    const inSlots = only.filter((fault) => fault !== 'power')
    for (let slot = 0; slot < writers && inSlots.length > 0; slot++) {
      loops.push(this.#slot(slot, inSlots))
    }
    if (only.includes('power')) loops.push(this.#power())
    const settled = await Promise.allSettled(loops)
    for (const { reason } of settled.filter((each) => each.status === 'rejected')) throw reason
    this.#result.durationMs = performance.now() - this.#startedMs
    return this.#result
  }

  #goesOn(): boolean {
    const { minutes, cycles = Infinity, signal } = this.#options
    const found = this.#result.violations.length
    if (signal.aborted || found >= this.#options.violations) return false
    return performance.now() - this.#startedMs < minutes * 60_000 && this.#result.cycles < cycles
  }

  #cycleIsOver(): void {
    this.#result.cycles++
    this.#result.durationMs = performance.now() - this.#startedMs
    this.#options.onCycle?.(this.#result)
  }

  async #slot(slot: number, only: readonly Fault[]): Promise<void> {
    const { directory, seed, fullBy } = this.#options
    const random = new Random(seed ^ Math.imul(slot + 1, 0x85ebca6b))
    const name = `writer-${String(slot + 1)}`
    const plain = new Subject(name, path.join(directory, name), random, this.#around)
    let space: Space | undefined
    let starved: Subject | undefined
    try {
      while (this.#goesOn()) {
        const fault = pick(random, only)
        if (fault === 'kill') await killCycle(plain, random)
        else if (fault === 'stop') await stopCycle(plain, random)
        else if (fault === 'damage') await damageCycle(plain, random)
        else {
          space ??= makeSpace(fullBy, path.join(directory, `${name}-full`))
          starved ??= new Subject(
            `${name}-full`,
            path.join(space.directory, 'data'),
            random,
            this.#around,
          )
          await fullCycle(starved, random, space)
        }
        this.#cycleIsOver()
      }
    } finally {
      await plain.dispose()
      await starved?.dispose()
      space?.dispose()
      if (space !== undefined) rmSync(space.directory, { recursive: true, force: true })
    }
  }

  async #power(): Promise<void> {
    const { directory, seed, writers, fileSystems, only } = this.#options
    const random = new Random(seed ^ 0x706f776572)
    const sites: { fileSystem: LoopFileSystem; subjects: Subject[] }[] = []
    try {
      for (const type of fileSystems) {
        const fileSystem = new LoopFileSystem(type, directory)
        fileSystem.mount()
        const subjects = Array.from({ length: writers }, (_, index) => {
          const name = `${type}-${String(index + 1)}`
          const data = path.join(fileSystem.directory, `writer-${String(index + 1)}`)
          return new Subject(name, data, random, this.#around)
        })
        sites.push({ fileSystem, subjects })
      }
      for (let turn = 0; this.#goesOn(); turn++) {
        const site = sites[turn % sites.length]
        if (site === undefined) return
        await powerCycle(site.fileSystem, site.subjects, random)
        if (only.includes('damage') && random.below(damageAfterCuts) === 0) {
          await pick(random, site.subjects).damage()
        }
        this.#cycleIsOver()
      }
    } finally {
      for (const { fileSystem, subjects } of sites) {
        await fileSystem.disarm()
        for (const subject of subjects) await subject.dispose()
        fileSystem.unmount()
        fileSystem.remove()
      }
    }
  }
}

/** The directory must be ours alone: everything in it may be deleted. Returns whether it was made here. */
function claimDirectory({ directory, onNote }: TortureOptions): boolean {
  const made = !existsSync(directory)
  if (made) mkdirSync(directory)
  const marker = path.join(directory, markerName)
  if (existsSync(marker)) {
    const { pid } = JSON.parse(readFileSync(marker, 'utf8')) as { pid: number }
    if (isAlive(pid)) {
      throw new PinnacleError(
        'ERR_PINNACLE_LOCKED',
        `process ${String(pid)} is torturing ${directory}; give another directory`,
      )
    }
    const stale = removeStale(directory)
    onNote?.(
      `a torture in ${directory} was killed; what it left is removed` +
        (stale.length === 0 ? '' : `: ${stale.join(', ')}`),
    )
    for (const name of readdirSync(directory)) {
      if (name !== 'violations')
        rmSync(path.join(directory, name), { recursive: true, force: true })
    }
  }
  if (readdirSync(directory).some((name) => name !== 'violations')) {
    throw new PinnacleError(
      'ERR_PINNACLE_ALREADY_EXISTS',
      `${directory} is not empty, and a torture deletes what it works with; give an empty directory`,
    )
  }
  writeFileSync(marker, JSON.stringify({ pid: process.pid }))
  return made
}

/** Evidence stays, nothing else does. */
function releaseDirectory(directory: string, made: boolean): void {
  for (const name of readdirSync(directory)) {
    if (name !== 'violations') rmSync(path.join(directory, name), { recursive: true, force: true })
  }
  if (made && readdirSync(directory).length === 0) rmdirSync(directory)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
