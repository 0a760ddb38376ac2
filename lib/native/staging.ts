import { Staging, type NativeEngine } from './binding.js'

/**
 * The staging area of one engine, as typed views, and the engine whose calls read it. Books, batches and
 * the journal share it: each writes its lanes, makes one call and reads the result lanes, with nothing in
 * between, so they never see each other's lanes.
 */
export class StagingArea {
  readonly engine: NativeEngine
  readonly lanes: Float64Array
  readonly words: BigUint64Array
  readonly bytes: Uint8Array
  /** Names of the result codes; index 0 is "OK". */
  readonly errorNames: readonly string[]

  /** Followers that sleep until something is appended. The hot path tests it and nothing more. */
  sleepers = 0
  #wakers: (() => void)[] = []

  constructor(engine: NativeEngine, errorNames: readonly string[]) {
    this.engine = engine
    this.errorNames = errorNames
    this.lanes = new Float64Array(engine.staging)
    this.words = new BigUint64Array(engine.staging)
    this.bytes = new Uint8Array(engine.staging)
  }

  /** Calls `waker` at the next append, once. Returns what takes it back. */
  onAppend(waker: () => void): () => void {
    this.#wakers.push(waker)
    this.sleepers = this.#wakers.length
    return () => {
      this.#wakers = this.#wakers.filter((other) => other !== waker)
      this.sleepers = this.#wakers.length
    }
  }

  /** Wakes who sleeps; each gets to run behind the present synchronous stretch. */
  wake(): void {
    const wakers = this.#wakers
    this.#wakers = []
    this.sleepers = 0
    for (const waker of wakers) waker()
  }

  /** The name of the last call's result code. */
  codeName(): string {
    // A worker's end may take the lanes away; they then read as undefined.
    const code = this.lanes[Staging.code]
    if (code === undefined) return 'ERR_PINNACLE_CLOSED'
    return this.errorNames[code] ?? 'ERR_PINNACLE_INVALID_OPERATION'
  }
}
