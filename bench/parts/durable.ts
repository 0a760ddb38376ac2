/** One durable append, and many at once, against pwrite + fdatasync, better-sqlite3 and lmdb. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'

import { Journal } from '../../lib/index.js'
import { emptyResult, figureNamed, type Part } from '../part.js'
import { measure, median, ratio, type Case } from '../rounds.js'

const fileBytes = 16 * 1024 * 1024
const plainName = 'pwrite + fdatasync, 64 bytes, written file'
const blockingName = 'append + syncNow'
const awaitedName = 'append + await durable'
const callersName = '64 callers awaiting their own append, until all have it'
const groupName = 'group of 1000 awaited appends'
const asyncName = 'fs.writeSync + await fdatasync, 64 bytes, written file'
const mappedName = '64 bytes stored through a mapping + msync, plain program'
const mappedGroupName = '64,000 bytes stored through a mapping + msync, plain program'

/** The median of `count` times `work`, µs. */
function timed(count: number, work: () => unknown): () => Promise<number> {
  return async () => {
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const start = performance.now()
      const pending = work()
      if (pending instanceof Promise) await pending
      times.push((performance.now() - start) * 1e3)
    }
    return median(times)
  }
}

export const durable: Part = {
  name: 'durable',
  async run({ directory, quick, limits, peers }) {
    const result = emptyResult('durable appends, µs')
    const journal = await Journal.open({
      dataDirectory: path.join(directory, 'durable'),
      durability: 'appended',
    })
    const file = openSync(path.join(directory, 'durable.plain'), 'w+')
    const zeros = Buffer.alloc(4096)
    for (let offset = 0; offset < fileBytes; offset += zeros.length) writeSync(file, zeros)
    fdatasyncSync(file)
    let position = 0
    const line = Buffer.alloc(64, 0x5a)
    const writeLine = (): void => {
      writeSync(file, line, 0, 64, position)
      position = (position + 64) % fileBytes
    }
    const append = (): number => {
      journal.lanes[0] = position
      return journal.appendLanes(1, 4)
    }
    append()
    journal.syncNow()
    const each = quick ? 20 : 50
    const unit = 'µs'
    const cases: Case[] = [
      {
        name: plainName,
        unit,
        round: limits
          ? () => limits.durable(each)
          : timed(each, () => {
              writeLine()
              fdatasyncSync(file)
            }),
      },
      {
        name: blockingName,
        unit,
        round: timed(each, () => {
          append()
          journal.syncNow()
        }),
      },
      { name: awaitedName, unit, round: timed(each, () => journal.durable(append())) },
      {
        name: callersName,
        unit,
        round: timed(each, () =>
          Promise.all(Array.from({ length: 64 }, () => journal.durable(append()))),
        ),
      },
      {
        name: groupName,
        unit,
        round: timed(10, () =>
          Promise.all(Array.from({ length: 1000 }, () => journal.durable(append()))),
        ),
      },
    ]
    const handle = await open(path.join(directory, 'durable.plain'), 'r+')
    cases.push({
      name: asyncName,
      unit,
      round: timed(each, () => {
        writeLine()
        return handle.datasync()
      }),
    })
    if (limits) {
      cases.push(
        { name: mappedName, unit, round: () => limits.mapped(64, each) },
        { name: mappedGroupName, unit, round: () => limits.mapped(64_000, 10) },
      )
    }
    const stores = peers ? Object.values(peers.durable(directory)) : []
    for (const peer of stores) {
      result.notes.push(`${peer.name}: ${peer.mode}`)
      for (const count of [1, 64, 1000]) {
        cases.push({
          name: `${peer.name}, ${String(count)} in one commit`,
          unit,
          round: timed(count === 1000 ? 10 : each, () => peer.append(count)),
        })
      }
    }
    const figures = await measure(cases, quick ? 2 : 8)
    closeSync(file)
    await handle.close()
    await journal.close()
    for (const peer of stores) await peer.close()

    result.figures = figures
    const plain = figureNamed(figures, plainName)
    const blocking = ratio(figureNamed(figures, blockingName), plain)
    const callers = ratio(figureNamed(figures, callersName), plain)
    const awaited = ratio(figureNamed(figures, awaitedName), plain)
    result.comparisons.push(
      { what: `${blockingName}, of one pwrite + fdatasync`, ratio: blocking },
      { what: `${awaitedName}, of one pwrite + fdatasync`, ratio: awaited },
      { what: '64 callers, of one pwrite + fdatasync', ratio: callers },
    )
    result.goals.durableSingle = blocking.median
    result.goals.durableCallers = callers.median
    const asynchronous = ratio(figureNamed(figures, asyncName), plain)
    result.comparisons.push({ what: `${asyncName}, of the same blocking`, ratio: asynchronous })
    result.floors.durableCallers = asynchronous.median
    const group = figureNamed(figures, groupName)
    for (const { name } of stores) {
      const store = figureNamed(figures, `${name}, 1000 in one commit`)
      const found = ratio(store, group)
      result.comparisons.push({ what: `group of 1000, faster than ${name}`, ratio: found })
      const goal = name === 'lmdb' ? 'durableGroupLmdb' : 'durableGroupSqlite'
      result.goals[goal] = found.median
      if (limits) {
        result.floors[goal] = ratio(store, figureNamed(figures, mappedGroupName)).median
      }
    }
    if (limits) {
      const mapped = ratio(figureNamed(figures, mappedName), plain)
      result.comparisons.push(
        { what: 'the plain program, 64 bytes, of one pwrite + fdatasync', ratio: mapped },
        {
          what: `${groupName}, of the plain program`,
          ratio: ratio(group, figureNamed(figures, mappedGroupName)),
        },
      )
      result.floors.durableSingle = mapped.median
    }
    return result
  },
}
