import fc from 'fast-check'
import t from 'tap'
import { formatDecimal, isPinnacleError, maxScale, parseDecimal } from '../../lib/index.js'

const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return isPinnacleError(error) ? error.code : `no code: ${String(error)}`
  }
  return 'nothing thrown'
}

const scales = fc.integer({ min: 0, max: maxScale })
const safe = fc.integer({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })

t.test('every safe integer survives the way to a decimal string and back', async (t) => {
  fc.assert(
    fc.property(safe, scales, (value, scale) => {
      return Object.is(parseDecimal(formatDecimal(value, scale), scale), value === 0 ? 0 : value)
    }),
  )
  t.pass('held for all samples')
})

t.test('parsing agrees with exact integer arithmetic on the digits', async (t) => {
  const digits = (max: number): fc.Arbitrary<string> =>
    fc
      .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: max })
      .map((list) => list.join(''))
  fc.assert(
    fc.property(digits(20), digits(maxScale + 3), scales, (whole, fraction, scale) => {
      const significant = fraction.replace(/0+$/, '')
      const fits = significant.length <= scale
      const exact = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'))
      const code = codeOf(() => parseDecimal(`${whole}.${fraction}`, scale))
      if (!fits) return code === 'ERR_PINNACLE_DECIMAL_PRECISION'
      if (exact > BigInt(Number.MAX_SAFE_INTEGER)) return code === 'ERR_PINNACLE_DECIMAL_OVERFLOW'
      return BigInt(parseDecimal(`${whole}.${fraction}`, scale)) === exact
    }),
    { numRuns: 500 },
  )
  t.pass('held for all samples')
})

t.test('prices convert exactly when floats would not', async (t) => {
  t.equal(parseDecimal('10.25', 2), 1025)
  t.equal(parseDecimal('0.29', 2), 29, '0.29 * 100 is 28.999999999999996 in floats')
  t.equal(parseDecimal('1.10', 1), 11, 'trailing zeros need no scale')
  t.equal(parseDecimal('+7', 2), 700)
  t.equal(parseDecimal('5.', 0), 5)
  t.equal(parseDecimal('-0.00', 2), 0)
  t.equal(Object.is(parseDecimal('-0', 2), 0), true, 'no negative zero')
  t.equal(formatDecimal(-5, 2), '-0.05')
  t.equal(formatDecimal(1025, 2), '10.25')
  t.equal(formatDecimal(1025, 0), '1025')
})

t.test('text that is not a decimal is a coded error', async (t) => {
  for (const text of ['', ' 1', '1e3', '0x10', '1,5', '.5', '--1', 'NaN', 'Infinity', '1.2.3']) {
    t.equal(
      codeOf(() => parseDecimal(text, 2)),
      'ERR_PINNACLE_DECIMAL_SYNTAX',
      text,
    )
  }
  const float = 10.25 as unknown as string
  t.equal(
    codeOf(() => parseDecimal(float, 2)),
    'ERR_PINNACLE_DECIMAL_SYNTAX',
  )
  t.equal(
    codeOf(() => parseDecimal('1.005', 2)),
    'ERR_PINNACLE_DECIMAL_PRECISION',
  )
  t.equal(
    codeOf(() => parseDecimal('9007199254740992', 0)),
    'ERR_PINNACLE_DECIMAL_OVERFLOW',
  )
  t.equal(
    codeOf(() => parseDecimal('1', -1)),
    'ERR_PINNACLE_DECIMAL_SCALE',
  )
  t.equal(
    codeOf(() => parseDecimal('1', 16)),
    'ERR_PINNACLE_DECIMAL_SCALE',
  )
  t.equal(
    codeOf(() => formatDecimal(0.5, 2)),
    'ERR_PINNACLE_DECIMAL_OVERFLOW',
  )
  t.equal(
    codeOf(() => formatDecimal(2 ** 53, 2)),
    'ERR_PINNACLE_DECIMAL_OVERFLOW',
  )
})
