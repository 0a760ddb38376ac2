/**
 * A writer that is going to be killed, stopped or starved of space: goes on with the flow from the end of
 * its data directory, and says on descriptor 3 what it does and what it was answered (testimony.ts).
 * SIGTERM lets it close in order. Exit code 1: it failed or contradicted itself; stderr says how.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../order-flow/random.js'
import { PersistenceManager } from '../persistence/persistence-manager.js'
import { Acknowledgements } from './acknowledgements.js'
import { EventWriter, isFull } from './event-writer.js'
import { instrumentCount } from './flow.js'
import { leaveWithParent } from './leave-with-parent.js'
import { LedgerMachine } from './ledger.js'
import { LiveCheck } from './live-check.js'
import { SightingLog, type Following } from './sighting-log.js'
import { Speaker, Word } from './testimony.js'
import { configOf, type WriterPlan } from './writer-plan.js'

const longestRound = 300
const pendingWaits = 8
/** The follower in the writer's own process begins this many entries before the end. */
const readFromBefore = 200

class Writer {
  readonly #plan: WriterPlan
  readonly #manager: PersistenceManager
  readonly #speaker: Speaker
  readonly #acknowledgements: Acknowledgements
  readonly #liveCheck: LiveCheck
  readonly #events: EventWriter
  readonly #random: Random
  #segments = 0

  constructor(
    plan: WriterPlan,
    manager: PersistenceManager,
    machine: LedgerMachine | undefined,
    speaker: Speaker,
  ) {
    this.#plan = plan
    this.#manager = manager
    this.#speaker = speaker
    this.#acknowledgements = new Acknowledgements(manager, (...pairs) => {
      speaker.say(...pairs)
    })
    this.#liveCheck = new LiveCheck(plan.flowSeed, manager, machine)
    this.#events = new EventWriter(plan, manager, speaker, this.#acknowledgements, this.#liveCheck)
    this.#random = new Random(plan.lifeSeed)
    this.#segments = this.#segmentsBegun()
  }

  stop(): void {
    this.#events.stopping = true
  }

  get #written(): number {
    return this.#events.written
  }

  get #stopping(): boolean {
    return this.#events.stopping
  }

  async run(): Promise<void> {
    const manager = this.#manager
    this.#speaker.say(Word.opened, this.#written)
    const snapshots = this.#plan.snapshots ? this.#keepSnapshots() : Promise.resolve()
    const following = this.#plan.log === '' ? undefined : this.#follow(this.#plan.log)
    following?.catch(die)
    while (!this.#stopping) {
      if (this.#events.full) {
        this.#acknowledgements.frontier()
        await sleep(2)
        continue
      }
      await this.#round()
      this.#acknowledgements.frontier()
      this.#sayRolls()
      await (this.#random.below(4) === 0 ? sleep(1) : nextTurn())
    }
    await snapshots
    this.#liveCheck.compare('before the end', this.#written)
    await manager.close()
    this.#speaker.say(Word.closed, this.#written)
    const seen = await following
    if (seen !== undefined && seen !== this.#written) {
      throw new Error(
        `the follower in the process ended at entry ${String(seen)}, not ${String(this.#written)}`,
      )
    }
  }

  async #round(): Promise<void> {
    const { style, commit } = this.#plan
    const batched = style === 'batch' || (style === 'mixed' && this.#random.below(2) === 0)
    const events = 1 + this.#random.below(batched ? longestRound : 40)
    for (let left = events; left > 0 && !this.#stopping;) {
      if (batched) left -= await this.#events.writeBatch(left)
      else {
        await this.#events.writeOne()
        left--
      }
      if (commit === 'each') await this.#commit()
      else if (commit === 'group') await this.#joinGroup()
      else if (commit === 'blocking') this.#acknowledgements.sync(this.#written)
    }
  }

  /** For the last entry, by its number or without one, or for one before it. */
  #commit(): Promise<void> {
    const draw = this.#random.below(8)
    if (draw === 0) return this.#acknowledgements.wait(this.#written, false)
    const asked = draw === 1 ? this.#written - this.#random.below(50) : this.#written
    return this.#acknowledgements.wait(Math.max(instrumentCount, asked))
  }

  /** Several waits are open at a time, for different sequences. */
  async #joinGroup(): Promise<void> {
    const commit = this.#commit()
    if (this.#acknowledgements.waiting >= pendingWaits) await commit
    else commit.catch(die)
  }

  async #keepSnapshots(): Promise<void> {
    while (!this.#stopping) {
      const asked = this.#written
      this.#speaker.say(Word.snapshotBegun, asked)
      try {
        const { sequence } = await this.#manager.snapshot()
        this.#speaker.say(Word.snapshotTaken, sequence)
        if (sequence < asked) {
          throw new Error(
            `a snapshot asked for at entry ${String(asked)} was taken at ${String(sequence)}`,
          )
        }
      } catch (error) {
        if (!this.#plan.expectFull || !isFull(error)) throw error
        this.#speaker.say(Word.snapshotRefused, 1)
      }
      if (this.#plan.compaction) await this.#compact()
      await sleep(1 + this.#random.below(25))
    }
  }

  async #compact(): Promise<void> {
    this.#speaker.say(Word.compactionBegun, this.#written)
    try {
      await this.#manager.compact({ force: true })
    } catch (error) {
      if (!this.#plan.expectFull || !isFull(error)) throw error
    }
    this.#speaker.say(Word.compactionEnded, this.#written)
  }

  /**
   * Reads along in this process until the journal is closed. Returns the last entry that it saw; undefined
   * if compaction overtook it right then.
   */
  async #follow(file: string): Promise<number | undefined> {
    const log = new SightingLog(
      file,
      (sequence) => {
        this.#speaker.say(Word.seen, sequence)
      },
      () => {
        this.#speaker.say(Word.overtaken, log.last)
      },
    )
    const following: Following = (from) =>
      this.#manager.journal.entries({ follow: true, ...(from === undefined ? {} : { from }) })
    let from: number | undefined = Math.max(1, this.#written - readFromBefore)
    for (;;) {
      from = await log.record(following, from)
      if (this.#manager.closed) return from === undefined ? undefined : log.last
    }
  }

  #sayRolls(): void {
    const segments = this.#segmentsBegun()
    if (segments !== this.#segments) this.#speaker.say(Word.rolled, segments)
    this.#segments = segments
  }

  #segmentsBegun(): number {
    const { segmentsCreated, segmentsRecycled } = this.#manager.stats()
    return segmentsCreated + segmentsRecycled
  }
}

function die(error: unknown): never {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exit(1)
}

process.on('unhandledRejection', die)
leaveWithParent()
const plan = JSON.parse(process.argv[2] ?? '') as WriterPlan
try {
  const machine = plan.machine ? new LedgerMachine() : undefined
  const manager = await PersistenceManager.open(configOf(plan, machine))
  manager.on('compactionFailed', (error) => {
    if (!plan.expectFull || !isFull(error)) die(error)
  })
  manager.on('failure', die)
  const writer = new Writer(plan, manager, machine, new Speaker())
  process.once('SIGTERM', () => {
    writer.stop()
  })
  await writer.run()
} catch (error) {
  if (plan.expectFull && isFull(error)) process.exitCode = 2
  else die(error)
}
