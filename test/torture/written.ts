/** A data directory with the first events of a torture's flow, written in order and still open. */
import { join } from 'node:path'
import type { Test } from 'tap'
import type { StateMachine } from '../../lib/index.js'
import { PersistenceManager } from '../../lib/persistence/persistence-manager.js'
import { applyEvent, booksOf } from '../../lib/torture/apply-event.js'
import { TortureFlow, tortureInstruments } from '../../lib/torture/flow.js'

export const flowSeed = 4711

export interface Written {
  dataDirectory: string
  manager: PersistenceManager
}

export async function written(
  t: Test,
  events: number,
  stateMachine?: StateMachine,
): Promise<Written> {
  const dataDirectory = join(t.testdir(), 'data')
  const manager = await PersistenceManager.open({
    dataDirectory,
    segmentSize: '64KiB',
    snapshotIntervalMin: 0,
    instruments: [...tortureInstruments],
    ...(stateMachine === undefined ? {} : { stateMachine }),
  })
  const flow = new TortureFlow(flowSeed)
  const books = booksOf(manager)
  for (let index = 0; index < events; index++) applyEvent(manager, books, flow.next())
  return { dataDirectory, manager }
}
