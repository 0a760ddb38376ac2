/** What the addon offers of named consumers. */

/** A named consumer that this process holds: a reader that begins after a durable position. */
export interface NativeConsumer {
  /** What was committed; 0: nothing. */
  readonly position: number
  /** As NativeReader. The first call after opening, rewind and reset begins after the position. */
  read(maxBytes: number): Uint8Array | null
  readonly nextSequence: number
  /** Resolves once durable. One at a time; of an entry that was read. */
  commit(sequence: number): Promise<void>
  /** To any entry; not while something is read. */
  reset(sequence: number): Promise<void>
  rewind(): void
  close(): void
}

export interface NativeConsumerInfo {
  name: string
  sequence: number
  /** Of the last commit. */
  timestamp: bigint
  journalId: string
  /** A process has it open. */
  open: boolean
  /** '' or why its position is not known. */
  problem: string
}
