/**
 * What a configuration may hold. Each field's `expectation` completes the sentence "<key> must be …";
 * docs/configuration.md and the error messages say the same.
 */
import { z } from 'zod'
import { maxScale } from '../decimal/decimal.js'
import { parseSize, formatSize } from './size.js'

/** A user's own state, journaled and recovered with the books. */
export const durabilities = ['appended', 'interval', 'durable'] as const
export const recoveryPolicies = ['strict', 'point-in-time', 'salvage'] as const

const kib = 2 ** 10
const mib = 2 ** 20
const gib = 2 ** 30

function integer(from: number, to: number): z.ZodType<number> {
  const error = `an integer from ${String(from)} to ${String(to)}`
  return z.number({ error }).int({ error }).min(from, { error }).max(to, { error })
}

function size(from: number, to: number, multipleOf = 1): z.ZodType<number, number | string> {
  const range = `from ${formatSize(from)} to ${formatSize(to)}`
  const multiple = multipleOf === 1 ? '' : `, a multiple of ${String(multipleOf)}`
  const error = `a number of bytes, or a size such as '64MiB', ${range}${multiple}`
  return z.union([z.number(), z.string()], { error }).transform((value, context) => {
    const bytes = parseSize(value)
    const fits = bytes !== undefined && bytes >= from && bytes <= to && bytes % multipleOf === 0
    if (fits) return bytes
    context.addIssue({ code: 'custom', message: error })
    return z.NEVER
  })
}

function choice<const Values extends readonly [string, ...string[]]>(
  values: Values,
): z.ZodType<Values[number]> {
  const quoted = values.map((value) => `'${value}'`)
  return z.enum(values, {
    error: `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1) ?? ''}`,
  })
}

const nameExpectation = 'a name of 1 to 32 bytes of UTF-8, without control characters'

export const instrumentSchema = z.strictObject(
  {
    name: z
      .string({ error: nameExpectation })
      // eslint-disable-next-line no-control-regex -- control characters are what it looks for
      .refine((name) => !/[\u0000-\u001f\u007f]/.test(name), { error: nameExpectation })
      .refine((name) => name.isWellFormed(), { error: nameExpectation })
      .refine((name) => name.length > 0 && Buffer.byteLength(name) <= 32, {
        error: nameExpectation,
      }),
    priceScale: integer(0, maxScale),
    quantityScale: integer(0, maxScale),
    kind: choice(['orders', 'levels']).default('orders'),
  },
  { error: 'an object with name, priceScale and quantityScale' },
)

const longestIntervalMin = 7 * 24 * 60
const intervalExpectation = `a number of minutes from 0 (off) to ${String(longestIntervalMin)}, at least 0.01 where on`

/** A function that a state machine must have. */
const stateMachineExpectation =
  'an object with the functions apply(entry), snapshot() and restore(bytes)'

function isStateMachine(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const candidate = value as Record<string, unknown>
  return ['apply', 'snapshot', 'restore'].every((name) => typeof candidate[name] === 'function')
}

/** Every key that a JSON file and the environment may give. */
export const fileFields = {
  dataDirectory: z
    .string({ error: 'the path of a directory' })
    .min(1, { error: 'the path of a directory' })
    .refine((path) => !path.includes('\0'), { error: 'the path of a directory, without NUL' }),
  create: z.boolean({ error: 'true or false' }).default(true),
  journalSyncIntervalMs: integer(1, 60_000).default(10),
  snapshotIntervalMin: z
    .number({ error: intervalExpectation })
    .refine((value) => value === 0 || (value >= 0.01 && value <= longestIntervalMin), {
      error: intervalExpectation,
    })
    .default(5),
  keepSnapshots: integer(1, 1000).default(3),
  compactionThreshold: size(0, 1024 * 1024 * gib).default(256 * mib),
  segmentSize: size(64 * kib, 4 * gib, 4096).default(64 * mib),
  durability: choice(durabilities).default('interval'),
  recoveryPolicy: choice(recoveryPolicies).default('strict'),
  spareSegments: integer(0, 1024).default(2),
  expectedOrders: integer(0, 100_000_000).default(16_384),
  instruments: z
    .array(instrumentSchema, { error: 'a list of instrument definitions' })
    .max(65_535, { error: 'a list of at most 65535 instrument definitions' })
    .default([]),
} as const

export const configSchema = z.strictObject(
  {
    ...fileFields,
    stateMachine: z.custom<object>(isStateMachine, { error: stateMachineExpectation }).optional(),
  },
  { error: 'an object' },
)

export const fileKeys: readonly string[] = Object.keys(fileFields)
export const objectKeys: readonly string[] = [...fileKeys, 'stateMachine']
export const instrumentKeys: readonly string[] = Object.keys(instrumentSchema.shape)
