/**
 * What a configuration may hold. Each message completes the sentence "<key> must be …";
 * the table in docs/api.md and the error messages say the same. unknownKeys() finds unknown keys, which
 * the schemas ignore.
 */
import * as v from 'valibot'
import type { BookKind } from '../book/instrument.js'
import { durabilities, recoveryPolicies, writePaths } from '../native/option-names.js'
import {
  bounds,
  fits,
  longestNameBytes,
  longestWindowDirectoryBytes,
  rangeText,
  type Bounds,
} from './bounds.js'
import { parseSize } from './size.js'

const mib = 2 ** 20

const integerText = (range: Bounds): string => `an integer from ${rangeText(range)}`

function integer(range: Bounds): v.GenericSchema<number> {
  const message = integerText(range)
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.check((value: number) => fits(value, range), message),
  )
}

function size(range: Bounds): v.GenericSchema<number | string, number> {
  const message = `a number of bytes, or a size such as '64MiB', from ${rangeText(range)}`
  return v.pipe(
    v.union([v.number(), v.string()], message),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const bytes = parseSize(dataset.value)
      if (bytes !== undefined && fits(bytes, range)) return bytes
      addIssue({ message })
      return NEVER
    }),
  )
}

function minutes(range: Bounds): v.GenericSchema<number> {
  const message = `a number of minutes from ${rangeText(range)}`
  return v.pipe(
    v.number(message),
    v.check((value: number) => fits(value, range), message),
  )
}

function choice<const Values extends readonly [string, ...string[]]>(
  values: Values,
): v.GenericSchema<Values[number]> {
  const quoted = values.map((value) => `'${value}'`)
  return v.picklist(values, `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1) ?? ''}`)
}

const nameExpectation = `a name of 1 to ${String(longestNameBytes)} bytes of UTF-8, without control characters`

function isName(name: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(name) || !name.isWellFormed()) return false
  return name.length > 0 && Buffer.byteLength(name) <= longestNameBytes
}

/** What a key that is missing should have been. */
const requiredOfInstrument: Readonly<Record<string, string>> = {
  name: nameExpectation,
  priceScale: integerText(bounds.scale),
  quantityScale: integerText(bounds.scale),
}
const instrumentExpectation = 'an object with name, priceScale and quantityScale'

const instrumentFields = {
  name: v.pipe(v.string(nameExpectation), v.check(isName, nameExpectation)),
  priceScale: integer(bounds.scale),
  quantityScale: integer(bounds.scale),
  kind: v.optional(choice<readonly [BookKind, BookKind]>(['orders', 'levels']), 'orders'),
  signedPrices: v.optional(v.boolean('true or false')),
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

const cpusExpectation = `a list of processor numbers from ${rangeText(bounds.backgroundCpus)}, none twice`

const pathExpectation = 'the path of a directory'

/** Of the absolute path: a relative one is looked at again once it is resolved. */
export const windowDirectoryExpectation =
  `the path of a directory in memory (tmpfs), without NUL and absolute of at most ` +
  `${String(longestWindowDirectoryBytes)} bytes`

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

/** Whether a windowDirectory is short enough. */
export function fitsHeadRecord(path: string): boolean {
  return Buffer.byteLength(path) <= longestWindowDirectoryBytes
}

/** Every key that a JSON file and the environment may give. */
export const fileFields = {
  dataDirectory: v.pipe(
    v.string(pathExpectation),
    v.minLength(1, pathExpectation),
    v.check((path) => !path.includes('\0'), `${pathExpectation}, without NUL`),
  ),
  create: v.optional(v.boolean('true or false'), true),
  journalSyncIntervalMs: v.optional(integer(bounds.journalSyncIntervalMs), 10),
  snapshotIntervalMin: v.optional(minutes(bounds.snapshotIntervalMin), 5),
  keepSnapshots: v.optional(integer(bounds.keepSnapshots), 3),
  compactionThreshold: v.optional(size(bounds.compactionThreshold), 256 * mib),
  consumerLimit: v.optional(size(bounds.consumerLimit), 1024 * mib),
  consumerLimitEntries: v.optional(integer(bounds.consumerLimitEntries), 0),
  segmentSize: v.optional(size(bounds.segmentSize), 64 * mib),
  durability: v.optional(choice(durabilities), 'interval'),
  recoveryPolicy: v.optional(choice(recoveryPolicies), 'strict'),
  writePath: v.optional(choice(writePaths), 'auto'),
  windowDirectory: v.optional(
    v.pipe(
      v.string(windowDirectoryExpectation),
      v.check(
        (path) => path !== '' && !path.includes('\0') && fitsHeadRecord(path),
        windowDirectoryExpectation,
      ),
    ),
  ),
  windowSize: v.optional(size(bounds.windowSize), 16 * mib),
  spareSegments: v.optional(integer(bounds.spareSegments), 2),
  expectedOrders: v.optional(integer(bounds.expectedOrders), 16_384),
  backgroundCpus: v.optional(
    v.pipe(
      v.array(integer(bounds.backgroundCpus), cpusExpectation),
      // A number that is there twice is a slip for another one.
      v.check((cpus) => new Set(cpus).size === cpus.length, cpusExpectation),
    ),
    [],
  ),
  instruments: v.optional(
    v.pipe(
      v.array(instrumentSchema, 'a list of instrument definitions'),
      v.maxLength(
        bounds.instruments.to,
        `a list of at most ${String(bounds.instruments.to)} instrument definitions`,
      ),
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

/** The keys of `value` that are not in `known`; none if it is not an object. */
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
