/**
 * Appends random entries to an open manager and records them. Every line of history (ours, a continued copy,
 * another journal) has its own tag, so no two of them ever append the same content: an entry from another
 * line is recognized.
 */
import type { InstrumentDefinition, PersistenceManager, Side } from '../../lib/index.js'
import type { Random } from '../../lib/order-flow/random.js'
import { instrumentOperation, type Entry, type History, type Operation } from './history.js'
import { ModelBooks } from './model.js'

/** An order book stays small, so that comparing books costs little. */
const mostOrders = 40
const mostLevels = 30

export class Writer {
  readonly #random: Random
  readonly #history: History
  readonly #tag: number
  readonly #largePayloads: boolean
  readonly #model = new ModelBooks()

  constructor(random: Random, history: History, tag: number, largePayloads: boolean) {
    this.#random = random
    this.#history = history
    this.#tag = tag
    this.#largePayloads = largePayloads
    for (const entry of history.entries) this.#model.apply(entry)
  }

  define(manager: PersistenceManager, definition: InstrumentDefinition): void {
    manager.defineInstrument(definition)
    this.defined(definition)
  }

  /** Records an instrument that the manager defined at its open. */
  defined(definition: InstrumentDefinition): void {
    const index = this.#model.books.length + 1
    const operation = instrumentOperation(definition)
    this.#note({ sequence: this.#next(), instrument: index, timestampNs: null, operation })
  }

  get instruments(): number {
    return this.#model.books.length
  }

  append(manager: PersistenceManager, count: number): void {
    for (let i = 0; i < count; i++) {
      const instruments = this.#model.books.length
      if (instruments === 0 || this.#random.below(4) === 0) this.#appendPayload(manager)
      else this.#operate(manager, 1 + this.#random.below(instruments))
    }
  }

  #next(): number {
    return this.#history.entries.length + 1
  }

  #note(entry: Entry, sequence = entry.sequence): void {
    if (sequence !== entry.sequence) {
      throw new Error(`entry ${String(entry.sequence)} was given the sequence ${String(sequence)}`)
    }
    const why = this.#model.apply(entry)
    if (why !== '') throw new Error(`the model refuses entry ${String(sequence)}: ${why}`)
    this.#history.entries.push(entry)
  }

  #appendPayload(manager: PersistenceManager): void {
    const random = this.#random
    const payload = new Uint8Array(this.#payloadBytes())
    for (let i = 0; i < payload.length; i++) payload[i] = random.below(256)
    // Now and then a payload with whole sectors of zeros, whose loss its shape can't show.
    if (random.below(8) === 0) payload.fill(0, Math.min(16, payload.length))
    Buffer.from(payload.buffer).write(
      `${String(this.#tag)}:${String(this.#next())}`.slice(0, payload.length),
    )
    const userType = random.below(96)
    const timestampNs = random.below(2) === 0 ? null : this.#time()
    const instrument = random.below(3) === 0 ? this.#model.books.length : 0
    const name = this.#model.book(instrument)?.name
    const sequence = manager.append(userType, payload, {
      ...(timestampNs === null ? {} : { timestampNs }),
      ...(name === undefined ? {} : { instrument: name }),
    })
    const operation: Operation = { kind: 'user', userType, payload }
    this.#note({ sequence: this.#next(), instrument, timestampNs, operation }, sequence)
  }

  #payloadBytes(): number {
    const random = this.#random
    if (this.#largePayloads && random.below(3) === 0) return 500 + random.below(6000)
    // At least 8 bytes, so that the tag makes it unique.
    return random.below(3) === 0 ? 32 : 8 + random.below(120)
  }

  /** Given times go up, and no two lines share one. */
  #time(): bigint {
    return BigInt(this.#next()) * 1000n + BigInt(this.#tag)
  }

  #operate(manager: PersistenceManager, instrument: number): void {
    const timestampNs = this.#time()
    const operation = this.#choose(instrument)
    const book = manager.book(this.#model.book(instrument)?.name ?? '')
    let sequence = 0
    switch (operation.kind) {
      case 'add': {
        const { orderId, side, price, quantity } = operation
        sequence = book.add(orderId, side, price, quantity, timestampNs)
        break
      }
      case 'reduce':
        sequence = book.reduce(operation.orderId, operation.quantity, timestampNs)
        break
      case 'execute':
        sequence = book.execute(operation.orderId, operation.quantity, timestampNs)
        break
      case 'cancel':
        sequence = book.cancel(operation.orderId, timestampNs)
        break
      case 'replace': {
        const { orderId, newOrderId, price, quantity } = operation
        sequence = book.replace(orderId, newOrderId, price, quantity, timestampNs)
        break
      }
      case 'setLevel':
        sequence = book.setLevel(operation.side, operation.price, operation.quantity, timestampNs)
        break
      case 'trade':
        sequence = book.trade(operation.side, operation.price, operation.quantity, timestampNs)
        break
      case 'status':
        sequence = book.setStatus(operation.status, timestampNs)
        break
      case 'clear':
        sequence = book.clear(timestampNs)
        break
      case 'instrument':
      case 'user':
        throw new Error(`${operation.kind} is not an operation on a book`)
    }
    this.#note({ sequence: this.#next(), instrument, timestampNs, operation }, sequence)
  }

  #choose(instrument: number): Operation {
    const random = this.#random
    const book = this.#model.book(instrument)
    if (!book) throw new Error(`there is no instrument ${String(instrument)}`)
    const side: Side = random.below(2) === 0 ? 0 : 1
    const price = 1000 + random.below(mostLevels)
    const quantity = 1 + random.below(500)
    const choice = random.below(100)
    if (choice === 0) return { kind: 'clear' }
    if (choice < 4) return { kind: 'status', status: random.below(4) }
    if (choice < 10) return { kind: 'trade', side, price, quantity }
    if (book.kind === 'levels') {
      return { kind: 'setLevel', side, price, quantity: random.below(4) === 0 ? 0 : quantity }
    }
    const orders = [...book.orders.values()]
    const order = orders[random.below(Math.max(orders.length, 1))]
    if (!order || (choice < 50 && orders.length < mostOrders)) {
      return { kind: 'add', orderId: this.#newOrderId(), side, price, quantity }
    }
    const part = 1 + random.below(order.quantity)
    if (choice < 62) return { kind: 'reduce', orderId: order.id, quantity: part }
    if (choice < 76) return { kind: 'execute', orderId: order.id, quantity: part }
    if (choice < 88) return { kind: 'cancel', orderId: order.id }
    const newOrderId = random.below(4) === 0 ? order.id : this.#newOrderId()
    return { kind: 'replace', orderId: order.id, newOrderId, price, quantity }
  }

  /** Unique across all lines; some are wider than 64 bits. */
  #newOrderId(): bigint {
    const id = BigInt(this.#next()) * 16n + BigInt(this.#tag)
    return this.#random.below(6) === 0 ? id | (1n << 90n) : id
  }
}
