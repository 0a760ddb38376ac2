/**
 * The journal of opaque typed payloads: a PersistenceManager's, or one of its own (Journal.open). The hot
 * path writes float64 lanes in place and makes one call; anything else is copied into the staging area.
 */
import { toTimestamp, type Timestamp } from '../book/timestamp.js'
import { engineOptionsOf } from '../config/engine-options.js'
import { resolveConfig } from '../config/load-config.js'
import type { JournalConfig } from '../config/types.js'
import { PinnacleRangeError, PinnacleTypeError } from '../errors/pinnacle-error.js'
import { refusalOf } from '../errors/refusal.js'
import { appendReserved, lastUsersType } from '../registry/user-types.js'
import type { CodedError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import { Staging, type NativeRecoveryReport } from '../native/binding.js'
import { native } from '../native/load.js'
import type { StagingArea } from '../native/staging.js'
import { Consumers } from './consumers.js'
import { EngineSession } from '../engine/engine-session.js'
import type { AppliedEntry, JournalEntry } from '../entry/entry.js'
import { noOwner, type JournalOwner } from './journal-owner.js'
import { checkPayload, isUserType, notAUserType, withTaken } from './payload-checks.js'
import { directorySource, readEntries, type ReadOptions, type ReadSource } from './read-entries.js'
import { assertNoTransaction, runTransaction, transactionOpen } from './transaction.js'

const OPERATION = Staging.operations
const USER_TYPE = OPERATION + Staging.kind
const INSTRUMENT = OPERATION + Staging.instrument
const TIMESTAMP = OPERATION + Staging.timestamp
const PAYLOAD_BYTES = OPERATION + Staging.quantity
const PAYLOAD = Staging.payload
const CODE = Staging.code
const SEQUENCE = Staging.sequence

const payloadOffset = PAYLOAD * 8
const stagedBytes = Staging.bytes - payloadOffset
/** Up to here a loop copies faster than a call. */
const loopBytes = 48

/** What an entry has beside its payload. */
export interface AppendOptions {
  /** Name of the instrument that the entry belongs to. Default: none. */
  instrument?: string
  /** Default: the journal's clock. */
  timestampNs?: Timestamp
}

/**
 * A journal of entries with opaque payloads: that of a PersistenceManager, or one of its own, without books.
 * One process at a time has it open (ERR_PINNACLE_LOCKED). Every append may throw
 * ERR_PINNACLE_INVALID_ENTRY_TYPE, _ENTRY_TOO_LARGE, _INVALID_TIMESTAMP, _NO_SPACE, _JOURNAL_FAILED and
 * _CLOSED, and changes nothing then.
 */
export class Journal {
  /**
   * The payload of the next appendLanes, in place. Write it and call appendLanes with no other call to this
   * journal, its books or its batches in between: they use the same memory. It is shared memory, which can't
   * be transferred; a thread that it is posted to writes into the same payload.
   */
  readonly lanes: Float64Array
  readonly #session: EngineSession
  readonly #staging: StagingArea
  readonly #owner: JournalOwner

  /** Opens a journal without books in its own data directory. */
  static async open(config: JournalConfig): Promise<Journal> {
    const resolved = resolveConfig(config)
    const session = await EngineSession.open(
      native(),
      engineOptionsOf(resolved),
      () => undefined,
      () => undefined,
    )
    return new Journal(session)
  }

  /** The entries of a directory that this or another process may have open; nothing is locked. */
  static read(
    dataDirectory: string,
    options?: ReadOptions,
  ): AsyncGenerator<JournalEntry, void, undefined> {
    return readEntries(directorySource(native(), dataDirectory), options)
  }

  /** @internal */
  constructor(session: EngineSession, owner: JournalOwner = noOwner) {
    this.#session = session
    this.#staging = session.staging
    this.#owner = owner
    this.lanes = this.#staging.lanes.subarray(PAYLOAD)
  }

  /** What opening found. */
  get recovery(): NativeRecoveryReport {
    return this.#session.recovery
  }

  /** The last sequence appended; it survives the process. */
  get appendedFrontier(): number {
    return this.#session.appended()
  }

  /** The last sequence in the segment files: other processes see it, and it survives without the window. */
  get writtenFrontier(): number {
    return this.#session.written()
  }

  /** The last durable sequence; it survives power loss. */
  get durableFrontier(): number {
    return this.#session.durable()
  }

  /**
   * Journals a payload and returns its sequence. `userType` is the caller's, 0 to 95; 96 to 127 are reserved for
   * this package.
   */
  append(userType: number, payload: Uint8Array, options?: AppendOptions): number {
    try {
      return this.#append(userType, payload, options, false)
    } catch (error) {
      throw this.#staging.refused(error)
    }
  }

  /** @internal The same for modules of this package, whose user types are reserved (registry/user-types.ts). */
  [appendReserved](userType: number, payload: Uint8Array, options?: AppendOptions): number {
    try {
      return this.#append(userType, payload, options, true)
    } catch (error) {
      throw this.#staging.refused(error)
    }
  }

  #append(
    userType: number,
    payload: Uint8Array,
    options: AppendOptions | undefined,
    reserved: boolean,
  ): number {
    if (!isUserType(userType)) throw notAUserType(userType)
    checkPayload(payload)
    const instrument = this.#indexOf(options)
    const timestampNs = options?.timestampNs ?? 0
    this.#owner.assertApplies()
    const payloadBytes = payload.byteLength
    let sequence: number
    if (payloadBytes <= stagedBytes) {
      sequence = this.#appendStaged(userType, instrument, timestampNs, payload, reserved)
    } else {
      if (!reserved && userType > lastUsersType) throw notAUserType(userType)
      const given = toTimestamp(timestampNs)
      sequence = this.#staging.engine.appendPayload(userType, instrument, given, payload)
      if (this.#staging.sleepers !== 0) this.#staging.wake()
    }
    if (this.#owner.applied) this.#applied(userType, sequence, instrument, timestampNs, payload)
    return sequence
  }

  /**
   * The hot path: journals the first `laneCount` of `lanes` as one payload of 8 * laneCount bytes. Nothing
   * is allocated unless there is a state machine to call.
   */
  appendLanes(userType: number, laneCount: number, timestampNs = 0): number {
    const staging = this.#staging
    const lanes = staging.lanes
    const typed =
      isUserType(userType) &&
      typeof timestampNs === 'number' &&
      // Half a lane would be four bytes to the engine, which counts bytes.
      (laneCount | 0) === laneCount
    if (!typed || this.#owner.applied) {
      return this.#appendLanesCold(userType, laneCount, timestampNs)
    }
    lanes[USER_TYPE] = userType
    lanes[INSTRUMENT] = 0
    lanes[TIMESTAMP] = timestampNs
    lanes[PAYLOAD_BYTES] = laneCount * 8
    staging.engine.append()
    if (lanes[CODE] !== 0) throw this.#refusal(userType, laneCount * 8, timestampNs)
    if (staging.sleepers !== 0) staging.wake()
    return lanes[SEQUENCE] as number
  }

  /**
   * Journals several payloads of one type and returns the last sequence. Payloads of one length take one
   * native call for up to 1024 of them. If one is refused, the error's `details.taken` says how many
   * were journaled.
   */
  appendBatch(userType: number, payloads: readonly Uint8Array[], options?: AppendOptions): number {
    try {
      return this.#appendBatch(userType, payloads, options)
    } catch (error) {
      throw this.#staging.refused(error)
    }
  }

  #appendBatch(
    userType: number,
    payloads: readonly Uint8Array[],
    options: AppendOptions | undefined,
  ): number {
    if (!isUserType(userType)) throw notAUserType(userType, 'appendBatch')
    const given: unknown = payloads
    if (!Array.isArray(given)) {
      throw new PinnacleTypeError(
        'ERR_PINNACLE_INVALID_ARGUMENT',
        `payloads must be an array of Uint8Array, not ${shown(payloads)}`,
      )
    }
    for (const payload of payloads) checkPayload(payload)
    // Before the lengths: options may have getters, which may resize a payload.
    const instrument = this.#indexOf(options)
    const timestampNs = options?.timestampNs ?? 0
    const [first] = payloads
    if (!first) return this.appendedFrontier
    const length = first.byteLength
    const stride = Math.max(1, Math.ceil(length / 8)) * 8
    const perCall = Math.min(Staging.maxOperations, Math.floor(stagedBytes / stride))
    const uniform = payloads.every((payload) => payload.byteLength === length)
    if (!uniform || perCall < 2 || this.#owner.applied) {
      return this.#appendEach(userType, payloads, options)
    }
    let sequence = 0
    for (let start = 0; start < payloads.length; start += perCall) {
      const count = Math.min(perCall, payloads.length - start)
      for (let index = 0; index < count; index++) {
        this.#copy(payloads[start + index] as Uint8Array, payloadOffset + index * stride)
      }
      sequence = this.#callBatch(userType, instrument, timestampNs, length, count, start)
    }
    return sequence
  }

  /**
   * The hot path for several: `lanes` holds `count` payloads of `lanesPerPayload` lanes each, back to
   * back. Returns the last sequence.
   */
  appendLanesBatch(
    userType: number,
    lanesPerPayload: number,
    count: number,
    timestampNs = 0,
  ): number {
    try {
      return this.#appendLanesBatch(userType, lanesPerPayload, count, timestampNs)
    } catch (error) {
      throw this.#staging.refused(error)
    }
  }

  #appendLanesBatch(
    userType: number,
    lanesPerPayload: number,
    count: number,
    timestampNs: number,
  ): number {
    const fits =
      Number.isInteger(lanesPerPayload) &&
      lanesPerPayload >= 1 &&
      Number.isInteger(count) &&
      count >= 1 &&
      count <= Staging.maxOperations &&
      lanesPerPayload * count <= this.lanes.length
    if (!fits) {
      throw new PinnacleRangeError(
        'ERR_PINNACLE_BUFFER_LENGTH',
        `a batch takes 1 to ${String(Staging.maxOperations)} payloads of at least one lane that fit the ` +
          `${String(this.lanes.length)} lanes together, not ${shown(count)} of ${shown(lanesPerPayload)}`,
      )
    }
    if (!isUserType(userType)) throw notAUserType(userType, 'appendBatch')
    if (this.#owner.applied) {
      const bytes = lanesPerPayload * 8
      const payloads: Uint8Array[] = []
      for (let index = 0; index < count; index++) {
        const start = payloadOffset + index * bytes
        payloads.push(this.#staging.bytes.slice(start, start + bytes))
      }
      return this.#appendEach(userType, payloads, { timestampNs })
    }
    return this.#callBatch(userType, 0, timestampNs, lanesPerPayload * 8, count, 0)
  }

  /** Resolves once `sequence` is durable; default: all that is appended. Joins a group commit. */
  durable(sequence?: number): Promise<number> {
    // (What is appended in it may be taken back.)
    if (this.#staging.transaction) return Promise.reject(transactionOpen('durable'))
    return this.#session.commits.wait(sequence)
  }

  /** Blocks until all that is appended is durable; returns the durable frontier. */
  syncNow(): number {
    this.#session.assertOpen('syncNow')
    assertNoTransaction(this.#staging, 'syncNow')
    const frontier = this.#session.engine.sync()
    this.#session.commits.advance(frontier)
    return frontier
  }

  /**
   * Runs `work` as one transaction: everything that it appends, and every book operation that it makes, is kept as a
   * whole or not at all, also by a crash. Returns what `work` returns. What it throws, and a refused operation, takes
   * all of it back. `work` is synchronous (ERR_PINNACLE_TRANSACTION_ASYNC) and opens no transaction of its own
   * (ERR_PINNACLE_TRANSACTION_OPEN). ERR_PINNACLE_TRANSACTION_TOO_LARGE above a segment or half the window.
   */
  transaction<Result>(work: () => Result): Result {
    this.#session.assertOpen('transaction')
    this.#owner.assertApplies()
    return runTransaction(this.#staging, this.#session.causeOf, this.#owner.applied, work)
  }

  /** The journal's entries, in order. With `follow` it waits for more until the journal is closed. */
  entries(options?: ReadOptions): AsyncGenerator<JournalEntry, void, undefined> {
    return readEntries(this.#source(), options)
  }

  /** Readers with a durable position, which compaction waits for. For another process: Consumers.of(directory). */
  get consumers(): Consumers {
    return new Consumers(this.#source())
  }

  /** Idempotent. Closing a PersistenceManager's journal closes the manager's engine: close the manager. */
  close(): Promise<void> {
    if (this.#staging.transaction) return Promise.reject(transactionOpen('close'))
    return this.#session.close()
  }

  /** As close(), for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #source(): ReadSource {
    const session = this.#session
    const owner = this.#owner
    const inDirectory = directorySource(session.binding, session.dataDirectory)
    return {
      ...inDirectory,
      ...(owner === noOwner
        ? {}
        : {
            indexOf: (name) => (owner.names().includes(name) ? owner.indexOf(name) : undefined),
            names: () => owner.names(),
          }),
      onAppend: (waker) => session.staging.onAppend(waker),
      durable: () => session.durable(),
      ended: () => session.closed,
    }
  }

  #appendEach(userType: number, payloads: readonly Uint8Array[], options?: AppendOptions): number {
    let sequence = 0
    for (const [taken, payload] of payloads.entries()) {
      try {
        sequence = this.append(userType, payload, options)
      } catch (error) {
        throw withTaken(error, taken)
      }
    }
    return sequence
  }

  #callBatch(
    userType: number,
    instrument: number,
    timestampNs: Timestamp,
    payloadBytes: number,
    count: number,
    before: number,
  ): number {
    const staging = this.#staging
    const lanes = staging.lanes
    let type = userType
    if (typeof timestampNs === 'number') lanes[TIMESTAMP] = timestampNs
    else {
      staging.words[TIMESTAMP] = toTimestamp(timestampNs)
      type |= Staging.rawTime
    }
    lanes[USER_TYPE] = type
    lanes[INSTRUMENT] = instrument
    lanes[PAYLOAD_BYTES] = payloadBytes
    lanes[Staging.batchCount] = count
    staging.engine.appendBatch()
    if (staging.sleepers !== 0) staging.wake()
    if (lanes[CODE] !== 0) {
      const taken = before + (lanes[Staging.count] ?? 0)
      throw withTaken(this.#refusal(userType, payloadBytes, timestampNs), taken)
    }
    return lanes[SEQUENCE] as number
  }

  #appendLanesCold(userType: number, laneCount: number, timestampNs: number): number {
    if (!isUserType(userType)) throw this.#staging.refused(notAUserType(userType))
    if (!Number.isInteger(laneCount) || laneCount < 0 || laneCount > this.lanes.length) {
      throw this.#staging.refused(
        new PinnacleRangeError(
          'ERR_PINNACLE_BUFFER_LENGTH',
          `laneCount must be an integer from 0 to ${String(this.lanes.length)}, not ${shown(laneCount)}`,
        ),
      )
    }
    const end = payloadOffset + laneCount * 8
    return this.append(userType, this.#staging.bytes.slice(payloadOffset, end), { timestampNs })
  }

  #appendStaged(
    userType: number,
    instrument: number,
    timestampNs: Timestamp,
    payload: Uint8Array,
    reserved: boolean,
  ): number {
    const staging = this.#staging
    const lanes = staging.lanes
    const payloadBytes = payload.byteLength
    let type = userType
    if (typeof timestampNs === 'number') lanes[TIMESTAMP] = timestampNs
    else {
      staging.words[TIMESTAMP] = toTimestamp(timestampNs)
      type |= Staging.rawTime
    }
    lanes[USER_TYPE] = type
    lanes[INSTRUMENT] = instrument
    lanes[PAYLOAD_BYTES] = payloadBytes
    if (reserved) {
      staging.engine.appendReserved(payload)
    } else if (payloadBytes > loopBytes) {
      staging.engine.appendBytes(payload)
    } else {
      this.#copy(payload, payloadOffset)
      staging.engine.append()
    }
    if (lanes[CODE] !== 0) throw this.#refusal(userType, payloadBytes, timestampNs)
    if (staging.sleepers !== 0) staging.wake()
    return lanes[SEQUENCE] as number
  }

  #copy(payload: Uint8Array, offset: number): void {
    const bytes = this.#staging.bytes
    const length = payload.byteLength
    if (length > loopBytes) {
      // Lanes that were detached have no room; the call after this reports it.
      if (bytes.byteLength > 0) bytes.set(payload, offset)
      return
    }
    for (let index = 0; index < length; index++) bytes[offset + index] = payload[index] as number
  }

  #indexOf(options: AppendOptions | undefined): number {
    return options?.instrument === undefined ? 0 : this.#owner.indexOf(options.instrument)
  }

  #applied(
    userType: number,
    sequence: number,
    instrument: number,
    timestampNs: Timestamp,
    payload: Uint8Array,
  ): void {
    const { deferred } = this.#staging
    const entry: AppliedEntry = {
      type: 'user',
      sequence,
      // The engine's own, so that a state machine sees live what it would see at recovery.
      timestampNs: this.#staging.words[TIMESTAMP] as bigint,
      instrument,
      givenTime: timestampNs !== 0 && timestampNs !== 0n,
      userType: userType + 0, // the journal has no negative zero
      // (The caller may use its array again before the transaction ends.)
      payload: deferred ? new Uint8Array(payload) : payload,
    }
    if (deferred) deferred.push(entry)
    else this.#owner.applied?.(entry)
  }

  #refusal(userType: number, payloadBytes: number, timestampNs: Timestamp): CodedError {
    const code = this.#staging.codeName()
    const context = { operation: 'append', userType, payloadBytes, timestampNs }
    return this.#staging.refused(refusalOf(code, context, this.#session.causeOf(code)))
  }
}
