import type {
  ClockStep,
  NativeCompactionReport,
  NativeOvertakenConsumer,
  NativeRecoveryReport,
} from '../native/binding.js'
import type { NativeWindowFinding } from '../native/windows.js'
import type { TakenSnapshot } from '../snapshot/snapshot-manager.js'

export type RecoveryReport = Readonly<NativeRecoveryReport>
export type CompactionReport = Readonly<NativeCompactionReport>
export type WindowFinding = Readonly<NativeWindowFinding>
export type OvertakenConsumer = Readonly<NativeOvertakenConsumer>

export interface RecoveryProgress {
  /** 'state' while the state machine's entries are replayed; otherwise the engine's phase. */
  phase: string
  done: number
  total: number
}

export interface WindowLoss {
  /** Of the window's file. */
  readonly path: string
  readonly reason: string
  /** 'open': an earlier writer's, see `recovery.window`; 'writing': this writer's own. */
  readonly found: 'open' | 'writing'
}

/** Events of a PersistenceManager, with their arguments. */
export interface PersistenceEvents {
  recoveryProgress: [progress: RecoveryProgress]
  recovered: [report: RecoveryReport]
  snapshot: [info: TakenSnapshot]
  /** A snapshot that the timer started, or one that was requested, failed. The journal continues. */
  snapshotFailed: [error: Error]
  compaction: [report: CompactionReport]
  compactionFailed: [error: Error]
  /** Compaction went past a consumer that lags by more than consumerLimit allows. */
  consumerOvertaken: [consumer: OvertakenConsumer]
  /** The journal failed: it accepts no more entries. At most once. */
  failure: [error: Error]
  /**
   * A window is lost: one that an earlier writer left was gone or could not be used when the directory was opened, so
   * what it had not yet written is lost; or this writer's own was removed, so a kill would lose the same.
   */
  windowLost: [loss: WindowLoss]
  /** The system's clock was set; the journal's time follows it. Of several steps in a row, the last. */
  clockStepped: [step: ClockStep]
  closed: []
}

export type PersistenceListeners = {
  [Event in keyof PersistenceEvents]?: (...args: PersistenceEvents[Event]) => void
}
