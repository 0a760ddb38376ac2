// Frames reach the consumer in order and once; a slow consumer pauses the source; dropped frames are
// reported.
import fc from 'fast-check'
import t from 'tap'
import { DeliveryQueue } from '../../../lib/market-data/client/delivery-queue.js'

interface Rig {
  queue: DeliveryQueue<number>
  taken: number[]
  pressure: boolean[]
  failures: { error: unknown; left: number }[]
  /** Lets the consumer finish what it has. */
  finish: () => Promise<void>
}

/** A consumer that takes as long as the test wants, or no time if `slow` is false. */
function rig(options: { maxFrames?: number; pauseBytes?: number; slow?: boolean } = {}): Rig {
  const finishers: (() => void)[] = []
  const made: Rig = {
    taken: [],
    pressure: [],
    failures: [],
    queue: new DeliveryQueue<number>({
      deliver(item) {
        made.taken.push(item)
        if (options.slow === false) return
        return new Promise((resolve) => finishers.push(resolve))
      },
      maxFrames: options.maxFrames ?? 16,
      pauseBytes: options.pauseBytes ?? 1_000_000,
      onPressure: (paused) => made.pressure.push(paused),
      onFailure: (error, left) => made.failures.push({ error, left }),
    }),
    finish: async () => {
      finishers.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
  return made
}

t.test('a consumer that is done at once gets each frame at once', async (t) => {
  const { queue, taken, pressure } = rig({ slow: false, maxFrames: 2 })
  for (let i = 0; i < 5000; ++i) {
    if (!queue.pushFrame(i, 100)) throw new Error('refused')
    if (taken.length !== i + 1) throw new Error('not at once')
  }
  t.equal(queue.frames, 0)
  t.equal(queue.bytes, 0)
  t.equal(queue.delivered, 5000)
  t.same(pressure, [], 'and nothing is paused')
  await queue.idle()
})

t.test('a slow consumer pauses the source at half and resumes it at an eighth', async (t) => {
  const { queue, taken, pressure, finish } = rig({ maxFrames: 16 })
  for (let i = 0; i < 8; ++i) queue.pushFrame(i, 10)
  t.same(pressure, [], 'one is with the consumer, seven wait')
  queue.pushFrame(8, 10)
  t.same(pressure, [true])
  t.equal(queue.frames, 8)
  t.equal(queue.bytes, 80)
  for (let i = 0; i < 5; ++i) await finish()
  t.same(pressure, [true], 'three wait')
  await finish()
  t.same(pressure, [true, false], 'two wait')
  for (let i = 0; i < 3; ++i) await finish()
  await queue.idle()
  t.same(taken, [0, 1, 2, 3, 4, 5, 6, 7, 8])
  t.equal(queue.delivered, 9)
})

t.test(
  'what was held elsewhere fits always, pauses the source, and takes no room of it',
  async (t) => {
    const { queue, taken, pressure, finish } = rig({ maxFrames: 4 })
    for (let i = 0; i < 10; ++i) queue.pushHeld(i, 10)
    t.same(pressure, [true])
    t.equal(queue.frames, 9)
    for (let i = 10; i < 14; ++i) t.ok(queue.pushFrame(i, 10), 'what was on its way')
    t.notOk(queue.pushFrame(14, 10))
    for (let i = 0; i < 14; ++i) await finish()
    await queue.idle()
    t.same(
      taken,
      Array.from({ length: 14 }, (_, index) => index),
    )
    t.same(pressure, [true, false])
    t.equal(queue.delivered, 14)
  },
)

t.test('few large frames pause the source by their bytes', async (t) => {
  const { queue, pressure, finish } = rig({ pauseBytes: 1000 })
  queue.pushFrame(0, 900)
  queue.pushFrame(1, 900)
  t.same(pressure, [], 'the consumer has one of them')
  queue.pushFrame(2, 100)
  t.same(pressure, [true])
  await finish()
  t.same(pressure, [true, false])
})

t.test('a frame that does not fit is refused, notices always fit', async (t) => {
  const { queue, taken, finish } = rig({ maxFrames: 4 })
  const fits = [0, 1, 2, 3, 4, 5, 6].map((item) => queue.pushFrame(item, 1))
  t.same(fits, [true, true, true, true, true, false, false])
  for (let i = 100; i < 110; ++i) queue.pushNotice(i)
  t.equal(queue.frames, 4)
  for (let i = 0; i < 15; ++i) await finish()
  t.same(taken, [0, 1, 2, 3, 4, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109])
  t.equal(queue.delivered, 5, 'notices are not frames')
})

t.test(
  'a consumer that throws or rejects ends the delivery, and the rest is reported',
  async (t) => {
    for (const sync of [true, false]) {
      const failures: { error: unknown; left: number }[] = []
      let calls = 0
      const queue = new DeliveryQueue<number>({
        deliver(item): Promise<void> {
          ++calls
          if (item === 1 && sync) throw new Error('disk full')
          return item === 1 ? Promise.reject(new Error('disk full')) : Promise.resolve()
        },
        maxFrames: 16,
        pauseBytes: 1000,
        onPressure: () => undefined,
        onFailure: (error, left) => failures.push({ error, left }),
      })
      for (let i = 0; i < 4; ++i) queue.pushFrame(i, 1)
      await queue.idle()
      t.match(failures, [{ error: { message: 'disk full' }, left: 2 }])
      t.equal(calls, 2)
      t.equal(queue.pushFrame(9, 1), false)
      queue.pushNotice(10)
      await queue.idle()
      t.equal(calls, 2, 'nothing is delivered after it')
    }
  },
)

t.test('what the consumer causes itself comes after what waits', async (t) => {
  const taken: number[] = []
  const queue = new DeliveryQueue<number>({
    deliver(item) {
      taken.push(item)
      if (item === 0) queue.pushNotice(50)
      taken.push(-item)
    },
    maxFrames: 16,
    pauseBytes: 1000,
    onPressure: () => undefined,
    onFailure: () => undefined,
  })
  queue.pushFrame(0, 1)
  queue.pushFrame(1, 1)
  t.same(taken, [0, -0, 50, -50, 1, -1])
})

t.test('stop drops what waits and says how much', async (t) => {
  const { queue, taken } = rig()
  for (let i = 0; i < 5; ++i) queue.pushFrame(i, 1)
  const idle = queue.idle()
  t.equal(queue.stop(), 4)
  await idle
  t.same(taken, [0])
  t.equal(queue.bytes, 0)
})

t.test(
  'every frame that fits is delivered once and in order, however slow the consumer',
  async (t) => {
    const step = fc.constantFrom('push', 'push', 'push', 'finish')
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 8 }),
        async (steps, maxFrames) => {
          const { queue, taken, pressure, finish } = rig({ maxFrames })
          const fitted: number[] = []
          let next = 0
          for (const what of steps) {
            if (what === 'finish') await finish()
            else if (queue.pushFrame(next, 1)) fitted.push(next++)
            else {
              ++next
              if (queue.frames !== maxFrames || pressure.at(-1) !== true)
                throw new Error('refused early')
            }
          }
          for (let i = 0; i <= steps.length; ++i) await finish()
          await queue.idle()
          return JSON.stringify(taken) === JSON.stringify(fitted) && pressure.at(-1) !== true
        },
      ),
      { numRuns: 200 },
    )
    t.pass('for 200 interleavings')
  },
)
