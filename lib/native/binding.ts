/**
 * The addon's surface, typed by hand: what native/addon exports, nothing more. Only lib/ uses it; users
 * see the classes above it. Errors that it throws or rejects with are instances of the class handed to
 * `setErrorClass`.
 */
import type { NativeBookReader, NativeBookSet, NativeInstrument } from './book-binding.js'
import type { NativeConsumer, NativeConsumerInfo } from './consumer-binding.js'
import type { NativeCounter, NativeLiveStatus, NativeWatch } from './live-binding.js'

import type { Durability, RecoveryPolicy, WritePath } from './option-names.js'
import type {
  NativeBackupReport,
  NativeCompactionReport,
  NativeFoundBackup,
  NativeInspectReport,
  NativeRecoveryReport,
  NativeRepairReport,
  NativeRestoreReport,
  NativeRotationReport,
  NativeSnapshotInfo,
  NativeStats,
  NativeTakenSnapshot,
} from './reports.js'
import type { NativeFoundWindow } from './windows.js'

export type * from './reports.js'

/** `new ErrorClass(code, message, { errno?, details? })` */
export type ErrorConstructor = new (
  code: string,
  message: string,
  options?: { errno?: number; details?: Readonly<Record<string, unknown>> },
) => Error

/**
 * Layout of the staging area, in float64 lanes. JS writes an operation's lanes and makes one call without
 * arguments; the call writes its outcome to the result lanes. Nothing is allocated on either side.
 */
export const Staging = {
  bytes: 8 * (16 + 12 * 1024),
  /** Result lanes. */
  sequence: 0, // of the last entry written by the call
  code: 1, // 0, or an index into errorNames
  count: 2, // operations taken by a batch call
  refused: 3, // operations refused by a batch call
  failedIndex: 4, // index in the batch of the first refused operation, or -1
  /** Argument lanes of batch calls, written by JS. */
  batchCount: 5,
  skipRefused: 6, // 1: continue after a refused operation, 0: stop at it
  atomic: 7, // 1: all operations of the batch or none
  tellStamps: 8, // 1: the timestamp lane of each operation gets its entry's, as a raw word
  /** First lane of the operation, lanes per operation, operations per batch. */
  operations: 16,
  lanesPerOperation: 12,
  maxOperations: 1024,
  /** Lanes of an operation. */
  kind: 0, // EntryType | rawIds | rawTime
  instrument: 1, // 1-based index
  orderId: 2, // float64 integer, or the low uint64 with rawIds
  price: 3,
  quantity: 4,
  timestamp: 5, // ns as float64 integer, or uint64 with rawTime; 0: the journal's clock
  newOrderId: 6,
  side: 7, // 0 buy, 1 sell
  orderIdHigh: 8, // uint64, with rawIds
  newOrderIdHigh: 9, // uint64, with rawIds
  resultCode: 10, // written by batch calls
  resultSequence: 11, // written by batch calls
  rawIds: 0x100,
  rawTime: 0x200,
  /**
   * A payload append uses the lanes of operation 0 as: kind = user type (0..95), instrument (0: none),
   * timestamp, quantity = payload bytes; the payload starts at `payload`. In a batch all payloads have the
   * same length and follow each other, each starting on a lane.
   */
  payload: 16 + 12, // lane
} as const

/** Values of native/state/entry_payloads.h EntryType. */
export const EntryType = {
  Instrument: 0x03,
  Hole: 0x05,
  Add: 0x11,
  Reduce: 0x12,
  Cancel: 0x14,
  Execute: 0x18,
  Replace: 0x21,
  ReplaceWide: 0x22,
  SetLevel: 0x24,
  Clear: 0x28,
  Trade: 0x41,
  Status: 0x42,
  FirstUserType: 0x80,
} as const

export interface NativeEngineOptions {
  dataDirectory: string
  /** Create the directory's last component if it is missing. */
  create: boolean
  segmentBytes: number
  durability: Durability
  syncIntervalMs: number
  recoveryPolicy: RecoveryPolicy
  hasStateMachine: boolean // a repair then keeps what it needs, or is refused
  keepSnapshots: number
  compactionThresholdBytes: number
  consumerLimitBytes: number
  consumerLimitEntries: number
  writePath: WritePath
  /** Absolute; '': the system's shared memory. */
  windowDirectory: string
  windowBytes: number
  /** Segment files kept for recycling, at most. */
  spareSegments: number
  /** Live orders to reserve for in each book. */
  expectedOrders: number
  /** Processors that the background threads run on; none: anywhere. */
  backgroundCpus: readonly number[]
  instruments: Omit<NativeInstrument, 'index'>[]
}

/** Work that can be given up: `done` then rejects with ERR_PINNACLE_ABORTED. */
export interface NativeWork<Report> {
  done: Promise<Report>
  giveUp(): void
}

export type NativeProgress = (phase: string, done: number, total: number) => void

export interface NativeEvents {
  /** A sync ended: everything up to `sequence` is durable, or the journal failed. */
  durable(sequence: number, error: Error | null): void
  /** The journal failed: it accepts no more entries. Called once. */
  failure(error: Error): void
  /** The system's clock was set; of several steps in a row, the last. */
  clockStepped(fromNs: bigint, toNs: bigint, sequence: number): void
  /** The window in use was removed or cut short. Once, at most. */
  windowLost(path: string, reason: string): void
}

export interface NativeEngine extends NativeBookReader {
  /** Shared memory: the engine writes to it as long as it lives, so nothing must be able to detach it. */
  readonly staging: ArrayBufferLike
  /** Hot path: takes the staged operation. */
  apply(): void
  /** The same, and the timestamp lane gets the entry's, as a raw word. */
  applyAndTell(): void
  /** Takes `batchCount` operations, which `operations` holds from its first lane. */
  applyBatch(operations: Float64Array): void
  /** Hot path: journals the staged payload. */
  append(): void
  /** The same with the bytes of `payload`, as many as they are. */
  appendBytes(payload: Uint8Array): void
  /** The same, and takes the user types of this package as well (0..127). */
  appendReserved(payload: Uint8Array): void
  appendBatch(): void
  /** From here on operations and appends are applied and not journaled, until one of the next two. */
  beginTransaction(): void
  /** Journals all of it as one, or takes it back if that is refused. */
  commitTransaction(): void
  /** Takes back what is open, if anything is. */
  rollBackTransaction(): void
  /** Entries of the open transaction so far. */
  transactionEntries(): number
  /** The open transaction can only be taken back from here on. */
  abortTransaction(): void
  /** Payloads larger than the staging area, and any user type (0..127). Returns the sequence; throws. */
  appendPayload(userType: number, instrument: number, timestamp: bigint, payload: Uint8Array): number

  /** Asks for a group commit up to `sequence`; answered by the `durable` event. */
  requestDurable(sequence: number): void
  /** Blocks until everything appended is durable. Returns the durable sequence; throws. */
  sync(): number
  /** Cheap, for polling: writes nothing. */
  appended(): number
  written(): number
  durable(): number

  defineInstrument(instrument: Omit<NativeInstrument, 'index'>): number
  stats(): NativeStats
  /**
   * Takes a snapshot at the present sequence, off this thread. `state` is the user's own state at this
   * very sequence (StateMachine), or null.
   */
  snapshot(state: Uint8Array | null): Promise<NativeTakenSnapshot>
  /** Keeps the newest `keep` that verify; reads all of them. */
  rotateSnapshots(keep: number): Promise<NativeRotationReport>
  compact(force: boolean): Promise<NativeCompactionReport>
  /** Must be over before close() is called. */
  backup(destination: string, progress: NativeProgress): NativeWork<NativeBackupReport>
  /** The user state in the snapshot that recovery started from, or null. */
  recoveredState(): Uint8Array | null
  /** Why the journal refused the last append (a full disk, a failed sync …), or null. */
  lastError(): Error | null
  /** Rebuilds the books as they were; exactly one of the two is given. */
  booksAt(point: { sequence: number } | { timestamp: bigint; instrument: number }): Promise<NativeBookSet>
  /** Syncs, stops the threads, releases the lock. Idempotent. */
  close(): Promise<void>
}

export interface NativeReader {
  /**
   * Whole verified entries as the journal holds them, about `maxBytes` of them; null at the end for
   * now (later calls may return more: that is how a journal is followed). Throws on corruption.
   */
  read(maxBytes: number): Uint8Array | null
  readonly nextSequence: number
  close(): void
}

export interface NativeBounds {
  readonly from: number
  readonly to: number
  readonly multipleOf: number
}

export interface NativeBinding {
  readonly counters: readonly NativeCounter[]
  readLiveStatus(dataDirectory: string): NativeLiveStatus
  watchJournal(dataDirectory: string): NativeWatch
  readonly errorNames: readonly string[]
  readonly crc32cImplementation: string
  crc32c(bytes: Uint8Array): number
  /** What openEngine takes, by the option's name; "scale": of an instrument's scales. */
  readonly optionBounds: Readonly<Record<string, NativeBounds>>
  /** The addon's own numbers for `Staging` and `EntryType`. */
  readonly stagingLayout: {
    readonly staging: Readonly<Record<string, number>>
    readonly entryTypes: Readonly<Record<string, number>>
    readonly userTypes: Readonly<Record<string, number>>
  }
  setErrorClass(errorClass: ErrorConstructor): void
  openEngine(
    options: NativeEngineOptions,
    events: NativeEvents,
    progress: (phase: string, done: number, total: number) => void,
  ): Promise<{ engine: NativeEngine; report: NativeRecoveryReport }>
  /** Reads without the lock, beside a running writer or after it. From 0: from the oldest entry held. */
  openReader(dataDirectory: string, fromSequence: number): NativeReader
  /** Makes it if there is none: from the entry `from` on, or from the oldest one held (0). */
  openConsumer(dataDirectory: string, name: string, from: number): Promise<NativeConsumer>
  listConsumers(dataDirectory: string): Promise<NativeConsumerInfo[]>
  removeConsumer(dataDirectory: string, name: string): Promise<void>
  /** Reads every byte of segments and snapshots and verifies it; changes nothing. */
  inspect(
    dataDirectory: string,
    progress: (phase: string, done: number, total: number) => void,
  ): Promise<NativeInspectReport>
  /** Mends a damaged directory under its lock. A dry run takes no lock and changes nothing. */
  repair(
    dataDirectory: string,
    options: { policy: string; dryRun: boolean },
  ): Promise<NativeRepairReport>
  /** Of a directory that is not open here; a writer of another process may be at work. */
  backup(
    dataDirectory: string,
    destination: string,
    progress: NativeProgress,
  ): NativeWork<NativeBackupReport>
  /** `sequence` 0: the newest. */
  restore(
    backup: string,
    dataDirectory: string,
    sequence: number,
    progress: NativeProgress,
  ): NativeWork<NativeRestoreReport>
  /** All windows of this user in a directory in memory ('': the system's); removes those that nothing needs. */
  cleanWindows(
    directory: string,
    options: { force: boolean; dryRun: boolean },
  ): Promise<NativeFoundWindow[]>
  listBackups(destination: string): NativeFoundBackup[]
  listSnapshots(dataDirectory: string): NativeSnapshotInfo[]
  /** Rejects with ERR_PINNACLE_SNAPSHOT_CORRUPT if it does not verify. */
  verifySnapshot(path: string): Promise<NativeSnapshotInfo>
  loadSnapshot(path: string): Promise<{ info: NativeSnapshotInfo; books: NativeBookSet; state: Uint8Array | null }>
  /** Books at a point, from a directory that is not open here (read-only). */
  booksAt(
    dataDirectory: string,
    point: { sequence: number } | { timestamp: bigint; instrument: number },
  ): Promise<NativeBookSet>
}
