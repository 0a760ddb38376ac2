/** Journal-only appends from JavaScript, against `fs`, the peers and the C++ loop. */
import { closeSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'

import { Journal } from '../../lib/index.js'
import { emptyResult, figureNamed, type Part } from '../part.js'
import { measure, ratio, windowed, type Case } from '../rounds.js'

const batchSize = 512
const fsName = 'fs.writeSync, 64 bytes'
const singleName = 'journal append, single, 32 bytes'
const batchName = `journal append, batch of ${String(batchSize)}, 32 bytes`
const limitName = 'C++ loop: 64 bytes and CRC32C into a prefaulted mapping'

export const hot: Part = {
  name: 'hot',
  async run({ directory, quick, limits, peers }) {
    const result = emptyResult('appends, ns each')
    const journal = await Journal.open({
      dataDirectory: path.join(directory, 'hot'),
      spareSegments: 4,
    })
    const file = openSync(path.join(directory, 'plain.log'), 'w')
    const line = Buffer.alloc(64, 0x5a)
    const { lanes } = journal
    let value = 0
    const cases: Case[] = [
      {
        name: fsName,
        round: windowed({
          perWindow: 200,
          windows: 40,
          run: (count) => {
            for (let i = 0; i < count; i++) writeSync(file, line)
          },
        }),
      },
      {
        name: singleName,
        round: windowed({
          perWindow: 1000,
          windows: 200,
          run: (count) => {
            for (let i = 0; i < count; i++) {
              value++
              lanes[0] = value
              lanes[1] = value
              lanes[2] = value
              lanes[3] = value
              journal.appendLanes(1, 4)
            }
          },
        }),
      },
      {
        name: batchName,
        round: windowed({
          perWindow: 4 * batchSize,
          windows: 100,
          run: (count) => {
            for (let i = 0; i < count; i += batchSize) {
              for (let lane = 0; lane < 4 * batchSize; lane += 4) {
                value++
                lanes[lane] = value
                lanes[lane + 1] = value
                lanes[lane + 2] = value
                lanes[lane + 3] = value
              }
              journal.appendLanesBatch(1, 4, batchSize)
            }
          },
        }),
      },
    ]
    if (limits) {
      cases.push({
        name: limitName,
        async round() {
          const windows: number[] = []
          for (let i = 0; i < 20; i++) windows.push(await limits.append(10_000))
          return windows.sort((a, b) => a - b)[10] ?? Number.NaN
        },
      })
    }
    const opened = (await peers?.appending(directory)) ?? []
    for (const peer of opened) {
      const perWindow = 10_000
      cases.push({
        name: peer.name,
        round: windowed({ perWindow, windows: 5, run: (count) => peer.append(count) }),
      })
      result.notes.push(`${peer.name}: ${peer.mode}; ${String(perWindow)} a window`)
    }
    const figures = await measure(cases, quick ? 3 : 9)
    closeSync(file)
    await journal.close()
    for (const peer of opened) await peer.close()

    result.figures = figures
    const batch = figureNamed(figures, batchName)
    const plain = figureNamed(figures, fsName)
    const faster = (than: string): number | undefined => {
      const figure = figures.find(({ name }) => name === than)
      if (!figure) return undefined
      const found = ratio(figure, batch)
      result.comparisons.push({ what: `batch append, faster than ${than}`, ratio: found })
      return found.median
    }
    const single = ratio(plain, figureNamed(figures, singleName))
    result.comparisons.push({ what: `single append, faster than ${fsName}`, ratio: single })
    result.goals.appendSingle = single.median
    result.goals.appendBatch = ratio(plain, batch).median
    faster(fsName)
    const lmdb = faster('lmdb')
    const sqlite = faster('better-sqlite3')
    const level = faster('classic-level')
    faster('sonic-boom')
    if (lmdb !== undefined) result.goals.appendBatchLmdb = lmdb
    if (sqlite !== undefined) result.goals.appendBatchSqlite = sqlite
    if (level !== undefined) result.goals.appendBatchLevel = level
    if (limits) {
      const found = ratio(batch, figureNamed(figures, limitName))
      result.comparisons.push({ what: 'batch append, of the C++ loop', ratio: found })
      result.goals.appendLimit = found.median
    }
    return result
  },
}
