/**
 * The order flow of the book benchmarks, decoded once into typed arrays: a day of NASDAQ messages (LOBSTER)
 * if the test data is available, else the generator's. It contains only operations that change a book.
 */
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import type { Book, OperationBatch, Side } from '../lib/index.js'
import { operations } from '../lib/book/operation.js'
import { openFlowFile } from '../lib/order-flow/file-source.js'
import type { FlowKind } from '../lib/order-flow/flow-operation.js'
import type { FlowSource } from '../lib/order-flow/flow-source.js'
import { GeneratedFlow } from '../lib/order-flow/generator.js'
import { EntryType } from '../lib/native/binding.js'
import { root } from './root.js'

export interface Flow {
  name: string
  count: number
  kinds: Uint8Array
  ids: Float64Array
  newIds: Float64Array
  sides: Uint8Array
  prices: Float64Array
  quantities: Float64Array
}

const generatedEvents = 60_000

export async function loadFlow(): Promise<Flow> {
  const data = process.env.PINNACLE_TEST_DATA ?? path.join(root, '../shared/data')
  const file = path.join(data, 'order-flow/amzn/message_1.csv')
  const source: FlowSource = existsSync(file)
    ? await openFlowFile(file, { instrument: 'AMZN' })
    : new GeneratedFlow({
        seed: 1,
        events: generatedEvents,
        instruments: [{ name: 'AMZN', priceScale: 4, quantityScale: 0 }],
      })
  const name = existsSync(file)
    ? 'LOBSTER, AMZN, one day'
    : "the generator's (the LOBSTER file is not there; PINNACLE_TEST_DATA names its folder)"
  const rows: number[][] = []
  for await (const chunk of source.operations()) {
    for (const { kind, orderId, newOrderId, side, price, quantity } of chunk) {
      if (!isOfOrder(kind) || typeof orderId !== 'number') continue
      rows.push([operations[kind].entryType, orderId, Number(newOrderId), side, price, quantity])
    }
  }
  const column = (index: number): number[] => rows.map((row) => row[index] ?? 0)
  return {
    name: `${name}: ${rows.length.toLocaleString('en')} adds, cancels, reductions and executions`,
    count: rows.length,
    kinds: Uint8Array.from(column(0)),
    ids: Float64Array.from(column(1)),
    newIds: Float64Array.from(column(2)),
    sides: Uint8Array.from(column(3)),
    prices: Float64Array.from(column(4)),
    quantities: Float64Array.from(column(5)),
  }
}

function isOfOrder(kind: FlowKind): kind is 'add' | 'reduce' | 'cancel' | 'execute' | 'replace' {
  return kind !== 'note' && kind !== 'clear' && kind !== 'trade' && kind !== 'status'
}

/** Single calls, one per operation. */
export function applySingly(flow: Flow, book: Book): void {
  const { count, kinds, ids, newIds, sides, prices, quantities } = flow
  for (let i = 0; i < count; i++) {
    const id = ids[i] as number
    switch (kinds[i]) {
      case EntryType.Add:
        book.add(id, sides[i] as Side, prices[i] as number, quantities[i] as number)
        break
      case EntryType.Reduce:
        book.reduce(id, quantities[i] as number)
        break
      case EntryType.Cancel:
        book.cancel(id)
        break
      case EntryType.Execute:
        book.execute(id, quantities[i] as number)
        break
      default:
        book.replace(id, newIds[i] as number, prices[i] as number, quantities[i] as number)
    }
  }
}

/** Staged in `batch`, which commits by itself. */
export function applyBatched(flow: Flow, book: Book, batch: OperationBatch): void {
  const { count, kinds, ids, newIds, sides, prices, quantities } = flow
  for (let i = 0; i < count; i++) {
    const id = ids[i] as number
    switch (kinds[i]) {
      case EntryType.Add:
        batch.add(book, id, sides[i] as Side, prices[i] as number, quantities[i] as number)
        break
      case EntryType.Reduce:
        batch.reduce(book, id, quantities[i] as number)
        break
      case EntryType.Cancel:
        batch.cancel(book, id)
        break
      case EntryType.Execute:
        batch.execute(book, id, quantities[i] as number)
        break
      default:
        batch.replace(book, id, newIds[i] as number, prices[i] as number, quantities[i] as number)
    }
  }
  batch.commit()
}

/** Uses the layout of native/bench/operations_file.h. */
export function writeOperations(flow: Flow, file: string): void {
  const recordBytes = 64
  const bytes = Buffer.alloc(flow.count * recordBytes)
  for (let i = 0; i < flow.count; i++) {
    const at = i * recordBytes
    bytes.writeUInt32LE(flow.kinds[i] as number, at)
    bytes.writeUInt32LE(1, at + 4)
    bytes.writeBigUInt64LE(BigInt(flow.sides[i] as number), at + 8)
    bytes.writeBigUInt64LE(BigInt(flow.ids[i] as number), at + 16)
    bytes.writeBigUInt64LE(BigInt(flow.newIds[i] as number), at + 32)
    bytes.writeBigInt64LE(BigInt(flow.prices[i] as number), at + 48)
    bytes.writeBigInt64LE(BigInt(flow.quantities[i] as number), at + 56)
  }
  writeFileSync(file, bytes)
}
