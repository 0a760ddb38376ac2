/** The options that name and configure a data directory, the same for every command. */
import { Option, type Command } from 'commander'
import type { Durability, PersistenceConfig, RecoveryPolicy } from '../config/types.js'
import { bounds, rangeText } from '../config/bounds.js'
import { durabilities, recoveryPolicies } from '../config/types.js'
import { loadConfig } from '../config/load-config.js'
import { integerArgument, numberArgument } from './arguments.js'
import { usageError } from './usage-error.js'

export interface DataOptions {
  data?: string
  config?: string
}

export interface EngineOptions extends DataOptions {
  durability?: Durability
  syncInterval?: number
  segmentSize?: string
  snapshotInterval?: number
  keepSnapshots?: number
  compactionThreshold?: string
  recoveryPolicy?: RecoveryPolicy
}

/** `[directory]`, or --data; or PINNACLE_DATA_DIRECTORY or the configuration file. */
export function withDirectory(command: Command): Command {
  return withData(command.argument('[directory]', 'data directory'))
}

export function withData(command: Command): Command {
  return command
    .option('-d, --data <directory>', 'data directory (default: PINNACLE_DATA_DIRECTORY)')
    .option('-c, --config <file>', 'JSON configuration file (default: PINNACLE_CONFIG)')
}

/** What decides how a writer journals. Each option goes before the environment and the file. */
export function withEngine(command: Command): Command {
  const range = (key: keyof typeof bounds): string => rangeText(bounds[key])
  return command
    .addOption(
      new Option('--durability <level>', 'what an append waits for').choices([...durabilities]),
    )
    .option(
      '--sync-interval <ms>',
      `longest time that a power loss can take back, ${range('journalSyncIntervalMs')}`,
      integerArgument,
    )
    .option('--segment-size <size>', `bytes of a segment, ${range('segmentSize')}`)
    .option(
      '--snapshot-interval <minutes>',
      `time between snapshots, ${range('snapshotIntervalMin')}`,
      numberArgument,
    )
    .option('--keep-snapshots <n>', `snapshots to keep, ${range('keepSnapshots')}`, integerArgument)
    .option(
      '--compaction-threshold <size>',
      `compact once the journal is larger, ${range('compactionThreshold')}`,
    )
}

export function withPolicy(command: Command): Command {
  return command.addOption(
    new Option('--recovery-policy <policy>', 'what to do about a corrupt journal').choices([
      ...recoveryPolicies,
    ]),
  )
}

/** The data directory that a command line means. */
export function directoryOf(options: DataOptions, argument?: string): string {
  if (options.data !== undefined && argument !== undefined && options.data !== argument) {
    throw usageError(
      `two data directories are given, "${argument}" and --data "${options.data}"; give one`,
    )
  }
  return configOf(options, argument).dataDirectory
}

/** The configuration that a command line means, with what only the command knows on top. */
export function configOf(
  options: EngineOptions,
  argument?: string,
  more: Partial<PersistenceConfig> = {},
): PersistenceConfig {
  const given: Partial<PersistenceConfig> = {
    ...defined('dataDirectory', options.data ?? argument),
    ...defined('durability', options.durability),
    ...defined('journalSyncIntervalMs', options.syncInterval),
    ...defined('segmentSize', options.segmentSize),
    ...defined('snapshotIntervalMin', options.snapshotInterval),
    ...defined('keepSnapshots', options.keepSnapshots),
    ...defined('compactionThreshold', options.compactionThreshold),
    ...defined('recoveryPolicy', options.recoveryPolicy),
    ...more,
  }
  const { config } = options
  return loadConfig({
    object: given,
    ...(config === undefined ? {} : { file: config }),
    env: process.env,
  })
}

function defined<Key extends keyof PersistenceConfig>(
  key: Key,
  value: PersistenceConfig[Key] | undefined,
): Partial<PersistenceConfig> {
  return value === undefined ? {} : { [key]: value }
}
