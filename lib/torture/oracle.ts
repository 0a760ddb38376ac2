/**
 * What must be in a recovered directory: the flow's events by sequence, and the books that a prefix of
 * them makes, in plain maps. It only moves forward, as recovery may: what was recovered once is durable.
 * Shares no code with the engine.
 */
import { FlowKind } from '../order-flow/flow-operation.js'
import { ReferenceBook } from '../order-flow/reference-book.js'
import { instrumentCount, TortureFlow, tortureInstruments, type TortureEvent } from './flow.js'

export class Oracle {
  readonly books: readonly ReferenceBook[] = tortureInstruments.map(() => new ReferenceBook())
  readonly #flow: TortureFlow
  readonly #events: TortureEvent[] = []
  #applied = 0

  constructor(seed: number) {
    this.#flow = new TortureFlow(seed)
  }

  /** The last sequence that the books show; below instrumentCount none of the flow's events. */
  get sequence(): number {
    return this.#applied + instrumentCount
  }

  /** The event of an entry; undefined for those that define the instruments. */
  eventOf(sequence: number): TortureEvent | undefined {
    const index = sequence - instrumentCount - 1
    if (index < 0) return undefined
    while (this.#events.length <= index) this.#events.push(this.#flow.next())
    return this.#events[index]
  }

  advanceTo(sequence: number): void {
    for (let next = this.sequence + 1; next <= sequence; next++) {
      const event = this.eventOf(next)
      this.#applied++
      if (event?.kind !== 'book' || event.operation.kind === FlowKind.Trade) continue
      this.books[event.operation.instrument]?.apply(event.operation)
    }
  }
}
