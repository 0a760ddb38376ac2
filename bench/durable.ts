/** One durable append, and many at once, against pwrite + fdatasync on a file that is already written. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'

import { PersistenceManager } from '../lib/index.js'
import { deviceBytesWritten } from './machine.js'
import { median } from './rounds.js'

export interface DurableFigures {
  /** Medians over the rounds, µs per durable append. */
  plainUs: number
  blockingUs: number
  awaitedUs: number
  /** 64 callers that each await their own append: µs until all of them have it. */
  callersUs: number
  /** Groups of 1000 appends, each awaited: µs per append. */
  groupUs: number
  /** Bytes that the device wrote per synced append, undefined where it can't be told. */
  plainDeviceBytes: number | undefined
  deviceBytes: number | undefined
}

const fileBytes = 16 * 1024 * 1024

export async function durable(directory: string, rounds: number): Promise<DurableFigures> {
  const persistence = await PersistenceManager.open({
    dataDirectory: path.join(directory, 'durable'),
    durability: 'appended',
    snapshotIntervalMin: 0,
  })
  const { journal } = persistence
  const file = openSync(path.join(directory, 'durable.plain'), 'w+')
  const zeros = Buffer.alloc(4096)
  for (let offset = 0; offset < fileBytes; offset += zeros.length) writeSync(file, zeros)
  fdatasyncSync(file)
  persistence.append(1, Buffer.alloc(32))
  persistence.syncNow()
  let position = 0
  const line = Buffer.alloc(64, 0x5a)
  const plain = (): void => {
    writeSync(file, line, 0, 64, position)
    position = (position + 64) % fileBytes
    fdatasyncSync(file)
  }
  const append = (): number => {
    journal.lanes[0] = position
    return journal.appendLanes(1, 4)
  }
  const times = {
    plain: [] as number[],
    blocking: [] as number[],
    awaited: [] as number[],
    callers: [] as number[],
    group: [] as number[],
  }
  const timed = async (into: number[], count: number, work: () => unknown): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const start = performance.now()
      await work()
      into.push((performance.now() - start) * 1e3)
    }
  }
  for (let round = 0; round < rounds; round++) {
    await timed(times.plain, 50, plain)
    await timed(times.blocking, 50, () => {
      append()
      journal.syncNow()
    })
    await timed(times.awaited, 50, () => persistence.durable(append()))
    await timed(times.callers, 20, () =>
      Promise.all(Array.from({ length: 64 }, () => persistence.durable(append()))),
    )
    await timed(times.group, 10, () =>
      Promise.all(Array.from({ length: 1000 }, () => persistence.durable(append()))),
    )
  }
  const amplification = (work: () => void): number | undefined => {
    const before = deviceBytesWritten(directory)
    const count = 500
    for (let i = 0; i < count; i++) work()
    const after = deviceBytesWritten(directory)
    return before === undefined || after === undefined ? undefined : (after - before) / count
  }
  const plainDeviceBytes = amplification(plain)
  const deviceBytes = amplification(() => {
    append()
    journal.syncNow()
  })
  closeSync(file)
  await persistence.close()
  return {
    plainUs: median(times.plain),
    blockingUs: median(times.blocking),
    awaitedUs: median(times.awaited),
    callersUs: median(times.callers),
    groupUs: median(times.group) / 1000,
    plainDeviceBytes,
    deviceBytes,
  }
}
