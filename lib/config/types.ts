import type { InstrumentDefinition, BookKind } from '../book/instrument.js'
import type { StateMachine } from '../entry/state-machine.js'
import type { Durability, RecoveryPolicy, WritePath } from '../native/option-names.js'

export { durabilities, recoveryPolicies } from '../native/option-names.js'
export type { Durability, RecoveryPolicy, WritePath }

/** What a journal needs. docs/api.md describes each. */
export interface JournalConfig {
  /** One directory is one writer process. */
  dataDirectory: string
  /** Create the directory's last component if it is missing. Default: true. */
  create?: boolean
  /** Longest time that a power loss can take back, with durability 'interval'; 1 to 60000. Default: 10. */
  journalSyncIntervalMs?: number
  /** Bytes, or '64MiB' (default); 64KiB to 4GiB, a multiple of 4096. */
  segmentSize?: number | string
  /** Default: 'interval'. */
  durability?: Durability
  /** Default: 'strict'. */
  recoveryPolicy?: RecoveryPolicy
  /** Default: 'auto'. */
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

export interface PersistenceConfig extends JournalConfig {
  /** 0 (off) to 10080, at least 0.01 if on. Default: 5. */
  snapshotIntervalMin?: number
  /** 1 to 1000. Default: 3. */
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
  dataDirectory: string
  create: boolean
  journalSyncIntervalMs: number
  snapshotIntervalMin: number
  keepSnapshots: number
  compactionThreshold: number
  consumerLimit: number
  consumerLimitEntries: number
  segmentSize: number
  durability: Durability
  recoveryPolicy: RecoveryPolicy
  writePath: WritePath
  /** Absent: the system's shared memory. */
  windowDirectory?: string
  windowSize: number
  spareSegments: number
  expectedOrders: number
  backgroundCpus: number[]
  instruments: (InstrumentDefinition & { kind: BookKind })[]
  stateMachine?: StateMachine
}
