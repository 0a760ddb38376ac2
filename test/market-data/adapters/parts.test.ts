// The registry, and what the adapters share: times, decimals, numbers in quotes.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { compareDecimals, isZeroDecimal } from '../../../lib/market-data/adapters/decimal-order.js'
import { crc32Add, crc32End, crc32Start } from '../../../lib/market-data/adapters/crc32.js'
import { ExchangeTime } from '../../../lib/market-data/adapters/exchange-time.js'
import { isDecimal } from '../../../lib/market-data/adapters/frame-checks.js'
import { adapterByName, exchangeNames } from '../../../lib/market-data/adapters/index.js'
import { nestsDeeperThan } from '../../../lib/market-data/adapters/nesting.js'
import { quoteNumbers } from '../../../lib/market-data/adapters/quote-numbers.js'
import { TickerTemplate } from '../../../lib/market-data/adapters/ticker-template.js'
import type { ParsedFrame } from '../../../lib/market-data/feed-update.js'
import { FrameMutator } from './mutate.js'
import {
  binanceFrames,
  coinbaseExchangeFrames,
  coinbaseFrames,
  krakenFrames,
} from './own-frames.js'

t.test('adapters go by name, a new one each time', async (t) => {
  t.same(exchangeNames, ['coinbase', 'coinbase-exchange', 'kraken', 'binance'])
  for (const name of exchangeNames) {
    const adapter = adapterByName(name)
    t.equal(adapter.name, name)
    t.not(adapterByName(name), adapter)
    t.match(adapter.defaultUrl, /^wss:\/\//)
    for (const channel of [...adapter.impliedChannels, ...adapter.authenticatedChannels]) {
      t.ok(adapter.channels.includes(channel), `${name} has ${channel}`)
    }
  }
})

t.test('a misspelled name gets its likely spelling', async (t) => {
  const spellings: [string, string][] = [
    ['coinbsae', 'coinbase'],
    ['Kraken', 'kraken'],
    ['binnance', 'binance'],
    ['coinbase_exchange', 'coinbase-exchange'],
  ]
  for (const [wrong, right] of spellings) {
    t.throws(() => adapterByName(wrong), {
      code: 'ERR_PINNACLE_FEED_UNKNOWN_EXCHANGE',
      message: new RegExp(`did you mean "${right}"`),
    })
  }
  for (const wrong of ['', 'nasdaq', '__proto__', 'constructor', 7, undefined, null]) {
    t.throws(() => adapterByName(wrong as string), {
      code: 'ERR_PINNACLE_FEED_UNKNOWN_EXCHANGE',
      message: /known are coinbase, coinbase-exchange, kraken, binance$/,
    })
  }
})

t.test('times are exact to the nanosecond, whatever their digits', async (t) => {
  const time = new ExchangeTime()
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 9_214_646_399 }),
      fc.integer({ min: 0, max: 999_999_999 }),
      fc.integer({ min: 1, max: 9 }),
      (seconds, nanoseconds, digits) => {
        const unit = 10 ** (9 - digits)
        const kept = Math.floor(nanoseconds / unit) * unit
        const fraction = String(nanoseconds).padStart(9, '0').slice(0, digits)
        const text = new Date(seconds * 1000).toISOString().replace('.000Z', `.${fraction}Z`)
        return time.read(text) === BigInt(seconds) * 1_000_000_000n + BigInt(kept)
      },
    ),
    { numRuns: 5000 },
  )
  t.equal(time.read('1970-01-01T00:00:00Z'), 0n)
  t.equal(time.read('0001-01-01T00:00:00.000000Z'), 0n, 'not set')
  t.equal(time.read('2024-02-29T23:59:59.999999999Z'), 1_709_251_199_999_999_999n)
  t.equal(time.read('2261-12-31T23:59:59Z'), 9_214_646_399_000_000_000n)
  for (const wrong of [
    '',
    '1969-12-31T23:59:59Z',
    '2262-01-01T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-00-01T00:00:00Z',
    '2024-01-32T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T00:00:60Z',
    '2024-01-01T00:00:00.Z',
    '2024-01-01T00:00:00.x1Z',
    '2024-01-01T00:00:00',
    '2024-01-01 00:00:00Z',
    '2024-01-01t00:00:00z',
    '2024-01-01T00:00:00.1234567891Z',
    '２０２４-01-01T00:00:00Z',
  ]) {
    t.equal(time.read(wrong), undefined, wrong)
  }
})

const decimals = fc
  .tuple(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.integer({ min: 0, max: 12 }))
  .map(([value, scale]) => {
    const digits = String(value).padStart(scale + 1, '0')
    return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  })

t.test('decimals compare by value', async (t) => {
  const value = (text: string): bigint => {
    const [whole = '', fraction = ''] = text.split('.')
    return BigInt(whole + fraction.padEnd(12, '0'))
  }
  fc.assert(
    fc.property(decimals, decimals, (left, right) => {
      const expected = value(left) - value(right)
      return (
        Math.sign(compareDecimals(left, right)) === Number(expected > 0n) - Number(expected < 0n) &&
        isZeroDecimal(left) === (value(left) === 0n) &&
        isDecimal(left)
      )
    }),
    { numRuns: 5000 },
  )
  for (const [left, right] of [
    ['1', '1.0'],
    ['1.50', '1.5'],
    ['0', '0.000'],
  ] as const) {
    t.equal(compareDecimals(left, right), 0, `${left} is ${right}`)
  }
})

function crcOf(text: string): number {
  let crc = crc32Start
  for (const character of text) crc = crc32Add(crc, character.charCodeAt(0))
  return crc32End(crc)
}

// A leading blank does not change the meaning, but no template accepts the text.
t.test('tickers by template say what JSON.parse says of every frame', async (t) => {
  const frames: [string, string][] = [
    ['coinbase', coinbaseFrames.ticker],
    ['coinbase-exchange', coinbaseExchangeFrames.ticker],
    ['kraken', krakenFrames.ticker],
    ['binance', binanceFrames.ticker],
  ]
  for (const [exchange, ticker] of frames) {
    const adapter = adapterByName(exchange)
    t.equal(adapter.parse(ticker).kind, 'updates')
    const mutator = new FrameMutator([ticker], 99)
    let accepted = 0
    const different: string[] = []
    for (let count = 0; count < 1500; count++) {
      const frame = mutator.next()
      const fast = adapter.parse(frame)
      const slow = adapter.parse(` ${frame}`)
      if (fast.kind === 'updates') accepted++
      const same =
        fast.kind === slow.kind &&
        (fast.kind === 'malformed' || isDeepStrictEqual(sorted(fast), sorted(slow)))
      if (!same) different.push(frame)
    }
    t.same(different, [], exchange)
    t.ok(accepted > 150, `${exchange}: ${String(accepted)} are tickers`)
  }
})

/** Keys may come in another order. */
function sorted(parsed: ParsedFrame): unknown {
  return parsed.kind === 'updates'
    ? { ...parsed, updates: parsed.updates.map((update) => Object.entries(update).sort()) }
    : parsed
}

t.test('a template takes the exact text of a ticker and nothing else', async (t) => {
  const template = new TickerTemplate(
    [
      ['{"p":"', 'product'],
      ['","t":"', 'time'],
      ['","l":', 'price'],
      [',"b":', 'bidPrice'],
      [',"B":', 'bidSize'],
      [',"a":', 'askPrice'],
      [',"A":', 'askSize'],
      [',"v":', 'volume'],
      [',"c":', 'signed'],
      [',"i":', 'integer'],
      [',"w":"', 'word'],
    ],
    '"}',
    new ExchangeTime(),
  )
  const frame =
    '{"p":"A-B","t":"2026-03-04T05:06:07Z","l":1.50,"b":1,"B":2,"a":3,"A":4,"v":5,"c":-0.5,"i":17,"w":"buy"}'
  t.same(template.read(frame), {
    type: 'ticker',
    product: 'A-B',
    exchangeTimeNs: 1_772_600_767_000_000_000n,
    price: '1.50',
    bidPrice: '1',
    bidSize: '2',
    askPrice: '3',
    askSize: '4',
    volume: '5',
  })
  for (const [from, to] of [
    ['A-B', 'A B'],
    ['A-B', ''],
    ['A-B', 'A'.repeat(64)],
    ['2026-03', '2026-13'],
    ['1.50', '-1.50'],
    ['1.50', '1.50e3'],
    ['1.50', '01.50'],
    ['-0.5', '--0.5'],
    ['17', '017'],
    ['17', '1234567890123456'],
    ['17', ''],
    ['buy', 'b\\u0075y'],
    ['"}', '"} '],
    ['"}', '"'],
    ['"l"', '"L"'],
  ] as const) {
    t.equal(template.read(frame.replace(from, to)), undefined, `${from} replaced by ${to}`)
  }
})

t.test('nesting is counted outside of strings', async (t) => {
  const nests: [string, number][] = [
    ['', 0],
    ['[]', 1],
    ['[[],[{"a":[]}]]', 4],
    ['["[[[[","{{{{"]', 1],
    ['["\\"[[[["]', 1],
    ['["\\\\",[]]', 2],
    ['"[[[[', 0],
    [']]]][', 0],
    ['{[', 2],
  ]
  for (const [text, depth] of nests) {
    t.notOk(nestsDeeperThan(text, depth), text)
    if (depth > 0) t.ok(nestsDeeperThan(text, depth - 1), text)
  }
})

t.test('CRC-32 gives its published check value', async (t) => {
  t.equal(crcOf('123456789'), 0xcbf43926)
  t.equal(crcOf(''), 0)
})

t.test('numbers in quotes: JSON stays JSON, other text does not become it', async (t) => {
  const same: [string, string][] = [
    ['{"a":1,"b":[0.50,10]}', '{"a":"1","b":["0.50","10"]}'],
    ['[-1,1e5,1E-7,-0.5]', '["-1",1e5,1E-7,"-0.5"]'],
    ['[--1,-,-01,-1.]', '[--1,-,-01,-1.]'],
    ['{"1":"2 3","\\"4":5}', '{"1":"2 3","\\"4":"5"}'],
    ['7', '"7"'],
    ['{1:2}', '{1:"2"}'],
    ['{1 \n:2}', '{1 \n:"2"}'],
    ['[01]', '[01]'],
    ['[1.]', '[1.]'],
    ['[.5]', '[."5"]'],
    ['[1-2]', '[1-2]'],
    ['"\\', '"\\'],
    ['', ''],
  ]
  for (const [text, quoted] of same) t.equal(quoteNumbers(text), quoted, text)

  const outcome = (text: string): unknown => {
    try {
      return JSON.parse(text) as unknown
    } catch {
      return 'no JSON'
    }
  }
  const unquoted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(unquoted)
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unquoted(item)]))
    }
    return typeof value === 'string' && /^-?\d/.test(value) && isDecimal(value.replace(/^-/, ''))
      ? Number(value)
      : value
  }
  const characters = fc.string({
    unit: fc.constantFrom(...'{}[]:,"\\-+.eE0123 \ntrue'.split('')),
    maxLength: 24,
  })
  const mutated = fc.tuple(fc.jsonValue(), fc.nat(), characters).map(([value, at, inserted]) => {
    const text = JSON.stringify(value)
    const position = at % (text.length + 1)
    return text.slice(0, position) + inserted.slice(0, 2) + text.slice(position)
  })
  fc.assert(
    fc.property(fc.oneof(characters, mutated, fc.json()), (text) => {
      const plain = outcome(text)
      const quoted = outcome(quoteNumbers(text))
      return JSON.stringify(unquoted(plain)) === JSON.stringify(unquoted(quoted))
    }),
    { numRuns: 5000 },
  )
})
