export {
  noAudit,
  type AuditAction,
  type AuditDetail,
  type AuditEvent,
  type AuditOutcome,
  type AuditSink,
} from './event.js'
export type { AuditLine } from './line.js'
export { auditPersistence } from './persistence-audit.js'
export { AuditTrail, type AuditTrailOptions } from './trail.js'
export { verifyTrail, type AuditReport } from './verify.js'
