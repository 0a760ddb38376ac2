/**
 * Group commit as promises. All waits of one synchronous stretch become one native request for the highest
 * sequence, sent in a microtask; a finished sync resolves every wait up to what it made durable.
 *
 * Invariant: `#pending` is sorted by sequence, each sequence at most once.
 */
import { PinnacleRangeError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { asError } from '../errors/native-error.js'
import { shown } from '../errors/shown.js'

/** What group commit needs of an engine. */
export interface CommitSource {
  appended(): number
  /** Some sequence that is appended, at no cost: the last one, as a rule. */
  appendedAtLeast(): number
  durable(): number
  requestDurable(sequence: number): void
}

interface Wait {
  readonly sequence: number
  readonly promise: Promise<number>
  readonly resolve: (frontier: number) => void
  readonly reject: (error: Error) => void
}

export class GroupCommit {
  readonly #source: CommitSource
  #pending: Wait[] = []
  #requested = 0
  #scheduled = false
  /** Last durable sequence reported by the engine, which is asked once for each synchronous stretch. */
  #frontier: number
  #ended: Error | undefined

  constructor(source: CommitSource) {
    this.#source = source
    this.#frontier = source.durable()
  }

  /** Waits that are not settled. */
  get pending(): number {
    return this.#pending.length
  }

  /** Resolves with the durable frontier once it has reached `sequence`; default: all that is appended. */
  wait(sequence?: number): Promise<number> {
    try {
      return this.#wait(sequence)
    } catch (error) {
      return Promise.reject(asError(error))
    }
  }

  #wait(sequence?: number): Promise<number> {
    if (sequence !== undefined) checkSequence(sequence)
    if (this.#ended) return Promise.reject(this.#ended)
    const wanted = sequence ?? this.#source.appended()
    if (wanted > this.#source.appendedAtLeast()) this.#assertAppended(wanted)
    if (wanted <= this.#frontier) return Promise.resolve(this.#frontier)
    const wait = this.#enqueue(wanted)
    if (!this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(() => {
        this.#request()
      })
    }
    return wait.promise
  }

  #assertAppended(sequence: number): void {
    const appended = this.#source.appended()
    if (sequence <= appended) return
    throw new PinnacleRangeError(
      'ERR_PINNACLE_INVALID_SEQUENCE',
      `sequence ${String(sequence)} can't become durable: the last sequence appended is ${String(appended)}`,
      { details: { sequence, appended } },
    )
  }

  /** A sync ended: everything up to `frontier` is durable. */
  advance(frontier: number): void {
    if (frontier > this.#frontier) this.#frontier = frontier
    let settled = 0
    for (const wait of this.#pending) {
      if (wait.sequence > frontier) break
      wait.resolve(frontier)
      settled++
    }
    if (settled > 0) this.#pending = this.#pending.slice(settled)
  }

  /** Nothing becomes durable from now on: rejects all present and later waits. */
  end(error: Error): void {
    this.#ended ??= error
    const pending = this.#pending
    this.#pending = []
    for (const wait of pending) wait.reject(this.#ended)
  }

  #enqueue(sequence: number): Wait {
    const pending = this.#pending
    let at = pending.length
    while (at > 0 && (pending[at - 1] as Wait).sequence > sequence) at--
    const same = pending[at - 1]
    if (same?.sequence === sequence) return same
    let resolve!: (frontier: number) => void
    let reject!: (error: Error) => void
    const promise = new Promise<number>((resolvePromise, rejectPromise) => {
      resolve = resolvePromise
      reject = rejectPromise
    })
    const wait: Wait = { sequence, promise, resolve, reject }
    if (at === pending.length) pending.push(wait)
    else pending.splice(at, 0, wait)
    return wait
  }

  #request(): void {
    this.#scheduled = false
    try {
      this.advance(this.#source.durable())
      const highest = this.#pending.at(-1)
      if (!highest || highest.sequence <= this.#requested) return
      this.#requested = highest.sequence
      this.#source.requestDurable(highest.sequence)
      // A sync may have ended before the request reached the flusher.
      this.advance(this.#source.durable())
    } catch (error) {
      this.end(asError(error))
    }
  }
}

function checkSequence(sequence: number): void {
  if (typeof sequence !== 'number') {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_SEQUENCE',
      `a sequence must be a number, not ${shown(sequence)}`,
    )
  }
  if (Number.isSafeInteger(sequence) && sequence >= 0) return
  throw new PinnacleRangeError(
    'ERR_PINNACLE_INVALID_SEQUENCE',
    `a sequence must be an integer from 0 to 2^53 - 1, not ${shown(sequence)}`,
  )
}
