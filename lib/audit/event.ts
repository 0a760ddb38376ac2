/** What the audit trail records. An event never carries a secret: its fields are names, codes and counts. */

export const auditActions = [
  // credentials
  'credentials.create',
  'credentials.unlock',
  'credentials.access',
  'credentials.change',
  'credentials.password',
  'credentials.upgrade',
  'credentials.backup',
  'credentials.restore',
  'credentials.expiry',
  'credentials.key',
  // persistence
  'journal.open',
  'journal.recovery',
  'journal.repair',
  'journal.compaction',
  'journal.failure',
  'journal.close',
  // market data
  'feed.pin-mismatch',
  // the trail itself
  'audit.create',
] as const
/** What was done. */
export type AuditAction = (typeof auditActions)[number]

/** started: recorded before a change; ok, failed: its end; refused: not even tried. */
export const auditOutcomes = ['started', 'ok', 'failed', 'refused', 'warning'] as const
/** How far it came. started: recorded before a change; ok, failed: its end; refused: not even tried. */
export type AuditOutcome = (typeof auditOutcomes)[number]

/** Facts of an event, by name: names, codes and counts. */
export type AuditDetail = Readonly<Record<string, string | number | boolean | null>>

/** What a line of the trail records. No field carries a secret. */
export interface AuditEvent {
  /** What was done. */
  readonly action: AuditAction
  /** The name of what it is about: a credential, a file, a directory. */
  readonly target: string
  /** How it ended, or that it is about to begin. */
  readonly outcome: AuditOutcome
  /** The error's code if there was one. */
  readonly code?: string
  /** Further facts, by name. */
  readonly detail?: AuditDetail
}

/**
 * Takes events. Resolves when the event is durable; rejects if it can't be recorded, and then what it
 * announces must not be done. AuditTrail is one; so may be a test's array or a user's own.
 */
export interface AuditSink {
  /** Records the event, durably. A rejection stops what it announces. */
  record(event: AuditEvent): Promise<void>
}

/** Records nothing: for a caller that declines the trail explicitly. */
export const noAudit: AuditSink = { record: () => Promise.resolve() }
