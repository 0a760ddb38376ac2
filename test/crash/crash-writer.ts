/**
 * A writer that will be killed. It continues the event stream from the end of its data directory, and reports
 * acknowledgements on descriptor 3 (16 bytes: phase, acknowledged sequence).
 */
import { writeSync } from 'node:fs'

import { PersistenceManager, type Book, type OperationBatch } from '../../lib/index.js'
import { eventAt, type StreamEvent } from './event-stream.js'

export const modes = ['single', 'batch', 'snapshot', 'compaction', 'roll'] as const
export type Mode = (typeof modes)[number]

export const Phase = { writing: 0, snapshot: 1, compaction: 2 } as const

const [dataDirectory, mode] = process.argv.slice(2) as [string, Mode]
let phase: number = Phase.writing

const record = new Float64Array(2)
function acknowledge(sequence: number): void {
  record[0] = phase
  record[1] = sequence
  writeSync(3, new Uint8Array(record.buffer))
}

function single(book: Book, event: StreamEvent): number {
  switch (event.type) {
    case 'add':
      return book.add(event.id, event.side, event.price, event.quantity)
    case 'execute':
      return book.execute(event.id, event.quantity)
    case 'cancel':
      return book.cancel(event.id)
    case 'trade':
      return book.trade(0, event.price, 1)
  }
}

function stage(batch: OperationBatch, book: Book, event: StreamEvent): void {
  switch (event.type) {
    case 'add':
      batch.add(book, event.id, event.side, event.price, event.quantity)
      break
    case 'execute':
      batch.execute(book, event.id, event.quantity)
      break
    case 'cancel':
      batch.cancel(book, event.id)
      break
    case 'trade':
      batch.trade(book, 0, event.price, 1)
  }
}

const persistence = await PersistenceManager.open({
  dataDirectory,
  segmentSize: mode === 'roll' || mode === 'compaction' ? '64KiB' : '1MiB',
  snapshotIntervalMin: 0,
  keepSnapshots: 2,
  compactionThreshold: 0,
  journalSyncIntervalMs: 2,
  instruments: [{ name: 'CRASH', priceScale: 0, quantityScale: 0 }],
})
const book = persistence.book('CRASH')
const batch = persistence.batch()
let next = persistence.appendedFrontier - 1 // entry 1 defines the instrument
acknowledge(persistence.appendedFrontier)

if (mode === 'snapshot' || mode === 'compaction') void keepSnapshots()
for (;;) {
  if (mode === 'single' || mode === 'snapshot') {
    for (let i = 0; i < 40; i++) acknowledge(single(book, eventAt(next++)))
  } else {
    for (let i = 0; i < 200; i++) stage(batch, book, eventAt(next++))
    batch.commit()
    acknowledge(persistence.appendedFrontier)
  }
  await new Promise(setImmediate)
}

async function keepSnapshots(): Promise<void> {
  for (;;) {
    phase = Phase.snapshot
    await persistence.snapshot()
    if (mode === 'compaction') {
      phase = Phase.compaction
      await persistence.compact({ force: true })
    }
    phase = Phase.writing
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
