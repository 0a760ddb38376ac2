/**
 * A transaction of one synchronous function: its operations are applied to the books at once, and journaled when it
 * returns, all of them or none. What a state machine gets of it waits until then.
 *
 * Invariants: no transaction is open between two turns of the event loop; a refusal, wherever it is caught, ends in
 * a roll-back, and the caller gets the first one.
 */
import { isAsyncFunction, isGeneratorFunction, isGeneratorObject } from 'node:util/types'
import { PinnacleError, PinnacleTypeError, type CodedError } from '../errors/pinnacle-error.js'
import { refusalOf } from '../errors/refusal.js'
import { shown } from '../errors/shown.js'
import { Staging } from '../native/binding.js'
import type { StagingArea } from '../native/staging.js'
import type { AppliedEntry, TransactionPlace } from '../entry/entry.js'

/**
 * Runs `work` as one transaction and returns what it returns. `applied` gets its entries, in order, once they are
 * journaled; what it appends or does to books meanwhile comes to it after them, as it would at recovery.
 */
export function runTransaction<Result>(
  staging: StagingArea,
  causeOf: (code: string) => Error | undefined,
  applied: ((entry: AppliedEntry) => void) | null,
  work: () => Result,
): Result {
  checkWork(work)
  assertNoTransaction(staging, 'transaction')
  const { engine, lanes } = staging
  const refused = (): CodedError => {
    const code = staging.codeName()
    return refusalOf(code, { operation: 'transaction' }, causeOf(code))
  }
  engine.beginTransaction()
  if (lanes[Staging.code] !== 0) throw refused()
  const outer = staging.deferred
  const entries = (staging.deferred = outer ?? [])
  const start = entries.length
  const open: { refusal: unknown } = { refusal: undefined }
  const first = applied ? engine.appended() + 1 : 0
  staging.transaction = open
  let result: Result
  try {
    result = work()
    if (isThenable(result) || isGeneratorObject(result)) throw notSynchronous(result)
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- it is what the operation threw
    if (open.refusal !== undefined) throw open.refusal
    staging.transaction = undefined
    engine.commitTransaction()
  } catch (error) {
    staging.transaction = undefined
    entries.length = start
    staging.deferred = outer
    engine.rollBackTransaction()
    // The first refusal says what was wrong; later ones only that there was one.
    const cause = isAborted(error) ? (open.refusal ?? error) : error
    // Without the memory to take it back the books are of no use, which matters more.
    if (lanes[Staging.code] !== 0) throw withCause(refused(), cause)
    throw cause
  }
  const kept = lanes[Staging.code] === 0
  try {
    if (!kept) throw refused()
    if (applied) notePlaces(entries as AppliedEntry[], start, first, lanes[Staging.sequence] ?? 0)
    if (staging.sleepers !== 0) staging.wake()
    // (In a transaction of the state machine's own, the running apply continues with its entries.)
    if (!outer) for (const entry of entries) applied?.(entry as AppliedEntry)
  } finally {
    if (!kept) entries.length = start
    staging.deferred = outer
  }
  return result
}

/** Notes the place of the entries from index `start` on in the transaction of the sequences `first` to `last`. */
function notePlaces(entries: AppliedEntry[], start: number, first: number, last: number): void {
  if (first === last) return
  for (let index = start; index < entries.length; index++) {
    const entry = entries[index] as AppliedEntry
    entry.transaction = placeOf(entry.sequence, first, last)
  }
}

/** @internal The place of an entry in the transaction of the sequences `first` to `last`. */
export function placeOf(sequence: number, first: number, last: number): TransactionPlace {
  if (sequence === first) return 'first'
  return sequence === last ? 'last' : 'middle'
}

/** Throws if a transaction is open: `what` would be half inside it. */
export function assertNoTransaction(staging: StagingArea, what: string): void {
  if (staging.transaction !== undefined) throw transactionOpen(what)
}

export function transactionOpen(what: string): PinnacleError {
  return new PinnacleError(
    'ERR_PINNACLE_TRANSACTION_OPEN',
    `${what} was called inside a transaction; call it before the transaction or after it`,
  )
}

function checkWork(work: unknown): void {
  if (typeof work !== 'function') {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `a transaction takes a function that makes its operations, not ${shown(work)}`,
    )
  }
  if (isAsyncFunction(work)) {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_TRANSACTION_ASYNC',
      'a transaction takes a synchronous function: what an async one does after its first await would be outside ' +
        'the transaction. Nothing was done; await what it needs before, and make the operations in one piece',
    )
  }
  if (isGeneratorFunction(work)) {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_TRANSACTION_ASYNC',
      'a transaction takes a synchronous function: a generator function only returns a generator, and its body runs ' +
        'later. Nothing was done; make the operations in a plain function',
    )
  }
}

function isAborted(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ERR_PINNACLE_TRANSACTION_ABORTED'
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

function notSynchronous(result: PromiseLike<unknown> | Generator): PinnacleTypeError {
  const isPromise = 'then' in result
  // Its outcome is ignored: no caller waits for it.
  if (isPromise) result.then(undefined, () => undefined)
  return new PinnacleTypeError(
    'ERR_PINNACLE_TRANSACTION_ASYNC',
    `the transaction's function returned a ${isPromise ? 'promise' : 'generator'}, so it had not done all of its ` +
      'work; what it did was taken back, and what it does from here on is outside the transaction. Make the operations in one synchronous function',
  )
}

function withCause(error: CodedError, cause: unknown): CodedError {
  if (error.cause === undefined) {
    Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  }
  return error
}
