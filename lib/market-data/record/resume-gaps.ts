/**
 * The gaps of a pause in the recording: the time from the last session's last frame to this session's first,
 * and the missing numbers if the exchange keeps counting across connections.
 */
import type { GapEntry } from '../feed-entry.js'
import type { FeedSequence } from '../feed-update.js'

export interface ResumePoint {
  /** Wall clock of the last frame that is whole in the journal; null if there was none. */
  readonly lastReceivedNs: bigint | null
  readonly lastSequences: ReadonlyMap<string, number>
  /** Whether numbers restart with each connection, so that they can't be compared. */
  readonly sequenceRestarts: boolean
}

export class ResumeGaps {
  readonly #fromNs: bigint | null
  readonly #expected: Map<string, number>
  #timeTold = false

  constructor(point: ResumePoint) {
    this.#fromNs = point.lastReceivedNs
    this.#expected = new Map(point.sequenceRestarts ? [] : point.lastSequences)
  }

  /** Whether no gap is left to report. */
  get done(): boolean {
    return this.#fromNs === null || (this.#timeTold && this.#expected.size === 0)
  }

  /** The gaps that precede this frame. */
  before(receivedNs: bigint, sequences: readonly FeedSequence[]): Omit<GapEntry, 'type'>[] {
    const fromNs = this.#fromNs
    if (fromNs === null) return []
    const gaps: Omit<GapEntry, 'type'>[] = []
    // The wall clock may have been set back meanwhile.
    const told = {
      reason: 'process-ended',
      fromNs: fromNs < receivedNs ? fromNs : receivedNs,
      toNs: receivedNs,
    } as const
    if (!this.#timeTold) {
      this.#timeTold = true
      gaps.push({ ...told, scope: '', firstMissed: null, lastMissed: null })
    }
    for (const { scope, first } of sequences) {
      const last = this.#expected.get(scope)
      if (last === undefined) continue
      this.#expected.delete(scope)
      if (first > last + 1) {
        gaps.push({ ...told, scope, firstMissed: last + 1, lastMissed: first - 1 })
      }
    }
    return gaps
  }
}
