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
const groupName = 'group of 1000 appends, each awaited'
const togetherName = 'group of 1000 appends, awaited together'
const batchName = 'group of 1000 appends in one batch, awaited'
const asyncName = 'fs.writeSync + await fdatasync, 64 bytes, written file'
const plainCallersName = '64 times fs.writeSync, one await fdatasync, plain program'
const plainGroupName = 'fs.writeSync of 64,000 bytes + await fdatasync, plain program'
const promisedGroupName = 'the same, and a promise for each of the 1000 lines, all awaited'
const mappedSuffix = ', mapped path'

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
    const mapped = await Journal.open({
      dataDirectory: path.join(directory, 'durable-mapped'),
      durability: 'appended',
      writePath: 'mapped',
    })
    const plainFile = path.join(directory, 'durable.plain')
    const file = openSync(plainFile, 'w+')
    const zeros = Buffer.alloc(4096)
    for (let offset = 0; offset < fileBytes; offset += zeros.length) writeSync(file, zeros)
    fdatasyncSync(file)
    const handle = await open(plainFile, 'r+')
    let position = 0
    const lines = Buffer.alloc(64_000, 0x5a)
    const write = (bytes: number): void => {
      if (position + bytes > fileBytes) position = 0
      writeSync(file, lines, 0, bytes, position)
      position += bytes
    }
    const writePromised = async (): Promise<void> => {
      const resolves: (() => void)[] = []
      const told = Promise.all(
        Array.from({ length: 1000 }, () => new Promise<void>((resolve) => resolves.push(resolve))),
      )
      write(64_000)
      await handle.datasync()
      for (const resolve of resolves) resolve()
      await told
    }
    const append = (to = journal): number => {
      to.lanes[0] = position
      return to.appendLanes(1, 4)
    }
    for (const each of [journal, mapped]) {
      append(each)
      each.syncNow()
    }
    const each = quick ? 20 : 50
    const unit = 'µs'
    const cases: Case[] = [
      {
        name: plainName,
        unit,
        round: limits
          ? () => limits.durable(each)
          : timed(each, () => {
              write(64)
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
      {
        name: blockingName + mappedSuffix,
        unit,
        round: timed(each, () => {
          append(mapped)
          mapped.syncNow()
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
      {
        name: togetherName,
        unit,
        round: timed(10, () => {
          for (let i = 1; i < 1000; i++) append()
          return journal.durable(append())
        }),
      },
      {
        name: batchName,
        unit,
        round: timed(10, () => journal.durable(journal.appendLanesBatch(1, 4, 1000))),
      },
      {
        name: groupName + mappedSuffix,
        unit,
        round: timed(10, () =>
          Promise.all(Array.from({ length: 1000 }, () => mapped.durable(append(mapped)))),
        ),
      },
    ]
    cases.push(
      {
        name: asyncName,
        unit,
        round: timed(each, () => {
          write(64)
          return handle.datasync()
        }),
      },
      {
        name: plainCallersName,
        unit,
        round: timed(each, () => {
          for (let i = 0; i < 64; i++) write(64)
          return handle.datasync()
        }),
      },
      {
        name: plainGroupName,
        unit,
        round: timed(10, () => {
          write(64_000)
          return handle.datasync()
        }),
      },
      { name: promisedGroupName, unit, round: timed(10, writePromised) },
    )
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
    await mapped.close()
    for (const peer of stores) await peer.close()

    result.figures = figures
    const plain = figureNamed(figures, plainName)
    const blocking = ratio(figureNamed(figures, blockingName), plain)
    const callers = ratio(figureNamed(figures, callersName), figureNamed(figures, plainCallersName))
    const awaited = ratio(figureNamed(figures, awaitedName), plain)
    const group = figureNamed(figures, groupName)
    const groupPlain = ratio(group, figureNamed(figures, promisedGroupName))
    const together = figureNamed(figures, togetherName)
    const togetherPlain = ratio(together, figureNamed(figures, plainGroupName))
    const batchPlain = ratio(figureNamed(figures, batchName), figureNamed(figures, plainGroupName))
    result.comparisons.push(
      { what: `${blockingName}, of one pwrite + fdatasync`, ratio: blocking },
      {
        what: `${blockingName}${mappedSuffix}, of the window's`,
        ratio: ratio(
          figureNamed(figures, blockingName + mappedSuffix),
          figureNamed(figures, blockingName),
        ),
      },
      { what: `${awaitedName}, of one pwrite + fdatasync`, ratio: awaited },
      { what: '64 callers, of the plain program', ratio: callers },
      { what: `${togetherName}, of the plain program`, ratio: togetherPlain },
      { what: `${batchName}, of the plain program`, ratio: batchPlain },
      { what: `${groupName}, of the plain program with as many promises`, ratio: groupPlain },
      {
        what: `${groupName}${mappedSuffix}, of the window's`,
        ratio: ratio(figureNamed(figures, groupName + mappedSuffix), group),
      },
    )
    result.goals.durableSingle = blocking.median
    result.goals.durableAwaited = awaited.median
    result.goals.durableCallers = callers.median
    result.goals.durableGroup = togetherPlain.median
    result.goals.durableGroupBatch = batchPlain.median
    result.goals.durableGroupEach = groupPlain.median
    const promised = ratio(
      figureNamed(figures, promisedGroupName),
      figureNamed(figures, plainGroupName),
    )
    result.comparisons.push({ what: `${promisedGroupName}, of without them`, ratio: promised })
    const asynchronous = ratio(figureNamed(figures, asyncName), plain)
    result.comparisons.push({ what: `${asyncName}, of the same blocking`, ratio: asynchronous })
    result.floors.durableAwaited = asynchronous.median
    for (const { name } of stores) {
      const store = figureNamed(figures, `${name}, 1000 in one commit`)
      // A commit of theirs is one wait too.
      const found = ratio(store, together)
      result.comparisons.push(
        { what: `${togetherName}, faster than ${name}`, ratio: found },
        { what: `${groupName}, faster than ${name}`, ratio: ratio(store, group) },
      )
      const goal = name === 'lmdb' ? 'durableGroupLmdb' : 'durableGroupSqlite'
      result.goals[goal] = found.median
      result.floors[goal] = ratio(store, figureNamed(figures, plainGroupName)).median
    }
    return result
  },
}
