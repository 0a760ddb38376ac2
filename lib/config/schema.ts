/**
 * What a configuration may hold. Each message completes the sentence "<key> must be …";
 * the table in docs/api.md and the error messages say the same. Unknown keys are told by unknownKeys():
 * the schemas pass them over.
 */
import * as v from 'valibot'
import type { BookKind } from '../book/instrument.js'
import { maxScale } from '../decimal/decimal.js'
import { parseSize, formatSize } from './size.js'

export const durabilities = ['appended', 'interval', 'durable'] as const
export const recoveryPolicies = ['strict', 'point-in-time', 'salvage'] as const

const kib = 2 ** 10
const mib = 2 ** 20
const gib = 2 ** 30

const integerText = (from: number, to: number): string =>
  `an integer from ${String(from)} to ${String(to)}`

function integer(from: number, to: number): v.GenericSchema<number> {
  const message = integerText(from, to)
  const fits = (value: number): boolean => value >= from && value <= to
  return v.pipe(v.number(message), v.integer(message), v.check(fits, message))
}

function size(from: number, to: number, multipleOf = 1): v.GenericSchema<number | string, number> {
  const range = `from ${formatSize(from)} to ${formatSize(to)}`
  const multiple = multipleOf === 1 ? '' : `, a multiple of ${String(multipleOf)}`
  const message = `a number of bytes, or a size such as '64MiB', ${range}${multiple}`
  return v.pipe(
    v.union([v.number(), v.string()], message),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const bytes = parseSize(dataset.value)
      const fits = bytes !== undefined && bytes >= from && bytes <= to && bytes % multipleOf === 0
      if (fits) return bytes
      addIssue({ message })
      return NEVER
    }),
  )
}

function choice<const Values extends readonly [string, ...string[]]>(
  values: Values,
): v.GenericSchema<Values[number]> {
  const quoted = values.map((value) => `'${value}'`)
  return v.picklist(values, `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1) ?? ''}`)
}

const nameExpectation = 'a name of 1 to 32 bytes of UTF-8, without control characters'

function isName(name: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(name) || !name.isWellFormed()) return false
  return name.length > 0 && Buffer.byteLength(name) <= 32
}

/** What a key that is missing should have been. */
const requiredOfInstrument: Readonly<Record<string, string>> = {
  name: nameExpectation,
  priceScale: integerText(0, maxScale),
  quantityScale: integerText(0, maxScale),
}
const instrumentExpectation = 'an object with name, priceScale and quantityScale'

const instrumentFields = {
  name: v.pipe(v.string(nameExpectation), v.check(isName, nameExpectation)),
  priceScale: integer(0, maxScale),
  quantityScale: integer(0, maxScale),
  kind: v.optional(choice<readonly [BookKind, BookKind]>(['orders', 'levels']), 'orders'),
} as const

export const instrumentSchema = v.pipe(
  v.unknown(),
  // A list is an object too, but it is of the wrong type here and not one that lacks keys.
  v.rawCheck(({ dataset, addIssue }) => {
    if (Array.isArray(dataset.value)) addIssue({ message: instrumentExpectation })
  }),
  v.object(instrumentFields, (issue) => {
    const missing = issue.path?.[0].key
    return (
      (typeof missing === 'string' ? requiredOfInstrument[missing] : undefined) ??
      instrumentExpectation
    )
  }),
)

const highestCpu = 1023
const cpusExpectation = `a list of processor numbers from 0 to ${String(highestCpu)}, none twice`

const longestIntervalMin = 7 * 24 * 60
const intervalExpectation = `a number of minutes from 0 (off) to ${String(longestIntervalMin)}, at least 0.01 where on`

const pathExpectation = 'the path of a directory'

/** A function that a state machine must have. */
const stateMachineExpectation =
  'an object with the functions apply(entry), snapshot() and restore(bytes), and hole(hole) if it has one'

function isStateMachine(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const candidate = value as Record<string, unknown>
  return (
    ['apply', 'snapshot', 'restore'].every((name) => typeof candidate[name] === 'function') &&
    ['function', 'undefined'].includes(typeof candidate['hole'])
  )
}

/** Every key that a JSON file and the environment may give. */
export const fileFields = {
  dataDirectory: v.pipe(
    v.string(pathExpectation),
    v.minLength(1, pathExpectation),
    v.check((path) => !path.includes('\0'), `${pathExpectation}, without NUL`),
  ),
  create: v.optional(v.boolean('true or false'), true),
  journalSyncIntervalMs: v.optional(integer(1, 60_000), 10),
  snapshotIntervalMin: v.optional(
    v.pipe(
      v.number(intervalExpectation),
      v.check(
        (value) => value === 0 || (value >= 0.01 && value <= longestIntervalMin),
        intervalExpectation,
      ),
    ),
    5,
  ),
  keepSnapshots: v.optional(integer(1, 1000), 3),
  compactionThreshold: v.optional(size(0, 1024 * 1024 * gib), 256 * mib),
  consumerLimit: v.optional(size(0, 1024 * 1024 * gib), gib),
  consumerLimitEntries: v.optional(integer(0, Number.MAX_SAFE_INTEGER), 0),
  segmentSize: v.optional(size(64 * kib, 4 * gib, 4096), 64 * mib),
  durability: v.optional(choice(durabilities), 'interval'),
  recoveryPolicy: v.optional(choice(recoveryPolicies), 'strict'),
  spareSegments: v.optional(integer(0, 1024), 2),
  expectedOrders: v.optional(integer(0, 100_000_000), 16_384),
  backgroundCpus: v.optional(
    v.pipe(
      v.array(integer(0, highestCpu), cpusExpectation),
      // A number that is there twice is a slip for another one.
      v.check((cpus) => new Set(cpus).size === cpus.length, cpusExpectation),
    ),
    [],
  ),
  instruments: v.optional(
    v.pipe(
      v.array(instrumentSchema, 'a list of instrument definitions'),
      v.maxLength(65_535, 'a list of at most 65535 instrument definitions'),
    ),
    [],
  ),
} as const

export const configSchema = v.object(
  {
    ...fileFields,
    stateMachine: v.optional(v.custom<object>(isStateMachine, stateMachineExpectation)),
  },
  // The one key without a default is the one that can be missing.
  pathExpectation,
)

export const fileKeys: readonly string[] = Object.keys(fileFields)
export const objectKeys: readonly string[] = [...fileKeys, 'stateMachine']
export const instrumentKeys: readonly string[] = Object.keys(instrumentFields)

/** The keys of `value` that are not in `known`; none where it is no object. */
export function unknownKeys(value: unknown, known: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.keys(value).filter((key) => !known.includes(key))
}

const wrongTypes: ReadonlySet<string> = new Set([
  'array',
  'boolean',
  'integer',
  'number',
  'object',
  'raw_check',
  'string',
  'union',
])

/** Whether the value was of another type, as opposed to out of range. */
export function isWrongType(issue: v.BaseIssue<unknown>): boolean {
  return wrongTypes.has(issue.type)
}
