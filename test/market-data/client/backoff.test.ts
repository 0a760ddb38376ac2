// Waits between tries: they double, are capped, and spread over their whole range.
import fc from 'fast-check'
import t from 'tap'
import { Backoff } from '../../../lib/market-data/client/backoff.js'

const highest = (): number => 1 - Number.EPSILON

t.test(
  'the ceiling doubles with every failure up to the cap, and a reset starts over',
  async (t) => {
    const backoff = new Backoff({ baseMs: 100, capMs: 1000 }, highest)
    const waits = Array.from({ length: 6 }, () => backoff.nextMs())
    t.same(waits, [99, 199, 399, 799, 999, 999])
    t.equal(backoff.failures, 6)
    backoff.reset()
    t.equal(backoff.failures, 0)
    t.equal(backoff.nextMs(), 99)
  },
)

t.test('the jitter is full: a wait may be anything from nothing on', async (t) => {
  const draws = [0, 0.5, 0.25]
  const backoff = new Backoff({ baseMs: 1000, capMs: 10_000 }, () => draws.shift() ?? 0)
  t.same([backoff.nextMs(), backoff.nextMs(), backoff.nextMs()], [0, 1000, 1000])
})

t.test('thousands of failures keep to the cap', async (t) => {
  const backoff = new Backoff({ baseMs: 1, capMs: 30_000 }, highest)
  for (let failure = 0; failure < 5000; ++failure) backoff.nextMs()
  t.equal(backoff.nextMs(), 29_999)
})

t.test(
  'a wait is a whole number of milliseconds within its ceiling, whatever is drawn',
  async (t) => {
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    const options = fc.tuple(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 0, max: 100_000 }),
    )
    fc.assert(
      fc.property(options, fc.array(draw, { maxLength: 50 }), ([baseMs, above], draws) => {
        const capMs = baseMs + above
        const left = [...draws]
        const backoff = new Backoff({ baseMs, capMs }, () => left.shift() ?? 0)
        return draws.every((_, failures) => {
          const wait = backoff.nextMs()
          return (
            Number.isInteger(wait) && wait >= 0 && wait < Math.min(capMs, baseMs * 2 ** failures)
          )
        })
      }),
    )
    t.pass('for 100 sequences')
  },
)

t.test('bounds that make no sense are refused', async (t) => {
  for (const options of [
    { baseMs: 0 },
    { baseMs: NaN },
    { capMs: Infinity },
    { capMs: 2 ** 31 },
    { baseMs: 500, capMs: 100 },
  ]) {
    t.throws(() => new Backoff(options), { code: 'ERR_PINNACLE_INVALID_ARGUMENT' })
  }
})
