/**
 * A named consumer: a reader of the journal whose position is durable, and which compaction waits for within the
 * configuration's limits. It runs beside the writer, in its process or another one, and takes no lock but its own.
 *
 * An entry may be delivered twice (after a crash, those after the last commit are), and is never skipped: if it is
 * gone, that is an error.
 */
import { PinnacleError, PinnacleRangeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import type { NativeConsumer } from '../native/consumer-binding.js'
import type { JournalEntry } from '../entry/entry.js'
import { readEntries, type ReadOptions, type ReadSource } from './read-entries.js'

/** As ReadOptions, without `from`: a consumer begins after its position. */
export type ConsumeOptions = Omit<ReadOptions, 'from'>

interface Waiting {
  sequence: number
  /** The position when it was asked for: one that was passed since is covered. */
  from: number
  resolve: (position: number) => void
  reject: (error: unknown) => void
}

/**
 * A named consumer that this process holds: a reader with a durable position, which compaction waits for within
 * the configuration's limits. Made by Consumers.open(). An entry may be delivered twice (after a crash, those
 * after the last commit), and is never skipped: one that is gone is an error.
 */
export class Consumer {
  /** Its name. */
  readonly name: string
  readonly #native: NativeConsumer
  readonly #source: ReadSource
  #reading = false
  /** The last entry that entries() gave or left out. More may have been read ahead. */
  #given = 0
  #waiting: Waiting[] = []
  #committing: Promise<void> | undefined
  #moving: Promise<void> | undefined
  #closing: Promise<void> | undefined

  /** @internal Made by Consumers.open. */
  constructor(name: string, native: NativeConsumer, source: ReadSource) {
    this.name = name
    this.#native = native
    this.#source = source
  }

  /** Entries up to here are consumed, and that is durable. 0: none. */
  get position(): number {
    return this.#native.position
  }

  /**
   * The last entry that entries() gave, or that its filter left out once all before it were taken: commit() takes
   * sequences up to here. Without a filter it is the entry in hand. Not below the position.
   */
  get given(): number {
    return Math.max(this.#given, this.position)
  }

  /**
   * The entries after the position. One iteration at a time; the next one begins after what was committed.
   * ERR_PINNACLE_OUT_OF_REACH: compaction went past the position, the message says what is left.
   * ERR_PINNACLE_CONSUMER_DIVERGED: the journal lost an entry that was consumed.
   */
  async *entries(options: ConsumeOptions = {}): AsyncGenerator<JournalEntry, void, undefined> {
    this.#assertOpen('entries')
    this.#assertIdle('entries')
    this.#reading = true
    try {
      while (this.#committing) await this.#committing
      this.#native.rewind()
      this.#given = 0
      const native = this.#native
      const source = {
        ...this.#source,
        onPassed: (sequence: number) => {
          this.#given = sequence
        },
        openReader: () => ({
          read: (maxBytes: number) => native.read(maxBytes),
          get nextSequence() {
            return native.nextSequence
          },
          close: () => undefined, // the consumer's own, which stays open
        }),
      }
      for await (const entry of readEntries(source, options)) {
        this.#given = entry.sequence
        yield entry
      }
    } finally {
      this.#reading = false
    }
  }

  /**
   * Everything up to `sequence`, an entry up to `given`, is consumed. Resolves with the position once that is
   * durable. Calls that come while one is under way share the next write; one that another has passed meanwhile is
   * covered by it.
   */
  commit(sequence: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#assertOpen('commit')
      checkSequence(sequence)
      if (this.#moving) throw this.#busy('commit', 'reset()')
      if (sequence > this.given) throw this.#notGiven(sequence)
      this.#waiting.push({ sequence, from: this.position, resolve, reject })
      this.#committing ??= this.#commitAll()
    })
  }

  /**
   * Moves the position to any entry, back or forward: reading continues after it. 0: to the beginning. Not during an
   * iteration or another reset (ERR_PINNACLE_BUSY).
   */
  async reset(sequence: number): Promise<void> {
    this.#assertOpen('reset')
    checkSequence(sequence)
    this.#assertIdle('reset')
    this.#moving = this.#move(sequence)
    try {
      await this.#moving
    } finally {
      this.#moving = undefined
    }
  }

  async #move(sequence: number): Promise<void> {
    while (this.#committing) await this.#committing
    await this.#native.reset(sequence)
    this.#given = sequence
  }

  /** Lets another process have it. Waits for commits and a reset under way. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#moving?.catch(() => undefined) // its caller gets the error
      while (this.#committing) await this.#committing
      this.#native.close()
    })()
    return this.#closing
  }

  /** As close(), for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #commitAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      // In order, so that one that is refused takes no other along; the last one covers all before it.
      waiting.sort((left, right) => left.sequence - right.sequence)
      while (waiting.length > 0) {
        const last = waiting.pop() as Waiting
        if (last.sequence > last.from && last.sequence <= this.position) {
          last.resolve(this.position)
          continue
        }
        try {
          await this.#native.commit(last.sequence)
        } catch (error) {
          last.reject(error)
          continue
        }
        // (Inside a transaction the position stays before it.)
        last.resolve(this.position)
        for (const covered of waiting.splice(0)) covered.resolve(this.position)
      }
    }
    this.#committing = undefined
  }

  #assertOpen(what: string): void {
    if (this.#closing === undefined) return
    throw new PinnacleError(
      'ERR_PINNACLE_CLOSED',
      `${what} was called on the consumer "${this.name}" after it was closed; open it again`,
    )
  }

  #notGiven(sequence: number): PinnacleError {
    return new PinnacleError(
      'ERR_PINNACLE_INVALID_SEQUENCE',
      `entry ${String(sequence)} can't be committed: the consumer "${this.name}" was given entries up to ` +
        `${String(this.given)} only`,
    )
  }

  #assertIdle(what: string): void {
    if (this.#reading) throw this.#busy(what, 'entries()')
    if (this.#moving) throw this.#busy(what, 'reset()')
  }

  #busy(what: string, running: string): PinnacleError {
    return new PinnacleError(
      'ERR_PINNACLE_BUSY',
      `${what} was called while ${running} of the consumer "${this.name}" runs; let that end first`,
    )
  }
}

function checkSequence(sequence: number): void {
  if (Number.isSafeInteger(sequence) && sequence >= 0) return
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_SEQUENCE',
    `a position is a sequence or 0, an integer up to 2^53 - 1, not ${shown(sequence)}`,
  )
}
