/**
 * Holds the updates of one product's book while the book itself is fetched, and combines both. The exchanges'
 * rule: the book contains every update at or below its number, and the next update must continue from it, by
 * number or as a range that spans it.
 *
 * Invariants: while the book is awaited, none of its updates leaves; after an accepted book exactly those
 * above its number do, each once and in order; a book that ends before the first update received is never
 * accepted. Other content of a message (a trade) does not wait, and then carries no number of the product.
 */
import type { FeedSequence, FeedUpdate } from '../feed-update.js'
import type { FeedDelivery } from './feed-events.js'

export interface Hole {
  readonly firstMissed: number
  readonly lastMissed: number
}

interface Held {
  readonly delivery: FeedDelivery
  readonly last: number
}

export class HeldBook {
  readonly #product: string
  #held: Held[] = []
  #heldBytes = 0
  /** The first number since the wait began, of any message: the book must reach the number before it. */
  #first: number | undefined
  #lastSeen: number | undefined
  /** Number of the accepted book; undefined while one is awaited. */
  #through: number | undefined
  /** Whether the stream has continued from the book: numbers need no more checks. */
  #follows = false

  constructor(product: string) {
    this.#product = product
  }

  get isWaiting(): boolean {
    return this.#through === undefined
  }

  get frames(): number {
    return this.#held.length
  }

  get bytes(): number {
    return this.#heldBytes
  }

  /** Receipt time of the oldest waiting update; null if none waits. */
  get sinceNs(): bigint | null {
    return this.#held[0]?.delivery.frame.receivedNs ?? null
  }

  /** The least number that a book must have; -1 if there is no requirement yet. */
  get neededNumber(): number {
    return (this.#first ?? 0) - 1
  }

  /** The hole between the accepted book and this message, if it is the first after the book. */
  holeBefore({ first }: FeedSequence): Hole | undefined {
    if (this.#through === undefined || this.#follows || first <= this.#through + 1) return undefined
    return { firstMissed: this.#through + 1, lastMissed: first - 1 }
  }

  /** The part of a new message of the product to deliver now; undefined if there is none. */
  take(delivery: FeedDelivery, sequence: FeedSequence): FeedDelivery | undefined {
    if (this.#follows) {
      this.#lastSeen = sequence.last
      return delivery
    }
    this.#lastSeen = sequence.last
    if (this.#through !== undefined) {
      if (sequence.last <= this.#through) return this.#part(delivery, false)
      this.#follows = true
      return delivery
    }
    this.#first ??= sequence.first
    const ofBook = this.#part(delivery, true)
    if (ofBook) {
      this.#held.push({ delivery: ofBook, last: sequence.last })
      this.#heldBytes += delivery.frame.bytes.length
    }
    return this.#part(delivery, false)
  }

  /**
   * Discards the book and the waiting updates: a new book must have everything before `first`, or everything
   * seen so far.
   */
  restart(first?: number): void {
    this.#through = undefined
    this.#follows = false
    this.#first = first ?? (this.#lastSeen === undefined ? undefined : this.#lastSeen + 1)
    this.#held = []
    this.#heldBytes = 0
  }

  /** The updates to deliver after a book with this number; undefined, without effect, if it is too old. */
  accept(number: number): FeedDelivery[] | undefined {
    if (number < this.neededNumber) return undefined
    const behind = this.#held.filter(({ last }) => last > number).map(({ delivery }) => delivery)
    this.#held = []
    this.#heldBytes = 0
    this.#through = number
    this.#follows = this.#lastSeen !== undefined && this.#lastSeen > number
    return behind
  }

  /** The updates of this book, with the product's number; or all others, without it. */
  #part({ frame, parsed }: FeedDelivery, ofBook: boolean): FeedDelivery | undefined {
    if (parsed.kind !== 'updates') return undefined
    const updates = parsed.updates.filter((update) => this.#isOfBook(update) === ofBook)
    if (updates.length === 0) return undefined
    const sequences = parsed.sequences.filter(({ scope }) => (scope === this.#product) === ofBook)
    return { frame, parsed: { ...parsed, sequences, updates } }
  }

  #isOfBook(update: FeedUpdate): boolean {
    return (update.type === 'levels' || update.type === 'order') && update.product === this.#product
  }
}
