import type {
  ClockStep,
  NativeCompactionReport,
  NativeOvertakenConsumer,
  NativeRecoveryReport,
} from '../native/binding.js'
import type { NativeWindowFinding } from '../native/windows.js'
import type { TakenSnapshot } from '../snapshot/snapshot-manager.js'

export type {
  NativeCompactionReport as CompactionReport,
  NativeOvertakenConsumer as OvertakenConsumer,
  NativeRecoveryReport as RecoveryReport,
  NativeWindowFinding as WindowFinding,
}

/** How far a long piece of work is: an open, an inspection, a backup, a restore. */
export interface RecoveryProgress {
  /**
   * Of an open 'snapshot', 'replay', 'state' (the state machine's entries) and 'start'; of other work a name of
   * its own.
   */
  phase: string
  /** Bytes, or entries of the phase 'state', that are done. */
  done: number
  /** All of them; 0: not known. */
  total: number
}

/** The loss of a window, and with it of what was not yet written to the segment files. */
export interface WindowLoss {
  /** Of the window's file. */
  readonly path: string
  /** What happened to it. */
  readonly reason: string
  /** 'open': an earlier writer's, see `recovery.window`; 'writing': this writer's own. */
  readonly found: 'open' | 'writing'
}

/** Events of a PersistenceManager, with their arguments. */
export interface PersistenceEvents {
  /** An open has advanced. Only a listener given to open() hears it. */
  recoveryProgress: [progress: RecoveryProgress]
  /** An open is done. Only a listener given to open() hears it. */
  recovered: [report: NativeRecoveryReport]
  /** A snapshot was taken, by the timer or by a call. */
  snapshot: [info: TakenSnapshot]
  /** A snapshot that the timer started, or one that was requested, failed. The journal continues. */
  snapshotFailed: [error: Error]
  /** A compaction ran, by a snapshot or by a call; it may have freed nothing. */
  compaction: [report: NativeCompactionReport]
  /** A compaction after a snapshot failed. The journal continues. */
  compactionFailed: [error: Error]
  /** Compaction went past a consumer that lags by more than consumerLimit or consumerLimitEntries allows. */
  consumerOvertaken: [consumer: NativeOvertakenConsumer]
  /** The journal failed: it accepts no more entries. At most once. */
  failure: [error: Error]
  /**
   * A window is lost: one that an earlier writer left was gone or could not be used when the directory was opened, so
   * what it had not yet written is lost; or this writer's own was removed, so a kill would lose the same.
   */
  windowLost: [loss: WindowLoss]
  /** The system's clock was set; the journal's time follows it. Of several steps in a row, the last. */
  clockStepped: [step: ClockStep]
  /** close() has released the directory. */
  closed: []
}

/** Listeners by event, as OpenOptions takes them. */
export type PersistenceListeners = {
  [Event in keyof PersistenceEvents]?: (...args: PersistenceEvents[Event]) => void
}
