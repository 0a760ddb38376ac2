/**
 * Delivers frames and notices to the consumer, one at a time and in order. If the consumer returns a promise,
 * the queue waits for it; meanwhile frames wait here, and above the high-water mark the source is paused.
 *
 * Invariants: nothing is delivered twice or out of order; a frame that does not fit is refused to the caller,
 * never dropped silently; after `stop` or a failure of the consumer nothing is delivered.
 */
export interface QueueOptions<Item> {
  readonly deliver: (item: Item) => void | Promise<void>
  /** At most this many frames wait. The source is paused at half of it and resumed at an eighth. */
  readonly maxFrames: number
  /** The source is also paused while this many bytes wait. */
  readonly pauseBytes: number
  readonly onPressure: (paused: boolean) => void
  /** The consumer threw or rejected; `left` frames will not be delivered. */
  readonly onFailure: (error: unknown, left: number) => void
}

interface Waiting<Item> {
  readonly item: Item
  /** 0 for a notice, which counts toward no limit. */
  readonly bytes: number
  /** Its share of the limit `maxFrames`: 1, or 0 for a notice and for a frame that was held elsewhere. */
  readonly counted: 0 | 1
}

/** Delivered items are cut off the array in pieces of this many. */
const compactAt = 1024

export class DeliveryQueue<Item> {
  readonly #options: QueueOptions<Item>
  readonly #idle = new Set<() => void>()
  #waiting: (Waiting<Item> | undefined)[] = []
  #head = 0
  #frames = 0
  /** The waiting frames that count toward `maxFrames`. */
  #counted = 0
  #bytes = 0
  #delivered = 0
  #busy = false
  #paused = false
  #stopped = false

  constructor(options: QueueOptions<Item>) {
    this.#options = options
  }

  /** Waiting frames, without the one that the consumer has. */
  get frames(): number {
    return this.#frames
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Frames that the consumer has received. */
  get delivered(): number {
    return this.#delivered
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Returns false if the queue is full or stopped. */
  pushFrame(item: Item, bytes: number): boolean {
    if (this.#stopped || this.#counted >= this.#options.maxFrames) return false
    this.#pushFrame(item, bytes, 1)
    return true
  }

  /**
   * Adds a frame that was held elsewhere under its own limit. It is accepted however many wait, and it pauses
   * the source like the others. Frames that the source sends before it pauses find the room they would have
   * had.
   */
  pushHeld(item: Item, bytes: number): void {
    if (!this.#stopped) this.#pushFrame(item, bytes, 0)
  }

  pushNotice(item: Item): void {
    if (!this.#stopped) this.#push({ item, bytes: 0, counted: 0 })
  }

  /** Ends the delivery and returns the number of frames left. */
  stop(): number {
    const left = this.#frames
    this.#stopped = true
    this.#waiting = []
    this.#head = 0
    this.#frames = 0
    this.#counted = 0
    this.#bytes = 0
    this.#wakeIdle()
    return left
  }

  /** Resolves once the consumer has taken everything, or the queue was stopped. */
  idle(): Promise<void> {
    if (this.#stopped || (!this.#busy && this.#head === this.#waiting.length)) {
      return Promise.resolve()
    }
    return new Promise((resolve) => this.#idle.add(resolve))
  }

  #pushFrame(item: Item, size: number, counted: 0 | 1): void {
    const bytes = Math.max(size, 1) // an empty message is a frame, too
    ++this.#frames
    this.#counted += counted
    this.#bytes += bytes
    this.#push({ item, bytes, counted })
    this.#checkPressure()
  }

  #push(entry: Waiting<Item>): void {
    this.#waiting.push(entry)
    if (!this.#busy) this.#drain()
  }

  #drain(): void {
    while (!this.#stopped && this.#head < this.#waiting.length) {
      const { item, bytes } = this.#take()
      this.#busy = true // also keeps the consumer's own notices in order
      let result: void | Promise<void>
      try {
        result = this.#options.deliver(item)
      } catch (error) {
        this.#fail(error)
        return
      }
      if (result) {
        result.then(
          () => {
            this.#taken(bytes)
            this.#drain()
          },
          (error: unknown) => {
            this.#fail(error)
          },
        )
        this.#checkPressure()
        return
      }
      this.#taken(bytes)
    }
    this.#checkPressure()
    if (!this.#busy) this.#wakeIdle()
  }

  #take(): Waiting<Item> {
    const entry = this.#waiting[this.#head]!
    this.#waiting[this.#head++] = undefined // frees the frame before the array is cut
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0
      this.#head = 0
    } else if (this.#head >= compactAt) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
    if (entry.bytes > 0) {
      --this.#frames
      this.#counted -= entry.counted
      this.#bytes -= entry.bytes
    }
    return entry
  }

  #taken(bytes: number): void {
    this.#busy = false
    if (bytes > 0) ++this.#delivered
  }

  #fail(error: unknown): void {
    this.#busy = false
    if (this.#stopped) return
    const left = this.stop()
    this.#options.onFailure(error, left)
  }

  #checkPressure(): void {
    const { maxFrames, pauseBytes } = this.#options
    if (!this.#paused && (this.#frames * 2 >= maxFrames || this.#bytes >= pauseBytes)) {
      this.#paused = true
      this.#options.onPressure(true)
    } else if (this.#paused && this.#frames * 8 <= maxFrames && this.#bytes * 2 <= pauseBytes) {
      this.#paused = false
      this.#options.onPressure(false)
    }
  }

  #wakeIdle(): void {
    for (const resolve of this.#idle) resolve()
    this.#idle.clear()
  }
}
