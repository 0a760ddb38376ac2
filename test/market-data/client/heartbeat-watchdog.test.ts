// When silence is reported, by a clock that moves only on command.
import t from 'tap'
import { HeartbeatWatchdog } from '../../../lib/market-data/client/heartbeat-watchdog.js'
import { TestClock } from './test-clock.js'

const nsPerMs = 1_000_000n

function watch(): { clock: TestClock; watchdog: HeartbeatWatchdog; told: string[] } {
  const clock = new TestClock()
  const told: string[] = []
  const watchdog = new HeartbeatWatchdog({
    clock,
    timeoutMs: 1000,
    onQuiet: () => told.push(`quiet ${String(clock.nowMs)}`),
    onTimeout: (silentMs) => told.push(`timeout ${String(silentMs)}`),
  })
  return { clock, watchdog, told }
}

t.test('half-way it asks, and at the end it reports, once', async (t) => {
  const { clock, told } = watch()
  clock.advance(499)
  t.same(told, [])
  clock.advance(1)
  t.same(told, ['quiet 500'])
  clock.advance(499)
  t.same(told, ['quiet 500'])
  clock.advance(6)
  t.same(told, ['quiet 500', 'timeout 1005'])
  clock.advance(10_000)
  t.equal(told.length, 2)
  t.equal(clock.pending, 0, 'no timer is left')
})

t.test('a message counts always, a pong until the first heartbeat', async (t) => {
  const { clock, watchdog, told } = watch()
  for (let turn = 0; turn < 5; ++turn) {
    clock.advance(400)
    watchdog.answered(clock.monotonicNs())
  }
  t.same(told, [])
  watchdog.beat()
  watchdog.seen(clock.monotonicNs())
  for (let turn = 0; turn < 5; ++turn) {
    clock.advance(400)
    watchdog.seen(clock.monotonicNs())
  }
  t.same(told, [])
  clock.advance(600)
  watchdog.answered(clock.monotonicNs())
  clock.advance(410)
  t.match(told, [/^quiet/, 'timeout 1005'])
})

t.test(
  'what has waited while the process was busy is read before silence is reported',
  async (t) => {
    const { clock, watchdog, told } = watch()
    clock.jump(60_000) // as after a stop of the whole process
    clock.advance(0)
    t.same(told, [], 'the timer was due')
    watchdog.seen(clock.monotonicNs())
    clock.advance(400)
    t.same(told, [])
    clock.jump(60_000)
    clock.advance(0)
    clock.advance(5)
    t.match(told, [/^timeout 60\d\d\d$/], 'and if nothing has waited, it is reported')
  },
)

t.test(
  'nothing is expected while nothing is read, and nothing is reported after the stop',
  async (t) => {
    const { clock, watchdog, told } = watch()
    clock.advance(300)
    watchdog.suspend()
    clock.advance(5000)
    t.same(told, [])
    watchdog.resume()
    clock.advance(499)
    t.same(told, [])
    clock.advance(1)
    t.equal(told.length, 1)
    watchdog.stop()
    watchdog.resume()
    clock.advance(5000)
    t.equal(told.length, 1)
    t.equal(clock.pending, 0)
    t.equal(clock.monotonicNs() % nsPerMs, 0n)
  },
)
