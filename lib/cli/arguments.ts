/** Parsers of option values; commander calls them and shows what they throw. Pure. */
import { InvalidArgumentError } from 'commander'

export function sequenceArgument(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value
  throw new InvalidArgumentError('It must be a sequence number, an integer of at least 1.')
}

export function countArgument(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value
  throw new InvalidArgumentError('It must be an integer of at least 1.')
}

export function integerArgument(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('It must be an integer of at least 0.')
}

export function numberArgument(text: string): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && Number.isFinite(value)) return value
  throw new InvalidArgumentError('It must be a number, such as 5 or 0.5.')
}

/** `full`, or a factor such as `1x`, `60x` or `0.5x`. */
export function speedArgument(text: string): 'full' | number {
  if (text === 'full') return 'full'
  const match = /^(\d+(?:\.\d+)?)x$/i.exec(text)
  const factor = Number(match?.[1] ?? Number.NaN)
  if (Number.isFinite(factor) && factor > 0) return factor
  throw new InvalidArgumentError('It must be "full" or a factor such as 1x, 60x or 0.5x.')
}

export type Point = { sequence: number } | { timestamp: bigint }

/**
 * A point of the past: a sequence (`1234` or `seq:1234`), or a time (`ns:34200000000000`, or
 * `2025-07-17T13:39:39.996Z`).
 */
export function pointArgument(text: string): Point {
  const sequence = /^(?:seq:)?(\d+)$/.exec(text)
  if (sequence?.[1] !== undefined) return { sequence: sequenceArgument(sequence[1]) }
  const ns = /^ns:(\d{1,20})$/.exec(text)
  if (ns?.[1] !== undefined && BigInt(ns[1]) < 1n << 64n) return { timestamp: BigInt(ns[1]) }
  const iso = isoNs(text)
  if (iso !== undefined) return { timestamp: iso }
  throw new InvalidArgumentError(
    'It must be a sequence (1234), nanoseconds (ns:34200000000000) or a UTC time ' +
      '(2025-07-17T13:39:39.996603180Z).',
  )
}

function isoNs(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text)
  if (match?.[1] === undefined) return undefined
  const milliseconds = Date.parse(`${match[1]}Z`)
  const valid =
    !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(match[1])
  if (!valid || milliseconds < 0) return undefined
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'))
}

/** Values given as `--x a,b` or `--x a --x b`. */
export function listArgument(text: string, before: readonly string[] | undefined): string[] {
  const values = text.split(',').map((value) => value.trim())
  if (values.some((value) => value === '')) {
    throw new InvalidArgumentError('It must be a name, or names with commas in between.')
  }
  return [...(before ?? []), ...values]
}
