import type { InstrumentDefinition, BookKind } from '../book/instrument.js'
import type { StateMachine } from '../entry/state-machine.js'
import type { Durability, RecoveryPolicy, WritePath } from '../native/option-names.js'

export { durabilities, recoveryPolicies } from '../native/option-names.js'
export type { Durability, RecoveryPolicy, WritePath }

/** What a journal needs. docs/api.md describes each. */
export interface JournalConfig {
  /** Directory of journal and snapshots; one process writes it. A relative path is resolved at the call. */
  dataDirectory: string
  /** Create the directory's last component if it is missing. Default: true. */
  create?: boolean
  /** Longest time that a power loss can take back, with durability 'interval'; 1 to 60000. Default: 10. */
  journalSyncIntervalMs?: number
  /** Bytes, or '64MiB' (default); 64KiB to 4GiB, a multiple of 4096. */
  segmentSize?: number | string
  /** When entries are synced. Default: 'interval'. */
  durability?: Durability
  /** What to do with a corrupt journal. Default: 'strict'. */
  recoveryPolicy?: RecoveryPolicy
  /** How entries get into the segment files. Default: 'auto'. */
  writePath?: WritePath
  /** The window's directory: on tmpfs, absolute of at most 63 bytes. Default: the system's shared memory. */
  windowDirectory?: string
  /** Bytes, or '16MiB' (default); 64KiB to 1GiB, a multiple of 4096. Nothing to a mapped journal. */
  windowSize?: number | string
  /** Segment files kept for recycling, at most; 0 to 1024. Default: 2. */
  spareSegments?: number
  /** Linux: processors (0 to 1023) that the sync, supply, snapshot and compaction threads run on. Default: any. */
  backgroundCpus?: number[]
}

/** What PersistenceManager.open() takes. docs/api.md describes each key. */
export interface PersistenceConfig extends JournalConfig {
  /** Minutes between snapshots; 0 (off) to 10080, at least 0.01 if on. Default: 5. */
  snapshotIntervalMin?: number
  /** Sound snapshots to keep; 1 to 1000. Default: 3. */
  keepSnapshots?: number
  /** The journal is compacted once it is larger. Bytes, or '256MiB' (default); 0B to 1024TiB. */
  compactionThreshold?: number | string
  /** What compaction keeps for consumers alone, at most. Bytes, or '1GiB' (default); 0B to 1024TiB. */
  consumerLimit?: number | string
  /** The same in entries; 0 to 1000000000000. Default: 0, any number. */
  consumerLimitEntries?: number
  /** Live orders to reserve for in each book; 0 to 100000000. Default: 16384. */
  expectedOrders?: number
  /** Defined at open if they are new; 0 to 65535 of them. */
  instruments?: InstrumentDefinition[]
  /** Only in an object, not in a file. */
  stateMachine?: StateMachine
}

/** A validated configuration, with every default filled in and every size in bytes. */
export interface ResolvedConfig {
  /** As given; opening makes it absolute. */
  dataDirectory: string
  /** Create the directory's last component if it is missing. */
  create: boolean
  /** Milliseconds. */
  journalSyncIntervalMs: number
  /** Minutes; 0: off. */
  snapshotIntervalMin: number
  /** Sound snapshots to keep. */
  keepSnapshots: number
  /** Bytes. */
  compactionThreshold: number
  /** Bytes. */
  consumerLimit: number
  /** Entries; 0: any number. */
  consumerLimitEntries: number
  /** Bytes. */
  segmentSize: number
  /** When entries are synced. */
  durability: Durability
  /** What to do with a corrupt journal. */
  recoveryPolicy: RecoveryPolicy
  /** How entries get into the segment files. */
  writePath: WritePath
  /** A directory on a file system in memory. Absent: the system's shared memory. */
  windowDirectory?: string
  /** Bytes. */
  windowSize: number
  /** Segment files kept for recycling, at most. */
  spareSegments: number
  /** Live orders to reserve for in each book. */
  expectedOrders: number
  /** Processors of the background threads; []: any. */
  backgroundCpus: number[]
  /** Instruments to define at open. */
  instruments: ResolvedInstrument[]
  /** The user's state machine. */
  stateMachine?: StateMachine
}

/** A definition whose kind is filled in. */
export interface ResolvedInstrument extends InstrumentDefinition {
  /** What its book holds. */
  kind: BookKind
}
