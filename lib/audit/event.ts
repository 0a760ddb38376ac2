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
export type AuditAction = (typeof auditActions)[number]

/** started: recorded before a change; ok, failed: its end; refused: not even tried. */
export const auditOutcomes = ['started', 'ok', 'failed', 'refused', 'warning'] as const
export type AuditOutcome = (typeof auditOutcomes)[number]

export type AuditDetail = Readonly<Record<string, string | number | boolean | null>>

export interface AuditEvent {
  readonly action: AuditAction
  /** The name of what it is about: a credential, a file, a directory. */
  readonly target: string
  readonly outcome: AuditOutcome
  /** The error's code if there was one. */
  readonly code?: string
  readonly detail?: AuditDetail
}

/**
 * Takes events. Resolves when the event is durable; rejects if it can't be recorded, and then what it
 * announces must not be done. AuditTrail is one; so may be a test's array or a user's own.
 */
export interface AuditSink {
  record(event: AuditEvent): Promise<void>
}

/** Records nothing: for a caller that declines the trail explicitly. */
export const noAudit: AuditSink = { record: () => Promise.resolve() }
