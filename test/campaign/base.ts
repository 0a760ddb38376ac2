/**
 * A base: a data directory written through the public API, the history of its calls, and the material for
 * damage: earlier copies of it, a copy that another writer continued, another journal.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isPinnacleError, PersistenceManager } from '../../lib/index.js'
import { Random } from '../../lib/order-flow/random.js'
import { copyDirectory, filesOf, segmentPath } from './files.js'
import { readHeadSlots } from './format.js'
import { forkHistory, newHistory, type History } from './history.js'
import { drawPlan, type Plan, type Session } from './plan.js'
import { Machine } from './user-state.js'
import { Writer } from './writer.js'

/** A copy of a directory at an earlier moment. */
export interface Generation {
  directory: string
  /** Number of its entries. */
  appended: number
}

export interface Line {
  directory: string
  history: History
}

export interface Twin extends Line {
  /** The last common entry. */
  forkedAt: number
}

export interface Base {
  seed: number
  ours: Line
  twin: Twin
  foreign: Line
  /** From our line, in order of time, without the last state. */
  generations: Generation[]
  /** Whether its directories open with the state machine. */
  machine: boolean
}

const ourTag = 1
const twinTag = 2
const foreignTag = 3

export async function makeBase(seed: number, directory: string): Promise<Base> {
  const random = new Random(seed)
  const plan = drawPlan(random)
  const content = (): Random => new Random(random.uint32())
  const ours = new LineBuilder(path.join(directory, 'ours'), plan, content(), ourTag)
  let twin: LineBuilder | undefined
  for (const [number, session] of plan.sessions.entries()) {
    await ours.run(session)
    if (number + 1 === plan.forkAfter) {
      twin = ours.fork(path.join(directory, 'twin'), content(), twinTag)
      twin.keepsGenerations = false
    }
  }
  if (!twin) throw new Error('the plan has no fork')
  const forkedAt = twin.history.entries.length
  for (const session of plan.twinSessions) await twin.run(session)
  const foreign = new LineBuilder(path.join(directory, 'foreign'), plan, content(), foreignTag)
  foreign.keepsGenerations = false
  for (const session of plan.sessions) await foreign.run(session)
  return {
    seed,
    ours: ours.line(),
    twin: { ...twin.line(), forkedAt },
    foreign: foreign.line(),
    generations: ours.generations,
    machine: ours.machine,
  }
}

/** Writes one line of history, session by session. */
class LineBuilder {
  readonly history: History
  readonly generations: Generation[] = []
  keepsGenerations = true
  /** Whether the last session had the state machine. */
  machine = false
  readonly #root: string
  readonly #plan: Plan
  readonly #random: Random
  readonly #tag: number
  /** Each kill moves the directory to a new place. */
  #lives = 1

  constructor(root: string, plan: Plan, random: Random, tag: number, history = newHistory()) {
    this.#root = root
    this.#plan = plan
    this.#random = random
    this.#tag = tag
    this.history = history
    mkdirSync(root, { recursive: true })
  }

  line(): Line {
    return { directory: this.#directory(), history: this.history }
  }

  fork(root: string, random: Random, tag: number): LineBuilder {
    const twin = new LineBuilder(root, this.#plan, random, tag, forkHistory(this.history))
    copyDirectory(this.#directory(), twin.#directory())
    return twin
  }

  async run(session: Session): Promise<void> {
    const writer = new Writer(this.#random, this.history, this.#tag, this.#plan.largePayloads)
    const { phases, end, instruments } = session
    const manager = await this.#open(session)
    const { machine } = this
    for (const definition of instruments) writer.defined(definition)
    // Recovered entries are durable once the open has returned.
    this.#acknowledge(manager.durableFrontier)
    for (const phase of phases) {
      if (phase.define) writer.define(manager, phase.define)
      writer.append(manager, phase.entries)
      if (session.durability === 'durable') this.#acknowledge(manager.appendedFrontier)
      await this.#act(manager, phase.action, machine)
      if (phase.keep && this.keepsGenerations) await this.#keep(manager)
    }
    if (end === 'close') {
      await manager.close()
      this.#acknowledge(this.history.entries.length)
      return
    }
    const live = this.#directory()
    this.#lives++
    await copyLive(manager, live, this.#directory())
    await manager.close()
    rmSync(live, { recursive: true })
  }

  /** Without the state machine if the journal lacks its beginning and the snapshot lacks a state. */
  async #open({
    machine,
    phases: _phases,
    end: _end,
    ...config
  }: Session): Promise<PersistenceManager> {
    const all = {
      dataDirectory: this.#directory(),
      snapshotIntervalMin: 0,
      expectedOrders: 16,
      ...config,
    }
    this.machine = machine
    if (machine) {
      try {
        return await PersistenceManager.open({ ...all, stateMachine: new Machine() })
      } catch (error) {
        if (!isPinnacleError(error) || error.code !== 'ERR_PINNACLE_STATE_MACHINE') throw error
        this.machine = false
        // The first open has defined the instruments.
      }
    }
    return PersistenceManager.open(all)
  }

  #directory(): string {
    return path.join(this.#root, `data-${String(this.#lives)}`)
  }

  #acknowledge(sequence: number): void {
    this.history.acknowledged = Math.max(this.history.acknowledged, sequence)
  }

  async #act(
    manager: PersistenceManager,
    action: Session['phases'][number]['action'],
    machine: boolean,
  ): Promise<void> {
    const last = manager.appendedFrontier
    if (last === 0) return
    switch (action) {
      case 'none':
        return
      case 'durable': {
        // Now and then of less than everything.
        const sequence = last - this.#random.below(Math.min(3, last))
        await manager.durable(sequence)
        this.#acknowledge(sequence)
        return
      }
      case 'sync':
        this.#acknowledge(manager.syncNow())
        return
      case 'snapshot':
        await manager.snapshot()
        await manager.compact() // waits for the one that the snapshot began
        this.#acknowledge(last)
        this.history.snapshots = this.history.snapshots.filter(({ sequence }) => sequence !== last)
        this.history.snapshots.push({ sequence: last, hasState: machine })
        return
      case 'compact':
        await manager.compact({ force: true })
    }
  }

  async #keep(manager: PersistenceManager): Promise<void> {
    const directory = path.join(this.#root, `generation-${String(this.generations.length + 1)}`)
    await copyLive(manager, this.#directory(), directory)
    this.generations.push({ directory, appended: manager.appendedFrontier })
  }
}

/** The directory as a SIGKILL would leave it now: nothing is under way during the copy. */
async function copyLive(manager: PersistenceManager, from: string, to: string): Promise<void> {
  for (;;) {
    // The copy has no window to take the rest from.
    while (manager.writtenFrontier < manager.appendedFrontier) await delay(1)
    await segmentIsReady(from)
    try {
      const before = stamp(from)
      copyDirectory(from, to)
      if (stamp(from) === before) return
    } catch (error) {
      // A file was renamed or removed meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    rmSync(to, { recursive: true, force: true })
  }
}

/** The head record's bytes and the names: what the engine's own threads change. */
function stamp(directory: string): string {
  return readFileSync(path.join(directory, 'HEAD'), 'hex') + filesOf(directory).join()
}

/** Waits for the next segment, which is made in the background; without one, nothing more is made. */
async function segmentIsReady(directory: string): Promise<void> {
  for (let waits = 0; waits < 100; waits++) {
    const [slot] = readHeadSlots(readFileSync(path.join(directory, 'HEAD')))
    if (slot && slot.ready !== 0 && existsSync(path.join(directory, segmentPath(slot.ready))))
      return
    await delay(1)
  }
}
