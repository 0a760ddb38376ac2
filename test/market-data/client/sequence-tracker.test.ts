// Gaps, duplicates and late arrivals by the exchange's numbers: by example and against a naive model.
import fc from 'fast-check'
import t from 'tap'
import {
  SequenceTracker,
  type SequenceVerdict,
} from '../../../lib/market-data/client/sequence-tracker.js'
import type { SequenceRule } from '../../../lib/market-data/feed-adapter.js'

function judge(tracker: SequenceTracker, first: number, last = first, scope = ''): string {
  const verdict = tracker.accept({ scope, first, last })
  return verdict.kind === 'gap'
    ? `gap ${String(verdict.firstMissed)}-${String(verdict.lastMissed)}`
    : verdict.kind
}

t.test('contiguous numbers show what was missed, what came twice and what came late', async (t) => {
  const tracker = new SequenceTracker('contiguous')
  const said = [7, 8, 8, 9, 12, 10, 10, 11, 13, 3].map((number) => judge(tracker, number))
  t.same(said, [
    'next',
    'next',
    'duplicate',
    'next',
    'gap 10-11',
    'out-of-order',
    'duplicate',
    'out-of-order',
    'next',
    'duplicate',
  ])
  t.equal(tracker.last(''), 13)
})

t.test('scopes are counted apart', async (t) => {
  const tracker = new SequenceTracker('contiguous')
  t.equal(judge(tracker, 1, 1, 'BTC-USD'), 'next')
  t.equal(judge(tracker, 900, 900, 'ETH-USD'), 'next')
  t.equal(judge(tracker, 2, 2, 'BTC-USD'), 'next')
  t.equal(judge(tracker, 902, 902, 'ETH-USD'), 'gap 901-901')
  t.equal(judge(tracker, 3, 3, 'BTC-USD'), 'next')
})

t.test('ranges follow, overlap, repeat and leave gaps', async (t) => {
  const tracker = new SequenceTracker('ranges')
  tracker.anchor('BTCUSDT', 100)
  const say = (first: number, last: number): string => judge(tracker, first, last, 'BTCUSDT')
  t.equal(say(90, 100), 'duplicate', 'older than the snapshot')
  t.equal(say(95, 103), 'next', 'spans the snapshot')
  t.equal(say(104, 104), 'next')
  t.equal(say(110, 112), 'gap 105-109')
  t.equal(say(104, 106), 'out-of-order')
  t.equal(say(104, 106), 'duplicate')
  t.equal(say(107, 113), 'next', 'brings the rest of what was missed and one more')
  t.equal(say(105, 109), 'duplicate')
})

t.test('increasing numbers may leave any out', async (t) => {
  const tracker = new SequenceTracker('increasing')
  const said = [5, 9, 9, 7, 10].map((number) => judge(tracker, number))
  t.same(said, ['next', 'next', 'duplicate', 'out-of-order', 'next'])
})

t.test('without numbers everything is next', async (t) => {
  const tracker = new SequenceTracker('none')
  t.same(
    [3, 3, 1, NaN].map((number) => judge(tracker, number)),
    ['next', 'next', 'next', 'next'],
  )
})

t.test('a number that is not a count changes nothing', async (t) => {
  const tracker = new SequenceTracker('ranges')
  t.equal(judge(tracker, 5), 'next')
  for (const [first, last] of [
    [NaN, 6],
    [6, Infinity],
    [7, 6],
    [5.5, 6],
    [6, 2 ** 53],
  ] as const) {
    t.equal(judge(tracker, first, last), 'invalid')
  }
  t.equal(judge(tracker, 6), 'next')
})

t.test('a forgotten scope and a reset start anywhere', async (t) => {
  const tracker = new SequenceTracker('contiguous')
  judge(tracker, 10, 10, 'a')
  judge(tracker, 10, 10, 'b')
  tracker.forget('a')
  t.equal(judge(tracker, 3, 3, 'a'), 'next')
  t.equal(judge(tracker, 3, 3, 'b'), 'duplicate')
  tracker.reset()
  t.equal(judge(tracker, 1, 1, 'b'), 'next')
})

t.test('many gaps take bounded memory: the oldest are reported as duplicates', async (t) => {
  const tracker = new SequenceTracker('contiguous')
  for (let number = 0; number < 1000; number += 2) judge(tracker, number)
  t.equal(judge(tracker, 1), 'duplicate')
  t.equal(judge(tracker, 997), 'out-of-order')
})

/** Remembers every number: slow, and too simple to be wrong. */
class NaiveTracker {
  readonly #seen = new Set<number>()
  #start: number | undefined
  #last = 0

  constructor(readonly rule: SequenceRule) {}

  accept(first: number, last: number): SequenceVerdict {
    const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index)
    const verdict = this.#judge(first, last, numbers)
    // The start covers everything before it.
    this.#start ??= first
    for (const number of numbers) this.#seen.add(number)
    this.#last = Math.max(this.#last, last)
    return verdict
  }

  #judge(first: number, last: number, numbers: number[]): SequenceVerdict {
    const start = this.#start
    if (start === undefined || last > this.#last) {
      return start === undefined || this.rule === 'increasing' || first <= this.#last + 1
        ? { kind: 'next' }
        : { kind: 'gap', firstMissed: this.#last + 1, lastMissed: first - 1 }
    }
    if (this.rule === 'increasing')
      return { kind: last === this.#last ? 'duplicate' : 'out-of-order' }
    return numbers.some((number) => number > start && !this.#seen.has(number))
      ? { kind: 'out-of-order' }
      : { kind: 'duplicate' }
  }
}

t.test('any order of numbers is judged as by a tracker that remembers all of them', async (t) => {
  const message = fc.tuple(fc.nat(40), fc.nat(4))
  let verdicts = 0
  const seen = new Set<string>()
  for (const rule of ['contiguous', 'ranges', 'increasing'] as const) {
    fc.assert(
      fc.property(fc.array(message, { minLength: 20, maxLength: 60 }), (messages) => {
        const tracker = new SequenceTracker(rule)
        const model = new NaiveTracker(rule)
        for (const [first, extra] of messages) {
          const last = rule === 'ranges' ? first + extra : first
          const verdict = tracker.accept({ scope: 'x', first, last })
          const expected = model.accept(first, last)
          seen.add(verdict.kind)
          ++verdicts
          if (JSON.stringify(verdict) !== JSON.stringify(expected)) {
            throw new Error(
              `${rule} ${String(first)}-${String(last)}: ${JSON.stringify(verdict)}, not ${JSON.stringify(expected)}`,
            )
          }
        }
      }),
      { numRuns: 500 },
    )
  }
  t.ok(verdicts > 10_000, `${String(verdicts)} verdicts agree`)
  t.same([...seen].sort(), ['duplicate', 'gap', 'next', 'out-of-order'], 'of every kind')
})

t.test('nothing is lost by shuffling: gaps minus late arrivals is what never came', async (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 60 }), (numbers) => {
      const tracker = new SequenceTracker('contiguous')
      tracker.accept({ scope: '', first: 0, last: 0 })
      const missing = new Set<number>()
      for (const number of numbers) {
        const verdict = tracker.accept({ scope: '', first: number, last: number })
        if (verdict.kind === 'gap') {
          for (let n = verdict.firstMissed; n <= verdict.lastMissed; ++n) missing.add(n)
        }
        if (verdict.kind === 'out-of-order') missing.delete(number)
      }
      const highest = Math.max(0, ...numbers)
      const neverCame = Array.from({ length: highest }, (_, index) => index + 1).filter(
        (number) => !numbers.includes(number),
      )
      return JSON.stringify([...missing].sort((a, b) => a - b)) === JSON.stringify(neverCame)
    }),
    { numRuns: 500 },
  )
  t.pass('for 500 shuffles')
})
