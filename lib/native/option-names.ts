/** The names that options of the engine take: for the configuration, the command line and the addon's surface. */

/** The levels of durability. */
export const durabilities = ['appended', 'interval', 'durable'] as const
/**
 * When entries are synced: 'appended' only when asked for, 'interval' also every journalSyncIntervalMs,
 * 'durable' at each append, which returns once the device has it.
 */
export type Durability = (typeof durabilities)[number]

/** The policies for damaged directories. */
export const recoveryPolicies = ['strict', 'point-in-time', 'salvage'] as const
/**
 * What an open does with a corrupt journal: 'strict' refuses it, 'point-in-time' keeps what comes before the
 * first loss, 'salvage' keeps every entry that verifies and that the books accept. docs/recovery.md says what
 * each costs.
 */
export type RecoveryPolicy = (typeof recoveryPolicies)[number]

/** The write paths. */
export const writePaths = ['auto', 'window', 'mapped'] as const
/**
 * How entries get into the segment files: 'window' through a ring in memory that outlives the process, 'mapped'
 * straight into the mapped files, 'auto' through a window if there is room for one.
 */
export type WritePath = (typeof writePaths)[number]
