import type { NativeEngineOptions } from '../native/binding.js'
import type { ResolvedConfig } from './types.js'

/** The engine's options for a configuration. */
export function engineOptionsOf(config: ResolvedConfig): NativeEngineOptions {
  return {
    dataDirectory: config.dataDirectory,
    create: config.create,
    segmentBytes: config.segmentSize,
    durability: config.durability,
    syncIntervalMs: config.journalSyncIntervalMs,
    recoveryPolicy: config.recoveryPolicy,
    hasStateMachine: config.stateMachine !== undefined,
    keepSnapshots: config.keepSnapshots,
    compactionThresholdBytes: config.compactionThreshold,
    consumerLimitBytes: config.consumerLimit,
    consumerLimitEntries: config.consumerLimitEntries,
    writePath: config.writePath,
    windowDirectory: config.windowDirectory ?? '',
    windowBytes: config.windowSize,
    spareSegments: config.spareSegments,
    expectedOrders: config.expectedOrders,
    backgroundCpus: config.backgroundCpus,
    instruments: config.instruments,
  }
}
