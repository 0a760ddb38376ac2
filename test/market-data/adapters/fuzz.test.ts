// Hostile frames: some ten thousand of them, and sizes that must not stall. fuzz-million.ts runs any number.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { adapterByName, exchangeNames } from '../../../lib/market-data/adapters/index.js'
import { AdapterFuzz } from './fuzzing.js'
import { framesByExchange, coinbaseFrames, krakenFrames } from './own-frames.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytes(): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

t.test('20,000 mutated frames pass without a throw, a wrong shape or a leak', async (t) => {
  const fuzz = new AdapterFuzz(20_260_304)
  const warm = fuzz.run(10_000)
  const before = heapBytes()
  const { kinds, problems } = fuzz.run(10_000)
  const grown = heapBytes() - before
  t.same([...warm.problems, ...problems], [])
  t.ok(kinds.updates > 1000 && kinds.malformed > 1000 && kinds.unknown > 50, JSON.stringify(kinds))
  t.ok(grown < 4 * 2 ** 20, `the heap grew by ${String(grown)} bytes`)
})

t.test('own frames are all understood as they are', async (t) => {
  for (const name of exchangeNames) {
    const adapter = adapterByName(name)
    t.same(
      framesByExchange[name]
        ?.map((frame) => adapter.parse(frame))
        .filter((parsed) => parsed.kind !== 'updates'),
      [],
      name,
    )
  }
})

// A quarter of a megabyte takes some milliseconds; superlinear work takes seconds.
t.test('the worst text of its size takes no longer than any other', async (t) => {
  const size = 1 << 18
  const worst: Record<string, string> = {
    'open lists': '['.repeat(size),
    'nested lists': '['.repeat(size / 2) + ']'.repeat(size / 2),
    'nested objects': '{"a":'.repeat(size / 6) + '1' + '}'.repeat(size / 6),
    'lists in a field': coinbaseFrames.levels.replace(
      '"0"',
      '['.repeat(size / 2) + ']'.repeat(size / 2),
    ),
    'escaped quotes': '"' + '\\"'.repeat(size / 2),
    quotes: '"'.repeat(size),
    digits: '9'.repeat(size),
    'digits in a field': krakenFrames.ticker.replace('70000.1', '9'.repeat(size)),
    'digits and colons': '[' + '1:'.repeat(size / 2),
    'numbers and blanks': '[' + `1${' '.repeat(1000)}`.repeat(size / 1001) + ']',
    'minus signs': '-'.repeat(size),
    exponents: '[' + '1e'.repeat(size / 2) + ']',
    'many keys': `{${Array.from({ length: size / 12 }, (_, index) => `"k${String(index)}":1`).join()}}`,
    'long channel': `{"channel":"${'x'.repeat(size)}"}`,
    'long key': `{"${'x'.repeat(size)}":1}`,
    blanks: ' '.repeat(size),
    'many levels': krakenFrames.levels.replace(
      '{"price":70000.3,"qty":2.00000000}',
      Array.from(
        { length: size / 40 },
        (_, index) => `{"price":${String(70001 + index)}.5,"qty":1.0}`,
      ).join(),
    ),
  }
  const slow: string[] = []
  for (const name of exchangeNames) {
    const adapter = adapterByName(name)
    for (const frame of framesByExchange[name] ?? []) adapter.parse(frame)
    for (const [what, text] of Object.entries(worst)) {
      const start = performance.now()
      adapter.parse(text)
      const ms = performance.now() - start
      if (ms > 2000) slow.push(`${name}, ${what}: ${ms.toFixed(0)} ms`)
    }
  }
  t.same(slow, [])
})
