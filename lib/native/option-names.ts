/** The names that options of the engine take: for the configuration, the command line and the addon's surface. */

/** 'appended': synced when asked for; 'interval': also every journalSyncIntervalMs; 'durable': at each append. */
export const durabilities = ['appended', 'interval', 'durable'] as const
export type Durability = (typeof durabilities)[number]

export const recoveryPolicies = ['strict', 'point-in-time', 'salvage'] as const
export type RecoveryPolicy = (typeof recoveryPolicies)[number]

/**
 * How entries get into the segment files. 'window': through a ring in memory that outlives the process; 'mapped':
 * stored straight into the mapped files; 'auto': through a window if there is room for one.
 */
export const writePaths = ['auto', 'window', 'mapped'] as const
export type WritePath = (typeof writePaths)[number]
