/**
 * What must be in a recovered directory: the flow's events by sequence, and the state that a prefix of
 * them makes. It only moves forward, as recovery may: what was recovered once is durable.
 */
import { ExpectedState } from './expected-state.js'
import { instrumentCount, TortureFlow, type TortureEvent } from './flow.js'

export class Oracle {
  readonly state = new ExpectedState()
  readonly #flow: TortureFlow
  readonly #events: TortureEvent[] = []
  #applied = 0

  constructor(seed: number) {
    this.#flow = new TortureFlow(seed)
  }

  /** The last sequence that the state shows; below instrumentCount none of the flow's events. */
  get sequence(): number {
    return this.#applied + instrumentCount
  }

  /** The event of an entry; undefined for those that define the instruments. */
  readonly eventOf = (sequence: number): TortureEvent | undefined => {
    const index = sequence - instrumentCount - 1
    if (index < 0) return undefined
    while (this.#events.length <= index) this.#events.push(this.#flow.next())
    return this.#events[index]
  }

  advanceTo(sequence: number): void {
    for (let next = this.sequence + 1; next <= sequence; next++) {
      const event = this.eventOf(next)
      this.#applied++
      if (event !== undefined) this.state.apply(next, event)
    }
  }
}
