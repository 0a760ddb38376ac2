/** What a writer of another process publishes of itself: read without touching it. */
import { checkPath } from '../config/absolute.js'
import { PinnacleTypeError } from '../errors/pinnacle-error.js'
import { shown } from '../errors/shown.js'
import type { NativeLiveStatus } from '../native/live-binding.js'
import { native } from '../native/load.js'
import { summarize, type HistogramSummary } from './stats.js'

/**
 * `alive`: the writer works. `stalled`: entries wait and a frontier has not moved, or the writer itself has not
 * reported, for too long. `failed`: its journal has failed and accepts no more entries. `none`: no process has
 * the directory open.
 */
export type Health = 'alive' | 'stalled' | 'failed' | 'none'

/** What a writer reported last, up to a tenth of a second ago. */
export interface LiveStatus {
  /** How the writer is. */
  health: Health
  /** Why it is not alive; '' if it is. */
  reason: string
  /** Id of the writer's process. */
  pid: number
  /** When it opened the directory: ns since 1970-01-01 UTC. */
  openedNs: bigint
  /** When it last reported, which it does ten times a second: ns since 1970-01-01 UTC. */
  beatNs: bigint
  /** Last sequence appended. */
  appendedFrontier: number
  /** Last sequence in the segment files. */
  writtenFrontier: number
  /** Last durable sequence. */
  durableFrontier: number
  /** For how long entries have waited to be written without that frontier moving; 0: none waits. */
  writtenWaitMs: number
  /** For how long entries have waited to become durable without that frontier moving; 0: none waits. */
  durableWaitMs: number
  /** By the names of `stats()`; `liveCounters()` says what each counts. */
  counters: Record<string, number>
  /** Nanoseconds of an append; one in 256 is measured. */
  appendNs: HistogramSummary
  /** Nanoseconds of a sync. */
  syncNs: HistogramSummary
  /** Entries made durable by one sync. */
  syncEntries: HistogramSummary
}

/** A counter or gauge that writers publish. */
export interface LiveCounter {
  /** Its name in `counters` and in stats(). */
  name: string
  /** A counter only grows, from zero at open; a gauge goes up and down. */
  kind: 'counter' | 'gauge'
  /** '' if it has none. */
  unit: string
  /** What it counts, to be read after name and unit. */
  what: string
}

/** When a writer counts as stalled. */
export interface LiveStatusOptions {
  /** The writer counts as stalled after this time, in milliseconds. Default: 5,000. */
  stalledAfterMs?: number
}

/** Every counter and gauge that a writer publishes. */
export function liveCounters(): readonly LiveCounter[] {
  return native().counters
}

/**
 * Reads the page that the writer of `dataDirectory` publishes, or published last. Errors:
 * ERR_PINNACLE_NOT_FOUND if no writer ever did, ERR_PINNACLE_CORRUPT, ERR_PINNACLE_NEWER_VERSION.
 */
export function liveStatus(dataDirectory: string, options: LiveStatusOptions = {}): LiveStatus {
  const directory = checkPath(dataDirectory, 'the data directory')
  const { stalledAfterMs = 5000 } = options
  if (!(stalledAfterMs > 0)) {
    throw new PinnacleTypeError(
      'ERR_PINNACLE_INVALID_ARGUMENT',
      `stalledAfterMs must be a number above 0, not ${shown(stalledAfterMs)}`,
    )
  }
  const page = native().readLiveStatus(directory)
  const nowNs = BigInt(Date.now()) * 1_000_000n
  return {
    ...healthOf(page, nowNs, stalledAfterMs),
    pid: page.pid,
    openedNs: page.openedNs,
    beatNs: page.beatNs,
    appendedFrontier: page.appended,
    writtenFrontier: page.written,
    durableFrontier: page.durable,
    writtenWaitMs: page.writtenWaitNs / 1e6,
    durableWaitMs: page.durableWaitNs / 1e6,
    counters: page.counters,
    appendNs: summarize(page.appendNs),
    syncNs: summarize(page.syncNs),
    syncEntries: summarize(page.syncEntries),
  }
}

function healthOf(
  page: NativeLiveStatus,
  nowNs: bigint,
  stalledAfterMs: number,
): { health: Health; reason: string } {
  if (!page.isOpen) return { health: 'none', reason: 'no process has the directory open' }
  if (page.state === 'failed') return { health: 'failed', reason: page.failed }
  const silentMs = Number(nowNs - page.beatNs) / 1e6
  if (silentMs > stalledAfterMs) {
    return {
      health: 'stalled',
      reason: `process ${String(page.pid)} has not reported for ${seconds(silentMs)}`,
    }
  }
  const waits: [string, number][] = [
    ['written to the segment files', page.writtenWaitNs / 1e6],
    ['made durable', page.durableWaitNs / 1e6],
  ]
  for (const [what, waitMs] of waits) {
    if (waitMs <= stalledAfterMs) continue
    return {
      health: 'stalled',
      reason: `entries wait to be ${what}, and none has been for ${seconds(waitMs)}`,
    }
  }
  return { health: 'alive', reason: '' }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
