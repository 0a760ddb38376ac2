import { openSync, readdirSync, writeSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import type { AuditEvent, AuditSink } from '../../lib/audit/event.js'
import { auditPersistence } from '../../lib/audit/persistence-audit.js'
import { PersistenceManager, Side } from '../../lib/index.js'

const instruments = [{ name: 'AUDIT', priceScale: 0, quantityScale: 0 }]

async function audited(
  dataDirectory: string,
  work: (manager: PersistenceManager) => Promise<void>,
): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  const sink: AuditSink = {
    record(event: AuditEvent) {
      events.push(event)
      return Promise.resolve()
    },
  }
  const manager = await PersistenceManager.open({
    dataDirectory,
    segmentSize: '64KiB',
    keepSnapshots: 1,
    snapshotIntervalMin: 0,
    compactionThreshold: 0,
    instruments,
  })
  await auditPersistence(manager, dataDirectory, sink, (error) => {
    throw error
  })
  await work(manager)
  await manager.close()
  return events
}

t.test('opens, recoveries, repairs, compactions and closes are recorded', async (t) => {
  const dataDirectory = join(t.testdir(), 'data')
  const first = await audited(dataDirectory, async (manager) => {
    const book = manager.book('AUDIT')
    for (let id = 1; id <= 3000; id++) book.add(id, Side.Buy, 100 + (id % 5), 1)
    await manager.snapshot()
    await manager.compact({ force: true })
  })
  t.same(
    first.map(({ action }) => action),
    ['journal.open', 'journal.compaction', 'journal.close'],
  )
  t.match(first[0], { target: dataDirectory, outcome: 'ok', detail: { created: true } })

  // A killed process may leave a line without a checksum after the last entry.
  const journal = join(dataDirectory, 'journal')
  const again = await audited(dataDirectory, () => Promise.resolve())
  t.match(again[1], { action: 'journal.recovery', outcome: 'ok', detail: { tail: 'clean' } })
  // Listed once everything is closed: a spare segment gets its name while the manager runs.
  const segments = readdirSync(journal).filter((name) => name.endsWith('.segment'))
  const last = join(journal, segments.sort().at(-1) ?? '')
  const descriptor = openSync(last, 'r+')
  writeSync(descriptor, Buffer.from([32, 0, 0, 0, 1, 0, 0x11, 0x80, 1]), 0, 9, 65536 - 64)
  closeSync(descriptor)

  const repaired = await audited(dataDirectory, () => Promise.resolve())
  t.same(
    repaired.map(({ action, outcome }) => [action, outcome]),
    [
      ['journal.open', 'ok'],
      ['journal.recovery', 'warning'],
      ['journal.repair', 'warning'],
      ['journal.close', 'ok'],
    ],
  )
})
