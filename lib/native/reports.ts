/**
 * The reports that the addon gives. Users get them as they are: lib/ exports them under names without
 * "Native". An absent sequence is 0, an absent text ''.
 */
import type { NativeHistogram } from './histogram.js'
import type { NativeWindowFinding } from './windows.js'

/** Consecutive entries that a damaged journal lost; a hole marks them in the journal. */
export interface NativeHole {
  /** First sequence that is lost. */
  readonly firstSequence: number
  /** Last sequence that is lost. */
  readonly lastSequence: number
  /** What they did up to this sequence is in a snapshot of it; 0: in none. */
  readonly snapshotSequence: number
  /** Of the lost entries, those that verified and that the books refused, because they needed a lost one. */
  readonly entriesLeftOut: number
}

/** What a repair did, or what a dry run of it would do. */
export interface NativeRepairReport {
  /** Last sequence of the repaired journal. */
  readonly lastSequence: number
  /** Sequence of the snapshot that the state starts from; 0: none. */
  readonly snapshotSequence: number
  /** Lost entries that the journal marks afterwards, in order. */
  readonly holes: NativeHole[]
  /** Entries after `lastSequence` that were durable and are lost. */
  readonly lostTail: number
  /** Entries that are kept although an entry before them is lost. */
  readonly entriesAfterDamage: number
  /** Valid entries that the policy does not keep. */
  readonly entriesDropped: number
  /** Files that were taken out of use, by the paths that they had. */
  readonly quarantined: string[]
  /** Of these, the snapshots that did not verify. */
  readonly damagedSnapshots: NativeDamagedSnapshot[]
  /** Directory that has these files now; '' in a dry run. */
  readonly quarantineDirectory: string
  /** The window that the last writer left. */
  readonly window: NativeWindowFinding
}

/** Where the good entries of a journal stop, if it does not end cleanly. */
export interface NativeBreak {
  /** Path of the segment file. */
  readonly segment: string
  /** Offset in this file, in bytes. */
  readonly offset: number
  /** First sequence that is missing. */
  readonly sequence: number
  /** What was found there. */
  readonly reason: string
  /** true: valid entries follow it. */
  readonly validEntriesFollow: boolean
  /** The highest durable sequence that any evidence names. */
  readonly durableFrontier: number
}

/** What opening a data directory found and did. */
export interface NativeRecoveryReport {
  /** true: the directory was empty, and a new journal was made. */
  readonly created: boolean
  /** How the journal ended: 'corrupt' only if a policy other than 'strict' kept what it could. */
  readonly tail: 'clean' | 'torn' | 'corrupt'
  /** Sequence of the snapshot that was restored; 0: none was. */
  readonly snapshotSequence: number
  /** Path of this snapshot; '': none. */
  readonly snapshotPath: string
  /** Newer snapshots that were skipped because they did not verify. */
  readonly damagedSnapshots: NativeDamagedSnapshot[]
  /** First sequence that the journal still holds; 0: it holds no entry. */
  readonly firstSequence: number
  /** Last sequence recovered; 0: none. The next entry has the one after it. */
  readonly lastSequence: number
  /** Entries after the snapshot that were applied. */
  readonly entriesReplayed: number
  /** Segments that were read for it. */
  readonly segmentsRead: number
  /** Bytes that were read for it. */
  readonly bytesRead: number
  /** Bytes in the lines after the good entries, other than lines of zeros, that are not kept. */
  readonly bytesDropped: number
  /** Valid entries that are not kept. */
  readonly entriesDropped: number
  /** Entries after the damage that the policy 'salvage' kept. */
  readonly entriesSalvaged: number
  /** Lost entries that the journal marks, as far as they come after the snapshot. */
  readonly holes: NativeHole[]
  /** Where the tail was cut or is corrupt; null: it is clean. */
  readonly break: NativeBreak | null
  /** Directory that has what a policy took out of use; '': it took nothing. */
  readonly quarantineDirectory: string
  /** true: an earlier repair had been interrupted, and this open finished it. */
  readonly repairFinished: boolean
  /** The window that an earlier writer left. */
  readonly window: NativeWindowFinding
  /** Bytes of this writer's window; 0: its segments are mapped. */
  readonly windowBytes: number
  /** Why writePath 'auto' took no window; '': it took one, or none was asked for. */
  readonly whyNoWindow: string
  /** Why the window could not be locked in memory, so that it may be swapped out; '': it is locked. */
  readonly whyWindowNotLocked: string
  /** The recoveryPolicy in force. */
  readonly policy: string
  /** Milliseconds of the whole open. */
  readonly durationMs: number
  /** Milliseconds of its parts. */
  readonly phasesMs: NativePhases
}

/** Milliseconds of the parts of an open. */
export interface NativePhases {
  /** Taking the lock, and the last writer's window. */
  readonly lock: number
  /** Reading and verifying the snapshot. */
  readonly snapshot: number
  /** Reading, verifying and applying the entries after it. */
  readonly replay: number
  /** Making the journal ready for new entries. */
  readonly start: number
}

/** A step of the system's clock by more than a second, seen when an entry got its time. */
export interface ClockStep {
  /** What the time was, or would have been: ns since 1970-01-01 UTC. */
  readonly fromNs: bigint
  /** What it became: ns since 1970-01-01 UTC. */
  readonly toNs: bigint
  /** The first entry of the new time. */
  readonly sequence: number
}

/** Counters since open, unless they say otherwise. The names of most are those of docs/operations.md. */
export interface NativeStats {
  appended: number
  written: number
  durable: number
  applied: number
  /** '' or the cause. */
  failed: string
  /** Entries appended. */
  entries: number
  /** Bytes of these entries. */
  bytesAppended: number
  /** Operations and appends that were refused. */
  refused: number
  /** Syncs that made entries durable. */
  syncs: number
  /** Syncs that failed: at most one, since the first one fails the journal. */
  syncFailures: number
  /** Index of the segment that is appended to, from 1. */
  segmentIndex: number
  /** Segments made as new files. */
  segmentsCreated: number
  /** Segments made from spare files. */
  segmentsRecycled: number
  /** Segments that compaction removed. */
  segmentsRemoved: number
  /** Times that an append waited for the next segment: the device is too slow, or segmentSize too small. */
  segmentStalls: number
  /** Nanoseconds of these waits. */
  segmentStallNs: number
  /** Bytes of the window or the mapped file that were made present ahead of the writer. */
  touchedBytes: number
  /** Page faults of the whole process that needed no device. */
  minorFaults: number
  /** Page faults of the whole process that read the device. */
  majorFaults: number
  /** Page faults of the calling thread that needed no device, since it began. macOS: 0. */
  writerMinorFaults: number
  /** Page faults of the calling thread that read the device, since it began. macOS: 0. */
  writerMajorFaults: number
  /** Times that the scheduler took the processor from the calling thread, since it began. macOS: 0. */
  writerPreemptions: number
  /** Bytes handed to syncs, in whole pages. */
  syncBytes: number
  /** Writes of zeros ahead of the copied bytes, which keep short syncs short. */
  fills: number
  /** Bytes of these zeros. */
  filledBytes: number
  /** Bytes of the window's ring; 0: the segments are mapped. */
  windowBytes: number
  /** Times that an append waited for a full ring: the device is too slow, or windowSize too small. */
  windowWaits: number
  /** Nanoseconds of these waits. */
  windowWaitNs: number
  /** Writes from the ring to the segment files. */
  copies: number
  /** Bytes of these writes. */
  copiedBytes: number
  /** true: the window's file was removed or cut short; a kill would lose what is not yet written. */
  windowLost: boolean
  /** Snapshots taken. */
  snapshots: number
  /** Snapshots that failed. */
  snapshotFailures: number
  /** Compactions that freed something. */
  compactions: number
  /** Times that a table of a book grew. */
  bookGrowths: number
  /** Bytes of memory of all live books. */
  bookMemoryBytes: number
  /** Steps of the system's clock by more than a second. */
  clockSteps: number
  /** The last of them; null: there was none. */
  lastClockStep: ClockStep | null
  /** Bytes of the segment files on disk. */
  journalBytes: number
  /** Spare segment files that are kept for recycling. */
  spareSegments: number
  /** Sampled: one append in 256. */
  appendNs: NativeHistogram
  syncNs: NativeHistogram
  /** Entries made durable by one sync. */
  syncEntries: NativeHistogram
}

export interface NativeSnapshotInfo {
  path: string
  sequence: number
  timestamp: bigint // ns since the epoch
  bytes: number
  orders: number
  instruments: number
  stateBytes: number
  durationMs: number // 0 if it was only listed
}

/** A snapshot that does not verify, was renamed or belongs to another journal. It is left in place. */
export interface NativeDamagedSnapshot {
  /** Path of the file. */
  readonly path: string
  /** What is wrong with it. */
  readonly reason: string
}

export interface NativeTakenSnapshot extends NativeSnapshotInfo {
  /** Older ones that did not verify when old ones were rotated away. */
  damagedSnapshots: NativeDamagedSnapshot[]
}

/** All newest first. */
export interface NativeRotationReport {
  kept: NativeSnapshotInfo[]
  removed: NativeSnapshotInfo[]
  damaged: { snapshot: NativeSnapshotInfo; reason: string }[]
}

/** What a compaction did. */
export interface NativeCompactionReport {
  /** Segments that were deleted. */
  readonly removed: number
  /** Segments that became spare files. */
  readonly recycled: number
  /** Bytes of the deleted ones. */
  readonly bytesFreed: number
  /** First sequence that the journal still holds. */
  readonly oldestSequence: number
  /** Why nothing was freed; '': something was. */
  readonly reason: string
  /** Snapshots that did not verify, so that no entry was kept for them. */
  readonly damagedSnapshots: NativeDamagedSnapshot[]
  /** Consumers that lag too far: what they have not read yet begins before `oldestSequence` now. */
  readonly overtaken: NativeOvertakenConsumer[]
  /** Bytes of segments that are kept for consumers alone. */
  readonly bytesKeptForConsumers: number
  /** Name of the consumer that lags most, if something is kept for one; '': nothing is. */
  readonly slowestConsumer: string
}

/** A consumer that compaction went past. */
export interface NativeOvertakenConsumer {
  /** Its name. */
  readonly name: string
  /** Its position: the last sequence that it had consumed. */
  readonly sequence: number
  /** First sequence that the journal still holds. */
  readonly oldestSequence: number
}

/** What a backup says of itself. */
export interface NativeBackupFacts {
  /** Number of the backup, which counts up in its directory of backups. */
  readonly number: number
  /** First entry that its journal holds; 0: none. */
  readonly firstSequence: number
  /** Last entry of what it restores to. */
  readonly lastSequence: number
  /** Sequence of its snapshot; 0: none. */
  readonly snapshotSequence: number
  /** Bytes of all its files. */
  readonly bytes: number
  /** Number of its files. */
  readonly files: number
  /** When it was made: ns since 1970-01-01 UTC. */
  readonly createdNs: bigint
  /** Id of the journal that it is a backup of: 32 hex digits. */
  readonly journalId: string
}

/** A backup that a directory of backups holds. */
export interface NativeFoundBackup extends NativeBackupFacts {
  /** Path of its directory. */
  readonly path: string
  /** Why it can't be restored; '': it can. */
  readonly problem: string
}

/** What making a backup did. */
export interface NativeBackupReport extends NativeBackupFacts {
  /** Path of the new backup's directory. */
  readonly path: string
  /** Bytes that were copied. */
  readonly copiedBytes: number
  /** Bytes of files that it shares with an earlier backup. */
  readonly sharedBytes: number
  /** Number of these files. */
  readonly sharedFiles: number
  /** Times that compaction took away what was being copied, and the backup began again. */
  readonly restarts: number
  /** Newer snapshots of the data directory that do not verify. */
  readonly damagedSnapshots: NativeDamagedSnapshot[]
  /** Paths of files of earlier backups that do not verify; the new backup does not share them. */
  readonly damagedBackups: string[]
  /** Milliseconds that it took. */
  readonly durationMs: number
}

/** What a restore did. */
export interface NativeRestoreReport extends NativeBackupFacts {
  /** Path of the backup that was restored. */
  readonly backup: string
  /** Path of the new data directory. */
  readonly dataDirectory: string
  /** What a strict open of it found. */
  readonly recovery: NativeRecoveryReport
  /** Milliseconds that it took. */
  readonly durationMs: number
}

/** One segment file of a journal. */
export interface NativeSegmentInfo {
  /** Path of the file. */
  readonly path: string
  /** Its number, from 1. */
  readonly index: number
  /** Bytes of the file. */
  readonly bytes: number
  /** First sequence in it; 0: it has no entry. */
  readonly firstSequence: number
  /** Last sequence in it; 0: it has no entry. */
  readonly lastSequence: number
  /** Number of entries that verify. */
  readonly entries: number
  /** Bytes of header and entries. */
  readonly usedBytes: number
  /** Its own id, which ties it to its neighbours. */
  readonly segmentId: bigint
  /** When it was made: ns since 1970-01-01 UTC. */
  readonly createdNs: bigint
  /** How its entries end. */
  readonly state: 'clean' | 'torn' | 'corrupt' | 'empty'
  /** What is wrong with it; '': nothing. */
  readonly detail: string
}

export interface NativeInspectReport {
  /** The directory that was read. */
  dataDirectory: string
  /** Id of the journal, 32 hex digits; '': there is no segment. */
  journalId: string
  /** true: a writer has the directory open. */
  locked: boolean
  /** The segment files, oldest first. */
  segments: NativeSegmentInfo[]
  /** Number of spare segment files. */
  spares: number
  snapshots: (NativeSnapshotInfo & { valid: boolean; detail: string })[]
  /** What an open would find. Nothing was changed. */
  recovery: NativeRecoveryReport
  /** The window that the next open takes over: the report is of the files together with its entries. */
  window: NativeWindowFinding
  /** Why a strict open would refuse the directory; null: it would not. */
  recoveryError: Error | null
  /** true: a repair was interrupted, and the report is of what the next open will finish. */
  repairPending: boolean
  /** Bytes that were read and verified. */
  bytesVerified: number
}
