/** A LOBSTER or Databento file as a source of operations. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { absolutePath } from '../config/absolute.js'
import type { InstrumentDefinition } from '../book/instrument.js'
import { DatabentoMapper } from './databento-mapper.js'
import { detectFormat, type FlowFormat } from './detect-format.js'
import type { FlowCounts } from './flow-counts.js'
import { flowError } from './flow-error.js'
import type { FlowOperation } from './flow-operation.js'
import type { FlowPolicies } from './flow-policy.js'
import type { FlowSource } from './flow-source.js'
import { readLines, type Line } from './line-reader.js'
import { lobsterPriceScale, readOpeningBook, type OpeningLevel } from './lobster-csv.js'
import { LobsterMapper } from './lobster-mapper.js'

export interface FlowFileOptions extends FlowPolicies {
  /** Default: detected. */
  format?: FlowFormat | undefined
  /**
   * Name of the instrument. LOBSTER: needed, unless the file's name follows LOBSTER's pattern
   * (TICKER_date_…). Databento: the name of the file's only symbol; default: each symbol by its own name.
   */
  instrument?: string | undefined
  /** LOBSTER order-book file of the same rows; its first row opens the book. */
  openingBook?: string | undefined
  /** Decimal digits of a Databento tick. Default: 4. */
  priceScale?: number | undefined
  /** Databento: prices may be negative. Default: false. */
  signedPrices?: boolean | undefined
}

const defaultPriceScale = 4

/** Opens a file; fails here if it can't be read or its format is unknown. */
export async function openFlowFile(
  file: string,
  options: FlowFileOptions = {},
): Promise<FlowSource & { readonly format: FlowFormat }> {
  const path = absolutePath(file)
  const openingBook =
    options.openingBook === undefined ? undefined : absolutePath(options.openingBook)
  const format = options.format ?? (await detectFormat(path))
  const identity = await identityOf(path)
  if (format === 'databento') {
    if (openingBook !== undefined) {
      throw flowError(
        'ERR_PINNACLE_FLOW_OPENING_BOOK',
        'an opening book goes with a LOBSTER file; a Databento file starts from its own clear (R)',
        { file: path },
      )
    }
    return new DatabentoSource(path, options, identity)
  }
  const opening = openingBook === undefined ? undefined : await readOpeningBook(openingBook)
  const openingIdentity = openingBook === undefined ? '' : (await identityOf(openingBook)).digest
  return new LobsterSource(path, options, identity, opening, openingIdentity)
}

interface Identity {
  bytes: number
  /** SHA-256 over size, first and last MiB: a whole day's file must not be read twice. */
  digest: string
}

async function identityOf(path: string): Promise<Identity> {
  const span = 1024 * 1024
  let file
  try {
    file = await open(path, 'r')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw flowError(
      'ERR_PINNACLE_FLOW_UNREADABLE',
      `the order-flow file "${path}" can't be read: ${why}; check the path and its permissions`,
      { file: path },
      cause,
    )
  }
  try {
    const { size } = await file.stat()
    const hash = createHash('sha256').update(`${String(size)}\n`)
    for (const start of size <= 2 * span ? [0] : [0, size - span]) {
      const buffer = Buffer.alloc(Math.min(size <= 2 * span ? size : span, size))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, start)
      hash.update(buffer.subarray(0, bytesRead))
    }
    return { bytes: size, digest: hash.digest('hex') }
  } finally {
    await file.close()
  }
}

/**
 * Everything that decides which operations come out, so that a resumed run can't change it unnoticed. The
 * policies are not in it: both give the same operations up to the one at which 'stop' stops, so a stopped
 * run can resume with 'skip'.
 */
function keyOf(format: FlowFormat, identity: Identity, parts: readonly string[]): string {
  return [format, identity.digest.slice(0, 32), ...parts].join(':')
}

abstract class FileSource implements FlowSource {
  abstract readonly format: FlowFormat
  abstract readonly key: string
  abstract readonly instruments: readonly InstrumentDefinition[]
  readonly name: string
  readonly totalBytes: number
  readonly totalEvents = undefined
  protected readonly path: string
  #bytesRead = 0

  constructor(path: string, identity: Identity) {
    this.path = path
    this.name = basename(path)
    this.totalBytes = identity.bytes
  }

  get bytesRead(): number {
    return this.#bytesRead
  }

  protected lines(): ReturnType<typeof readLines> {
    return readLines(this.path, {
      onBytes: (bytes) => {
        this.#bytesRead = bytes
      },
    })
  }

  abstract operations(): AsyncIterable<readonly FlowOperation[]>
  abstract counts(): FlowCounts
  abstract liveOrders(instrument: number): number
}

class LobsterSource extends FileSource {
  readonly format = 'lobster'
  readonly key: string
  readonly instruments: readonly InstrumentDefinition[]
  readonly #mapper: LobsterMapper
  readonly #opening: readonly OpeningLevel[] | undefined

  constructor(
    path: string,
    options: FlowFileOptions,
    identity: Identity,
    opening: readonly OpeningLevel[] | undefined,
    openingIdentity: string,
  ) {
    super(path, identity)
    const name = options.instrument ?? tickerOf(path)
    this.instruments = [{ name, priceScale: lobsterPriceScale, quantityScale: 0 }]
    const opened = openingIdentity.slice(0, 32) || 'no-opening-book'
    this.key = keyOf('lobster', identity, [name, opened])
    this.#mapper = new LobsterMapper(path, options)
    this.#opening = opening
  }

  async *operations(): AsyncGenerator<readonly FlowOperation[], void, undefined> {
    // Row 0 of the opening book is the book after message 0, so it already includes that message.
    let openingPending = this.#opening
    for await (const lines of this.lines()) {
      const operations: FlowOperation[] = []
      for (const line of lines) {
        try {
          if (openingPending === undefined) operations.push(this.#mapper.line(line))
          else operations.push(...this.#openBook(line, openingPending))
        } catch (error) {
          // The operations before a broken line are good.
          yield operations
          throw error
        }
        openingPending = undefined
      }
      if (operations.length > 0) yield operations
    }
  }

  #openBook(line: Line, opening: readonly OpeningLevel[]): FlowOperation[] {
    const timestampNs = this.#mapper.openingTime(line)
    return opening.map((level) => this.#mapper.openingLevel(level, timestampNs))
  }

  counts(): FlowCounts {
    return this.#mapper.counts
  }

  liveOrders(): number {
    return this.#mapper.live.count
  }
}

/** LOBSTER names its files TICKER_2012-06-21_34200000_57600000_message_10.csv. */
function tickerOf(path: string): string {
  const match = /^([A-Z0-9.-]{1,32})_\d{4}-\d\d-\d\d_/.exec(basename(path))
  if (match?.[1] !== undefined) return match[1]
  throw flowError(
    'ERR_PINNACLE_FLOW_NO_INSTRUMENT',
    `"${basename(path)}" does not name its instrument, and LOBSTER files do not hold it; give it (--instrument)`,
    { file: path },
  )
}

class DatabentoSource extends FileSource {
  readonly format = 'databento'
  readonly key: string
  readonly instruments: InstrumentDefinition[] = []
  readonly #mapper: DatabentoMapper
  readonly #bySymbol = new Map<string, number>()

  constructor(path: string, options: FlowFileOptions, identity: Identity) {
    super(path, identity)
    const priceScale = options.priceScale ?? defaultPriceScale
    this.key = keyOf('databento', identity, [
      options.instrument ?? 'by-symbol',
      `scale-${String(priceScale)}${options.signedPrices === true ? '-signed' : ''}`,
    ])
    this.#mapper = new DatabentoMapper(path, {
      ...options,
      priceScale,
      instrumentOf: (symbol, line) => this.#indexOf(symbol, line, options, priceScale),
    })
  }

  async *operations(): AsyncGenerator<readonly FlowOperation[], void, undefined> {
    let header = true
    for await (const lines of this.lines()) {
      const operations: FlowOperation[] = []
      for (const line of lines) {
        try {
          if (header) this.#mapper.header(line)
          else operations.push(this.#mapper.line(line))
        } catch (error) {
          // The operations before a broken line are good.
          yield operations
          throw error
        }
        header = false
      }
      if (operations.length > 0) yield operations
    }
  }

  counts(): FlowCounts {
    return this.#mapper.counts
  }

  liveOrders(instrument: number): number {
    return this.#mapper.liveOf(instrument).count
  }

  #indexOf(symbol: string, line: number, options: FlowFileOptions, priceScale: number): number {
    const { instrument: only, signedPrices = false } = options
    const known = this.#bySymbol.get(symbol)
    if (known !== undefined) return known
    if (only !== undefined && this.instruments.length > 0) {
      throw flowError(
        'ERR_PINNACLE_FLOW_SEVERAL_SYMBOLS',
        `${this.path}:${String(line)}: the file holds ${[...this.#bySymbol.keys()].join(', ')} and ${symbol}, which ` +
          `can't share the instrument ${only}; leave --instrument out to give each symbol its own`,
        { file: this.path, line, symbol },
      )
    }
    const index = this.instruments.length
    this.instruments.push({
      name: only ?? symbol,
      priceScale,
      quantityScale: 0,
      ...(signedPrices ? { signedPrices } : {}),
    })
    this.#bySymbol.set(symbol, index)
    return index
  }
}
