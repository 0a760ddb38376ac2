/**
 * What a writer says on its pipe, before and after each step, and what its parent remembers of it. The
 * words are written with one blocking system call each, so that what arrived in the pipe was true when
 * the writer was killed: "attempted" before an operation, "returned" and "durable" only after the engine
 * said so.
 *
 * A word is two float64: what, and a value.
 */
import { writeSync } from 'node:fs'

export const Word = {
  /** The directory is open; the value is its last sequence. */
  opened: 1,
  /** Operations up to this sequence are about to be written. */
  attempted: 2,
  /** The operation of this sequence has returned. */
  returned: 3,
  /**
   * Everything up to this sequence is acknowledged as durable: it was asked for and granted, or the
   * engine named it as its frontier (acknowledgements.ts).
   */
  durable: 4,
  /** Waits for durable() that are pending. */
  waiting: 5,
  snapshotBegun: 6,
  /** The snapshot at this sequence is said to be there. */
  snapshotTaken: 7,
  /** It was refused, as on a full disk; the value is 1 if the disk was full. */
  snapshotRefused: 8,
  compactionBegun: 9,
  compactionEnded: 10,
  /** The value is the number of segments begun so far. */
  rolled: 11,
  /** An operation was refused for want of space. */
  refused: 12,
  /** Operations are taken again; the value is how many were refused. */
  accepted: 13,
  /** Closed in order; the value is the last sequence. */
  closed: 14,
  /** A follower: every entry up to this sequence was seen and is right. */
  seen: 15,
  /** A follower was overtaken by compaction and starts again at the oldest entry. */
  overtaken: 16,
} as const
export type Word = (typeof Word)[keyof typeof Word]

const wordBytes = 16

/** The child's end: words on descriptor 3. */
export class Speaker {
  readonly #words = new Float64Array(16)
  readonly #bytes = new Uint8Array(this.#words.buffer)

  /** Pairs of word and value, in one system call. */
  say(...pairs: number[]): void {
    this.#words.set(pairs)
    const bytes = pairs.length * 8
    for (let at = 0; at < bytes;) {
      try {
        at += writeSync(3, this.#bytes, at, bytes - at)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      }
    }
  }
}

/** What the writer was in the middle of. */
export type Phase = 'opening' | 'writing' | 'commit' | 'snapshot' | 'compaction' | 'roll' | 'full'

/** A roll counts as going on for so long after its word: the next segment is prepared then. */
const rollMs = 3

/** What one writer has said so far. */
export class Testimony {
  opened = false
  openedAt = 0
  attempted = 0
  returned = 0
  durable = 0
  snapshot = 0
  snapshots = 0
  snapshotsRefused = 0
  compactions = 0
  rolls = 0
  refused = 0
  /** Refusals after which operations were taken again. */
  resumed = 0
  closed = false
  seen = 0
  overtaken = 0
  #waiting = 0
  #inSnapshot = false
  #inCompaction = false
  #inRefusal = false
  #rolledMs = Number.NEGATIVE_INFINITY
  #rest: Buffer = Buffer.alloc(0)

  hear(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (; at + wordBytes <= bytes.length; at += wordBytes) {
      this.#take(bytes.readDoubleLE(at) as Word, bytes.readDoubleLE(at + 8))
    }
    this.#rest = bytes.subarray(at)
  }

  get phase(): Phase {
    if (!this.opened) return 'opening'
    if (this.#inRefusal) return 'full'
    if (this.#inCompaction) return 'compaction'
    if (this.#inSnapshot) return 'snapshot'
    if (performance.now() - this.#rolledMs < rollMs) return 'roll'
    return this.#waiting > 0 ? 'commit' : 'writing'
  }

  #take(word: Word, value: number): void {
    switch (word) {
      case Word.opened:
        this.opened = true
        this.openedAt = value
        this.attempted = Math.max(this.attempted, value)
        this.returned = Math.max(this.returned, value)
        return
      case Word.attempted:
        this.attempted = Math.max(this.attempted, value)
        return
      case Word.returned:
        this.returned = Math.max(this.returned, value)
        return
      case Word.durable:
        this.durable = Math.max(this.durable, value)
        return
      case Word.waiting:
        this.#waiting = value
        return
      case Word.snapshotBegun:
        this.#inSnapshot = true
        return
      case Word.snapshotTaken:
        this.#inSnapshot = false
        this.snapshots++
        this.snapshot = Math.max(this.snapshot, value)
        return
      case Word.snapshotRefused:
        this.#inSnapshot = false
        this.snapshotsRefused++
        return
      case Word.compactionBegun:
        this.#inCompaction = true
        return
      case Word.compactionEnded:
        this.#inCompaction = false
        this.compactions++
        return
      case Word.rolled:
        this.rolls++
        this.#rolledMs = performance.now()
        return
      case Word.refused:
        this.refused++
        this.#inRefusal = true
        return
      case Word.accepted:
        this.resumed++
        this.#inRefusal = false
        return
      case Word.closed:
        this.closed = true
        this.durable = Math.max(this.durable, value)
        return
      case Word.seen:
        this.seen = Math.max(this.seen, value)
        return
      case Word.overtaken:
        this.overtaken++
        return
    }
  }
}
