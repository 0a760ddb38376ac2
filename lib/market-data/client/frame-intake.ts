/**
 * Classifies a received frame before anything acts on it: parses it once, judges its numbers, counts
 * everything. It knows neither socket nor consumer.
 */
import type { FeedAdapter } from '../feed-adapter.js'
import type { FeedSequence, ParsedFrame } from '../feed-update.js'
import { SequenceTracker } from './sequence-tracker.js'

export interface SequenceGap {
  readonly scope: string
  readonly firstMissed: number
  readonly lastMissed: number
  /** The scope's first number on this connection: its snapshot is under way already. */
  readonly atStart: boolean
}

export interface Intake {
  readonly parsed: ParsedFrame
  /** Whether to deliver it; false for repeats. */
  readonly isNew: boolean
  readonly gaps: readonly SequenceGap[]
}

class IntakeCounts {
  frames = 0
  bytes = 0
  duplicates = 0
  outOfOrder = 0
  gaps = 0
  missed = 0
  malformed = 0
}

const noGaps: readonly SequenceGap[] = []

export class FrameIntake {
  readonly counts = new IntakeCounts()
  readonly #tracker: SequenceTracker
  /** Scopes with a number on this connection. */
  readonly #seen = new Set<string>()
  #adapter: FeedAdapter

  constructor(adapter: FeedAdapter) {
    this.#adapter = adapter
    this.#tracker = new SequenceTracker(adapter.sequenceRule)
  }

  startConnection(adapter: FeedAdapter): void {
    this.#adapter = adapter
    this.#seen.clear()
    if (adapter.sequenceRestartsOnConnect) this.#tracker.reset()
  }

  /** The product's next number may be any: it is no longer subscribed. */
  forget(product: string): void {
    this.#tracker.forget(product)
    this.#seen.delete(product)
  }

  take(text: string, bytes: number): Intake {
    ++this.counts.frames
    this.counts.bytes += bytes
    const parsed = this.#parse(text)
    if (parsed.kind === 'malformed') {
      ++this.counts.malformed
      return { parsed, isNew: true, gaps: noGaps }
    }
    const judged = this.#judge(parsed.sequences)
    if (parsed.kind === 'updates' && judged.isNew) this.#anchor(parsed)
    return { parsed, ...judged }
  }

  #parse(text: string): ParsedFrame {
    try {
      return this.#adapter.parse(text)
    } catch (error) {
      // Adapters promise not to throw; one that does must not end the process.
      const reason = error instanceof Error ? error.message : String(error)
      return { kind: 'malformed', reason: `the adapter ${this.#adapter.name} threw: ${reason}` }
    }
  }

  #judge(sequences: readonly FeedSequence[]): { isNew: boolean; gaps: readonly SequenceGap[] } {
    let gaps = noGaps
    let fresh = sequences.length === 0
    let late = false
    for (const sequence of sequences) {
      const { scope } = sequence
      const verdict = this.#tracker.accept(sequence)
      const atStart = !this.#seen.has(scope)
      if (atStart) this.#seen.add(scope)
      switch (verdict.kind) {
        case 'gap': {
          const { firstMissed, lastMissed } = verdict
          gaps = [...gaps, { scope, firstMissed, lastMissed, atStart }]
          ++this.counts.gaps
          this.counts.missed += lastMissed - firstMissed + 1
          fresh = true
          break
        }
        case 'next':
          fresh = true
          break
        case 'invalid':
          ++this.counts.malformed
          fresh = true
          break
        case 'out-of-order':
          late = true
          break
        case 'duplicate':
          break
      }
    }
    if (!fresh) {
      if (late) ++this.counts.outOfOrder
      else ++this.counts.duplicates
    }
    return { isNew: fresh, gaps }
  }

  /** A snapshot that states its number starts its product's count. */
  #anchor(parsed: Extract<ParsedFrame, { kind: 'updates' }>): void {
    for (const update of parsed.updates) {
      if (update.type !== 'book-snapshot' && update.type !== 'order-snapshot') continue
      if (update.sequence === undefined) continue
      const { product, sequence } = update
      if (!parsed.sequences.some(({ scope }) => scope === product)) {
        this.#tracker.anchor(product, sequence)
      }
    }
  }
}
