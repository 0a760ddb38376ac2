/**
 * What a tortured writer writes: event number i (from 0) is a function of the seed alone, and every event
 * makes exactly one journal entry. So the number of recovered entries says which prefix was recovered,
 * and what it must contain, whatever killed the writer.
 *
 * Entries 1 to `instrumentCount` define the instruments; event i is entry instrumentCount + 1 + i.
 */
import type { InstrumentDefinition } from '../book/instrument.js'
import type { Side } from '../book/side.js'
import { lastUsersType, UserType } from '../registry/user-types.js'
import { emptyOperation, FlowKind, type FlowOperation } from '../order-flow/flow-operation.js'
import { FlowGenerator, generatedInstruments } from '../order-flow/generator.js'
import { Random } from '../order-flow/random.js'

/** An operation on a book of orders. */
export interface OrderEvent {
  kind: 'order'
  operation: Readonly<FlowOperation>
}

/** A new total for one level of the book of levels; 0 removes it. */
export interface LevelEvent {
  kind: 'level'
  instrument: number
  side: Side
  price: number
  quantity: number
  timestampNs: number
}

/** The book of levels becomes empty. */
export interface ClearEvent {
  kind: 'clear'
  instrument: number
  timestampNs: number
}

/**
 * An entry for the state machine. Long payloads are the only entries that take more than one line, and
 * so the only ones that tear.
 */
export interface PayloadEvent {
  kind: 'payload'
  userType: number
  bytes: Uint8Array
  /** What the bytes say, if they are a fill: the judge never reads it from the bytes. */
  fill: Fill | undefined
}

/** A change of an account's position. */
export interface Fill {
  account: number
  quantity: number
}

export type TortureEvent = OrderEvent | LevelEvent | ClearEvent | PayloadEvent

/** Books of orders, and after them one book of levels. */
export const tortureInstruments: readonly InstrumentDefinition[] = [
  ...generatedInstruments,
  { name: 'DELTA', priceScale: 2, quantityScale: 3, kind: 'levels' },
]
export const instrumentCount = tortureInstruments.length
const levelInstrument = instrumentCount - 1

const accounts = 12

/** Every Nth event is of the kind; of two kinds that meet, the first named here. */
const every = { payload: 23, fill: 7, clear: 1009, level: 5, trade: 29, status: 211 }

const liveOrders = 300
const smallPayloadBytes = 200
const middlePayloadBytes = 5_000
const largePayloadBytes = 20_000
/** As long as the payload of one line: such entries are written on a path of their own. */
export const fillBytes = 32
const levelsPerSide = 30

/** Of every entry that only a fork has. */
export const forkPayload: Readonly<Uint8Array> = new Uint8Array(fillBytes).fill(0xf0)

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
    const turn = (of: keyof typeof every): boolean => index % every[of] === every[of] - 1
    if (turn('payload')) return payloadAt(this.#seed, index)
    if (turn('fill')) return fillAt(this.#seed, index)
    if (turn('clear')) {
      return { kind: 'clear', instrument: levelInstrument, timestampNs: 1 + index }
    }
    if (turn('level')) return levelAt(this.#seed, index)
    const operation = emptyOperation()
    if (turn('trade')) {
      operation.kind = FlowKind.Trade
      operation.instrument = index % instrumentCount
      operation.price = 1 + (index % 1000)
      operation.quantity = 1 + (index % 7)
      operation.timestampNs = 1 + index
    } else if (turn('status')) {
      operation.kind = FlowKind.Status
      operation.instrument = index % instrumentCount
      operation.quantity = index % 3
      operation.timestampNs = 1 + index
    } else {
      this.#generator.next(operation)
    }
    return { kind: 'order', operation }
  }

  skip(events: number): void {
    for (let index = 0; index < events; index++) this.next()
  }
}

/** Random numbers for one event, apart from those of its neighbours. */
function randomAt(seed: number, index: number): Random {
  return new Random((seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0)
}

function payloadAt(seed: number, index: number): PayloadEvent {
  const random = randomAt(seed, index)
  const draw = random.below(100)
  const bound = draw < 70 ? smallPayloadBytes : draw < 97 ? middlePayloadBytes : largePayloadBytes
  const bytes = new Uint8Array(random.below(bound))
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.uint32() >>> 24
  return { kind: 'payload', userType: index % (lastUsersType + 1), bytes, fill: undefined }
}

/** Account (4 bytes) and signed quantity (4 bytes), little-endian, then zeros. */
function fillAt(seed: number, index: number): PayloadEvent {
  const random = randomAt(seed, index)
  const fill = { account: random.below(accounts), quantity: random.below(2001) - 1000 }
  const bytes = Buffer.alloc(fillBytes)
  bytes.writeUInt32LE(fill.account, 0)
  bytes.writeInt32LE(fill.quantity, 4)
  return { kind: 'payload', userType: UserType.torture.fill, bytes, fill }
}

/** Few prices, so that levels are changed and removed as often as they are made. */
function levelAt(seed: number, index: number): LevelEvent {
  const random = randomAt(seed, index)
  const side = random.below(2) as Side
  const distance = 1 + random.below(levelsPerSide)
  return {
    kind: 'level',
    instrument: levelInstrument,
    side,
    price: side === 0 ? 10_000 - distance : 10_000 + distance,
    quantity: random.below(3) === 0 ? 0 : 1 + random.below(5_000),
    timestampNs: 1 + index,
  }
}
