import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { formatSize, loadConfig, parseSize, type CodedError } from '../../lib/index.js'
import { editDistance, likelySpelling } from '../../lib/errors/likely-spelling.js'
import { resolveConfig } from '../../lib/config/load-config.js'
import { fileKeys } from '../../lib/config/schema.js'
import { variableOf } from '../../lib/config/environment.js'

const failureOf = (sources: Parameters<typeof loadConfig>[0]): CodedError => {
  try {
    loadConfig(sources)
  } catch (error) {
    return error as CodedError
  }
  throw new Error('it was accepted')
}

const withObject = (object: Record<string, unknown>): CodedError =>
  failureOf({ object: { dataDirectory: 'data', ...object } })

t.test(
  'an object needs a data directory and nothing else; every default is filled in',
  async (t) => {
    t.strictSame(loadConfig({ object: { dataDirectory: 'data' } }), {
      dataDirectory: 'data',
      create: true,
      journalSyncIntervalMs: 10,
      snapshotIntervalMin: 5,
      keepSnapshots: 3,
      compactionThreshold: 268_435_456,
      consumerLimit: 2 ** 30,
      consumerLimitEntries: 0,
      segmentSize: 67_108_864,
      durability: 'interval',
      recoveryPolicy: 'strict',
      writePath: 'auto',
      windowSize: 16_777_216,
      spareSegments: 2,
      expectedOrders: 16_384,
      backgroundCpus: [],
      instruments: [],
    })
  },
)

t.test(
  'the object beats the environment, which beats the file, which beats the default',
  async (t) => {
    const file = join(t.testdir(), 'pinnacle.json')
    writeFileSync(
      file,
      JSON.stringify({
        dataDirectory: 'f',
        keepSnapshots: 4,
        spareSegments: 5,
        durability: 'durable',
        backgroundCpus: [1],
      }),
    )
    const config = loadConfig({
      file,
      env: { PINNACLE_KEEP_SNAPSHOTS: '6', PINNACLE_SPARE_SEGMENTS: '7' },
      object: { spareSegments: 8, durability: undefined as never },
    })
    t.equal(config.dataDirectory, 'f')
    t.equal(config.durability, 'durable', 'an undefined key counts as absent')
    t.equal(config.keepSnapshots, 6)
    t.equal(config.spareSegments, 8)
    t.equal(config.journalSyncIntervalMs, 10)
    t.strictSame(config.backgroundCpus, [1])
  },
)

t.test('PINNACLE_CONFIG names the file if none is given', async (t) => {
  const file = join(t.testdir(), 'pinnacle.json')
  writeFileSync(file, '\uFEFF{ "dataDirectory": "from-file" }')
  t.equal(loadConfig({ env: { PINNACLE_CONFIG: file } }).dataDirectory, 'from-file')
})

t.test('every key of a file has its environment variable', async (t) => {
  const values: Record<string, string> = {
    dataDirectory: 'somewhere',
    create: 'false',
    journalSyncIntervalMs: '25',
    snapshotIntervalMin: '0.5',
    keepSnapshots: '9',
    compactionThreshold: '1GiB',
    consumerLimit: '2GiB',
    consumerLimitEntries: '1000000',
    segmentSize: '1MiB',
    durability: 'durable',
    recoveryPolicy: 'salvage',
    writePath: 'window',
    windowDirectory: '/run/windows',
    windowSize: '4MiB',
    spareSegments: '0',
    expectedOrders: '100',
    backgroundCpus: '2, 3,17',
    instruments: '[{"name":"A","priceScale":2,"quantityScale":0,"kind":"levels"}]',
  }
  t.strictSame(Object.keys(values), fileKeys)
  const env = Object.fromEntries(
    Object.entries(values).map(([key, text]) => [variableOf(key), text]),
  )
  t.strictSame(loadConfig({ env }), {
    dataDirectory: 'somewhere',
    create: false,
    journalSyncIntervalMs: 25,
    snapshotIntervalMin: 0.5,
    keepSnapshots: 9,
    compactionThreshold: 2 ** 30,
    consumerLimit: 2 ** 31,
    consumerLimitEntries: 1_000_000,
    segmentSize: 2 ** 20,
    durability: 'durable',
    recoveryPolicy: 'salvage',
    writePath: 'window',
    windowDirectory: '/run/windows',
    windowSize: 2 ** 22,
    spareSegments: 0,
    expectedOrders: 100,
    backgroundCpus: [2, 3, 17],
    instruments: [{ name: 'A', priceScale: 2, quantityScale: 0, kind: 'levels' }],
  })
})

t.test('a value out of range is named with what it must be and where it came from', async (t) => {
  const cases: [Record<string, unknown>, string, string][] = [
    [
      { journalSyncIntervalMs: 0 },
      'ERR_PINNACLE_CONFIG_RANGE',
      'configuration: journalSyncIntervalMs must be an integer from 1 to 60000, not 0',
    ],
    [
      { journalSyncIntervalMs: 60_001 },
      'ERR_PINNACLE_CONFIG_RANGE',
      'configuration: journalSyncIntervalMs must be an integer from 1 to 60000, not 60001',
    ],
    [
      { journalSyncIntervalMs: 1.5 },
      'ERR_PINNACLE_CONFIG_TYPE',
      'configuration: journalSyncIntervalMs must be an integer from 1 to 60000, not 1.5',
    ],
    [
      { keepSnapshots: NaN },
      'ERR_PINNACLE_CONFIG_RANGE',
      'configuration: keepSnapshots must be an integer from 1 to 1000, not NaN',
    ],
    [
      { snapshotIntervalMin: -1 },
      'ERR_PINNACLE_CONFIG_RANGE',
      'configuration: snapshotIntervalMin must be a number of minutes from 0 (off) to 10080, at least 0.01 ' +
        'if on, not -1',
    ],
    [
      { segmentSize: '63KiB' },
      'ERR_PINNACLE_CONFIG_RANGE',
      "configuration: segmentSize must be a number of bytes, or a size such as '64MiB', from 64KiB to 4GiB, a " +
        'multiple of 4096, not "63KiB"',
    ],
    [
      { segmentSize: 65_537 },
      'ERR_PINNACLE_CONFIG_RANGE',
      "configuration: segmentSize must be a number of bytes, or a size such as '64MiB', from 64KiB to 4GiB, a " +
        'multiple of 4096, not 65537',
    ],
    [
      { compactionThreshold: '12 parsecs' },
      'ERR_PINNACLE_CONFIG_RANGE',
      "configuration: compactionThreshold must be a number of bytes, or a size such as '64MiB', from 0B to " +
        '1024TiB, not "12 parsecs"',
    ],
    [
      { durability: 'always' },
      'ERR_PINNACLE_CONFIG_RANGE',
      "configuration: durability must be 'appended', 'interval' or 'durable', not \"always\"",
    ],
    [
      { keepSnapshots: '3' },
      'ERR_PINNACLE_CONFIG_TYPE',
      'configuration: keepSnapshots must be an integer from 1 to 1000, not "3"',
    ],
    [
      { dataDirectory: '' },
      'ERR_PINNACLE_CONFIG_RANGE',
      'configuration: dataDirectory must be the path of a directory, not ""',
    ],
    [
      { stateMachine: { apply() {} } },
      'ERR_PINNACLE_CONFIG_RANGE',
      'configuration: stateMachine must be an object with the functions apply(entry), snapshot() and ' +
        'restore(bytes), and hole(hole) if it has one, not an object',
    ],
    [
      { backgroundCpus: 2 },
      'ERR_PINNACLE_CONFIG_TYPE',
      'configuration: backgroundCpus must be a list of processor numbers from 0 to 1023, none twice, not 2',
    ],
    [
      { backgroundCpus: '2,3' },
      'ERR_PINNACLE_CONFIG_TYPE',
      'configuration: backgroundCpus must be a list of processor numbers from 0 to 1023, none twice, not "2,3"',
    ],
    [
      { backgroundCpus: [2, 3, 2] },
      'ERR_PINNACLE_CONFIG_RANGE',
      'configuration: backgroundCpus must be a list of processor numbers from 0 to 1023, none twice, not an array',
    ],
    [
      { backgroundCpus: [2, 1024] },
      'ERR_PINNACLE_CONFIG_RANGE',
      'configuration: backgroundCpus[1] must be an integer from 0 to 1023, not 1024',
    ],
    [
      { backgroundCpus: ['2'] },
      'ERR_PINNACLE_CONFIG_TYPE',
      'configuration: backgroundCpus[0] must be an integer from 0 to 1023, not "2"',
    ],
    [
      { backgroundCpus: [0.5] },
      'ERR_PINNACLE_CONFIG_TYPE',
      'configuration: backgroundCpus[0] must be an integer from 0 to 1023, not 0.5',
    ],
    [
      { instruments: [{ name: 'A', priceScale: 16, quantityScale: 0 }] },
      'ERR_PINNACLE_CONFIG_RANGE',
      'configuration: instruments[0].priceScale must be an integer from 0 to 15, not 16',
    ],
    [
      { instruments: [{ name: 'é'.repeat(17), priceScale: 2, quantityScale: 0 }] },
      'ERR_PINNACLE_CONFIG_RANGE',
      'configuration: instruments[0].name must be a name of 1 to 32 bytes of UTF-8, without control ' +
        'characters, not "ééééééééééééééééé"',
    ],
    [
      { instruments: [{ name: 'A', quantityScale: 0 }] },
      'ERR_PINNACLE_CONFIG_MISSING_KEY',
      'configuration: instruments[0].priceScale is missing, it must be an integer from 0 to 15',
    ],
  ]
  for (const [object, code, message] of cases) {
    const error = withObject(object)
    t.equal(error.message, message)
    t.equal(error.code, code, message)
    t.equal(error instanceof RangeError, code === 'ERR_PINNACLE_CONFIG_RANGE')
  }
  t.equal(
    failureOf({ env: { PINNACLE_DATA_DIRECTORY: 'd', PINNACLE_KEEP_SNAPSHOTS: 'three' } }).message,
    'configuration: keepSnapshots must be an integer from 1 to 1000, not "three" (in the environment variable ' +
      'PINNACLE_KEEP_SNAPSHOTS)',
  )
  t.equal(
    failureOf({ env: { PINNACLE_DATA_DIRECTORY: 'd', PINNACLE_BACKGROUND_CPUS: '2-4' } }).message,
    'configuration: backgroundCpus must be a list of processor numbers from 0 to 1023, none twice, not "2-4" (in ' +
      'the environment variable PINNACLE_BACKGROUND_CPUS)',
  )
  const file = join(t.testdir(), 'c.json')
  writeFileSync(file, '{"dataDirectory":"d","keepSnapshots":0}')
  t.equal(
    failureOf({ file }).message,
    `configuration: keepSnapshots must be an integer from 1 to 1000, not 0 (in the file ${JSON.stringify(file)})`,
  )
})

t.test('a missing data directory says how to give it', async (t) => {
  const error = failureOf({ object: {} })
  t.equal(error.code, 'ERR_PINNACLE_CONFIG_MISSING_KEY')
  t.equal(
    error.message,
    'configuration: dataDirectory is missing, it must be the path of a directory; give it in the object or the ' +
      'file, or as PINNACLE_DATA_DIRECTORY',
  )
})

t.test('a misspelled key is named with its likely spelling', async (t) => {
  const cases: [string, string][] = [
    ['journalSyncIntervalms', 'journalSyncIntervalMs'],
    ['datadirectory', 'dataDirectory'],
    ['keepSnapshot', 'keepSnapshots'],
    ['compactionTreshold', 'compactionThreshold'],
    ['segment_size', 'segmentSize'],
    ['durabilty', 'durability'],
    ['statMachine', 'stateMachine'],
    ['instrumnets', 'instruments'],
    ['backgroundCPUs', 'backgroundCpus'],
  ]
  for (const [wrong, right] of cases) {
    const error = withObject({ [wrong]: 1 })
    t.equal(error.code, 'ERR_PINNACLE_CONFIG_UNKNOWN_KEY')
    t.equal(error.message, `configuration: "${wrong}" is unknown; did you mean "${right}"?`)
    t.ok(error instanceof TypeError)
  }
  t.equal(withObject({ xyzzy: 1 }).message, 'configuration: "xyzzy" is unknown', 'nothing is near')
  t.equal(
    withObject({ instruments: [{ name: 'A', pricescale: 2, priceScale: 2, quantityScale: 0 }] })
      .message,
    'configuration: instruments[0] has an unknown key "pricescale"; did you mean "priceScale"?',
  )
})

t.test('a misspelled variable is refused, a stranger of the same prefix is not', async (t) => {
  const error = failureOf({
    env: { PINNACLE_DATA_DIRECTORY: 'd', PINNACLE_SEGMENTS_SIZE: '1MiB' },
  })
  t.equal(error.code, 'ERR_PINNACLE_CONFIG_UNKNOWN_KEY')
  t.equal(
    error.message,
    'configuration: environment variable PINNACLE_SEGMENTS_SIZE is unknown; did you mean "PINNACLE_SEGMENT_SIZE"?',
  )
  const env = { PINNACLE_DATA_DIRECTORY: 'd', PINNACLE_TEST_DATA: '/x', PINNACLE_PASSPHRASE: 'y' }
  t.equal(loadConfig({ env }).dataDirectory, 'd')
  const empty = { PINNACLE_DATA_DIRECTORY: 'd', PINNACLE_DURABILITY: '' }
  t.equal(loadConfig({ env: empty }).durability, 'interval', 'an empty variable counts as unset')
})

t.test('all problems are reported at once', async (t) => {
  const error = withObject({ keepSnapshots: 0, durability: 'x', typo: 1 })
  const problems = error.details?.problems as { code: string; message: string }[]
  t.equal(problems.length, 3)
  for (const problem of problems) t.match(error.message, problem.message)
})

t.test('a file that is missing, not JSON or not an object is a coded error', async (t) => {
  const directory = t.testdir({ 'broken.json': '{"dataDirectory":', 'list.json': '[]' })
  const missing = failureOf({ file: join(directory, 'none.json') })
  t.equal(missing.code, 'ERR_PINNACLE_CONFIG_FILE')
  t.equal((missing.cause as NodeJS.ErrnoException).code, 'ENOENT')
  t.equal(failureOf({ file: join(directory, 'broken.json') }).code, 'ERR_PINNACLE_CONFIG_SYNTAX')
  t.equal(failureOf({ file: join(directory, 'list.json') }).code, 'ERR_PINNACLE_CONFIG_TYPE')
  const instruments = { PINNACLE_DATA_DIRECTORY: 'd', PINNACLE_INSTRUMENTS: '[{' }
  t.equal(failureOf({ env: instruments }).code, 'ERR_PINNACLE_CONFIG_SYNTAX')
  t.equal(failureOf({ object: 'data' as never }).code, 'ERR_PINNACLE_CONFIG_TYPE')
})

t.test('a key "__proto__" in a file brings nothing in', async (t) => {
  const file = join(t.testdir(), 'c.json')
  writeFileSync(file, '{"dataDirectory":"d","__proto__":{"keepSnapshots":7}}')
  t.match(failureOf({ file }).message, /^configuration: "__proto__" is unknown/)
})

t.test('a state machine comes from an object only', async (t) => {
  const file = join(t.testdir(), 'c.json')
  writeFileSync(file, '{"dataDirectory":"d","stateMachine":{}}')
  const error = failureOf({ file })
  t.equal(error.code, 'ERR_PINNACLE_CONFIG_UNKNOWN_KEY')
  t.match(error.message, 'a state machine can only be given in an object')
  const machine = { apply() {}, snapshot: () => new Uint8Array(), restore() {} }
  const config = loadConfig({ object: { dataDirectory: 'd', stateMachine: machine } })
  t.equal(config.stateMachine, machine, 'it is handed on as it is')
})

t.test('whatever is given, it is accepted or refused with a code', async (t) => {
  const key = fc.oneof(fc.constantFrom(...fileKeys), fc.string())
  const sources = fc.record(
    {
      object: fc.dictionary(key, fc.anything()),
      env: fc.dictionary(
        fc.oneof(
          fc.constantFrom(...fileKeys.map(variableOf)),
          fc.string().map((s) => `PINNACLE_${s}`),
        ),
        fc.string(),
      ),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(sources, ({ object, env }) => {
      // A file of that name does not exist, which is a coded error as well.
      try {
        const config = loadConfig({ ...(object && { object }), ...(env && { env }) })
        return config.keepSnapshots >= 1 && config.segmentSize % 4096 === 0
      } catch (error) {
        return /^ERR_PINNACLE_CONFIG_/.test((error as CodedError).code)
      }
    }),
    { numRuns: 500 },
  )
  t.pass('held for all samples')
})

t.test('sizes parse in binary and decimal units, exactly', async (t) => {
  t.equal(parseSize('256MiB'), 268_435_456)
  t.equal(parseSize('64 kib'), 65_536)
  t.equal(parseSize('1.5GiB'), 1_610_612_736)
  t.equal(parseSize('10MB'), 10_000_000)
  t.equal(parseSize('4096'), 4096)
  t.equal(parseSize('0'), 0)
  for (const wrong of [
    '',
    'MiB',
    '1e3',
    '-1',
    '1 XiB',
    '0.3B',
    '1MiB 2',
    '9PiB',
    NaN,
    -1,
    1.5,
    2 ** 60,
  ]) {
    t.equal(parseSize(wrong), undefined, String(wrong))
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (bytes) => {
      return parseSize(formatSize(bytes)) === bytes
    }),
  )
})

t.test(
  'the distance between spellings is a metric on small words, and finds neighbours',
  async (t) => {
    const word = fc.string({ maxLength: 12 })
    fc.assert(
      fc.property(word, word, (left, right) => {
        const distance = editDistance(left, right)
        const bound = Math.max(left.length, right.length)
        return (
          distance === editDistance(right, left) &&
          distance <= bound &&
          distance >= Math.abs(left.length - right.length) &&
          (distance === 0) === (left === right)
        )
      }),
    )
    t.equal(editDistance('kitten', 'sitting'), 3)
    t.equal(editDistance('ab', 'ba'), 1, 'neighbours swapped are one edit')
    t.equal(likelySpelling('AAPl', ['MSFT', 'AAPL']), 'AAPL')
    t.equal(likelySpelling('zz', ['MSFT', 'AAPL']), undefined)
  },
)

t.test('the directory of windows is absolute and short enough for the head record', async (t) => {
  const dataDirectory = '/nowhere'
  const longest = `/${'w'.repeat(62)}`
  t.equal(resolveConfig({ dataDirectory, windowDirectory: longest }).windowDirectory, longest)
  t.equal(resolveConfig({ dataDirectory }).windowDirectory, undefined)
  const working = process.cwd()
  process.chdir('/')
  t.teardown(() => process.chdir(working))
  t.equal(resolveConfig({ dataDirectory, windowDirectory: 'w' }).windowDirectory, '/w')
  const expectation = /windowDirectory must be the path of a directory in memory .* 63 bytes, not/
  // Of the last one, each part is short enough but the whole is not.
  for (const windowDirectory of [`${longest}w`, '', 'a\0b', 'é'.repeat(32), 'r'.repeat(63)]) {
    t.throws(() => resolveConfig({ dataDirectory, windowDirectory }), {
      code: 'ERR_PINNACLE_CONFIG_RANGE',
      message: expectation,
    })
  }
  t.throws(() => resolveConfig({ dataDirectory, windowDirectory: 7 as never }), {
    code: 'ERR_PINNACLE_CONFIG_TYPE',
  })
  t.throws(() => resolveConfig({ dataDirectory, writePath: 'ring' as never }), {
    code: 'ERR_PINNACLE_CONFIG_RANGE',
    message: "configuration: writePath must be 'auto', 'window' or 'mapped', not \"ring\"",
  })
})
