/** Nanosecond timestamps, exact: `2025-07-17T13:39:39.996603180Z`, or digits (ns since 1970). */
import { LineProblem } from './flow-error.js'

const isoPattern = /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/
const nsPerDay = 86_400_000_000_000

/** Caches one day: the events of a file are of one day or a few. */
let cachedDay = ''
let cachedDayNs = 0n

export function parseTimestamp(text: string, name: string): bigint {
  if (/^\d{1,20}$/.test(text)) {
    const value = BigInt(text)
    if (value < 1n << 64n) return value
    throw new LineProblem(`${name} "${text}" is beyond 2^64 - 1 ns`)
  }
  const match = isoPattern.exec(text)
  if (!match) {
    throw new LineProblem(
      `${name} must be like 2025-07-17T13:39:39.996603180Z (UTC) or nanoseconds since 1970, not "${text.slice(0, 40)}"`,
    )
  }
  const [, day = '', hours = '', minutes = '', seconds = '', fraction = ''] = match
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)]
  if (h > 23 || m > 59 || s > 59) throw new LineProblem(`${name} "${text}" is not a time of day`)
  const nsOfDay = ((h * 60 + m) * 60 + s) * 1_000_000_000 + Number(fraction.padEnd(9, '0'))
  return dayStart(day, name) + BigInt(nsOfDay)
}

/** The format that parseTimestamp reads, always with nine digits. */
export function formatTimestamp(timestampNs: bigint): string {
  const day = timestampNs / BigInt(nsPerDay)
  const nsOfDay = timestampNs % BigInt(nsPerDay)
  const date = new Date(Number(day) * 86_400_000).toISOString().slice(0, 10)
  const seconds = Number(nsOfDay / 1_000_000_000n)
  const two = (value: number): string => String(value).padStart(2, '0')
  const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return `${date}T${time}.${String(nsOfDay % 1_000_000_000n).padStart(9, '0')}Z`
}

function dayStart(day: string, name: string): bigint {
  if (day === cachedDay) return cachedDayNs
  const milliseconds = Date.parse(`${day}T00:00:00.000Z`)
  // Date.parse takes the 30th of February for the 2nd of March.
  const valid = !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(day)
  if (!valid || milliseconds < 0) throw new LineProblem(`${name}: "${day}" is not a day since 1970`)
  cachedDay = day
  cachedDayNs = BigInt(milliseconds) * 1_000_000n
  return cachedDayNs
}
