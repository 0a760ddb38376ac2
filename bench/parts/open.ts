/** Opens a large journal with a fresh snapshot, against a small one: the open must not read the journal. */
import path from 'node:path'

import { PersistenceManager, Side, type PersistenceConfig } from '../../lib/index.js'
import { emptyResult, figureNamed, type Part } from '../part.js'
import { measure, ratio } from '../rounds.js'

const smallMiB = 64

export const open: Part = {
  name: 'open',
  async run({ directory, quick, journalGiB }) {
    const gib = quick ? Math.min(0.25, journalGiB) : journalGiB
    const result = emptyResult('open with a fresh snapshot, ms')
    const configOf = (name: string): PersistenceConfig => ({
      dataDirectory: path.join(directory, name),
      durability: 'appended',
      snapshotIntervalMin: 0,
      compactionThreshold: '64GiB',
      instruments: [{ name: 'BENCH', priceScale: 2, quantityScale: 0 }],
    })
    const build = async (config: PersistenceConfig, bytes: number): Promise<void> => {
      const persistence = await PersistenceManager.open(config)
      const book = persistence.book('BENCH')
      for (let id = 1; id <= 1000; id++) book.add(id, Side.Buy, id, 10)
      const { journal } = persistence
      for (let left = bytes; left > 0; left -= 64 * 1024) {
        journal.appendLanesBatch(1, 4, 1024)
        if (left % (16 * 2 ** 20) === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
      await persistence.snapshot()
      await persistence.close()
    }
    const small = configOf('small')
    const large = configOf('large')
    await build(small, smallMiB * 2 ** 20)
    await build(large, gib * 2 ** 30)
    const opened = (config: PersistenceConfig) => async (): Promise<number> => {
      const start = performance.now()
      const persistence = await PersistenceManager.open(config)
      const ms = performance.now() - start
      if (persistence.recovery.snapshotSequence === 0) throw new Error('no snapshot was restored')
      await persistence.close()
      return ms
    }
    const smallName = `${String(smallMiB)} MiB journal`
    const largeName = `${String(gib)} GiB journal`
    result.figures = await measure(
      [
        { name: smallName, unit: 'ms', round: opened(small) },
        { name: largeName, unit: 'ms', round: opened(large) },
      ],
      quick ? 3 : 7,
    )
    const found = ratio(
      figureNamed(result.figures, largeName),
      figureNamed(result.figures, smallName),
    )
    result.comparisons.push({ what: `${largeName}, of ${smallName}`, ratio: found })
    result.goals.openLarge = figureNamed(result.figures, largeName).median
    result.goals.openLargeRatio = found.median
    result.notes.push('the suffix after the snapshot is empty: nothing is replayed')
    return result
  },
}
