/** Journaled book operations from JavaScript on a real order flow, and native apply alone. */
import path from 'node:path'

import { PersistenceManager } from '../../lib/index.js'
import { applyBatched, applySingly, loadFlow, writeOperations } from '../flow.js'
import { emptyResult, figureNamed, type Part } from '../part.js'
import { measure, median, type Case } from '../rounds.js'

const singleName = 'journaled book operation, single calls'
const batchName = 'journaled book operation, batches of 1024'
const nativeName = 'native apply alone (check and apply, no journal)'

export const books: Part = {
  name: 'books',
  async run({ directory, quick, limits }) {
    const result = emptyResult('book operations, ns each')
    const flow = await loadFlow()
    result.notes.push(`order flow: ${flow.name}`)
    const persistence = await PersistenceManager.open({
      dataDirectory: path.join(directory, 'books'),
      snapshotIntervalMin: 0,
      spareSegments: 8,
      compactionThreshold: '4GiB',
      expectedOrders: 65_536,
      instruments: [
        { name: 'SINGLE', priceScale: 4, quantityScale: 0 },
        { name: 'BATCH', priceScale: 4, quantityScale: 0 },
      ],
    })
    const single = persistence.book('SINGLE')
    const batched = persistence.book('BATCH')
    const batch = persistence.batch({ autoCommit: 1024 })
    const passes = quick ? 3 : 7
    /** The median pass over the whole flow, which leaves the book empty for the next. */
    const pass = (run: () => void, clear: () => void) => (): number => {
      const values: number[] = []
      for (let i = 0; i < passes; i++) {
        const start = performance.now()
        run()
        values.push(((performance.now() - start) * 1e6) / flow.count)
        clear()
      }
      return median(values)
    }
    const cases: Case[] = [
      {
        name: singleName,
        round: pass(
          () => {
            applySingly(flow, single)
          },
          () => single.clear(),
        ),
      },
      {
        name: batchName,
        round: pass(
          () => {
            applyBatched(flow, batched, batch)
          },
          () => batched.clear(),
        ),
      },
    ]
    if (limits) {
      const file = path.join(directory, 'operations')
      writeOperations(flow, file)
      cases.push({
        name: nativeName,
        async round() {
          const values: number[] = []
          for (let i = 0; i < passes; i++) values.push(await limits.apply(file))
          return median(values)
        },
      })
    }
    result.figures = await measure(cases, quick ? 3 : 9)
    if (persistence.stats().segmentStalls > 0) {
      result.notes.push(
        `segments that the writer had to wait for: ${String(persistence.stats().segmentStalls)}`,
      )
    }
    await persistence.close()
    result.goals.bookOperations = 1e3 / figureNamed(result.figures, batchName).median
    if (limits) result.goals.nativeApply = 1e3 / figureNamed(result.figures, nativeName).median
    return result
  },
}
