import type { NativeBookSet, TimesAround } from '../native/book-binding.js'
import { BookView } from './book-view.js'
import { Instrument, unknownInstrument } from './instrument.js'

/** Books as they were at one sequence: those of a snapshot, or rebuilt at a past point. Read-only. */
export class BookSet {
  /** The last sequence that is applied in these books. */
  readonly sequence: number
  readonly #books: NativeBookSet
  readonly #instruments: readonly Instrument[]

  /** @internal */
  constructor(books: NativeBookSet) {
    this.sequence = books.sequence
    this.#books = books
    this.#instruments = books.instruments().map((definition) => new Instrument(definition))
  }

  /** The instruments that were defined at that sequence, by index. */
  instruments(): Instrument[] {
    return [...this.#instruments]
  }

  /** The book of this instrument. ERR_PINNACLE_UNKNOWN_INSTRUMENT if it was not defined by then. */
  book(name: string): PastBook {
    const instrument = this.#instruments.find((candidate) => candidate.name === name)
    if (!instrument) {
      throw unknownInstrument(
        name,
        this.#instruments.map((known) => known.name),
      )
    }
    return new PastBook(instrument, this.#books)
  }

  /** Frees the books; garbage collection does too. */
  close(): void {
    this.#books.close()
  }

  /** As close(), for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }
}

/** A book as it was at a past point. */
export class PastBook extends BookView {
  /** The last sequence of the journal that is applied in it. */
  readonly sequence: number
  /** If the point was a time: whether times are in order around it, and whether it lies beyond them. */
  readonly times: TimesAround | undefined
  readonly #books: NativeBookSet

  /** @internal */
  constructor(instrument: Instrument, books: NativeBookSet) {
    super(instrument, books)
    this.sequence = books.sequence
    this.times = books.times
    this.#books = books
  }

  /** Frees the book, and the others rebuilt with it; garbage collection does too. */
  close(): void {
    this.#books.close()
  }

  /** As close(), for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }
}
