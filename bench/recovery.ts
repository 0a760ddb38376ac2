/** Replay, snapshot and restore. */
import path from 'node:path'

import { inspect, PersistenceManager, Side } from '../lib/index.js'

export interface RecoveryFigures {
  entries: number
  replayPerSecond: number
  verifyBytesPerSecond: number
  orders: number
  snapshotMs: number
  snapshotBytes: number
  restoreMs: number
  bookBytesPerOrder: number
}

export async function recovery(directory: string, orders: number): Promise<RecoveryFigures> {
  const config = {
    dataDirectory: path.join(directory, 'recovery'),
    durability: 'appended' as const,
    snapshotIntervalMin: 0,
    compactionThreshold: '1GiB',
    expectedOrders: orders,
    instruments: [{ name: 'BENCH', priceScale: 2, quantityScale: 0 }],
  }
  let persistence = await PersistenceManager.open(config)
  const book = persistence.book('BENCH')
  const batch = persistence.batch({ autoCommit: 1024 })
  for (let id = 1; id <= orders; id++) {
    const side = id % 2 === 0 ? Side.Buy : Side.Sell
    const distance = (id * 7919) % 5000
    batch.add(book, id, side, side === Side.Buy ? 100_000 - distance : 100_001 + distance, 10)
  }
  batch.commit()
  await persistence.close()

  persistence = await PersistenceManager.open(config)
  const replay = persistence.recovery
  const digest = persistence.book('BENCH').digest()
  const bookBytesPerOrder = persistence.book('BENCH').info().memoryBytes / orders
  const snapshot = await persistence.snapshot()
  await persistence.close()

  persistence = await PersistenceManager.open(config)
  const restored = persistence.recovery
  if (restored.snapshotSequence === 0 || persistence.book('BENCH').digest() !== digest) {
    throw new Error('the restored book is another one')
  }
  await persistence.close()
  const start = performance.now()
  const report = await inspect(config.dataDirectory)
  const inspectSeconds = (performance.now() - start) / 1e3
  return {
    entries: replay.entriesReplayed,
    replayPerSecond: replay.entriesReplayed / (replay.phasesMs.replay / 1e3),
    verifyBytesPerSecond: report.bytesVerified / inspectSeconds,
    orders,
    snapshotMs: snapshot.durationMs,
    snapshotBytes: snapshot.bytes,
    restoreMs: restored.phasesMs.snapshot,
    bookBytesPerOrder,
  }
}
