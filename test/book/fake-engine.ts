import { Staging, type NativeEngine } from '../../lib/native/binding.js'
import { StagingArea } from '../../lib/native/staging.js'

const errorNames = [
  'OK',
  'ERR_PINNACLE_DUPLICATE_ORDER',
  'ERR_PINNACLE_UNKNOWN_ORDER',
  'ERR_PINNACLE_NO_SPACE',
  'ERR_PINNACLE_INVALID_PRICE',
]

/** One operation's lanes at the moment of the call. */
export interface Recorded {
  lanes: number[]
  words: bigint[]
}

/**
 * An engine that records what was staged and gives preset answers: the lanes of each operation are the
 * contract with the addon.
 */
export class FakeEngine {
  readonly staging = new ArrayBuffer(Staging.bytes)
  readonly lanes = new Float64Array(this.staging)
  readonly words = new BigUint64Array(this.staging)
  readonly calls: Recorded[][] = []
  sequence = 0
  /** Result code by index of the operation in its call. */
  answer: (index: number) => number = () => 0

  area(): StagingArea {
    return new StagingArea(this as unknown as NativeEngine, errorNames)
  }

  apply(): void {
    this.calls.push([this.#record(0)])
    this.lanes[Staging.code] = this.answer(0)
    if (this.answer(0) === 0) this.lanes[Staging.sequence] = ++this.sequence
  }

  applyBatch(operations: Float64Array): void {
    const size = this.lanes[Staging.batchCount] ?? 0
    const skip = this.lanes[Staging.skipRefused] === 1
    this.calls.push(Array.from({ length: size }, (_, index) => this.#record(index, operations)))
    let taken = 0
    let refused = 0
    let failedIndex = -1
    let code = 0
    for (let index = 0; index < size; index++) {
      const at = index * Staging.lanesPerOperation
      const result = this.answer(index)
      operations[at + Staging.resultCode] = result
      if (result === 0) {
        taken++
        operations[at + Staging.resultSequence] = ++this.sequence
        continue
      }
      refused++
      if (failedIndex < 0) {
        failedIndex = index
        code = result
      }
      if (!skip) break
    }
    this.lanes[Staging.sequence] = this.sequence
    this.lanes[Staging.code] = skip ? 0 : code
    this.lanes[Staging.count] = taken
    this.lanes[Staging.refused] = refused
    this.lanes[Staging.failedIndex] = failedIndex
  }

  #record(
    index: number,
    operations: Float64Array = this.lanes.subarray(Staging.operations),
  ): Recorded {
    const at = index * Staging.lanesPerOperation
    const words = new BigUint64Array(operations.buffer, operations.byteOffset, operations.length)
    return {
      lanes: [...operations.slice(at, at + Staging.lanesPerOperation)],
      words: [...words.slice(at, at + Staging.lanesPerOperation)],
    }
  }
}
