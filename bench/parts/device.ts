/** Bytes that the block device writes per appended byte; other programs' writes count too. */
import path from 'node:path'

import { Journal, PersistenceManager } from '../../lib/index.js'
import { deviceBytesWritten } from '../machine.js'
import { emptyResult, figureNamed, type Part } from '../part.js'
import { figureOf } from '../rounds.js'

const mib = 2 ** 20
const streamName = 'streaming, segments recycled: device bytes a byte appended'
const freshName = 'streaming, new segments: device bytes a byte appended'
const syncedName = 'one synced append'

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export const device: Part = {
  name: 'device',
  async run({ directory, quick }) {
    const result = emptyResult('bytes written to the device')
    if (deviceBytesWritten(directory) === undefined) {
      result.notes.push('this system does not tell what a device writes')
      return result
    }
    const written = (): number => deviceBytesWritten(directory) ?? Number.NaN
    const segments = 4
    const persistence = await PersistenceManager.open({
      dataDirectory: path.join(directory, 'device'),
      durability: 'interval',
      snapshotIntervalMin: 0,
      segmentSize: '16MiB',
      spareSegments: 2 * segments,
      keepSnapshots: 1,
      compactionThreshold: 0,
    })
    const { journal } = persistence
    /** Appends `segments` segments at about 100 MiB/s, syncing every 10 ms; the ratio. */
    const stream = async (): Promise<number> => {
      const bytes = segments * 16 * mib
      const before = written()
      for (let appended = 0; appended < bytes; appended += mib) {
        for (let i = 0; i < mib / 64; i += 1024) journal.appendLanesBatch(1, 4, 1024)
        await wait(10)
      }
      await persistence.durable()
      return (written() - before) / bytes
    }
    const fresh: number[] = []
    const recycled: number[] = []
    fresh.push(await stream())
    for (let round = 0; round < (quick ? 2 : 5); round++) {
      await persistence.snapshot()
      await persistence.compact({ force: true })
      await wait(50)
      const made = persistence.stats().segmentsCreated
      const found = await stream()
      ;(persistence.stats().segmentsCreated === made ? recycled : fresh).push(found)
    }
    const { segmentsCreated, segmentsRecycled } = persistence.stats()
    await persistence.close()
    result.notes.push(
      `${String(segmentsCreated)} segments were created, ${String(segmentsRecycled)} recycled`,
    )

    const single = await Journal.open({
      dataDirectory: path.join(directory, 'synced'),
      durability: 'appended',
    })
    const synced: number[] = []
    for (let round = -1; round < (quick ? 2 : 5); round++) {
      const count = 200
      const before = written()
      for (let i = 0; i < count; i++) {
        single.appendLanes(1, 4)
        single.syncNow()
      }
      if (round >= 0) synced.push((written() - before) / count / 1024)
    }
    await single.close()
    result.figures.push(figureOf(freshName, 'x', fresh))
    if (recycled.length > 0) {
      result.figures.push(figureOf(streamName, 'x', recycled))
      result.goals.deviceStreaming = figureNamed(result.figures, streamName).median
    } else result.notes.push('no round went over recycled segments alone')
    result.figures.push(figureOf(syncedName, 'KiB', synced))
    result.goals.deviceSynced = figureNamed(result.figures, syncedName).median
    return result
  },
}
