/**
 * What a tortured writer writes: event number i (from 0) is a function of the seed alone, and every event
 * makes exactly one journal entry. So the number of recovered entries says which prefix was recovered,
 * and what it must contain, whatever killed the writer.
 *
 * Entries 1 to `instrumentCount` define the instruments; event i is entry instrumentCount + 1 + i.
 */
import { emptyOperation, FlowKind, type FlowOperation } from '../order-flow/flow-operation.js'
import { FlowGenerator, generatedInstruments } from '../order-flow/generator.js'
import { Random } from '../order-flow/random.js'

export interface BookEvent {
  kind: 'book'
  operation: Readonly<FlowOperation>
}

/** An opaque payload: the only entries that take more than one line, and so the only ones that tear. */
export interface PayloadEvent {
  kind: 'payload'
  userType: number
  bytes: Uint8Array
}

export type TortureEvent = BookEvent | PayloadEvent

export const tortureInstruments = generatedInstruments
export const instrumentCount = generatedInstruments.length

/** Every so manieth event is a payload, a trade or a status. */
const payloadEvery = 23
const tradeEvery = 29
const statusEvery = 211
const liveOrders = 300
const smallPayloadBytes = 200
const middlePayloadBytes = 5_000
const largePayloadBytes = 20_000

export class TortureFlow {
  readonly #seed: number
  readonly #generator: FlowGenerator
  #events = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#generator = new FlowGenerator({ seed, liveOrders })
  }

  /** Events handed out so far: the index of the next one. */
  get events(): number {
    return this.#events
  }

  next(): TortureEvent {
    const index = this.#events++
    if (index % payloadEvery === payloadEvery - 1) return payloadAt(this.#seed, index)
    const operation = emptyOperation()
    if (index % tradeEvery === tradeEvery - 1) {
      operation.kind = FlowKind.Trade
      operation.instrument = index % instrumentCount
      operation.price = 1 + (index % 1000)
      operation.quantity = 1 + (index % 7)
      operation.timestampNs = 1 + index
    } else if (index % statusEvery === statusEvery - 1) {
      operation.kind = FlowKind.Status
      operation.instrument = index % instrumentCount
      operation.quantity = index % 3
      operation.timestampNs = 1 + index
    } else {
      this.#generator.next(operation)
    }
    return { kind: 'book', operation }
  }

  skip(events: number): void {
    for (let index = 0; index < events; index++) this.next()
  }
}

function payloadAt(seed: number, index: number): PayloadEvent {
  const random = new Random((seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0)
  const draw = random.below(100)
  const bound = draw < 70 ? smallPayloadBytes : draw < 97 ? middlePayloadBytes : largePayloadBytes
  const bytes = new Uint8Array(random.below(bound))
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.uint32() >>> 24
  return { kind: 'payload', userType: index % 100, bytes }
}
