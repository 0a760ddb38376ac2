/** Replay into books, verify against memory bandwidth, snapshot, restore and memory of a million orders. */
import os from 'node:os'
import path from 'node:path'

import { inspect, Journal, PersistenceManager, type PersistenceConfig } from '../../lib/index.js'
import { anonymousResidentBytes } from '../memory.js'
import { addOrders } from '../million.js'
import { emptyResult, figureNamed, type Part } from '../part.js'
import { measure, median, ratio, type Case, type Ratio } from '../rounds.js'

const replayName = 'replay, one instrument'
const manyName = 'replay, 4 instruments'
const manyOneCoreName = 'replay, 4 instruments, one core'
const inspectName = 'inspect: journal, snapshots and what an open would do'
const oneCoreName = 'replay, one core'
const verifyName = 'verify, one core'
const verifyAllName = 'verify, all cores'
const readName = 'reading the same files alone, one core'
const memoryName = 'memory, read by one core'
const memoryAllName = 'memory, read by all cores'
const restoreName = 'restore of the snapshot'
const snapshotName = 'snapshot, off the hot thread'

async function reopened<T>(
  config: PersistenceConfig,
  look: (persistence: PersistenceManager) => T | Promise<T>,
): Promise<T> {
  const persistence = await PersistenceManager.open(config)
  try {
    return await look(persistence)
  } finally {
    await persistence.close()
  }
}

/** A round is the median of a few runs, since one may meet memory that the system has to find first. */
async function medianOf(count: number, run: () => Promise<number>): Promise<number> {
  const runs: number[] = []
  for (let i = 0; i < count; i++) runs.push(await run())
  return median(runs)
}

function bandwidth(name: string, bytesPerSecond: () => Promise<number>): Case {
  return {
    name,
    unit: 'GB/s',
    round: () => medianOf(3, async () => (await bytesPerSecond()) / 1e9),
  }
}

/** A journal of one-line entries whose pages stay in the cache as the writer left them. */
async function writeStream(dataDirectory: string, entries: number): Promise<void> {
  const journal = await Journal.open({
    dataDirectory,
    durability: 'appended',
    segmentSize: '16MiB',
  })
  const perBatch = 512
  for (let done = 0; done < entries; done += perBatch) {
    for (let lane = 0; lane < 4 * perBatch; lane++) journal.lanes[lane] = done + lane
    journal.appendLanesBatch(1, 4, perBatch)
  }
  await journal.close()
}

export const recovery: Part = {
  name: 'recovery',
  async run({ directory, quick, limits }) {
    const orders = quick ? 200_000 : 1_000_000
    const result = emptyResult(`recovery of ${orders.toLocaleString('en')} orders`)
    const configOf = (name: string, instruments: number): PersistenceConfig => ({
      dataDirectory: path.join(directory, name),
      durability: 'appended',
      snapshotIntervalMin: 0,
      compactionThreshold: '4GiB',
      expectedOrders: Math.ceil(orders / instruments),
      instruments: Array.from({ length: instruments }, (_, index) => ({
        name: `I${String(index)}`,
        priceScale: 2,
        quantityScale: 0,
      })),
    })
    const one = configOf('one', 1)
    const many = configOf('many', 4)
    // Its journal has no snapshot; a copy of the same orders gets one.
    const snapshotted = configOf('snapshot', 1)
    // Larger than any cache, with enough segments for all cores.
    const stream = path.join(directory, 'stream')
    await writeStream(stream, quick ? 1e6 : 4e6)
    const cores = os.availableParallelism()
    let digest = 0n
    for (const config of [one, many, snapshotted]) {
      await reopened(config, (persistence) => {
        const books = (config.instruments ?? []).map(({ name }) => persistence.book(name))
        addOrders(persistence, books, orders)
        if (config === one) digest = persistence.book('I0').digest()
      })
    }
    const replayed = (config: PersistenceConfig) => () =>
      reopened(config, ({ recovery }) => recovery.entriesReplayed / recovery.phasesMs.replay / 1e3)

    const before = anonymousResidentBytes()
    let resident: number | undefined
    let bookBytes = 0
    await reopened(snapshotted, async (persistence) => {
      const after = anonymousResidentBytes()
      if (before !== undefined && after !== undefined) resident = (after - before) / orders
      bookBytes = persistence.book('I0').info().memoryBytes / orders
      await persistence.snapshot()
    })
    const cases: Case[] = [
      { name: replayName, unit: 'M entries/s', round: replayed(one) },
      { name: manyName, unit: 'M entries/s', round: replayed(many) },
      {
        name: inspectName,
        unit: 'GB/s',
        async round() {
          const start = performance.now()
          const { bytesVerified } = await inspect(path.join(directory, 'one'))
          return bytesVerified / (performance.now() - start) / 1e6
        },
      },
      {
        name: snapshotName,
        unit: 'ms',
        round: () =>
          reopened(snapshotted, async (persistence) => {
            const book = persistence.book('I0')
            book.cancel(1)
            book.add(1, 1, 107_919, 10)
            return (await persistence.snapshot()).durationMs
          }),
      },
      {
        name: restoreName,
        unit: 'ms',
        round: () =>
          reopened(snapshotted, (persistence) => {
            const { recovery } = persistence
            if (recovery.snapshotSequence === 0) throw new Error('no snapshot was restored')
            return recovery.phasesMs.snapshot
          }),
      },
    ]
    if (limits) {
      cases.push(
        {
          name: oneCoreName,
          unit: 'M entries/s',
          round: () =>
            medianOf(
              3,
              async () => (await limits.replay(path.join(directory, 'one'), orders)) / 1e6,
            ),
        },
        {
          name: manyOneCoreName,
          unit: 'M entries/s',
          round: () =>
            medianOf(
              3,
              async () => (await limits.replay(path.join(directory, 'many'), orders / 4)) / 1e6,
            ),
        },
        bandwidth(verifyName, () => limits.verify(1, stream)),
        bandwidth(readName, () => limits.read(stream)),
        bandwidth(memoryName, () => limits.memory(1)),
        bandwidth(verifyAllName, () => limits.verify(cores, stream)),
        bandwidth(memoryAllName, () => limits.memory(cores)),
      )
    }
    result.figures = await measure(cases, quick ? 2 : 5)
    await reopened(one, (persistence) => {
      if (persistence.book('I0').digest() !== digest) throw new Error('the replayed book differs')
    })
    result.goals.restore = figureNamed(result.figures, restoreName).median
    if (orders !== 1_000_000) delete result.goals.restore
    if (limits) {
      result.goals.replay = figureNamed(result.figures, oneCoreName).median
      const compared = (what: string, of: string, to: string): Ratio => {
        const found = ratio(figureNamed(result.figures, of), figureNamed(result.figures, to))
        result.comparisons.push({ what, ratio: found })
        return found
      }
      const verified = compared('verify, of memory bandwidth, one core', verifyName, memoryName)
      const read = compared('reading alone, of memory bandwidth', readName, memoryName)
      compared('verify, of reading alone', verifyName, readName)
      compared('verify, of memory bandwidth, all cores', verifyAllName, memoryAllName)
      compared('replay of 4 instruments, all cores against one', manyName, manyOneCoreName)
      result.goals.verify = verified.median * 100
      result.floors.verify = read.median * 100
    }
    result.notes.push(
      `memory: ${bookBytes.toFixed(0)} bytes an order in the book's tables` +
        (resident === undefined ? '' : `, ${resident.toFixed(0)} bytes an order resident`),
      'files are in the page cache: the device is not measured here',
    )
    if (resident !== undefined) result.goals.residentBytes = resident
    return result
  },
}
