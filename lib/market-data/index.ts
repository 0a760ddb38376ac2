/** Market data: exchange feeds. Imported as `pinnacle-persistence/market-data`. */
export { AdapterCode } from './adapters/adapter-error.js'
export { BinanceAdapter } from './adapters/binance.js'
export { CoinbaseExchangeAdapter } from './adapters/coinbase-exchange.js'
export { CoinbaseAdapter } from './adapters/coinbase.js'
export { adapterByName, exchangeNames } from './adapters/index.js'
export {
  KrakenAdapter,
  krakenDepths,
  type KrakenDepth,
  type KrakenOptions,
} from './adapters/kraken.js'
export type { BackoffOptions } from './client/backoff.js'
export { FeedCode } from './client/errors.js'
export type { FeedClientOptions } from './client/feed-client-options.js'
export { FeedClient } from './client/feed-client.js'
export type {
  FeedClientEvents,
  FeedClock,
  FeedDelivery,
  FeedGap,
  FeedNotice,
  FeedState,
  FeedStateChange,
  FeedStats,
  ReceivedFrame,
} from './client/feed-events.js'
export { pinOf } from './client/key-pins.js'
export type { PinMismatch, Roots } from './client/pinned-connection.js'
export { advancedTradeSigner, exchangeSigner, type SignerOptions } from './client/signers.js'
export type {
  FeedAdapter,
  FeedSubscription,
  SequenceRule,
  SubscriptionSigner,
} from './feed-adapter.js'
export type {
  BookMismatchUpdate,
  BookSnapshotUpdate,
  FeedSequence,
  FeedUpdate,
  HeartbeatUpdate,
  LevelChange,
  LevelsUpdate,
  MalformedFrame,
  OrderSnapshotUpdate,
  OrderUpdate,
  OtherUpdate,
  ParsedFrame,
  RestingOrder,
  ServerErrorUpdate,
  SubscriptionsUpdate,
  TickerUpdate,
  TradeUpdate,
  UnknownFrame,
  UpdatesFrame,
} from './feed-update.js'
export type {
  BookSnapshotEntry,
  ConnectionEntry,
  FeedEntry,
  FeedTickerEntry,
  FeedTradeEntry,
  FrameEntry,
  FrameSequence,
  GapEntry,
  GapReason,
  HeartbeatEntry,
  QuarantinedEntry,
  RawEntry,
} from './feed-entry.js'
export type { Candle, CandleInterval } from './history/candle.js'
export {
  PriceHistory,
  type CandleQuery,
  type PriceHistoryOptions,
  type TickQuery,
} from './history/price-history.js'
export type { HistoryGap, HistoryProduct, Tick } from './history/tick.js'
export { decodeFeedEntry } from './record/entry-codec.js'
export {
  FeedRecorder,
  type FeedSource,
  type RecordedNotice,
  type RecordedUpdate,
  type RecorderOptions,
  type RecorderStats,
} from './record/feed-recorder.js'
export {
  FeedRecording,
  type FeedRecordingOptions,
  type RecordingClientOptions,
  type RecordingStats,
  type ResumeOptions,
} from './record/feed-recording.js'
export {
  FeedState as RecordedFeedState,
  type FeedCounts,
  type LastFrame,
  type LastHeartbeat,
} from './record/feed-state.js'
export type { HistoryFeedOptions } from './record/history-feed.js'
export { journalTicks } from './record/live-ticks.js'
export { readRecordingStatus, type RecordingStatus } from './record/recording-status.js'
export { RecordingStore, type ProductScales, type StoreOptions } from './record/recording-store.js'
export {
  replayFile,
  surveyRecording,
  type RecordingSurvey,
  type ReplayFileOptions,
} from './record/replay-file.js'
export { replayJournal, type ReplayJournalOptions } from './record/replay-journal.js'
export type { ReplaySpeed } from './record/replay-pace.js'
