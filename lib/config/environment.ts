/** Configuration from PINNACLE_* environment variables. */
import { likelySpelling } from '../errors/likely-spelling.js'
import { fileKeys, type fileFields } from './schema.js'
import { ConfigProblem } from './problem.js'

/** The environment as far as it matters: process.env fits. */
export type Environment = Readonly<Record<string, string | undefined>>

const numberKeys: ReadonlySet<string> = new Set([
  'journalSyncIntervalMs',
  'snapshotIntervalMin',
  'keepSnapshots',
  'spareSegments',
  'expectedOrders',
  'consumerLimitEntries',
])

/** PINNACLE_JOURNAL_SYNC_INTERVAL_MS of journalSyncIntervalMs. */
export function variableOf(key: string): string {
  return `PINNACLE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

const keyOfVariable: ReadonlyMap<string, keyof typeof fileFields> = new Map(
  fileKeys.map((key) => [variableOf(key), key as keyof typeof fileFields]),
)

export const configFileVariable = 'PINNACLE_CONFIG'

/**
 * The values that the environment gives, by key. An empty variable counts as unset. An unknown variable
 * belongs to another program, unless it looks like a misspelling of a known one.
 */
export function readEnvironment(environment: Environment): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('PINNACLE_') || text === undefined || text === '') continue
    if (variable === configFileVariable) continue
    const key = keyOfVariable.get(variable)
    if (key === undefined) {
      refuseMisspelling(variable)
      continue
    }
    values[key] = valueOf(key, variable, text)
  }
  return values
}

function refuseMisspelling(variable: string): void {
  const known = [...keyOfVariable.keys(), configFileVariable]
  // Without the prefix that all share: it would make strangers look alike.
  const strip = (name: string): string => name.slice('PINNACLE_'.length)
  const nearest = likelySpelling(strip(variable), known.map(strip))
  if (nearest === undefined) return
  throw new ConfigProblem(
    'ERR_PINNACLE_CONFIG_UNKNOWN_KEY',
    `environment variable ${variable} is unknown; did you mean "PINNACLE_${nearest}"?`,
  ).toError()
}

function valueOf(key: string, variable: string, text: string): unknown {
  if (numberKeys.has(key)) return text.trim() === '' ? text : numberOrText(text)
  if (key === 'create')
    return { true: true, 1: true, false: false, 0: false }[text.toLowerCase()] ?? text
  if (key === 'backgroundCpus') return numbersOrText(text)
  if (key !== 'instruments') return text
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new ConfigProblem(
      'ERR_PINNACLE_CONFIG_SYNTAX',
      `environment variable ${variable} must be a JSON list of instrument definitions: ` +
        (cause as Error).message,
      cause,
    ).toError()
  }
}

/** "2,3" as a list. */
function numbersOrText(text: string): number[] | string {
  const parts = text.split(',').map((part) => part.trim())
  return parts.every((part) => /^\d+$/.test(part)) ? parts.map(Number) : text
}

function numberOrText(text: string): number | string {
  const value = Number(text)
  return Number.isNaN(value) ? text : value
}
