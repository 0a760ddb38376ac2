/** A source whose events come in small portions with pauses, so that a kill lands between them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { InstrumentDefinition } from '../../lib/book/instrument.js'
import type { FlowCounts } from '../../lib/order-flow/flow-counts.js'
import type { FlowOperation } from '../../lib/order-flow/flow-operation.js'
import type { FlowSource } from '../../lib/order-flow/flow-source.js'

export class SlowSource implements FlowSource {
  readonly #source: FlowSource
  readonly #portion: number
  readonly #fastUntil: number

  /** Events before `fastUntil` come at once. */
  constructor(source: FlowSource, portion: number, fastUntil: number) {
    this.#source = source
    this.#portion = portion
    this.#fastUntil = fastUntil
  }

  get key(): string {
    return this.#source.key
  }

  get name(): string {
    return this.#source.name
  }

  get instruments(): readonly InstrumentDefinition[] {
    return this.#source.instruments
  }

  get totalEvents(): number | undefined {
    return this.#source.totalEvents
  }

  get totalBytes(): number {
    return this.#source.totalBytes
  }

  get bytesRead(): number {
    return this.#source.bytesRead
  }

  async *operations(): AsyncGenerator<readonly FlowOperation[], void, undefined> {
    let events = 0
    for await (const operations of this.#source.operations()) {
      let start = Math.min(operations.length, Math.max(0, this.#fastUntil - events))
      if (start > 0) yield operations.slice(0, start)
      for (; start < operations.length; start += this.#portion) {
        yield operations.slice(start, start + this.#portion)
        await sleep(1)
      }
      events += operations.length
    }
  }

  counts(): FlowCounts | undefined {
    return this.#source.counts()
  }

  liveOrders(instrument: number): number | undefined {
    return this.#source.liveOrders(instrument)
  }
}
