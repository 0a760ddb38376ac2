import type {
  ClockStep,
  NativeCompactionReport,
  NativeOvertakenConsumer,
  NativeRecoveryReport,
} from '../native/binding.js'
import type { TakenSnapshot } from '../snapshot/snapshot-manager.js'

export type RecoveryReport = Readonly<NativeRecoveryReport>
export type CompactionReport = Readonly<NativeCompactionReport>
export type OvertakenConsumer = Readonly<NativeOvertakenConsumer>

export interface RecoveryProgress {
  /** 'state' while the state machine's entries are replayed; otherwise the engine's phase. */
  phase: string
  done: number
  total: number
}

/** Events of a PersistenceManager, with their arguments. */
export interface PersistenceEvents {
  recoveryProgress: [progress: RecoveryProgress]
  recovered: [report: RecoveryReport]
  snapshot: [info: TakenSnapshot]
  /** A snapshot that the timer started, or one that was asked for, failed. The journal goes on. */
  snapshotFailed: [error: Error]
  compaction: [report: CompactionReport]
  compactionFailed: [error: Error]
  /** Compaction went past a consumer that lags further behind than consumerLimit allows. */
  consumerOvertaken: [consumer: OvertakenConsumer]
  /** The journal failed: nothing is taken any more. Once, at most. */
  failure: [error: Error]
  /** The system's clock was set; the journal's time follows it. Of several steps in a row, the last. */
  clockStepped: [step: ClockStep]
  closed: []
}

export type PersistenceListeners = {
  [Event in keyof PersistenceEvents]?: (...args: PersistenceEvents[Event]) => void
}
