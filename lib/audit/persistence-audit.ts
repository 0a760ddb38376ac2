/** Records what happens to a data directory's journal: opens, recoveries, repairs, compactions, failures. */
import { codeOf } from '../secure/errors.js'
import type { PersistenceManager } from '../persistence/persistence-manager.js'
import type { RecoveryReport } from '../persistence/events.js'
import type { AuditEvent, AuditSink } from './event.js'

/** What opening a journal found, as lines. */
function recoveryEvents(dataDirectory: string, report: RecoveryReport): AuditEvent[] {
  const target = dataDirectory
  const events: AuditEvent[] = [
    {
      action: 'journal.open',
      target,
      outcome: 'ok',
      detail: { created: report.created, lastSequence: report.lastSequence },
    },
  ]
  if (!report.created) {
    events.push({
      action: 'journal.recovery',
      target,
      outcome: report.tail === 'clean' ? 'ok' : 'warning',
      detail: {
        tail: report.tail,
        policy: report.policy,
        snapshotSequence: report.snapshotSequence,
        entriesReplayed: report.entriesReplayed,
        bytesDropped: report.bytesDropped,
        entriesDropped: report.entriesDropped,
        damagedSnapshots: report.damagedSnapshots.length,
      },
    })
  }
  if (report.break !== null) {
    events.push({
      action: 'journal.repair',
      target,
      outcome: 'warning',
      detail: {
        segment: report.break.segment,
        offset: report.break.offset,
        sequence: report.break.sequence,
        reason: report.break.reason,
        quarantine: report.quarantineDirectory,
      },
    })
  }
  return events
}

/**
 * Records the open that has just happened, then every compaction, failure and the close. Off the hot path:
 * lines are written in the background; `onError` hears of one that could not be.
 */
export async function auditPersistence(
  manager: PersistenceManager,
  dataDirectory: string,
  sink: AuditSink,
  onError: (error: unknown) => void,
): Promise<void> {
  const later = (event: AuditEvent): void => {
    sink.record(event).catch(onError)
  }
  manager.on('compaction', (report) => {
    if (report.removed + report.recycled === 0) return
    const { removed, recycled, bytesFreed, oldestSequence } = report
    const damagedSnapshots = report.damagedSnapshots.length
    later({
      action: 'journal.compaction',
      target: dataDirectory,
      outcome: damagedSnapshots === 0 ? 'ok' : 'warning',
      detail: { removed, recycled, bytesFreed, oldestSequence, damagedSnapshots },
    })
  })
  manager.on('failure', (error) => {
    later({
      action: 'journal.failure',
      target: dataDirectory,
      outcome: 'failed',
      code: codeOf(error),
    })
  })
  manager.on('closed', () => {
    later({ action: 'journal.close', target: dataDirectory, outcome: 'ok' })
  })
  for (const event of recoveryEvents(dataDirectory, manager.recovery)) await sink.record(event)
}
