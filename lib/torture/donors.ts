/** Directories that damage takes segments from: one of another journal, and a fork of the same. */
import { cpSync } from 'node:fs'
import path from 'node:path'
import { appendReserved, UserType } from '../registry/user-types.js'
import type { Random } from '../order-flow/random.js'
import { PersistenceManager } from '../persistence/persistence-manager.js'
import { applyEvent, booksOf } from './apply-event.js'
import type { Donors } from './damage.js'
import { forkPayload, TortureFlow, tortureInstruments } from './flow.js'

const mostEvents = 1_500
/** In one transaction: this many of the flow's largest payloads fit a segment together. */
const mostTogether = 3

/** Both go below `scratch`. */
export function donorsFor(dataDirectory: string, scratch: string, random: Random): Donors {
  const events = 1 + random.below(mostEvents)
  return {
    async foreign() {
      const directory = path.join(scratch, 'foreign')
      const manager = await PersistenceManager.open({
        ...plain(directory),
        instruments: [...tortureInstruments],
      })
      const books = booksOf(manager)
      const flow = new TortureFlow(random.uint32())
      inTransactions(manager, events, random, () => applyEvent(manager, books, flow.next()))
      await manager.close()
      return directory
    },
    async fork() {
      const directory = path.join(scratch, 'fork')
      cpSync(dataDirectory, directory, { recursive: true })
      const manager = await PersistenceManager.open(plain(directory))
      inTransactions(manager, events, random, () =>
        manager.journal[appendReserved](UserType.torture.fork, forkPayload),
      )
      await manager.close()
      return directory
    },
  }
}

/** Does something so often, some of it by itself and the rest in transactions. */
function inTransactions(
  manager: PersistenceManager,
  times: number,
  random: Random,
  work: () => void,
): void {
  for (let left = times; left > 0;) {
    const together = Math.min(left, 1 + random.below(mostTogether))
    if (together === 1) work()
    else {
      manager.transaction(() => {
        for (let count = 0; count < together; count++) work()
      })
    }
    left -= together
  }
}

function plain(dataDirectory: string): {
  dataDirectory: string
  segmentSize: string
  snapshotIntervalMin: number
} {
  return { dataDirectory, segmentSize: '64KiB', snapshotIntervalMin: 0 }
}
