/**
 * What the numbers in a configuration may be: the one place for the schema, its messages and the help of
 * the command line. native/engine/option_bounds.h has the engine's (the configuration is read without the
 * addon); test/config/bounds.test.ts compares both with each other and with what the documentation says.
 */
import { maxScale } from '../decimal/decimal.js'
import { formatSize } from './size.js'

export interface Bounds {
  readonly from: number
  readonly to: number
  readonly multipleOf?: number
  /** 'integer' unless said otherwise; 'size': bytes, or with a unit; 'minutes': fractions too. */
  readonly kind?: 'integer' | 'size' | 'minutes'
  /** Off; then `from` is the least that is on. */
  readonly off?: number
}

const kib = 2 ** 10
const gib = 2 ** 30

export const bounds = {
  journalSyncIntervalMs: { from: 1, to: 60_000 },
  snapshotIntervalMin: { from: 0.01, to: 7 * 24 * 60, kind: 'minutes', off: 0 },
  keepSnapshots: { from: 1, to: 1000 },
  compactionThreshold: { from: 0, to: 1024 * 1024 * gib, kind: 'size' },
  consumerLimit: { from: 0, to: 1024 * 1024 * gib, kind: 'size' },
  consumerLimitEntries: { from: 0, to: 1_000_000_000_000 },
  segmentSize: { from: 64 * kib, to: 4 * gib, multipleOf: 4096, kind: 'size' },
  spareSegments: { from: 0, to: 1024 },
  windowSize: { from: 64 * kib, to: gib, multipleOf: 4096, kind: 'size' },
  expectedOrders: { from: 0, to: 100_000_000 },
  /** Each member of the list. */
  backgroundCpus: { from: 0, to: 1023 },
  /** How many. */
  instruments: { from: 0, to: 65_535 },
  /** priceScale and quantityScale of an instrument. */
  scale: { from: 0, to: maxScale },
} as const satisfies Readonly<Record<string, Bounds>>

/** Bytes of UTF-8. */
export const longestNameBytes = 32
/** The head record has it, with a closing zero. */
export const longestWindowDirectoryBytes = 63

/** `1 to 60000`, `64KiB to 4GiB, a multiple of 4096`, `0 (off) to 10080, at least 0.01 if on`. */
export function rangeText({ from, to, kind, multipleOf, off }: Bounds): string {
  const text = kind === 'size' ? formatSize : String
  if (off !== undefined) {
    return `${String(off)} (off) to ${text(to)}, at least ${text(from)} if on`
  }
  const range = `${text(from)} to ${text(to)}`
  return multipleOf === undefined ? range : `${range}, a multiple of ${String(multipleOf)}`
}

export function fits(value: number, { from, to, multipleOf, off }: Bounds): boolean {
  if (value === off) return true
  return value >= from && value <= to && (multipleOf === undefined || value % multipleOf === 0)
}
