export {
  auditActions,
  auditOutcomes,
  noAudit,
  type AuditAction,
  type AuditDetail,
  type AuditEvent,
  type AuditOutcome,
  type AuditSink,
} from './event.js'
export type { AuditActor, AuditLine } from './line.js'
export { auditPersistence, recoveryEvents } from './persistence-audit.js'
export {
  JournalAuditStorage,
  type AuditStorage,
  type AuditWriter,
  type StoredLine,
} from './storage.js'
export { AuditTrail, type AuditTrailOptions } from './trail.js'
export { verifyTrail, type AuditProblem, type AuditReport, type VerifyOptions } from './verify.js'
