/**
 * The configuration, from an object, a JSON file and the environment. Precedence by key, highest first:
 * object, environment, file, default. Every problem is reported, with the source of the value.
 */
import { readFileSync } from 'node:fs'
import { safeParse, type BaseIssue } from 'valibot'
import { absolutePath } from './absolute.js'
import { didYouMean } from '../errors/likely-spelling.js'
import { shown } from '../errors/shown.js'
import { configFileVariable, readEnvironment, variableOf, type Environment } from './environment.js'
import { ConfigProblem, errorOfProblems } from './problem.js'
import {
  configSchema,
  fileKeys,
  fitsHeadRecord,
  instrumentKeys,
  isWrongType,
  objectKeys,
  unknownKeys,
  windowDirectoryExpectation,
} from './schema.js'
import type { PersistenceConfig, ResolvedConfig } from './types.js'

/**
 * Where loadConfig() takes the values from. Of a key that several have, the object's wins, then the
 * environment's, then the file's.
 */
export interface ConfigSources {
  /** Highest precedence. A key that is undefined counts as absent. */
  object?: Partial<PersistenceConfig>
  /** Path of a JSON file. Default: the environment's PINNACLE_CONFIG, if it is set. */
  file?: string
  /** Usually process.env. Default: none is read. */
  env?: Environment
}

type Origin = { kind: 'object' } | { kind: 'file'; path: string } | { kind: 'environment' }

/** The validated configuration of all sources. */
export function loadConfig(sources: ConfigSources): ResolvedConfig {
  // Without a prototype: else a key "__proto__" in a file would bring in hidden keys.
  const values = Object.create(null) as Record<string, unknown>
  const origins = new Map<string, Origin>()
  const problems: ConfigProblem[] = []
  const put = (from: Record<string, unknown>, origin: Origin): void => {
    for (const [key, value] of Object.entries(from)) {
      if (value === undefined) continue
      values[key] = value
      origins.set(key, origin)
    }
  }
  const { env } = sources
  const path = sources.file ?? (env?.[configFileVariable] || undefined)
  if (path !== undefined) put(readConfigFile(path), { kind: 'file', path })
  if (env) put(readEnvironment(env), { kind: 'environment' })
  if (sources.object !== undefined) put(asRecord(sources.object), { kind: 'object' })

  const parsed = safeParse(configSchema, values, { abortPipeEarly: true })
  const stateMachineOrigin = origins.get('stateMachine')
  if (stateMachineOrigin && stateMachineOrigin.kind !== 'object') {
    problems.push(unknownKey('stateMachine', stateMachineOrigin))
  }
  for (const issue of parsed.issues ?? []) problems.push(problemOf(issue, values, origins))
  problems.push(...unknownKeyProblems(values, origins))
  if (!parsed.success || problems.length > 0) throw errorOfProblems(problems)
  return parsed.output as ResolvedConfig
}

/** The validated configuration of an object alone, for opening: its directories are absolute. */
export function resolveConfig(config: PersistenceConfig): ResolvedConfig {
  const { windowDirectory, ...resolved } = loadConfig({ object: config })
  return {
    ...resolved,
    dataDirectory: absolutePath(resolved.dataDirectory),
    ...(windowDirectory === undefined
      ? {}
      : { windowDirectory: absoluteWindowDirectory(windowDirectory) }),
  }
}

/** A relative one may have become too long. */
function absoluteWindowDirectory(given: string): string {
  const directory = absolutePath(given)
  if (fitsHeadRecord(directory)) return directory
  throw new ConfigProblem(
    'ERR_PINNACLE_CONFIG_RANGE',
    `windowDirectory must be ${windowDirectoryExpectation}, not ${shown(directory)}`,
  ).toError()
}

function asRecord(object: unknown): Record<string, unknown> {
  if (typeof object === 'object' && object !== null && !Array.isArray(object)) {
    return object as Record<string, unknown>
  }
  throw new ConfigProblem(
    'ERR_PINNACLE_CONFIG_TYPE',
    `must be an object, not ${shown(object)}`,
  ).toError()
}

function readConfigFile(path: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ConfigProblem(
      'ERR_PINNACLE_CONFIG_FILE',
      `the file ${JSON.stringify(path)} can't be read: ${(cause as Error).message}`,
      cause,
    ).toError()
  }
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw new ConfigProblem(
      'ERR_PINNACLE_CONFIG_SYNTAX',
      `the file ${JSON.stringify(path)} is not JSON: ${(cause as Error).message}`,
      cause,
    ).toError()
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new ConfigProblem(
    'ERR_PINNACLE_CONFIG_TYPE',
    `the file ${JSON.stringify(path)} must hold a JSON object, not ${shown(value)}`,
  ).toError()
}

function unknownKeyProblems(
  values: Record<string, unknown>,
  origins: ReadonlyMap<string, Origin>,
): ConfigProblem[] {
  const problems = unknownKeys(values, objectKeys).map((key) => unknownKey(key, origins.get(key)))
  const instruments: unknown = values['instruments']
  for (const [index, instrument] of (Array.isArray(instruments) ? instruments : []).entries()) {
    for (const unknown of unknownKeys(instrument, instrumentKeys)) {
      const where = whereFrom('instruments', origins.get('instruments'))
      problems.push(
        new ConfigProblem(
          'ERR_PINNACLE_CONFIG_UNKNOWN_KEY',
          `instruments[${String(index)}] has an unknown key "${unknown}"${didYouMean(unknown, instrumentKeys)}${where}`,
        ),
      )
    }
  }
  return problems
}

function problemOf(
  issue: BaseIssue<unknown>,
  values: Record<string, unknown>,
  origins: ReadonlyMap<string, Origin>,
): ConfigProblem {
  const path = (issue.path ?? []).map(({ key }) => key as PropertyKey)
  const key = String(path[0] ?? '')
  const name = nameOf(path)
  const value = valueAt(values, path)
  if (value === undefined) {
    const hint =
      name === 'dataDirectory'
        ? `; give it in the object or the file, or as ${variableOf('dataDirectory')}`
        : ''
    return new ConfigProblem(
      'ERR_PINNACLE_CONFIG_MISSING_KEY',
      `${name} is missing, it must be ${issue.message}${hint}`,
    )
  }
  return new ConfigProblem(
    isWrongType(issue) && !Number.isNaN(value)
      ? 'ERR_PINNACLE_CONFIG_TYPE'
      : 'ERR_PINNACLE_CONFIG_RANGE',
    `${name} must be ${issue.message}, not ${shown(value)}${whereFrom(key, origins.get(key))}`,
  )
}

function unknownKey(key: string, origin: Origin | undefined): ConfigProblem {
  const known = origin?.kind === 'object' ? objectKeys : fileKeys
  const only =
    key === 'stateMachine'
      ? '; a state machine can only be given in an object'
      : didYouMean(key, known)
  return new ConfigProblem(
    'ERR_PINNACLE_CONFIG_UNKNOWN_KEY',
    `"${key}" is unknown${whereFrom(key, origin)}${only}`,
  )
}

function whereFrom(key: string, origin: Origin | undefined): string {
  if (origin?.kind === 'file') return ` (in the file ${JSON.stringify(origin.path)})`
  if (origin?.kind === 'environment') return ` (in the environment variable ${variableOf(key)})`
  return ''
}

/** instruments[0].priceScale */
function nameOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, part) =>
      typeof part === 'number'
        ? `${name}[${String(part)}]`
        : name === ''
          ? String(part)
          : `${name}.${String(part)}`,
    '',
  )
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part],
    values,
  )
}
