/** What the addon offers for looking at a writer of another process. */
import type { NativeHistogram } from './histogram.js'

/** The page that a writer publishes of itself. */
export interface NativeLiveStatus {
  isOpen: boolean // a process has the directory locked
  state: 'open' | 'failed' | 'closed'
  failed: string
  pid: number
  openedNs: bigint
  beatNs: bigint
  appended: number
  written: number
  durable: number
  writtenWaitNs: number
  durableWaitNs: number
  counters: Record<string, number>
  appendNs: NativeHistogram
  syncNs: NativeHistogram
  syncEntries: NativeHistogram
}

/** Waits for a writer of another process. */
export interface NativeWatch {
  /**
   * Remembers how far the writer is, and says whether it has moved since the last call. Without a window only
   * looking at the files tells.
   */
  mark(): 'move' | 'no move' | 'no window'
  /** Null if there is no window. */
  frontiers(): { written: number; durable: number } | null
  /** Calls back once: when the writer has moved since mark(), or after 50 ms. One at a time. */
  wait(callback: () => void): void
  cancel(): void
  /** For the next second the writer's threads copy entries to the files as often as they can. */
  hurryWriter(): void
  close(): void
}

export interface NativeCounter {
  name: string
  kind: 'counter' | 'gauge'
  unit: string
  what: string
}
