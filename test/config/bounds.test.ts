// Every bound of every option is defined once for JavaScript (lib/config/bounds.ts) and once for the engine.
// This compares them, and what help, documentation and types say of them.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import t from 'tap'
import { withEngine, withPolicy } from '../../lib/cli/data-options.js'
import { bounds, rangeText, type Bounds } from '../../lib/config/bounds.js'
import { engineOptionsOf } from '../../lib/config/engine-options.js'
import { resolveConfig } from '../../lib/config/load-config.js'
import { fileKeys } from '../../lib/config/schema.js'
import { durabilities, recoveryPolicies, writePaths } from '../../lib/native/option-names.js'
import type { PersistenceConfig } from '../../lib/config/types.js'
import type { NativeEngineOptions } from '../../lib/native/binding.js'
import { native } from '../../lib/native/load.js'
import { codeOf } from '../../lib/secure/errors.js'

type Key = keyof typeof bounds
const boundsOf: Readonly<Record<Key, Bounds>> = bounds
const keys = Object.keys(bounds) as Key[]
const root = process.cwd()

/** Options without a number. */
const others = [
  'dataDirectory',
  'create',
  'durability',
  'recoveryPolicy',
  'writePath',
  'windowDirectory',
]
/** Options that only JavaScript knows. */
const notOfTheEngine: readonly Key[] = ['snapshotIntervalMin']

const instrument = (
  i: number,
  scale = 0,
): { name: string; priceScale: number; quantityScale: number } => ({
  name: `I${String(i)}`,
  priceScale: scale,
  quantityScale: scale,
})

/** A configuration in which the bounded number of `key` is `value`. */
function configOf(key: Key, value: number): PersistenceConfig {
  const dataDirectory = '/nowhere/at/all'
  const base = { dataDirectory, create: false }
  if (key === 'backgroundCpus') return { ...base, backgroundCpus: [value] }
  if (key === 'scale') return { ...base, instruments: [instrument(1, value)] }
  if (key === 'instruments') {
    return { ...base, instruments: Array.from({ length: value }, (_, i) => instrument(i)) }
  }
  return { ...base, [key]: value }
}

const resolves = (key: Key, value: number): string => {
  try {
    resolveConfig(configOf(key, value))
    return 'taken'
  } catch (error) {
    return codeOf(error)
  }
}

/** The values just outside the bounds. */
function outside({ from, to, multipleOf = 1, kind, off }: Bounds): number[] {
  const step = kind === 'minutes' ? 0.001 : multipleOf
  const all = [from - step, to + step, Number.NaN, Infinity]
  if (multipleOf > 1) all.push(from + 1)
  return all.filter((value) => value !== off)
}

t.test('every option has bounds, or no number', async (t) => {
  t.same(
    fileKeys.filter((key) => !others.includes(key) && !(key in bounds)),
    [],
  )
  t.same(
    keys.filter((key) => key !== 'scale' && !fileKeys.includes(key)),
    [],
  )
})

t.test('the configuration takes what is within, and refuses what is next to it', async (t) => {
  for (const key of keys) {
    const range = boundsOf[key]
    for (const value of [range.from, range.to, ...(range.off === undefined ? [] : [range.off])])
      t.equal(resolves(key, value), 'taken', `${key} ${String(value)}`)
    for (const value of outside(range)) {
      if (key === 'instruments' && !(value > 0 && value < 1e6)) continue // not a length of a list
      // (Infinity has the wrong type, since it is not an integer.)
      const refused = value === Infinity ? /CONFIG_(RANGE|TYPE)$/ : /CONFIG_RANGE$/
      t.match(resolves(key, value), refused, `${key} ${String(value)}`)
    }
  }
})

/** The engine's option for a key: the one that differs between two values of the key. */
function engineNameOf(key: Key): string {
  if (key === 'scale') return 'scale'
  const of = (value: number): NativeEngineOptions =>
    engineOptionsOf(resolveConfig(configOf(key, value)))
  const range = boundsOf[key]
  const [left, right] = [of(range.from), of(range.from + (range.multipleOf ?? 1))]
  const names = Object.keys(left) as (keyof NativeEngineOptions)[]
  return names.filter((n) => JSON.stringify(left[n]) !== JSON.stringify(right[n])).join()
}

t.test('the engine has the same bounds, and no others', async (t) => {
  const ofEngine = new Map(Object.entries(native().optionBounds))
  for (const key of keys.filter((key) => !notOfTheEngine.includes(key))) {
    const name = engineNameOf(key)
    const { from, to, multipleOf = 1 } = boundsOf[key]
    t.same(ofEngine.get(name), { from, to, multipleOf }, `${key} is the engine's ${name}`)
    ofEngine.delete(name)
  }
  t.same([...ofEngine.keys()], [], 'each is the bound of a key')
})

t.test('the engine takes what the configuration takes, and refuses the same', async (t) => {
  const opens = async (options: NativeEngineOptions): Promise<string> => {
    try {
      await native().openEngine(options, {} as never, () => undefined)
      return 'opened'
    } catch (error) {
      return codeOf(error)
    }
  }
  for (const key of keys.filter((key) => !notOfTheEngine.includes(key))) {
    const range = boundsOf[key]
    for (const value of [range.from, range.to]) {
      const code = await opens(engineOptionsOf(resolveConfig(configOf(key, value))))
      // A processor that the machine does not have fails for another reason.
      t.match(
        code,
        key === 'backgroundCpus' ? /NOT_FOUND|CONFIG_RANGE/ : /NOT_FOUND/,
        `${key} ${String(value)}: only the directory is missing`,
      )
    }
    if (key === 'scale' || key === 'instruments' || key === 'backgroundCpus') continue
    const name = engineNameOf(key)
    for (const value of [...outside(range), range.from + 0.5]) {
      const options = engineOptionsOf(resolveConfig(configOf(key, range.from)))
      const code = await opens({ ...options, [name]: value })
      t.equal(code, 'ERR_PINNACLE_INVALID_ARGUMENT', `${name} ${String(value)}`)
    }
  }
  for (const [key, values] of [
    ['durability', durabilities],
    ['recoveryPolicy', recoveryPolicies],
    ['writePath', writePaths],
  ] as const) {
    for (const value of values) {
      const options = engineOptionsOf(resolveConfig(configOf('keepSnapshots', 1)))
      t.equal(await opens({ ...options, [key]: value }), 'ERR_PINNACLE_NOT_FOUND', value)
    }
  }
})

t.test('help, documentation and types say the bounds', async (t) => {
  const help = withPolicy(withEngine(new Command())).helpInformation().replace(/\s+/g, ' ')
  const page = readFileSync(path.join(root, 'docs/api.md'), 'utf8')
  const types = readFileSync(path.join(root, 'lib/config/types.ts'), 'utf8')
  const row = (key: string): string =>
    new RegExp(`^\\| \`${key}\` +\\|[^|]*\\|(.*)\\|$`, 'm').exec(page)?.[1] ?? ''
  const comment = (key: string): string =>
    new RegExp(`/\\*\\*([^/]*?)\\*/\\s*${key}\\?:`).exec(types)?.[1] ?? ''
  const flags: Partial<Record<Key, string>> = {
    journalSyncIntervalMs: '--sync-interval <ms>',
    segmentSize: '--segment-size <size>',
    snapshotIntervalMin: '--snapshot-interval <minutes>',
    keepSnapshots: '--keep-snapshots <n>',
    compactionThreshold: '--compaction-threshold <size>',
  }
  for (const key of keys) {
    const text = rangeText(boundsOf[key])
    if (key === 'scale') {
      t.match(row('instruments'), `scales ${text}`)
      continue
    }
    t.ok(row(key).includes(text), `docs/api.md on ${key}: ${row(key)}`)
    t.ok(comment(key).includes(text), `the type of ${key}: ${comment(key)}`)
    const flag = flags[key]
    if (flag === undefined) continue
    const said =
      help
        .slice(help.indexOf(flag))
        .replace(/^--\S+ \S+ /, '')
        .split(' --')[0] ?? ''
    t.ok(said.includes(text), `the help of ${flag}: ${said}`)
  }
  for (const value of writePaths) t.ok(row('writePath').includes(`'${value}'`))
  for (const values of [durabilities, recoveryPolicies])
    for (const value of values) {
      t.ok(row(values === durabilities ? 'durability' : 'recoveryPolicy').includes(`'${value}'`))
      t.ok(help.includes(`"${value}"`))
    }
})
