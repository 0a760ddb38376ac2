/**
 * One Parquet file of ticks or gaps. Times are int64 TIMESTAMP(NANOS, UTC), prices and quantities int64
 * DECIMAL at the product's scales, so that other readers see exact values. A file appears by rename after
 * fsync: it is complete or absent.
 *
 * Reading bypasses the library's DECIMAL conversion, which is to floats. It removes the logical types from
 * the schema in memory, so that the int64 values come as stored.
 */
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import {
  parquetMetadataAsync,
  parquetRead,
  type AsyncBuffer,
  type ColumnData,
  type FileMetaData,
  type SchemaElement,
} from 'hyparquet'
import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import { isPinnacleError } from '../../errors/pinnacle-error.js'
import { corruptFile, type HistoryGap, type HistoryProduct, type Tick } from './tick.js'

export const temporarySuffix = '.tmp'
const rowGroupRows = 65_536
const formatVersion = '1'

export type HistoryKind = 'ticks' | 'gaps'
export type RowOf<Kind extends HistoryKind> = Kind extends 'ticks' ? Tick : HistoryGap

export interface FileFacts {
  product: HistoryProduct
  firstSequence: number
  lastSequence: number
  /** This file replaces parts with this number or a lower one. */
  replacesThrough: number
}

const time = (name: string): SchemaElement => ({
  name,
  type: 'INT64',
  repetition_type: 'REQUIRED',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' },
})
const decimal = (name: string, scale: number): SchemaElement => ({
  name,
  type: 'INT64',
  repetition_type: 'REQUIRED',
  converted_type: 'DECIMAL',
  logical_type: { type: 'DECIMAL', precision: 18, scale },
  precision: 18,
  scale,
})
const text = (name: string): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  repetition_type: 'REQUIRED',
  converted_type: 'UTF8',
  logical_type: { type: 'STRING' },
})

function columnsOf(kind: HistoryKind, product: HistoryProduct): SchemaElement[] {
  const sequence: SchemaElement = { name: 'sequence', type: 'INT64', repetition_type: 'REQUIRED' }
  if (kind === 'gaps') return [sequence, time('from_ns'), time('to_ns'), text('reason')]
  return [
    sequence,
    time('time_ns'),
    time('received_ns'),
    text('trade_id'),
    text('side'),
    decimal('price', product.priceScale),
    decimal('quantity', product.quantityScale),
  ]
}

type Cell = bigint | string

function cellsOf(kind: HistoryKind, row: Tick | HistoryGap): Cell[] {
  if (kind === 'gaps') {
    const gap = row as HistoryGap
    return [BigInt(gap.sequence), gap.fromNs, gap.toNs, gap.reason]
  }
  const tick = row as Tick
  return [
    BigInt(tick.sequence),
    tick.timeNs,
    tick.receivedNs,
    tick.tradeId,
    tick.side === 0 ? 'buy' : 'sell',
    BigInt(tick.price),
    BigInt(tick.quantity),
  ]
}

/** Writes the rows by row group and makes them durable under the name. A failure leaves nothing. */
export async function writeHistoryFile<Kind extends HistoryKind>(
  file: string,
  kind: Kind,
  facts: FileFacts,
  batches: AsyncIterable<RowOf<Kind>[]> | Iterable<RowOf<Kind>[]>,
): Promise<void> {
  const temporary = file + temporarySuffix
  const columns = columnsOf(kind, facts.product)
  try {
    const writer = new ParquetWriter({
      writer: fileWriter(temporary),
      schema: [{ name: 'root', num_children: columns.length }, ...columns],
      createdBy: 'pinnacle-persistence',
      kvMetadata: Object.entries({
        'pinnacle.history': `${kind} ${formatVersion}`,
        'pinnacle.product': facts.product.name,
        'pinnacle.price_scale': String(facts.product.priceScale),
        'pinnacle.quantity_scale': String(facts.product.quantityScale),
        'pinnacle.first_sequence': String(facts.firstSequence),
        'pinnacle.last_sequence': String(facts.lastSequence),
        'pinnacle.replaces_through_part': String(facts.replacesThrough),
      }).map(([key, value]) => ({ key, value })),
    })
    let pending: RowOf<Kind>[] = []
    const writeGroup = async (rows: RowOf<Kind>[]): Promise<void> => {
      const cells = rows.map((row) => cellsOf(kind, row))
      await writer.write({
        columnData: columns.map(({ name }, index) => ({
          name,
          data: cells.map((row) => row[index] ?? ''),
        })),
        rowGroupSize: rowGroupRows,
      })
    }
    for await (const batch of batches) {
      for (const row of batch) {
        pending.push(row)
        if (pending.length < rowGroupRows) continue
        await writeGroup(pending)
        pending = []
      }
    }
    if (pending.length > 0) await writeGroup(pending)
    await writer.finish()
    await syncPath(temporary)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncPath(path.dirname(file))
}

/** Makes a file's bytes, or a directory's names, durable. */
export async function syncPath(name: string): Promise<void> {
  const handle = await open(name, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** An open file: even if it is unlinked meanwhile, it can be read whole. */
export class HistoryFile {
  readonly #handle: FileHandle
  readonly #buffer: AsyncBuffer
  readonly #metadata: FileMetaData

  private constructor(
    readonly file: string,
    readonly kind: HistoryKind,
    readonly facts: FileFacts,
    handle: FileHandle,
    buffer: AsyncBuffer,
    metadata: FileMetaData,
  ) {
    this.#handle = handle
    this.#buffer = buffer
    this.#metadata = metadata
  }

  static async open(file: string, kind: HistoryKind): Promise<HistoryFile> {
    const handle = await open(file, 'r')
    try {
      const { size } = await handle.stat()
      const buffer: AsyncBuffer = {
        byteLength: size,
        slice: async (start, end = size) => {
          const bytes = Buffer.alloc(Math.max(0, end - start))
          const { bytesRead } = await handle.read(bytes, 0, bytes.length, start)
          if (bytesRead !== bytes.length) throw new Error('the file ends early')
          return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
        },
      }
      if (size < 12) throw corruptFile(file, `it has only ${String(size)} bytes`)
      const metadata = await parquetMetadataAsync(buffer, {
        parsers: { timestampFromNanoseconds: (nanos) => nanos },
        geoparquet: false,
      })
      const facts = factsOf(file, kind, metadata)
      const stored = metadata.schema.slice(1)
      const same = columnsOf(kind, facts.product).every((wanted, index) => {
        const element = stored[index]
        return (
          element?.name === wanted.name &&
          element.type === wanted.type &&
          element.repetition_type === wanted.repetition_type &&
          element.logical_type?.type === wanted.logical_type?.type &&
          (element.scale ?? 0) === (wanted.scale ?? 0)
        )
      })
      if (!same) throw corruptFile(file, 'its columns are not those of the format')
      for (const element of stored) {
        if (element.type !== 'INT64') continue
        delete element.converted_type
        delete element.logical_type
      }
      return new HistoryFile(file, kind, facts, handle, buffer, metadata)
    } catch (error) {
      await handle.close()
      throw isPinnacleError(error) ? error : corruptFile(file, messageOf(error), error)
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  /** The rows, one row group at a time. */
  async *batches(): AsyncGenerator<(Tick | HistoryGap)[]> {
    let rowStart = 0
    for (const group of this.#metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows)
      yield await this.#rows(rowStart, rowEnd)
      rowStart = rowEnd
    }
  }

  async #rows(rowStart: number, rowEnd: number): Promise<(Tick | HistoryGap)[]> {
    const columns = new Map<string, Cell[]>()
    try {
      await parquetRead({
        file: this.#buffer,
        metadata: this.#metadata,
        rowStart,
        rowEnd,
        onChunk: ({ columnName, columnData, rowStart: start }: ColumnData) => {
          const cells = columns.get(columnName) ?? []
          for (let index = 0; index < columnData.length; index++) {
            cells[start - rowStart + index] = columnData[index] as Cell
          }
          columns.set(columnName, cells)
        },
      })
      return Array.from({ length: rowEnd - rowStart }, (_, index) => this.#row(columns, index))
    } catch (error) {
      throw isPinnacleError(error) ? error : corruptFile(this.file, messageOf(error), error)
    }
  }

  #row(columns: Map<string, Cell[]>, index: number): Tick | HistoryGap {
    const integer = (name: string, isSigned = false): bigint => {
      const value = columns.get(name)?.[index]
      if (typeof value === 'bigint' && (value >= 0n || isSigned)) return value
      throw corruptFile(this.file, `row ${String(index)} has no valid ${name}`)
    }
    const string = (name: string): string => {
      const value = columns.get(name)?.[index]
      if (typeof value === 'string') return value
      throw corruptFile(this.file, `row ${String(index)} has no valid ${name}`)
    }
    const sequence = Number(integer('sequence'))
    const { firstSequence, lastSequence } = this.facts
    if (sequence < firstSequence || sequence > lastSequence) {
      throw corruptFile(
        this.file,
        `sequence ${String(sequence)} is outside of what the footer says`,
      )
    }
    if (this.kind === 'gaps') {
      return {
        sequence,
        fromNs: integer('from_ns'),
        toNs: integer('to_ns'),
        reason: string('reason'),
      }
    }
    return {
      sequence,
      timeNs: integer('time_ns'),
      receivedNs: integer('received_ns'),
      tradeId: string('trade_id'),
      side: string('side') === 'buy' ? 0 : 1,
      price: Number(integer('price', true)),
      quantity: Number(integer('quantity')),
    }
  }
}

function factsOf(file: string, kind: HistoryKind, metadata: FileMetaData): FileFacts {
  const values = new Map(metadata.key_value_metadata?.map(({ key, value }) => [key, value]))
  const format = values.get('pinnacle.history')
  if (format === undefined) throw corruptFile(file, 'another program wrote it')
  if (format !== `${kind} ${formatVersion}`) {
    throw corruptFile(file, `it holds "${format}", not "${kind} ${formatVersion}"`)
  }
  const integer = (key: string): number => {
    const value = values.get(`pinnacle.${key}`) ?? ''
    if (/^\d{1,16}$/.test(value)) return Number(value)
    throw corruptFile(file, `its metadata has no valid ${key}`)
  }
  return {
    product: {
      name: values.get('pinnacle.product') ?? '',
      priceScale: integer('price_scale'),
      quantityScale: integer('quantity_scale'),
    },
    firstSequence: integer('first_sequence'),
    lastSequence: integer('last_sequence'),
    replacesThrough: integer('replaces_through_part'),
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
