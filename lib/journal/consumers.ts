/** The named consumers of a data directory. */
import { PinnacleRangeError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import { native } from '../native/load.js'
import { Consumer } from './consumer.js'
import { directorySource, type ReadSource } from './read-entries.js'

/** Facts of a named consumer. */
export interface ConsumerInfo {
  /** Its name. */
  name: string
  /** Consumed up to here. */
  sequence: number
  /** When that was committed, ns since 1970-01-01 UTC. */
  timestampNs: bigint
  /** Of the journal that it consumes; '' if that is not known. */
  journalId: string
  /** A process has it open. */
  open: boolean
  /** Why its position is not known; '' if it is. Compaction keeps for it what the limits allow. */
  problem: string
}

/** Where a new consumer begins. */
export interface OpenConsumerOptions {
  /** First sequence that a new consumer gets. Default: the first that the journal holds. An existing one keeps its position. */
  from?: number
}

/**
 * The named consumers of a data directory: `journal.consumers` in the writer's process, Consumers.of()
 * elsewhere.
 */
export class Consumers {
  readonly #source: ReadSource

  /** The consumers of a directory that this or another process may have open for writing. */
  static of(dataDirectory: string): Consumers {
    return new Consumers(directorySource(native(), dataDirectory))
  }

  /** @internal */
  constructor(source: ReadSource) {
    this.#source = source
  }

  /** All of them, by name. */
  async list(): Promise<ConsumerInfo[]> {
    const { binding, dataDirectory } = this.#source
    const consumers = await binding.listConsumers(dataDirectory)
    return consumers.map(({ timestamp, ...info }) => ({ ...info, timestampNs: timestamp }))
  }

  /**
   * Takes a consumer for this process, and makes it if there is none. ERR_PINNACLE_LOCKED: a process has it.
   * The name is 1 to 64 letters, digits, '.', '_' and '-'.
   */
  async open(name: string, options: OpenConsumerOptions = {}): Promise<Consumer> {
    const { binding, dataDirectory } = this.#source
    checkName(name)
    const { from = 0 } = options
    if (options.from !== undefined && !(Number.isSafeInteger(from) && from >= 1)) {
      throw new PinnacleRangeError(
        'ERR_PINNACLE_INVALID_SEQUENCE',
        `"from" must be a sequence, an integer from 1 to 2^53 - 1, not ${shown(from)}`,
      )
    }
    return new Consumer(name, await binding.openConsumer(dataDirectory, name, from), this.#source)
  }

  /** Compaction waits for it no longer. ERR_PINNACLE_LOCKED: a process has it open. */
  async remove(name: string): Promise<void> {
    checkName(name)
    await this.#source.binding.removeConsumer(this.#source.dataDirectory, name)
  }
}

function checkName(name: unknown): void {
  if (typeof name === 'string') return
  throw new PinnacleTypeError(
    'ERR_PINNACLE_INVALID_ARGUMENT',
    `a consumer is named with a string, not ${shown(name)}`,
  )
}
