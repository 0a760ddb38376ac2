/**
 * A level-1 LOBSTER day as single transitions: for every row the book is cleared and opened from row i - 1,
 * then message i is applied. A level-1 file never shows the deeper orders, so a row can't be derived from
 * another.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InstrumentDefinition } from '../../lib/book/instrument.js'
import {
  FlowKind,
  emptyOperation,
  type FlowOperation,
} from '../../lib/order-flow/flow-operation.js'
import type { FlowSource } from '../../lib/order-flow/flow-source.js'
import { parseLobsterOrderbookRow, type OpeningLevel } from '../../lib/order-flow/lobster-csv.js'
import { LobsterMapper } from '../../lib/order-flow/lobster-mapper.js'

export interface Transition {
  row: number
  message: string
  before: OpeningLevel[]
  after: OpeningLevel[]
  /** Clear, the levels of row i - 1, and the message. */
  operations: FlowOperation[]
}

export function* transitionsOf(directory: string): Generator<Transition, void, undefined> {
  const read = (name: string): string[] =>
    readFileSync(join(directory, name), 'utf8').trimEnd().split('\n')
  const messages = read('message_1.csv')
  const rows = read('orderbook_1.csv').map(parseLobsterOrderbookRow)
  for (let row = 1; row < messages.length; row++) {
    const message = messages[row] ?? ''
    const before = rows[row - 1] ?? []
    const mapper = new LobsterMapper('message_1.csv', { unknownOrders: 'stop' })
    const operations = [
      { ...emptyOperation(), kind: FlowKind.Clear, timestampNs: row },
      ...before.map((level) => mapper.openingLevel(level, row)),
      mapper.line({ number: row + 1, text: message }),
    ]
    yield { row, message, before, after: rows[row] ?? [], operations }
  }
}

export class Transitions implements FlowSource {
  readonly key = 'transitions'
  readonly name = 'transitions'
  readonly instruments: readonly InstrumentDefinition[] = [
    { name: 'AMZN', priceScale: 4, quantityScale: 0 },
  ]
  readonly totalEvents = undefined
  readonly totalBytes = 0
  readonly bytesRead = 0
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  async *operations(): AsyncGenerator<readonly FlowOperation[], void, undefined> {
    let chunk: FlowOperation[] = []
    for (const { operations } of transitionsOf(this.#directory)) {
      chunk.push(...operations)
      if (chunk.length < 4096) continue
      yield chunk
      chunk = []
    }
    if (chunk.length > 0) yield chunk
  }

  counts(): undefined {
    return undefined
  }

  liveOrders(): undefined {
    return undefined
  }
}
