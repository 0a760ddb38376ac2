/**
 * The updates of one product's book while the book itself is fetched, and how both are put together: the
 * exchanges' rule is that an update at or below the book's number is in it, and that the first one behind it must
 * follow on, by a number or as a range that reaches across.
 *
 * Invariants: while the book is waited for, no update of it leaves; behind an accepted book exactly those above its
 * number do, each once and in order; a book that ends before the first update that is here is never accepted.
 * What a message says beside the book (a trade) waits for nothing, and carries no number of the product then.
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
  /** The first number since the wait began, of whatever message: the book must reach up to the one before. */
  #first: number | undefined
  #lastSeen: number | undefined
  /** Number of the accepted book; undefined while one is waited for. */
  #through: number | undefined
  /** Whether the stream went on behind the book: no number has to be looked at any more. */
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

  /** When the oldest update that waits was received; null where none waits. */
  get sinceNs(): bigint | null {
    return this.#held[0]?.delivery.frame.receivedNs ?? null
  }

  /** The least number that a book must have; -1 where nothing was seen that it must reach. */
  get neededNumber(): number {
    return (this.#first ?? 0) - 1
  }

  /** What lies between the accepted book and this message, where it is the first behind it. */
  holeBefore({ first }: FeedSequence): Hole | undefined {
    if (this.#through === undefined || this.#follows || first <= this.#through + 1) return undefined
    return { firstMissed: this.#through + 1, lastMissed: first - 1 }
  }

  /** What of a new message of the product goes on now; undefined where nothing does. */
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
   * The book is worth nothing any more, and what waits neither: a new one must have everything before `first`, or
   * what was seen until now.
   */
  restart(first?: number): void {
    this.#through = undefined
    this.#follows = false
    this.#first = first ?? (this.#lastSeen === undefined ? undefined : this.#lastSeen + 1)
    this.#held = []
    this.#heldBytes = 0
  }

  /** The updates that go on behind a book with this number; undefined where it is too old, and nothing changes. */
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
