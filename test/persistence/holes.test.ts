/** What a state machine learns of entries that a salvage could not keep. */
import t from 'tap'
import type { Hole, StateMachine, UserEntry } from '../../lib/index.js'
import type { EngineSession } from '../../lib/engine/engine-session.js'
import { FeedState } from '../../lib/market-data/record/feed-state.js'
import { encodeFeedEntry, userTypes } from '../../lib/market-data/record/entry-codec.js'
import { StateMachineHost } from '../../lib/engine/state-machine-host.js'
import { entryImage, words } from '../journal/entry-image.js'

const user = (sequence: number): Buffer =>
  entryImage({ type: 0x85, sequence, payload: Buffer.from('u') })
const hole = (first: number, last: number): Buffer =>
  entryImage({ type: 0x05, sequence: last, payload: words(first, 0, 0, 0) })

/** A recovered engine whose journal holds these entries, all in one piece. */
function sessionOf(
  entries: readonly Buffer[],
  recovery: { snapshotSequence: number; lastSequence: number },
  state: Uint8Array | null = null,
): EngineSession {
  const sequenceOf = (image: Buffer): number => Number(image.readBigUInt64LE(8))
  return {
    recovery: { firstSequence: 1, ...recovery },
    dataDirectory: 'd',
    engine: { recoveredState: () => state },
    binding: {
      openReader(_directory: string, from: number) {
        let read = false
        return {
          read() {
            if (read) return null
            read = true
            return Buffer.concat(entries.filter((image) => sequenceOf(image) >= from))
          },
          get nextSequence() {
            return read ? sequenceOf(entries.at(-1)!) + 1 : from
          },
          close: () => undefined,
        }
      },
    },
  } as unknown as EngineSession
}

class Machine implements StateMachine {
  seen: (number | string)[] = []
  apply({ sequence }: UserEntry): void {
    this.seen.push(sequence)
  }
  hole({ firstSequence, lastSequence }: Hole): void {
    this.seen.push(`${String(firstSequence)}-${String(lastSequence)}`)
  }
  snapshot(): Uint8Array {
    return new Uint8Array(1)
  }
  restore(): void {
    this.seen = []
  }
}

const journal = [user(1), user(2), hole(3, 5), user(6), hole(7, 9), user(10), hole(11, 14)]

t.test('a state machine is called for a hole in the place of its entries', async (t) => {
  const machine = new Machine()
  const session = sessionOf(journal, { snapshotSequence: 0, lastSequence: 14 })
  await new StateMachineHost(machine).recover(session, () => undefined)
  t.strictSame(machine.seen, [1, 2, '3-5', 6, '7-9', 10, '11-14'])
})

t.test('what a snapshot has of a hole is not missing', async (t) => {
  const machine = new Machine()
  const recovery = { snapshotSequence: 8, lastSequence: 10 }
  await new StateMachineHost(machine).recover(
    sessionOf(journal, recovery, new Uint8Array(1)),
    () => undefined,
  )
  t.strictSame(machine.seen, ['9-9', 10], 'nor is what was not recovered')
})

t.test('a state machine without hole() gets the kept entries; one that throws stops', async (t) => {
  const seen: number[] = []
  const plain: StateMachine = {
    apply: ({ sequence }) => seen.push(sequence),
    snapshot: () => new Uint8Array(1),
    restore: () => undefined,
  }
  const session = sessionOf(journal, { snapshotSequence: 0, lastSequence: 14 })
  await new StateMachineHost(plain).recover(session, () => undefined)
  t.strictSame(seen, [1, 2, 6, 10])
  const throwing = new Machine()
  throwing.hole = () => {
    throw new Error('it can not do without them')
  }
  await t.rejects(
    new StateMachineHost(throwing).recover(session, () => undefined),
    { code: 'ERR_PINNACLE_STATE_MACHINE', details: { sequence: 5 } },
  )
})

t.test(
  'a frame of a feed that lost entries counts as cut, and its own state machine is told',
  async (t) => {
    const machine = new Machine()
    const state = new FeedState(machine)
    const frame = encodeFeedEntry({
      type: 'frame',
      connection: 1,
      receivedMonotonicNs: 0n,
      entries: 4,
      channel: 'c',
      sequences: [],
    })
    const entry = { type: 'user', instrument: 0, givenTime: true, timestampNs: 7n } as const
    state.apply({ ...entry, sequence: 10, userType: userTypes.frame, payload: frame })
    state.hole({ firstSequence: 13, lastSequence: 20 })
    t.equal(state.counts.cutFrames, 1)
    state.apply({ ...entry, sequence: 21, userType: userTypes.frame, payload: frame })
    state.hole({ firstSequence: 26, lastSequence: 26 })
    t.equal(state.counts.cutFrames, 1, 'a frame that is whole is not cut')
    t.strictSame(machine.seen, ['13-20', '26-26'])
  },
)
