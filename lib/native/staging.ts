import { addDetails } from '../errors/details.js'
import { isPinnacleError } from '../errors/pinnacle-error.js'
import { Staging, type NativeEngine } from './binding.js'

/** A transaction as the staging area sees it: whether an operation of it was refused. */
interface StagedTransaction {
  refusal: unknown
}

/** Who gets every operation, once it is applied to its book. */
export interface OperationObserver {
  /** Throws if it accepts no more operations: this one is then not made. */
  assertApplies(): void
  /**
   * The operation's lanes, from `at` on; its timestamp is the entry's, as a raw word, and `givenTime` says whether
   * the caller gave that.
   */
  applied(
    lanes: Float64Array,
    words: BigUint64Array,
    at: number,
    sequence: number,
    givenTime: boolean,
    /** The sequences of the atomic batch that it is part of. */
    transaction?: readonly [first: number, last: number],
  ): void
  /** Gives the state machine entries that were deferred, and what is deferred meanwhile, in order. */
  applyDeferred(entries: readonly { readonly sequence: number }[]): void
}

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
  /** The open transaction. */
  transaction: StagedTransaction | undefined
  /** Entries that the state machine gets later, in order: those of a transaction or batch, and what it makes of them. */
  deferred: { readonly sequence: number }[] | undefined
  /** Set once, before the first operation. The hot path tests it and nothing more. */
  observer: OperationObserver | null = null
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

  /** Wakes the sleepers; each runs after the present synchronous stretch. */
  wake(): void {
    const wakers = this.#wakers
    this.#wakers = []
    this.sleepers = 0
    for (const waker of wakers) waker()
  }

  /** An operation or an entry is refused with this: an open transaction can only be taken back. */
  refused<Refusal>(error: Refusal): Refusal {
    const { transaction } = this
    if (transaction === undefined) return error
    const index = this.engine.transactionEntries()
    this.engine.abortTransaction()
    if (transaction.refusal !== undefined) return error
    transaction.refusal = error
    // (The error of a getter among the options stays as it is.)
    if (isPinnacleError(error)) {
      addDetails(error, { transactionIndex: index })
      error.message += ` (operation ${String(index)} of the transaction, of which nothing is kept)`
    }
    return error
  }

  /** The name of the last call's result code. */
  codeName(): string {
    // A worker's end may take the lanes away; they then read as undefined.
    const code = this.lanes[Staging.code]
    if (code === undefined) return 'ERR_PINNACLE_CLOSED'
    return this.errorNames[code] ?? 'ERR_PINNACLE_INVALID_OPERATION'
  }
}

/** Whether a staged operation has a time of the caller's: before the call, which puts the entry's time there. */
export function hasGivenTime(lanes: Float64Array, words: BigUint64Array, at: number): boolean {
  const isRaw = ((lanes[at + Staging.kind] as number) & Staging.rawTime) !== 0
  // (A number may be negative zero, whose word is not 0.)
  return isRaw ? words[at + Staging.timestamp] !== 0n : lanes[at + Staging.timestamp] !== 0
}
