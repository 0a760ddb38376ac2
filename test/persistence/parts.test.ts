import t from 'tap'
import { SingleFlight } from '../../lib/persistence/single-flight.js'
import { summarize } from '../../lib/persistence/stats.js'
import { StateMachineHost } from '../../lib/engine/state-machine-host.js'
import type { EngineSession } from '../../lib/engine/engine-session.js'
import type { UserEntry } from '../../lib/index.js'
import { entryImage } from '../journal/entry-image.js'

t.test(
  'a task in flight is not started twice; who asks meanwhile shares the next run',
  async (t) => {
    const started: (() => void)[] = []
    let runs = 0
    const flight = new SingleFlight(async () => {
      const run = ++runs
      await new Promise<void>((resolve) => started.push(resolve))
      return run
    })
    const first = flight.run()
    const second = flight.run()
    const third = flight.run()
    t.equal(runs, 1)
    t.equal(flight.busy, true)
    started[0]?.()
    t.equal(await first, 1)
    while (started.length < 2) await new Promise((resolve) => setImmediate(resolve))
    t.equal(runs, 2)
    started[1]?.()
    t.strictSame(await Promise.all([second, third]), [2, 2])
    await flight.idle()
    t.equal(flight.busy, false)
    t.equal(runs, 2)
  },
)

t.test('a failed run does not keep the next from running', async (t) => {
  let runs = 0
  const flight = new SingleFlight(async () => {
    await Promise.resolve()
    if (++runs === 1) throw new Error('no')
    return 'yes'
  })
  const first = flight.run()
  const next = flight.run()
  await t.rejects(first, { message: 'no' })
  t.equal(await next, 'yes')
  await flight.idle()
})

t.test(
  'a histogram of buckets gives percentiles that are never better than what was measured',
  async (t) => {
    const values = Array.from({ length: 1000 }, (_, index) => index + 1)
    const bucket = 10
    const upperBounds = Float64Array.from({ length: 100 }, (_, index) => (index + 1) * bucket)
    const counts = new Float64Array(100).fill(bucket)
    const summary = summarize({ upperBounds, counts, min: 1, max: 1000, count: values.length })
    t.equal(summary.count, 1000)
    t.equal(summary.min, 1)
    t.equal(summary.max, 1000)
    for (const [key, exact] of [
      ['p50', 500],
      ['p90', 900],
      ['p99', 990],
      ['p999', 999],
    ] as const) {
      t.ok(
        summary[key] >= exact && summary[key] <= exact + bucket,
        `${key} is ${String(summary[key])}`,
      )
    }
    t.ok(Math.abs(summary.mean - 505) < 1, 'each value counts as its bucket')
    t.strictSame(summary.buckets, { upperBounds, counts }, 'all that was counted is handed out')
    const none = new Float64Array(0)
    t.match(summarize({ upperBounds: none, counts: none, min: 0, max: 0, count: 0 }), {
      count: 0,
      p99: 0,
    })
  },
)

t.test('a histogram holds seconds in nanoseconds beside single digits', async (t) => {
  const summary = summarize({
    upperBounds: Float64Array.of(5, 30_000_000_000),
    counts: Float64Array.of(999_999, 1),
    min: 5,
    max: 30_000_000_000,
    count: 1_000_000,
  })
  t.equal(summary.p999, 5)
  t.equal(summary.max, 30_000_000_000)
})

interface Recovered {
  snapshotSequence: number
  firstSequence: number
  lastSequence: number
  state: Uint8Array | null
}

const sessionOf = (recovered: Recovered): EngineSession => {
  const { state, ...recovery } = recovered
  return {
    recovery,
    dataDirectory: 'd',
    engine: { recoveredState: () => state },
    binding: {
      openReader(_directory: string, from: number) {
        let next = from
        return {
          read() {
            if (next > recovered.lastSequence + 2) return null
            const images = [next, next + 1].map((sequence) =>
              entryImage({
                type: sequence % 3 === 0 ? 0x28 : 0x85,
                sequence,
                payload: sequence % 3 === 0 ? new Uint8Array(32) : Buffer.from(String(sequence)),
              }),
            )
            next += 2
            return Buffer.concat(images)
          },
          get nextSequence() {
            return next
          },
          close() {
            // Nothing is held.
          },
        }
      },
    },
  } as unknown as EngineSession
}

class Machine {
  seen: number[] = []
  restored: string | undefined
  throwsAt = 0
  apply(entry: UserEntry): void {
    if (entry.sequence === this.throwsAt) throw new Error('can not')
    this.seen.push(entry.sequence)
  }
  snapshot(): Uint8Array {
    return Buffer.from(String(this.seen.length))
  }
  restore(bytes: Uint8Array): void {
    this.restored = Buffer.from(bytes).toString()
  }
}

t.test(
  'a state machine is restored, then gets the user entries after the snapshot, no further',
  async (t) => {
    const machine = new Machine()
    const progress: number[] = []
    const session = sessionOf({
      snapshotSequence: 4,
      firstSequence: 1,
      lastSequence: 9,
      state: Buffer.from('four'),
    })
    await new StateMachineHost(machine).recover(session, (done, total) =>
      progress.push(done / total),
    )
    t.equal(machine.restored, 'four')
    t.strictSame(
      machine.seen,
      [5, 7, 8],
      'operations on books are not its own, 10 was not recovered',
    )
    t.equal(progress[0], 0)
    t.equal(progress.at(-1), 1)
  },
)

t.test(
  'without a state in the snapshot the whole journal is replayed, if it is there',
  async (t) => {
    const machine = new Machine()
    const whole = { snapshotSequence: 4, firstSequence: 1, lastSequence: 5, state: null }
    await new StateMachineHost(machine).recover(sessionOf(whole), () => undefined)
    t.strictSame(machine.seen, [1, 2, 4, 5])
    const compacted = { ...whole, firstSequence: 3 }
    await t.rejects(
      new StateMachineHost(machine).recover(sessionOf(compacted), () => undefined),
      {
        code: 'ERR_PINNACLE_STATE_MACHINE',
        message: /no longer holds what came before 3/,
      },
    )
  },
)

t.test('once apply has thrown nothing more is applied and no snapshot is taken', async (t) => {
  const machine = new Machine()
  const host = new StateMachineHost(machine)
  machine.throwsAt = 7
  const entry: UserEntry = {
    type: 'user',
    sequence: 7,
    timestampNs: 0n,
    instrument: 0,
    givenTime: true,
    userType: 0,
    payload: new Uint8Array(),
  }
  const code = 'ERR_PINNACLE_STATE_MACHINE'
  t.throws(
    () => {
      host.apply(entry)
    },
    { code, message: /entry 7, which is in the journal/ },
  )
  t.throws(
    () => {
      host.assertApplies()
    },
    { code },
  )
  t.throws(() => host.snapshot(() => 0), { code })
})

t.test('a snapshot() or restore() that is wrong is a coded error', async (t) => {
  const machine = new Machine()
  const host = new StateMachineHost(machine)
  const code = 'ERR_PINNACLE_STATE_MACHINE'
  for (const wrong of ['text' as never, undefined as never, new Uint8Array()]) {
    machine.snapshot = () => wrong
    t.throws(() => host.snapshot(() => 0), { code, name: 'PinnacleTypeError' })
  }
  machine.snapshot = () => {
    throw new Error('no')
  }
  t.throws(() => host.snapshot(() => 0), { code })
  machine.restore = () => {
    throw new Error('not mine')
  }
  const session = sessionOf({
    snapshotSequence: 1,
    firstSequence: 1,
    lastSequence: 1,
    state: Buffer.from('?'),
  })
  await t.rejects(
    host.recover(session, () => undefined),
    { code, message: /restore\(\) threw/ },
  )
})
