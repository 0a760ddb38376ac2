/**
 * What a process opens: a data directory with its journal, books and snapshots. Safe in a worker thread,
 * each with its own data directory.
 */
import { EventEmitter } from 'node:events'
import { BookSet, type PastBook } from '../book/book-set.js'
import { Book } from '../book/book.js'
import { Instrument, unknownInstrument, type InstrumentDefinition } from '../book/instrument.js'
import { OperationBatch, type OperationBatchOptions } from '../book/operation-batch.js'
import { engineOptionsOf } from '../config/engine-options.js'
import { checkPath } from '../config/absolute.js'
import { resolveConfig } from '../config/load-config.js'
import { checkInstrument } from '../config/check-instrument.js'
import type { PersistenceConfig, ResolvedConfig } from '../config/types.js'
import { asError } from '../errors/native-error.js'
import { isPinnacleError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import { closedError, EngineSession } from '../engine/engine-session.js'
import { Journal, type AppendOptions } from '../journal/journal.js'
import { assertNoTransaction, transactionOpen } from '../journal/transaction.js'
import type { StateMachine } from '../entry/state-machine.js'
import type { ClockStep } from '../native/binding.js'
import { native } from '../native/load.js'
import {
  SnapshotManager,
  takenSnapshotOf,
  type TakenSnapshot,
} from '../snapshot/snapshot-manager.js'
import { checkPoint, type PastPoint, type PastSequence } from './past-point.js'
import { runBackupWork, type BackupOptions, type BackupReport } from './backup.js'
import { callListener } from './call-listener.js'
import type {
  CompactionReport,
  PersistenceEvents,
  PersistenceListeners,
  RecoveryReport,
  WindowLoss,
} from './events.js'
import { SingleFlight } from './single-flight.js'
import { observerOf } from './operation-observer.js'
import { StateMachineHost } from '../engine/state-machine-host.js'
import { stateAt } from './state-at.js'
import { statsOf, type Stats } from './stats.js'

/** How PersistenceManager.open() reports. */
export interface OpenOptions {
  /** Attached before recovery starts, so that its progress can be seen. */
  listeners?: PersistenceListeners
}

/**
 * A data directory that this process has open: journal, books, snapshots, recovery. One at a time has a
 * directory open (ERR_PINNACLE_LOCKED). Made by open(). Safe in a worker thread, each with its own directory.
 * After close() its methods throw ERR_PINNACLE_CLOSED.
 */
export class PersistenceManager extends EventEmitter<PersistenceEvents> implements AsyncDisposable {
  /** Opaque payloads, iteration and frontiers. */
  readonly journal: Journal
  /** The snapshots of the directory. */
  readonly snapshots: SnapshotManager
  /** What recovery found and did. */
  readonly recovery: RecoveryReport
  readonly #session: EngineSession
  readonly #host: StateMachineHost | null
  readonly #snapshotFlight: SingleFlight<TakenSnapshot>
  readonly #byName = new Map<string, Instrument>()
  readonly #byIndex: Instrument[] = []
  readonly #books = new Map<string, Book>()
  /** Sequence of the newest snapshot. */
  #lastSnapshot: number
  #snapshotTimer: NodeJS.Timeout | undefined
  #compacting: Promise<unknown> = Promise.resolve()
  readonly #closingSignal = new AbortController()
  readonly #backups = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  /**
   * Recovers the data directory, or creates it, and starts journaling. docs/errors.md has the codes: of the
   * configuration ERR_PINNACLE_CONFIG_…, of the directory ERR_PINNACLE_LOCKED, _NOT_FOUND, _PERMISSION,
   * _NO_SPACE, of damage ERR_PINNACLE_CORRUPT, _JOURNAL_GAP, _NEWER_VERSION, of the state machine
   * ERR_PINNACLE_STATE_MACHINE, _FOREIGN_STATE.
   */
  static async open(
    config: PersistenceConfig,
    options: OpenOptions = {},
  ): Promise<PersistenceManager> {
    const resolved = resolveConfig(config)
    const { listeners = {} } = options
    const binding = native()
    // The caller waits for the promise, so a listener's error rejects it.
    const thrown: unknown[] = []
    const attempt = (call: () => void): void => {
      try {
        call()
      } catch (error) {
        thrown.push(error)
      }
    }
    const progress = (phase: string, done: number, total: number): void => {
      attempt(() => listeners.recoveryProgress?.({ phase, done, total }))
    }
    let manager: PersistenceManager | undefined
    let early: Error | undefined
    let earlyStep: ClockStep | undefined
    let earlyLoss: WindowLoss | undefined
    const session = await EngineSession.open(
      binding,
      engineOptionsOf(resolved),
      progress,
      (error) => {
        if (manager) manager.#failed(error)
        else early = error
      },
      (step) => {
        if (manager) manager.#notify('clockStepped', step)
        else earlyStep = step
      },
      (path, reason) => {
        const loss: WindowLoss = { path, reason, found: 'writing' }
        if (manager) manager.#notify('windowLost', loss)
        else earlyLoss = loss
      },
    )
    try {
      const host = resolved.stateMachine ? new StateMachineHost(resolved.stateMachine) : null
      await host?.recover(session, (done, total) => {
        progress('state', done, total)
      })
      manager = new PersistenceManager(session, resolved, host, listeners)
    } catch (error) {
      await session.close()
      throw error
    }
    const { recovery } = manager
    attempt(() => listeners.recovered?.(recovery))
    if (thrown.length > 0) {
      await manager.close()
      throw thrown[0]
    }
    if (early) manager.#failed(early)
    if (earlyStep) manager.#notify('clockStepped', earlyStep)
    const { fate, path, reason } = recovery.window
    if (fate === 'gone' || fate === 'refused' || (fate === 'used' && reason !== '')) {
      manager.#notify('windowLost', { path, reason, found: 'open' })
    }
    if (earlyLoss) manager.#notify('windowLost', earlyLoss)
    return manager
  }

  private constructor(
    session: EngineSession,
    config: ResolvedConfig,
    host: StateMachineHost | null,
    listeners: PersistenceListeners,
  ) {
    super()
    this.#session = session
    this.#host = host
    this.recovery = session.recovery
    this.#lastSnapshot = session.recovery.snapshotSequence
    for (const definition of session.engine.instruments())
      this.#register(new Instrument(definition))
    this.journal = new Journal(session, {
      indexOf: (name) => this.instrument(name).index,
      names: () => [...this.#byName.keys()],
      applied: host ? host.apply : null,
      assertApplies: () => host?.assertApplies(),
    })
    if (host?.seesOperations) session.staging.observer = observerOf(session.staging, host)
    this.#snapshotFlight = new SingleFlight(() => this.#takeSnapshot())
    this.snapshots = new SnapshotManager(
      session.binding,
      session.dataDirectory,
      config.keepSnapshots,
      {
        take: () => this.snapshot(),
        rotate: (keep) => session.engine.rotateSnapshots(keep),
      },
    )
    for (const [event, listener] of Object.entries(listeners)) {
      if (typeof listener === 'function') this.on(event as keyof PersistenceEvents, listener)
    }
    this.#startSnapshotTimer(config.snapshotIntervalMin)
  }

  // --- instruments and books ---

  /** All defined instruments, by index. */
  instruments(): Instrument[] {
    return this.#byIndex.filter(Boolean)
  }

  /** The instrument of this name. ERR_PINNACLE_UNKNOWN_INSTRUMENT. */
  instrument(name: string): Instrument {
    const instrument = this.#byName.get(name)
    if (instrument) return instrument
    throw unknownInstrument(typeof name === 'string' ? name : shown(name), [...this.#byName.keys()])
  }

  /**
   * Journals a new instrument. The same definition again gives the instrument that is there.
   * ERR_PINNACLE_INVALID_INSTRUMENT, ERR_PINNACLE_INSTRUMENT_MISMATCH (another definition of this name),
   * ERR_PINNACLE_TOO_MANY_INSTRUMENTS (65,535).
   */
  defineInstrument(definition: InstrumentDefinition): Instrument {
    this.#assertOpen('defineInstrument')
    assertNoTransaction(this.#session.staging, 'defineInstrument')
    this.#host?.assertOutsideSnapshot('defineInstrument')
    const checked = checkInstrument(definition)
    const index = this.#session.engine.defineInstrument(checked)
    return this.#byIndex[index] ?? this.#register(new Instrument({ ...checked, index }))
  }

  /** The live book of an instrument, always the same object. ERR_PINNACLE_UNKNOWN_INSTRUMENT. */
  book(name: string): Book {
    const known = this.#books.get(name)
    if (known) return known
    const book = new Book(this.instrument(name), this.#session.staging, this.#session.causeOf)
    this.#books.set(name, book)
    return book
  }

  /** A batch of operations on any of the books; it can be used again after each commit. */
  batch(options?: OperationBatchOptions): OperationBatch {
    return new OperationBatch(
      this.#session.staging,
      (index) => this.#byIndex[index]?.name ?? `instrument ${String(index)}`,
      this.#session.causeOf,
      options,
    )
  }

  // --- journal ---

  /** Journals a payload, then gives it to the state machine; returns its sequence. */
  append(userType: number, payload: Uint8Array, options?: AppendOptions): number {
    return this.journal.append(userType, payload, options)
  }

  /**
   * Runs `work` as one transaction: every book operation that it makes, on any instruments, and every entry that it
   * appends is kept as a whole or not at all, also by a crash, and a state machine gets them when it is committed.
   * Returns what `work` returns. What it throws, and a refused operation, takes all of it back. Not inside are
   * define, snapshot, compact, durable, syncNow, close and another transaction (ERR_PINNACLE_TRANSACTION_OPEN), nor
   * an async function (ERR_PINNACLE_TRANSACTION_ASYNC). ERR_PINNACLE_TRANSACTION_TOO_LARGE above a segment or half
   * the window.
   */
  transaction<Result>(work: () => Result): Result {
    return this.journal.transaction(work)
  }

  /** The last sequence appended; it survives the process. */
  get appendedFrontier(): number {
    return this.#session.appended()
  }

  /** The last sequence in the segment files: other processes see it, and it survives without the window. */
  get writtenFrontier(): number {
    return this.#session.written()
  }

  /** The last durable sequence; it survives power loss. */
  get durableFrontier(): number {
    return this.#session.durable()
  }

  /** The last sequence applied to the books. Operations are applied in the call that appends them. */
  get appliedFrontier(): number {
    return this.#session.appended()
  }

  /** Resolves once `sequence` is durable; default: all that is appended. Joins a group commit. */
  durable(sequence?: number): Promise<number> {
    return this.journal.durable(sequence)
  }

  /** Blocks until all that is appended is durable; returns the durable frontier. */
  syncNow(): number {
    return this.journal.syncNow()
  }

  // --- snapshots, compaction, the past ---

  /**
   * Takes a snapshot at the present sequence, off this thread, then compacts. One at a time: a call during
   * another's run gets the next. From the state machine's apply(): once that has returned.
   */
  async snapshot(): Promise<TakenSnapshot> {
    this.#assertOpen('snapshot')
    assertNoTransaction(this.#session.staging, 'snapshot')
    this.#host?.assertOutsideSnapshot('snapshot')
    return this.#snapshotFlight.run()
  }

  /** Frees segments that no kept snapshot needs; `force` does it below compactionThreshold too. */
  async compact(options: { force?: boolean } = {}): Promise<CompactionReport> {
    this.#assertOpen('compact')
    assertNoTransaction(this.#session.staging, 'compact')
    const run = this.#compacting.then(() => this.#session.engine.compact(options.force === true))
    this.#compacting = run.catch(() => undefined)
    const report = await run
    this.#notify('compaction', report)
    for (const consumer of report.overtaken) this.#notify('consumerOvertaken', consumer)
    return report
  }

  /**
   * Copies the newest sound snapshot and the journal from it on to a new backup in `destination`, off this
   * thread, beside the writing. docs/backup.md says what that is. close() ends one that runs.
   */
  async backup(destination: string, options: BackupOptions = {}): Promise<BackupReport> {
    this.#assertOpen('backup')
    const checked = checkPath(destination, 'the destination of a backup')
    const run = runBackupWork(options, this.#closingSignal.signal, (progress) =>
      this.#session.engine.backup(checked, progress),
    ).catch((error: unknown) => {
      // Given up by close(), and not by the caller's signal.
      const ended = isPinnacleError(error) && error.code === 'ERR_PINNACLE_ABORTED'
      throw ended ? closedError('backup') : error
    })
    this.#backups.add(run)
    try {
      return await run
    } finally {
      this.#backups.delete(run)
    }
  }

  /**
   * The instrument's book as it was; the live one is not touched. ERR_PINNACLE_OUT_OF_REACH says what is
   * covered. A timestamp means the state before the instrument's first entry beyond it; `times` of the book
   * says whether times are out of order around it, and whether it lies beyond the last.
   */
  async bookAt(instrument: string, point: PastPoint): Promise<PastBook> {
    this.#assertOpen('bookAt')
    const { index } = this.instrument(instrument)
    const books = await this.#session.engine.booksAt(checkPoint(point, index))
    return new BookSet(books).book(instrument)
  }

  /**
   * Brings `machine`, an instance of its own, to the state at a past sequence: from the newest snapshot with a state
   * before it, and the journal from there. Returns it. ERR_PINNACLE_OUT_OF_REACH, ERR_PINNACLE_INSIDE_TRANSACTION.
   */
  async stateAt<Machine extends StateMachine>(
    point: PastSequence,
    machine: Machine,
  ): Promise<Machine> {
    this.#assertOpen('stateAt')
    if (this.#host?.runs(machine)) {
      throw new PinnacleTypeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        'stateAt needs a state machine of its own: the one given is the live one, whose state would be replaced',
      )
    }
    const checked = checkPoint(point, 0)
    return stateAt(this.#session, (checked as { sequence: number }).sequence, machine)
  }

  /** All books as they were at a sequence. */
  async booksAt(point: PastSequence): Promise<BookSet> {
    this.#assertOpen('booksAt')
    return new BookSet(await this.#session.engine.booksAt(checkPoint(point, 0)))
  }

  // --- watching and closing ---

  /** Counters, frontiers and latency histograms since open. */
  stats(): Stats {
    this.#assertOpen('stats')
    return statsOf(this.#session.engine.stats(), this.#session.commits.pending)
  }

  /** Whether close() was called. */
  get closed(): boolean {
    return this.#closing !== undefined
  }

  /** Syncs and releases the directory. Idempotent. What waits for durability resolves, or rejects with the cause. */
  close(): Promise<void> {
    if (this.#session.staging.transaction) return Promise.reject(transactionOpen('close'))
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** As close(), for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    clearInterval(this.#snapshotTimer)
    // What runs is let finish; a snapshot that waited for it finds the manager closed and rejects.
    await this.#snapshotFlight.idle()
    await this.#compacting
    this.#closingSignal.abort()
    await Promise.allSettled(this.#backups)
    try {
      await this.#session.close()
    } finally {
      this.#notify('closed')
    }
  }

  /** As emit, but a listener that throws neither ends the call that raised the event nor hides it from the others. */
  #notify<Event extends keyof PersistenceEvents>(
    event: Event,
    ...args: PersistenceEvents[Event]
  ): void {
    for (const listener of this.rawListeners(event)) {
      callListener(listener.bind(this) as (...args: PersistenceEvents[Event]) => void, ...args)
    }
  }

  #assertOpen(what: string): void {
    if (this.closed) throw closedError(what)
    this.#session.assertOpen(what)
  }

  #register(instrument: Instrument): Instrument {
    this.#byName.set(instrument.name, instrument)
    this.#byIndex[instrument.index] = instrument
    return instrument
  }

  #startSnapshotTimer(intervalMin: number): void {
    if (intervalMin === 0) return
    this.#snapshotTimer = setInterval(() => {
      // Nothing new: the last snapshot still says everything.
      if (this.#session.appended() === this.#lastSnapshot || this.#snapshotFlight.busy) return
      this.snapshot().catch(() => undefined) // the snapshotFailed event reports it
    }, intervalMin * 60_000)
    this.#snapshotTimer.unref()
  }

  async #takeSnapshot(): Promise<TakenSnapshot> {
    let info: TakenSnapshot
    try {
      // Asked for by the state machine's apply(): the entry is applied once this turn's calls have returned.
      if (this.#host?.applying) await Promise.resolve()
      this.#assertOpen('snapshot')
      // No await in between: the state is that of the engine's present sequence.
      const state = this.#host ? this.#host.snapshot(() => this.#session.appended()) : null
      info = takenSnapshotOf(await this.#session.engine.snapshot(state))
    } catch (error) {
      this.#notify('snapshotFailed', asError(error))
      throw error
    }
    this.#lastSnapshot = info.sequence
    this.#notify('snapshot', info)
    if (!this.closed) {
      this.compact().catch((error: unknown) => {
        this.#notify('compactionFailed', asError(error))
      })
    }
    return info
  }

  #failed(error: Error): void {
    clearInterval(this.#snapshotTimer)
    this.#notify('failure', error)
  }
}
