/**
 * The busy writer of a backup campaign. It continues the flow from the end of its directory, with rolls,
 * snapshots and compactions, and makes a backup on request. It reports what is durable. It ends by being
 * killed, or when its parent disconnects.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isPinnacleError, PersistenceManager, type BackupReport } from '../../lib/index.js'
import { applyEvent, booksOf } from '../../lib/torture/apply-event.js'
import { instrumentCount, TortureFlow, tortureInstruments } from '../../lib/torture/flow.js'
import { LedgerMachine } from '../../lib/torture/ledger.js'
import { Random } from '../../lib/order-flow/random.js'

export interface Life {
  dataDirectory: string
  flowSeed: number
  lifeSeed: number
}

/** The parent's request: a backup into a directory, or (undefined) only the frontier. */
export interface Ask {
  backup?: string
}

/** `before` and `durable`: the durable frontier at the request, and now. */
export interface Answer {
  before: number
  durable: number
  made?: Pick<BackupReport, 'lastSequence' | 'restarts' | 'sharedFiles' | 'path'>
  error?: string
}

const life = JSON.parse(process.argv[2] ?? '') as Life
const random = new Random(life.lifeSeed)
const pick = <Value>(values: readonly Value[]): Value =>
  values[random.below(values.length)] as Value

const manager = await PersistenceManager.open({
  dataDirectory: life.dataDirectory,
  durability: pick(['appended', 'interval', 'interval']),
  journalSyncIntervalMs: 1 + random.below(5),
  segmentSize: pick(['64KiB', '64KiB', '256KiB']),
  snapshotIntervalMin: 0,
  keepSnapshots: 1 + random.below(2),
  compactionThreshold: 0,
  instruments: [...tortureInstruments],
  stateMachine: new LedgerMachine(),
})
const flow = new TortureFlow(life.flowSeed)
flow.skip(manager.appendedFrontier - instrumentCount)
const books = booksOf(manager)

process.on('disconnect', () => {
  process.exit(0)
})
process.on('message', (ask: Ask) => {
  const before = manager.durableFrontier
  const say = (answer: Omit<Answer, 'before' | 'durable'>): void => {
    process.send?.({ before, durable: manager.durableFrontier, ...answer } satisfies Answer)
  }
  if (ask.backup === undefined) {
    say({})
    return
  }
  manager.backup(ask.backup).then(
    ({ lastSequence, restarts, sharedFiles, path }) => {
      say({ made: { lastSequence, restarts, sharedFiles, path } })
    },
    (error: unknown) => {
      say({ error: isPinnacleError(error) ? `${error.code}: ${error.message}` : String(error) })
    },
  )
})
process.send?.({ before: 0, durable: manager.appendedFrontier } satisfies Answer)

const longestPauseMs = pick([20, 120, 1500])
void (async () => {
  for (;;) {
    await manager.snapshot()
    await manager.compact({ force: true })
    await sleep(1 + random.below(longestPauseMs))
  }
})()
for (;;) {
  for (let left = 1 + random.below(120); left > 0; left--) applyEvent(manager, books, flow.next())
  if (random.below(8) === 0) await manager.durable()
  else await sleep(1)
}
