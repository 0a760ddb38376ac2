import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import t from 'tap'
import { node } from '../../children.js'
import { candleIntervals, type CandleInterval } from '../../../lib/market-data/history/candle.js'
import { HistoryArchive } from '../../../lib/market-data/history/history-archive.js'
import { PriceHistory } from '../../../lib/market-data/history/price-history.js'
import type { Tick } from '../../../lib/market-data/history/tick.js'
import { all, product, startNs, tickOf } from './ticks.js'
import { drawn } from '../../seed.js'

t.setTimeout(110_000)

const range = (from: number, to: number): Tick[] =>
  Array.from({ length: to - from + 1 }, (_, index) => tickOf(from + index))

t.test('ticks come back exactly, and feeding them again doubles none', async (t) => {
  const directory = t.testdir()
  const archive = await HistoryArchive.open({ directory })
  archive.append(product, range(1, 700))
  t.equal(await archive.flush(), 700)
  archive.append(product, range(600, 1200))
  t.equal(await archive.flush(1300), 1300)
  const again = await HistoryArchive.open({ directory })
  t.equal(again.archivedSequence, 1300)
  again.append(product, range(1, 1200))
  await again.close()
  const history = new PriceHistory({ directory })
  t.same(await all(history.ticks({ product: 'BTC-USD' })), range(1, 1200))
  const days = readdirSync(join(directory, 'history/BTC-USD/ticks'))
  t.same(days, ['2025-11-24.parquet', '2025-11-25.parquet', '2025-11-26.parquet'], 'merged')
  const from = tickOf(300).timeNs
  const to = tickOf(310).timeNs
  t.same(await all(history.ticks({ product: 'BTC-USD', from, to })), range(300, 309))
  t.same(await all(history.ticks({ product: 'NONE' })), [], 'nothing recorded')
  const live = new PriceHistory({
    directory,
    async *liveTicks() {
      yield* range(1195, 1210)
    },
  })
  t.same(await all(live.ticks({ product: 'BTC-USD' })), range(1, 1210), 'live ones once')
})

t.test('the footer has the logical types that other readers go by', async (t) => {
  const directory = t.testdir()
  const archive = await HistoryArchive.open({ directory })
  archive.append(product, range(1, 10))
  await archive.flush()
  const file = join(directory, 'history/BTC-USD/ticks/2025-11-24.0001.parquet')
  const bytes = readFileSync(file)
  const footer = parquetMetadata(new Uint8Array(bytes).buffer)
  const byName = new Map(footer.schema.map((element) => [element.name, element]))
  t.match(byName.get('time_ns'), {
    type: 'INT64',
    logical_type: { type: 'TIMESTAMP', unit: 'NANOS' },
  })
  t.match(byName.get('price'), { type: 'INT64', logical_type: { type: 'DECIMAL', scale: 2 } })
  t.match(byName.get('quantity'), { converted_type: 'DECIMAL', scale: 8, precision: 18 })
  const metadata = new Map(footer.key_value_metadata?.map(({ key, value }) => [key, value]))
  t.equal(metadata.get('pinnacle.last_sequence'), '10')
})

t.test('candles equal those of a naive reference', async (t) => {
  const tick = fc.record({
    offset: fc.bigInt(0n, 2n * 86_400_000_000_000n),
    price: fc.nat(1_000_000),
    quantity: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  })
  const intervals = Object.keys(candleIntervals) as CandleInterval[]
  let run = 0
  const root = t.testdir()
  await fc.assert(
    fc.asyncProperty(
      fc.array(tick, { maxLength: 60 }),
      fc.constantFrom(...intervals),
      async (drawn, interval) => {
        const ticks = drawn.map(({ offset, price, quantity }, index) => ({
          ...tickOf(index + 1),
          timeNs: startNs + offset,
          price,
          quantity,
        }))
        const directory = join(root, String(++run))
        const archive = await HistoryArchive.open({ directory })
        archive.append(product, ticks.slice(0, 20))
        await archive.flush()
        archive.append(product, ticks.slice(20))
        await archive.flush()
        const history = new PriceHistory({ directory })
        const step = candleIntervals[interval]
        const sorted = [...ticks].sort(
          (a, b) => Number(a.timeNs - b.timeNs) || a.sequence - b.sequence,
        )
        const starts = [...new Set(sorted.map(({ timeNs }) => timeNs / step))]
        const expected = starts.map((start) => {
          const own = sorted.filter(({ timeNs }) => timeNs / step === start)
          const prices = own.map(({ price }) => price)
          return {
            startNs: start * step,
            endNs: (start + 1n) * step,
            open: prices[0],
            high: Math.max(...prices),
            low: Math.min(...prices),
            close: prices.at(-1),
            volume: own.reduce((sum, { quantity }) => sum + BigInt(quantity), 0n),
            trades: own.length,
            gap: false,
          }
        })
        const found = await all(history.candles({ product: 'BTC-USD', interval }))
        t.strictSame(found, expected)
      },
    ),
    { numRuns: 40 },
  )
})

t.test('a candle that overlaps a gap says so, and empty ones are filled on request', async (t) => {
  const directory = t.testdir()
  const archive = await HistoryArchive.open({ directory })
  archive.append(product, [tickOf(1), tickOf(4)])
  const fromNs = tickOf(2).timeNs
  archive.gap(product, { sequence: 2, fromNs, toNs: fromNs + 1n, reason: 'disconnected' })
  await archive.flush()
  const history = new PriceHistory({ directory })
  const query = { product: 'BTC-USD', interval: '1m' } as const
  t.same(
    (await all(history.candles(query))).map(({ gap }) => gap),
    [false, false],
  )
  const filled = await all(history.candles({ ...query, fillEmpty: true }))
  t.equal(filled.length, 10)
  t.same(filled.map(({ gap }) => gap).indexOf(true), 3)
  t.equal(filled.filter(({ trades }) => trades === 0).length, 8)
})

t.test('damaged and foreign files are named; temporaries go', async (t) => {
  const directory = t.testdir()
  const archive = await HistoryArchive.open({ directory })
  archive.append(product, range(1, 400))
  await archive.flush()
  const file = join(directory, 'history/BTC-USD/ticks/2025-11-24.0001.parquet')
  const left = `${file.replace('0001', '0002')}.tmp`
  writeFileSync(left, 'half')
  await HistoryArchive.open({ directory })
  t.notOk(existsSync(left))
  truncateSync(file, 300)
  const corrupt = { code: 'ERR_PINNACLE_HISTORY_CORRUPT', details: { file } }
  await t.rejects(HistoryArchive.open({ directory }), corrupt)
  await t.rejects(all(new PriceHistory({ directory }).ticks({ product: 'BTC-USD' })), corrupt)
})

t.test('retention deletes whole days', async (t) => {
  const directory = t.testdir()
  const now = (): number => Date.parse('2025-11-26T12:00:00Z')
  const first = await HistoryArchive.open({ directory, now })
  first.append(product, range(1, 1200))
  await first.close()
  const archive = await HistoryArchive.open({ directory, now, retentionDays: 2 })
  await archive.maintain()
  const days = readdirSync(join(directory, 'history/BTC-USD/ticks'))
  t.same(days, ['2025-11-25.parquet', '2025-11-26.0001.parquet'])
})

t.test('a writer killed 20 times loses and doubles no tick', async (t) => {
  const directory = t.testdir()
  const child = fileURLToPath(new URL('writer-child.js', import.meta.url))
  let promised = 0
  for (let kill = 0; kill < 20; kill++) {
    const writer = spawn(...node(child, directory), {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    let timer: NodeJS.Timeout | undefined
    await new Promise((resolve) => {
      writer.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        timer ??= setTimeout(() => writer.kill('SIGKILL'), drawn(150))
      })
      writer.on('close', resolve)
    })
    t.equal(writer.signalCode, 'SIGKILL')
    promised = Math.max(promised, ...text.split('\n').slice(0, -1).map(Number))
    const found = await all(new PriceHistory({ directory }).ticks({ product: 'BTC-USD' }))
    t.ok(found.length >= promised, `${String(found.length)} of ${String(promised)} promised`)
    t.same(
      found.map(({ sequence }) => sequence).filter((s, index) => s !== index + 1),
      [],
    )
  }
  t.ok(promised > 0)
})

t.test('a million ticks are written and read', async (t) => {
  const directory = t.testdir()
  const archive = await HistoryArchive.open({ directory })
  const begun = performance.now()
  for (let from = 1; from <= 1_000_000; from += 100_000) {
    const ticks = Array.from({ length: 100_000 }, (_, index) => ({
      ...tickOf(from + index),
      timeNs: startNs + BigInt(from + index) * 1_000_000n,
    }))
    archive.append(product, ticks)
    await archive.flush()
  }
  const written = performance.now()
  let count = 0
  for await (const tick of new PriceHistory({ directory }).ticks({ product: 'BTC-USD' })) {
    if (tick.sequence !== ++count) t.fail(`sequence ${String(tick.sequence)} at ${String(count)}`)
  }
  t.equal(count, 1_000_000)
  const read = performance.now()
  t.comment(
    `written in ${(written - begun).toFixed(0)} ms, read in ${(read - written).toFixed(0)} ms`,
  )
})
