/**
 * One open engine and what its users share: the staging area, group commit, the journal's failure and the
 * end. Journal and PersistenceManager are faces of it.
 */
import { type CodedError, PinnacleError } from '../errors/pinnacle-error.js'
import { asError } from '../errors/native-error.js'
import {
  Staging,
  type ClockStep,
  type NativeBinding,
  type NativeEngine,
  type NativeEngineOptions,
  type NativeRecoveryReport,
} from '../native/binding.js'
import { StagingArea } from '../native/staging.js'
import { GroupCommit } from './group-commit.js'

export type ProgressListener = (phase: string, done: number, total: number) => void

/** Codes that the file system and the device bring about. */
const systemCodes: ReadonlySet<string> = new Set([
  'ERR_PINNACLE_JOURNAL_FAILED',
  'ERR_PINNACLE_DIRECTORY_LOST',
  'ERR_PINNACLE_NO_SPACE',
  'ERR_PINNACLE_IO',
  'ERR_PINNACLE_TOO_MANY_FILES',
  'ERR_PINNACLE_READ_ONLY',
  'ERR_PINNACLE_PERMISSION',
])

/** The engine, which may say what the system answered to the last refused append. */

export class EngineSession {
  readonly engine: NativeEngine
  readonly staging: StagingArea
  readonly commits: GroupCommit
  readonly dataDirectory: string
  readonly recovery: NativeRecoveryReport
  readonly binding: NativeBinding
  #failure: Error | undefined
  #closing: Promise<void> | undefined
  #closed = false
  #lastFrontiers = { appended: 0, written: 0, durable: 0 }

  /** `onFailure` is called once, when the journal fails. */
  static async open(
    binding: NativeBinding,
    options: NativeEngineOptions,
    progress: ProgressListener,
    onFailure: (error: Error) => void,
    onClockStep: (step: ClockStep) => void = () => undefined,
    onWindowLost: (path: string, reason: string) => void = () => undefined,
  ): Promise<EngineSession> {
    // Events may come before openEngine resolves; until then they have no receiver.
    const opened: { session?: EngineSession } = {}
    let early: Error | undefined
    const { engine, report } = await binding.openEngine(
      options,
      {
        durable(sequence, error) {
          const { session } = opened
          session?.commits.advance(sequence)
          if (error && session) session.#fail(error, onFailure)
        },
        clockStepped(fromNs, toNs, sequence) {
          onClockStep({ fromNs, toNs, sequence })
        },
        windowLost(path, reason) {
          onWindowLost(path, reason)
        },
        failure(error) {
          if (opened.session) opened.session.#fail(error, onFailure)
          else early = error
        },
      },
      progress,
    )
    const session = new EngineSession(binding, engine, report, options.dataDirectory)
    opened.session = session
    if (early) session.#fail(early, onFailure)
    return session
  }

  private constructor(
    binding: NativeBinding,
    engine: NativeEngine,
    recovery: NativeRecoveryReport,
    dataDirectory: string,
  ) {
    this.binding = binding
    this.engine = engine
    this.recovery = recovery
    this.dataDirectory = dataDirectory
    this.staging = new StagingArea(engine, binding.errorNames)
    const { lanes } = this.staging
    this.commits = new GroupCommit({
      appended: () => engine.appended(),
      appendedAtLeast: () => lanes[Staging.sequence] ?? 0,
      durable: () => engine.durable(),
      requestDurable: (sequence) => {
        engine.requestDurable(sequence)
      },
    })
  }

  /**
   * The cause of a refusal with this code: the journal's failure, or the system's error. None if the
   * operation itself was wrong.
   */
  readonly causeOf = (code: string): Error | undefined => {
    if (!systemCodes.has(code)) return undefined
    return this.#failure ?? this.engine.lastError() ?? undefined
  }

  /** Whether close was called. */
  get closed(): boolean {
    return this.#closing !== undefined
  }

  /** Survives the process. */
  appended(): number {
    return this.#closed ? this.#lastFrontiers.appended : this.engine.appended()
  }

  /** In the segment files: survives the loss of the window, and other processes see it. */
  written(): number {
    return this.#closed ? this.#lastFrontiers.written : this.engine.written()
  }

  /** Survives power loss. */
  durable(): number {
    return this.#closed ? this.#lastFrontiers.durable : this.engine.durable()
  }

  assertOpen(what: string): void {
    if (this.closed) throw closedError(what)
  }

  /** Idempotent. Syncs; pending waits resolve, or reject with what kept the journal from its last sync. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const appended = this.engine.appended()
    this.#lastFrontiers = {
      appended,
      written: this.engine.written(),
      durable: this.engine.durable(),
    }
    try {
      await this.engine.close()
      if (!this.#failure) {
        this.#lastFrontiers.written = this.#lastFrontiers.durable = appended
        this.commits.advance(appended)
      }
      this.commits.end(closedError('durable'))
    } catch (error) {
      this.commits.end(asError(error))
      throw error
    } finally {
      this.#closed = true
      // Followers sleep until something is appended; nothing will be.
      this.staging.wake()
    }
  }

  #fail(error: Error, onFailure: (error: Error) => void): void {
    if (this.#failure) return
    this.#failure = error
    this.commits.end(
      new PinnacleError(
        (error as CodedError).code === 'ERR_PINNACLE_DIRECTORY_LOST'
          ? 'ERR_PINNACLE_DIRECTORY_LOST'
          : 'ERR_PINNACLE_JOURNAL_FAILED',
        `the journal has failed and accepts no more entries: ${error.message}`,
        { cause: error },
      ),
    )
    this.staging.wake()
    onFailure(error)
  }
}

export function closedError(what: string): PinnacleError {
  return new PinnacleError(
    'ERR_PINNACLE_CLOSED',
    `${what} was called on a closed journal; open the data directory again`,
  )
}
