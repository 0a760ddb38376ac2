/** Everything public. */
export { BookSet, PastBook } from './book/book-set.js'
export {
  BookView,
  type BookInfo,
  type Level,
  type Order,
  type QueuePosition,
} from './book/book-view.js'
export { Book } from './book/book.js'
export { Instrument, type BookKind, type InstrumentDefinition } from './book/instrument.js'
export {
  OperationBatch,
  type BatchResult,
  type OperationBatchOptions,
  type RefusedOperation,
} from './book/operation-batch.js'
export { orderIdFromUuid, uuidFromOrderId, type OrderIdLike } from './book/order-id.js'
export { Side } from './book/side.js'
export type { Timestamp } from './book/timestamp.js'
export { loadConfig, type ConfigSources } from './config/load-config.js'
export { formatSize, parseSize } from './config/size.js'
export type {
  Durability,
  JournalConfig,
  PersistenceConfig,
  RecoveryPolicy,
  ResolvedConfig,
  ResolvedInstrument,
  WritePath,
} from './config/types.js'
export { formatDecimal, maxScale, parseDecimal } from './decimal/decimal.js'
export {
  isPinnacleError,
  PinnacleError,
  PinnacleRangeError,
  PinnacleTypeError,
  type CodedError,
  type ErrorDetails,
  type ErrorOptionsWithDetails,
} from './errors/pinnacle-error.js'
export type {
  AddEntry,
  AppliedEntry,
  CancelEntry,
  ClearEntry,
  ExecuteEntry,
  HoleEntry,
  InstrumentEntry,
  JournalEntry,
  JournalEntryType,
  ReduceEntry,
  ReplaceEntry,
  SetLevelEntry,
  StatusEntry,
  TradeEntry,
  OperationEntry,
  TransactionPlace,
  UserEntry,
} from './entry/entry.js'
export { Consumer, type ConsumeOptions } from './journal/consumer.js'
export { Consumers, type ConsumerInfo, type OpenConsumerOptions } from './journal/consumers.js'
export { Journal, type AppendOptions } from './journal/journal.js'
export type { ReadOptions } from './journal/read-entries.js'
export type { Hole, StateMachine } from './entry/state-machine.js'
export {
  backup,
  listBackups,
  restore,
  type BackupFacts,
  type BackupOptions,
  type BackupReport,
  type FoundBackup,
  type RestoreOptions,
  type RestoreReport,
} from './persistence/backup.js'
export type {
  NativeLevels as LevelColumns,
  TimeOutOfOrder,
  TimesAround,
} from './native/book-binding.js'
export type {
  ClockStep,
  NativeBreak as JournalBreak,
  NativeHole as LostEntries,
  NativePhases as OpenPhases,
  NativeSegmentInfo as SegmentInfo,
} from './native/reports.js'
export {
  cleanWindows,
  type CleanWindowsOptions,
  type FoundWindow,
} from './persistence/clean-windows.js'
export { booksAt } from './persistence/books-at.js'
export type {
  CompactionReport,
  OvertakenConsumer,
  PersistenceEvents,
  PersistenceListeners,
  RecoveryProgress,
  RecoveryReport,
  WindowFinding,
  WindowLoss,
} from './persistence/events.js'
export {
  inspect,
  type InspectedSnapshot,
  type InspectOptions,
  type InspectReport,
} from './persistence/inspect.js'
export {
  liveCounters,
  liveStatus,
  type Health,
  type LiveCounter,
  type LiveStatus,
  type LiveStatusOptions,
} from './persistence/live-status.js'
export { repair, type RepairOptions, type RepairReport } from './persistence/repair.js'
export { damageOf, verdictOf, type Damage, type Verdict } from './persistence/verdict.js'
export type { PastPoint, PastSequence, PastTime } from './persistence/past-point.js'
export { PersistenceManager, type OpenOptions } from './persistence/persistence-manager.js'
export type { Buckets, HistogramSummary, Stats } from './persistence/stats.js'
export {
  SnapshotManager,
  type DamagedInRotation,
  type DamagedSnapshot,
  type LoadedSnapshot,
  type RotationReport,
  type SnapshotInfo,
  type TakenSnapshot,
} from './snapshot/snapshot-manager.js'
